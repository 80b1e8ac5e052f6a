// A stage written by hand, without plugin.hpp: this one leaves its functions out.
#include <npurt/abi.h>

extern "C" __attribute__((visibility("default"))) const npurt_plugin npurt_plugin_v1;
static const npurt_stage stage = {
    sizeof(npurt_stage), NPURT_PACKET, "idle", "", "x f32[N] -> y f32[N]", "cpu", nullptr, nullptr, nullptr, nullptr};
static const npurt_stage* const stages[] = {&stage};
const npurt_plugin npurt_plugin_v1 = {sizeof(npurt_plugin), 1, "empty_fields", "1.0.0", stages};
