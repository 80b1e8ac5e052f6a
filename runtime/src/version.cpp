#include <npurt/runtime.hpp>

namespace npurt {

const char* version() { return NPURT_VERSION; }

}  // namespace npurt
