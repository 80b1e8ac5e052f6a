// The child process of an isolated stage; descriptors 3 and 4 come from Isolated.
#include "../src/isolated.hpp"

int main() { return npurt::serve_isolated(3, 4); }
