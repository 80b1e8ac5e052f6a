#include "xclbin.hpp"

#include <cstdio>

#include "bytes.hpp"
#include "designs.hpp"
#include "pdi.hpp"

namespace npurt_npu {
namespace {

constexpr char kMagic[] = "xclbin2", kMark[] = "npurt virtual NPU";
constexpr size_t kHeader = 0x130, kSectionHeaders = 0x1C8, kSectionHeader = 40, kMostSections = 10000;
constexpr size_t kPlatformName = kHeader + 48, kUuid = kPlatformName + 64;
constexpr uint64_t kKernel = 0x901;
constexpr int32_t kInstructions = 1, kFirstData = 3, kHost = 0, kSram = 1;  // arguments and memories

// As xclbinutil lays it out.
std::string metadata() {
  std::string x =
      R"(<?xml version="1.0" encoding="utf-8"?>
<project>
  <platform>
    <device>
      <core>
        <kernel name="MLIR_AIE" language="c" type="dpu">
          <extended-data subtype="1" functional="0" dpu_kernel_id="0x901"/>
)";
  int id = 0;
  auto argument = [&](const std::string& name, bool buffer, int bytes, int offset, const char* type) {
    char line[200];
    std::snprintf(line, sizeof line,
                  "          <arg name=\"%s\" addressQualifier=\"%d\" id=\"%d\" size=\"0x%x\" offset=\"0x%02x\" "
                  "hostOffset=\"0x0\" hostSize=\"0x%x\" type=\"%s\"/>\n",
                  name.c_str(), buffer, id++, bytes, offset, bytes, type);
    x += line;
  };
  argument("opcode", false, 8, 0x00, "uint64_t");
  argument("instr", true, 8, 0x08, "char *");
  argument("ninstr", false, 4, 0x10, "uint32_t");
  for (unsigned i = 0; i < kDataBuffers; ++i)
    argument("bo" + std::to_string(i), true, 8, static_cast<int>(0x14 + 8 * i), "void*");
  return x + R"(          <instance name="MLIRAIE"/>
        </kernel>
      </core>
    </device>
  </platform>
</project>
)";
}

Bytes memories() {
  Bytes b;
  b.put(int32_t{2}).put(int32_t{0});
  for (const auto& [name, kilobytes] : {std::pair{"HOST", 0x10000}, {"SRAM", 0xC000}})
    b.put(uint8_t{2}).put(uint8_t{1}).fill(6).put(static_cast<uint64_t>(kilobytes)).put(uint64_t{0x4000000}).text(name, 16);
  return b;
}

Bytes connections() {
  Bytes b;
  b.put(static_cast<int32_t>(1 + kDataBuffers)).put(kInstructions).put(int32_t{0}).put(kSram);
  for (unsigned i = 0; i < kDataBuffers; ++i) b.put(static_cast<int32_t>(kFirstData + i)).put(int32_t{0}).put(kHost);
  return b;
}

Bytes units() {
  Bytes b;
  b.put(int32_t{1}).put(int32_t{0});
  const uint32_t properties = 1 | 0 << 4 | static_cast<uint32_t>(kKernel) << 16;  // a DPU, functional 0
  b.put(uint32_t{7}).put(properties).put(~uint64_t{0}).text("MLIR_AIE:MLIRAIE", 64);
  return b;
}

// Offsets inside of the section come after the structures of fixed size: aie_partition (184 bytes), aie_pdi and cdo_group (96).
Bytes partition(const Generation& g, const std::vector<std::byte>& pdi) {
  constexpr size_t kFixed = 184, kPdi = 96, kGroup = 96, kInfo = 32, kPdis = 120;
  Bytes b;
  b.fill(kFixed);
  auto place = [&](auto&& write) {
    b.align(8);
    const auto at = static_cast<uint32_t>(b.size());
    write();
    return at;
  };
  const uint32_t name = place([&] { b.text("", 4); });
  const uint32_t columns = place([&] { b.put(uint16_t{1}); });
  const uint32_t pdis = place([&] { b.fill(kPdi); });
  const uint32_t image = place([&] { b.append(pdi); });
  const uint32_t group = place([&] { b.fill(kGroup); });
  const uint32_t group_name = place([&] { b.text("DPU", 4); });
  const uint32_t kernels = place([&] { b.put(kKernel); });
  const uint32_t before = place([&] { b.put(uint64_t{0xC1}); });
  b.align(8);
  b.set(4, name);
  b.set(8, uint32_t{2048});    // operations per cycle
  b.set(16, uint64_t{23423});  // fingerprints, as mlir-aie gives them
  b.set(24, uint64_t{12345});
  b.set(kInfo, static_cast<uint16_t>(g.columns));
  b.set(kInfo + 8, uint32_t{1}), b.set(kInfo + 12, columns);
  b.set(kPdis, uint32_t{1}), b.set(kPdis + 4, pdis);
  b.set(pdis + 16, static_cast<uint32_t>(pdi.size())), b.set(pdis + 20, image);
  b.set(pdis + 24, uint32_t{1}), b.set(pdis + 28, group);
  b.set(group, group_name), b.set(group + 4, uint8_t{1});  // primary
  b.set(group + 8, uint64_t{1});                           // PDI 1
  b.set(group + 16, uint32_t{1}), b.set(group + 20, kernels);
  b.set(group + 24, uint32_t{1}), b.set(group + 28, before);
  return b;
}

// FNV-1a of 64 bits.
uint64_t hash(std::span<const std::byte> bytes, uint64_t h) {
  for (std::byte x : bytes) h = (h ^ static_cast<uint8_t>(x)) * 0x100000001B3;
  return h;
}

}  // namespace

std::vector<std::byte> xclbin_of(const Generation& g, const Design& design) {
  const std::string xml = metadata();
  std::map<uint32_t, std::vector<std::byte>> sections;
  sections[kMetadata] = Bytes().text(xml, xml.size()).all();
  sections[kMemories] = memories().all();
  sections[kConnections] = connections().all();
  sections[kUnits] = units().all();
  sections[kPartition] = partition(g, pdi_of(design)).all();

  Bytes body, table;
  const size_t first = kSectionHeaders + kSectionHeader * sections.size();
  uint64_t low = 0xCBF29CE484222325, high = 0x9AE16A3B2F90404F;
  for (const auto& [kind, bytes] : sections) {
    body.align(8);
    table.put(kind).fill(20).put(static_cast<uint64_t>(first + body.size())).put(static_cast<uint64_t>(bytes.size()));
    body.append(bytes);
    low = hash(bytes, low), high = hash(bytes, high);
  }
  Bytes file;
  file.text(kMagic, 8).put(int32_t{-1}).fill(28, 0xFF).fill(256).put(low);
  file.put(static_cast<uint64_t>(first + body.size())).fill(16).put(uint32_t{2 << 16}).put(uint32_t{0}).fill(16);
  file.text(kMark, 64).put(low).put(high).fill(16).put(static_cast<uint32_t>(sections.size())).put(uint32_t{0});
  return file.append(table.all()).append(body.all()).all();
}

Xclbin read_xclbin(std::span<const std::byte> file) {
  if (std::memcmp(part_of(file, 0, 8, "the header").data(), kMagic, 8) != 0) throw LimitError("it does not begin with xclbin2");
  const auto length = number_at<uint64_t>(file, kHeader, "the header");
  if (length != file.size())
    throw LimitError("the header counts " + std::to_string(length) + " bytes; there are " + std::to_string(file.size()));
  const auto count = number_at<uint32_t>(file, kHeader + 144, "the header");
  if (count > kMostSections)
    throw LimitError("there are " + std::to_string(count) + " sections; at most " + std::to_string(kMostSections));
  Xclbin x;
  const auto mark = part_of(file, kPlatformName, 64, "the header");
  x.is_virtual = std::memcmp(mark.data(), kMark, sizeof kMark) == 0;
  const auto table = part_of(file, kSectionHeaders, kSectionHeader * count, "the table of sections");
  for (uint32_t i = 0; i < count; ++i) {
    const auto entry = table.subspan(kSectionHeader * i, kSectionHeader);
    const auto at = number_at<uint64_t>(entry, 24, "a section"), size = number_at<uint64_t>(entry, 32, "a section");
    x.sections.try_emplace(number_at<uint32_t>(entry, 0, "a section"), part_of(file, at, size, "a section"));
  }
  for (const auto& [kind, name] : {std::pair{kMetadata, "EMBEDDED_METADATA"},
                                   {kMemories, "MEM_TOPOLOGY"},
                                   {kConnections, "CONNECTIVITY"},
                                   {kUnits, "IP_LAYOUT"},
                                   {kPartition, "AIE_PARTITION"}})
    if (!x.sections.contains(kind)) throw LimitError(std::string("section ") + name + " is missing");
  const auto p = x.sections[kPartition];
  part_of(p, 0, 184, "AIE_PARTITION");
  if (number_at<uint32_t>(p, 120, "AIE_PARTITION") == 0) throw LimitError("AIE_PARTITION has no PDI");
  const auto pdi = part_of(p, number_at<uint32_t>(p, 124, "AIE_PARTITION"), 96, "the PDI's entry");
  x.pdi = part_of(p, number_at<uint32_t>(pdi, 20, "PDI"), number_at<uint32_t>(pdi, 16, "PDI"), "the PDI");
  return x;
}

}  // namespace npurt_npu
