// Speaks an ABI that this npurt does not know. Its initialiser must never run.
#include <cstdlib>

[[maybe_unused]] static const int ran = (std::abort(), 0);
extern "C" __attribute__((visibility("default"))) const int npurt_plugin_v2;
const int npurt_plugin_v2 = 2;
