// A plugin of one stage that does nothing. tests/runtime.cmake builds it with one thing wrong each.
#include <unistd.h>

#include <cstdlib>
#include <npurt/plugin.hpp>

extern "C" int nobody_defines_this();

#ifdef NPURT_INITIALISER
[[maybe_unused]] static const int initialised = (NPURT_INITIALISER, 0);
#endif

struct OneStage {
  static constexpr auto op = NPURT_OP, signature = NPURT_SIGNATURE, device = NPURT_DEVICE;
  static void plan(npurt::Host, npurt::Specs, npurt::Outs) {}
  explicit OneStage(npurt::Host) {}
  void run(npurt::Call&) {}
};

NPURT_PLUGIN(NPURT_NAME, "1.0.0", OneStage)
