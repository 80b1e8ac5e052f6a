#include "elf.hpp"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <stdexcept>

namespace npurt {
namespace {

constexpr uint64_t kMostBytes = 256U << 20;  // of one table; a larger one is damage

class File {
 public:
  explicit File(const std::filesystem::path& path) : in_(path, std::ios::binary | std::ios::ate) {
    if (!in_) throw std::runtime_error("cannot be read");
    size_ = static_cast<uint64_t>(in_.tellg());
  }
  std::string read(uint64_t at, uint64_t bytes, const char* what) {
    if (at > size_ || bytes > size_ - at || bytes > kMostBytes)
      throw std::runtime_error(std::string("is damaged: its ") + what + " lies outside the file");
    std::string data(bytes, '\0');
    in_.seekg(static_cast<std::streamoff>(at));
    if (!in_.read(data.data(), static_cast<std::streamsize>(bytes)))
      throw std::runtime_error(std::string("is damaged: its ") + what + " cannot be read");
    return data;
  }
  uint64_t size() const { return size_; }

 private:
  std::ifstream in_;
  uint64_t size_ = 0;
};

template <typename T>
T at(const std::string& data, size_t i) {
  T t;
  std::memcpy(&t, data.data() + i * sizeof(T), sizeof(T));
  return t;
}

}  // namespace

std::vector<std::string> exported_symbols(const std::filesystem::path& path) {
  File file(path);
  const std::string foreign = "is not a shared library for this machine";
  if (file.size() < sizeof(Elf64_Ehdr)) throw std::runtime_error(foreign);
  const auto head = at<Elf64_Ehdr>(file.read(0, sizeof(Elf64_Ehdr), "header"), 0);
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_type != ET_DYN)
    throw std::runtime_error(foreign);
  if (head.e_shentsize != sizeof(Elf64_Shdr)) throw std::runtime_error("is damaged: its section headers have a wrong size");
  const std::string sections = file.read(head.e_shoff, uint64_t{head.e_shnum} * sizeof(Elf64_Shdr), "section table");

  std::vector<std::string> names;
  for (size_t s = 0; s < head.e_shnum; ++s) {
    const auto table = at<Elf64_Shdr>(sections, s);
    if (table.sh_type != SHT_DYNSYM) continue;
    if (table.sh_link >= head.e_shnum) throw std::runtime_error("is damaged: its symbol table names no string table");
    const auto text = at<Elf64_Shdr>(sections, table.sh_link);
    const std::string symbols = file.read(table.sh_offset, table.sh_size, "symbol table");
    const std::string strings = file.read(text.sh_offset, text.sh_size, "string table");
    for (size_t i = 0; i < symbols.size() / sizeof(Elf64_Sym); ++i) {
      const auto symbol = at<Elf64_Sym>(symbols, i);
      if (symbol.st_shndx == SHN_UNDEF || ELF64_ST_BIND(symbol.st_info) == STB_LOCAL) continue;
      if (symbol.st_name >= strings.size()) throw std::runtime_error("is damaged: a symbol's name lies outside its table");
      const char* name = strings.data() + symbol.st_name;
      names.emplace_back(name, strnlen(name, strings.size() - symbol.st_name));
    }
  }
  return names;
}

}  // namespace npurt
