#include <sys/resource.h>
#include <unistd.h>

#include "finding.hpp"

namespace npurt::cli {

namespace fs = std::filesystem;

namespace {

constexpr rlim_t kHeap = 64U << 20;  // what the driver's user side locks when it opens the device

// PCI device id -> name.
std::string npu_name(const std::string& vendor, const std::string& device) {
  if (vendor != "0x1022") return "";
  if (device == "0x1502") return "NPU1 (XDNA, Phoenix or Hawk Point)";
  if (device == "0x17f0") return "NPU4 to 6 (XDNA 2: Strix, Strix Halo or Krackan)";
  return "";
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code none;
  for (const auto& e : fs::directory_iterator(folder, none)) out.push_back(e.path());
  return out;
}

void driver(Findings& all, const fs::path& root, const fs::path& device) {
  std::error_code none;
  const fs::path module = root / "sys/module/amdxdna";
  if (!fs::exists(module, none)) {
    all.push_back({Finding::problem, "npu driver", "the kernel has not loaded amdxdna",
                   "sudo modprobe amdxdna; it needs Linux 6.14 or later, or AMD's xdna-driver package"});
    return;
  }
  const std::string version = line_of(module / "version");
  all.push_back({Finding::ok, "npu driver", "amdxdna " + (version.empty() ? std::string("of the kernel") : version), ""});
  const std::string firmware = line_of(device / "fw_version");
  all.push_back({firmware.empty() ? Finding::problem : Finding::ok, "npu firmware", firmware.empty() ? "not loaded" : firmware,
                 firmware.empty() ? "put the folder amdnpu of linux-firmware into /lib/firmware, then restart" : ""});
  const std::vector<fs::path> nodes = entries(root / "dev/accel");
  if (nodes.empty())
    all.push_back({Finding::problem, "npu device", "there is no /dev/accel/accel0",
                   "sudo dmesg | grep amdxdna says why the driver gave up"});
  else if (access(nodes[0].c_str(), R_OK | W_OK) != 0)
    all.push_back({Finding::problem, "npu device", "/dev/accel/" + nodes[0].filename().string() + " is not yours",
                   "sudo usermod -aG render $USER, then log in again"});
  else all.push_back({Finding::ok, "npu device", "/dev/accel/" + nodes[0].filename().string(), ""});
  rlimit lock{};
  getrlimit(RLIMIT_MEMLOCK, &lock);
  if (lock.rlim_cur < kHeap)
    all.push_back({Finding::problem, "npu memory",
                   "only " + std::to_string(lock.rlim_cur >> 10) + " KiB may be locked; the device wants 64 MiB",
                   "add '* - memlock unlimited' to /etc/security/limits.conf, then log in again"});
}

void xrt(Findings& all, const fs::path& root, bool needed) {
  std::error_code none;
  for (const char* folder : {"usr/lib/x86_64-linux-gnu", "usr/lib", "usr/local/lib", "opt/xilinx/xrt/lib"})
    for (const char* name : {"libxrt_coreutil.so.2", "libxrt_coreutil.so"})
      if (const fs::path file = root / folder / name; fs::exists(file, none)) {
        all.push_back({Finding::ok, "xrt", fs::canonical(file, none).filename().string(), ""});
        return;
      }
  all.push_back(
      {needed ? Finding::problem : Finding::note, "xrt", "not installed",
       needed ? "on Debian 13: sudo apt install -t trixie-backports libxrt-dev libxrt-npu2; then build npurt again" : ""});
}

}  // namespace

void look_at_npu(Findings& all, const fs::path& root) {
  for (const fs::path& device : entries(root / "sys/bus/pci/devices")) {
    const std::string name = npu_name(line_of(device / "vendor"), line_of(device / "device"));
    if (name.empty()) continue;
    all.push_back({Finding::ok, "npu", name + " at PCI " + device.filename().string(), ""});
    driver(all, root, device);
    return xrt(all, root, true);
  }
  all.push_back({Finding::note, "npu", "none: no PCI device 1022:1502 or 1022:17f0",
                 "on a Ryzen AI machine, enable the NPU (IPU) in the firmware setup; elsewhere --npu virtual models one"});
  xrt(all, root, false);
}

}  // namespace npurt::cli
