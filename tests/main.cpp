#include <cstdlib>

// Tests that load plugins by themselves wait as runtime/src/library.cpp has them wait.
[[maybe_unused]] static const int politely = setenv("GOMP_SPINCOUNT", "1000", 0);

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
