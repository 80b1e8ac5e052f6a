// What `npurt doctor` says of machines that are not here, and what a bundle leaves out.
#include "../tools/npurt/doctor/finding.hpp"
#include "catch.hpp"
#include "toys.hpp"

using namespace npurt;
using namespace npurt::cli;
using npurt_test::Folder;

namespace {

struct Machine {
  Folder root;
  void file(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((root.path() / name).parent_path());
    root.write(name, text);
  }
  void npu(const std::string& device) const {
    file("sys/bus/pci/devices/0000:c4:00.1/vendor", "0x1022\n");
    file("sys/bus/pci/devices/0000:c4:00.1/device", device + "\n");
  }
  Findings look() const {
    Findings all;
    look_at_npu(all, root.path());
    return all;
  }
};

Finding of(const Findings& all, const std::string& area) {
  for (const Finding& f : all)
    if (f.area == area) return f;
  return {Finding::ok, "", "", ""};
}

}  // namespace

TEST_CASE("a machine without an NPU has no problem") {
  Machine m;
  m.file("sys/bus/pci/devices/0000:00:02.0/vendor", "0x1022\n");
  m.file("sys/bus/pci/devices/0000:00:02.0/device", "0x1681\n");
  const Findings all = m.look();
  CHECK(of(all, "npu").state == Finding::note);
  CHECK(of(all, "xrt").state == Finding::note);
  CHECK(of(all, "xrt").fix.empty());
}

TEST_CASE("each missing part of an NPU's software is named, with what mends it") {
  Machine m;
  m.npu("0x1502");
  Findings all = m.look();
  CHECK(of(all, "npu").text == "NPU1 (XDNA, Phoenix or Hawk Point) at PCI 0000:c4:00.1");
  CHECK(of(all, "npu driver").state == Finding::problem);
  CHECK(of(all, "npu driver").fix.starts_with("sudo modprobe amdxdna"));
  CHECK(of(all, "xrt").state == Finding::problem);
  CHECK(of(all, "xrt").fix.find("libxrt-npu2") != std::string::npos);

  m.file("sys/module/amdxdna/version", "2.21.0\n");
  all = m.look();
  CHECK(of(all, "npu driver").text == "amdxdna 2.21.0");
  CHECK(of(all, "npu firmware").state == Finding::problem);
  CHECK(of(all, "npu device").text == "there is no /dev/accel/accel0");

  m.file("sys/bus/pci/devices/0000:c4:00.1/fw_version", "1.5.5.391\n");
  m.file("dev/accel/accel0", "");
  m.file("usr/lib/x86_64-linux-gnu/libxrt_coreutil.so.2", "");
  all = m.look();
  CHECK(of(all, "npu firmware").text == "1.5.5.391");
  CHECK(of(all, "npu device").text == "/dev/accel/accel0");
  CHECK(of(all, "xrt").state == Finding::ok);
  for (const Finding& f : all) CHECK((f.state != Finding::problem || f.area == "npu memory"));
}

TEST_CASE("a processor is told by what npurt chooses code by") {
  Machine m;
  m.file("proc/cpuinfo", "processor : 0\nmodel name\t: Toy CPU\nflags\t\t: fpu avx2 avx512_vnni sse2\n");
  m.file("etc/os-release", "NAME=Toy\nPRETTY_NAME=\"Toy OS 1\"\n");
  Findings all;
  look_at_machine(all, m.root.path());
  CHECK(of(all, "cpu").text.starts_with("Toy CPU, "));
  CHECK(of(all, "cpu").text.ends_with("threads: avx2 avx512_vnni"));
  CHECK(of(all, "cpu").state == Finding::ok);
  CHECK(of(all, "system").text.starts_with("Toy OS 1, Linux "));
}

TEST_CASE("a bundle has no names in it") {
  CHECK(without_names("/home/ann/x of ann on box7; annex, box77", "/home/ann", "ann", "box7") ==
        "~/x of USER on HOST; annex, box77");
  CHECK(without_names("nothing to hide", "", "", "") == "nothing to hide");
}
