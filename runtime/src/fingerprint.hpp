// Short names for things that may change between two runs: a plugin's library, a device with its driver.
#pragma once

#include <filesystem>
#include <string>

namespace npurt {

// 16 hex digits of `text`: FNV-1a over 64-bit words, then a mix. For telling changes apart, not against forgers.
std::string fingerprint(const std::string& text);

// Of a plugin's library and of the other libraries that lie beside it, which it may be linked with. Read once per process.
const std::string& library_fingerprint(const std::filesystem::path& file);

// "cpu, Intel(R) Xeon(R) …, 2 threads"; for accelerators what the kernel tells of them, with driver and firmware.
std::string device_name(const std::string& lane, int threads, const std::filesystem::path& root = "/");

}  // namespace npurt
