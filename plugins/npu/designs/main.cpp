// npurt-npu-designs FOLDER: writes NAME.xclbin for every design, for the virtual NPU behind XRT (tools/vnpu), NAME.pdi, the
// design as it lies in there, and NAME.insts, the instruction streams of small launches. Hardware refuses the designs: the cores'
// machine code is not in them.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "../attention/design.hpp"
#include "../designs.hpp"
#include "../device.hpp"
#include "../gemm.hpp"
#include "../layer/design.hpp"
#include "../pdi.hpp"
#include "../xclbin.hpp"

namespace {

std::vector<std::byte> bytes_of(const std::vector<uint32_t>& words) {
  const auto* p = reinterpret_cast<const std::byte*>(words.data());
  return {p, p + 4 * words.size()};
}

void write(const std::filesystem::path& file, const std::vector<std::byte>& bytes) {
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: npurt-npu-designs FOLDER\n");
    return 2;
  }
  try {
    const std::filesystem::path folder = argv[1];
    std::filesystem::create_directories(folder);
    const npurt_npu::Generation& g = npurt_npu::generation("npu1");
    for (const npurt_npu::GemmTile* t : {&npurt_npu::gemm_i8(), &npurt_npu::gemm_bf16()})
      write(folder / (std::string("gemm_") + t->kernel + ".insts"),
            bytes_of(npurt_npu::gemm_instructions(g, *t, npurt_npu::padded(g, *t, {1, 1, 1}))));
    write(folder / "attention_bf16.insts", bytes_of(npurt_npu::attention_instructions(g, {1, 4})));
    const npurt_npu::LayerShape layer{4, 128, 2};
    const npurt_npu::LayerPlaces at(layer);
    write(folder / "encoder_layer_bf16_norm.insts", bytes_of(npurt_npu::norm_launch(g, layer, at.x, at.n).stream));
    write(folder / "encoder_layer_bf16_product.insts",
          bytes_of(npurt_npu::product_launch(g, layer, npurt_npu::layer_products(layer)[0]).stream));
    write(folder / "encoder_layer_bf16_attend.insts", bytes_of(npurt_npu::attend_launch(g, layer, at.qkv, at.y).stream));
    for (const npurt_npu::Design& d : npurt_npu::all_designs(g)) {
      write(folder / (d.name + ".pdi"), npurt_npu::pdi_of(d));
      write(folder / (d.name + ".xclbin"), npurt_npu::xclbin_of(g, d));
      std::printf("%s\n", (folder / (d.name + ".xclbin")).c_str());
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "error: %s\n", e.what());
    return 1;
  }
}
