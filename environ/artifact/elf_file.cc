#include "environ/artifact/elf_file.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace gantry::environ {
namespace {

// More than an artifact ever has; a bound for hostile ones.
constexpr size_t kMaxSections = 256;

uint64_t AlignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

template <typename T>
void AppendStruct(std::vector<uint8_t>& out, const T& value) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

template <typename T>
bool ReadStruct(absl::Span<const uint8_t> file, uint64_t offset, T& value) {
  if (offset > file.size() || file.size() - offset < sizeof value) return false;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return true;
}

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("not a usable artifact: ", what));
}

}  // namespace

int ElfWriter::AddSection(SectionOptions options, absl::Span<const uint8_t> contents) {
  sections_.push_back({std::move(options), contents});
  return static_cast<int>(sections_.size()) - 1;
}

void ElfWriter::AddFunctionSymbol(absl::string_view name, int section, uint64_t offset,
                                  uint64_t size) {
  symbols_.push_back({static_cast<uint32_t>(symbol_names_.size()), section, offset, size});
  symbol_names_.append(name.data(), name.size());
  symbol_names_.push_back('\0');
}

size_t ElfWriter::MaxSize() const {
  size_t size =
      sizeof(Elf64_Ehdr) + symbol_names_.size() + (symbols_.size() + 1) * sizeof(Elf64_Sym);
  // The empty section, those added, and symbols, their names and the sections' names.
  const size_t kBesides = 64 + 4 * (sizeof(Elf64_Shdr) + 16);
  for (const Section& section : sections_) {
    size += section.contents.size() + section.options.alignment + section.options.name.size() + 1 +
            sizeof(Elf64_Phdr) + sizeof(Elf64_Shdr);
  }
  return size + kBesides;
}

std::vector<uint8_t> ElfWriter::Finish() && {
  // File order: header, program headers, sections in the order added, symbols, names, section
  // headers. Section 0 is the empty one that ELF wants.
  std::vector<Elf64_Shdr> headers(1);
  std::memset(&headers[0], 0, sizeof headers[0]);
  std::string section_names(1, '\0');
  std::vector<Elf64_Phdr> segments;

  size_t segment_count = 0;
  for (const Section& section : sections_)
    segment_count += (section.options.flags & SHF_ALLOC) != 0;
  std::vector<uint8_t> file;
  // At once: files are large, and growing by steps would take several times their size.
  file.reserve(MaxSize());
  file.resize(sizeof(Elf64_Ehdr) + segment_count * sizeof(Elf64_Phdr));

  const auto begin_section = [&](absl::string_view name, uint32_t type, uint64_t flags,
                                 uint64_t alignment, uint64_t size) -> Elf64_Shdr& {
    file.resize(AlignUp(file.size(), alignment));
    Elf64_Shdr header;
    std::memset(&header, 0, sizeof header);
    header.sh_name = static_cast<uint32_t>(section_names.size());
    section_names.append(name.data(), name.size());
    section_names.push_back('\0');
    header.sh_type = type;
    header.sh_flags = flags;
    header.sh_addr = (flags & SHF_ALLOC) != 0 ? file.size() : 0;
    header.sh_offset = file.size();
    header.sh_size = size;
    header.sh_addralign = alignment;
    headers.push_back(header);
    return headers.back();
  };

  for (const Section& section : sections_) {
    const Elf64_Shdr header =
        begin_section(section.options.name, SHT_PROGBITS, section.options.flags,
                      section.options.alignment, section.contents.size());
    file.insert(file.end(), section.contents.begin(), section.contents.end());
    if ((header.sh_flags & SHF_ALLOC) == 0) continue;
    Elf64_Phdr segment;
    std::memset(&segment, 0, sizeof segment);
    segment.p_type = PT_LOAD;
    segment.p_flags = PF_R | ((header.sh_flags & SHF_EXECINSTR) != 0 ? PF_X : 0);
    segment.p_offset = segment.p_vaddr = segment.p_paddr = header.sh_offset;
    segment.p_filesz = segment.p_memsz = header.sh_size;
    segment.p_align = header.sh_addralign;
    segments.push_back(segment);
  }

  begin_section(".strtab", SHT_STRTAB, 0, 1, symbol_names_.size());
  const uint32_t names_section = static_cast<uint32_t>(headers.size()) - 1;
  file.insert(file.end(), symbol_names_.begin(), symbol_names_.end());

  Elf64_Shdr& symbols =
      begin_section(".symtab", SHT_SYMTAB, 0, 8, (symbols_.size() + 1) * sizeof(Elf64_Sym));
  symbols.sh_link = names_section;
  symbols.sh_info = 1;  // Number of local symbols: the empty one.
  symbols.sh_entsize = sizeof(Elf64_Sym);
  Elf64_Sym symbol;
  std::memset(&symbol, 0, sizeof symbol);
  AppendStruct(file, symbol);
  for (const Symbol& s : symbols_) {
    symbol.st_name = s.name;
    symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    symbol.st_shndx = static_cast<uint16_t>(s.section + 1);
    symbol.st_value = headers[s.section + 1].sh_addr + s.offset;
    symbol.st_size = s.size;
    AppendStruct(file, symbol);
  }

  // The section's own name comes into it before its size is known.
  const size_t own_name = section_names.size();
  begin_section(".shstrtab", SHT_STRTAB, 0, 1, 0).sh_size = 0;
  CHECK(section_names.size() > own_name);
  headers.back().sh_size = section_names.size();
  file.insert(file.end(), section_names.begin(), section_names.end());

  file.resize(AlignUp(file.size(), 8));
  Elf64_Ehdr elf;
  std::memset(&elf, 0, sizeof elf);
  std::memcpy(elf.e_ident, ELFMAG, SELFMAG);
  elf.e_ident[EI_CLASS] = ELFCLASS64;
  elf.e_ident[EI_DATA] = ELFDATA2LSB;
  elf.e_ident[EI_VERSION] = EV_CURRENT;
  elf.e_type = ET_DYN;
  elf.e_machine = machine_;
  elf.e_version = EV_CURRENT;
  elf.e_phoff = segments.empty() ? 0 : sizeof elf;
  elf.e_shoff = file.size();
  elf.e_ehsize = sizeof elf;
  elf.e_phentsize = sizeof(Elf64_Phdr);
  elf.e_phnum = static_cast<uint16_t>(segments.size());
  elf.e_shentsize = sizeof(Elf64_Shdr);
  elf.e_shnum = static_cast<uint16_t>(headers.size());
  elf.e_shstrndx = static_cast<uint16_t>(headers.size() - 1);
  for (const Elf64_Shdr& header : headers) AppendStruct(file, header);
  std::memcpy(file.data(), &elf, sizeof elf);
  if (!segments.empty()) {
    std::memcpy(file.data() + sizeof elf, segments.data(), segments.size() * sizeof segments[0]);
  }
  return file;
}

absl::StatusOr<ElfView> ElfView::Parse(absl::Span<const uint8_t> file) {
  Elf64_Ehdr elf;
  if (!ReadStruct(file, 0, elf) || std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0) {
    return Malformed("it does not begin with an ELF header");
  }
  if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != ELFDATA2LSB) {
    return Malformed("it is not a 64-bit little-endian ELF file");
  }
  if (elf.e_shentsize != sizeof(Elf64_Shdr) || elf.e_shnum > kMaxSections ||
      elf.e_shstrndx >= elf.e_shnum) {
    return Malformed("its section headers are not as Gantry writes them");
  }
  std::vector<Elf64_Shdr> headers(elf.e_shnum);
  for (size_t i = 0; i < headers.size(); ++i) {
    const uint64_t offset = elf.e_shoff + i * sizeof(Elf64_Shdr);
    if (elf.e_shoff > file.size() || !ReadStruct(file, offset, headers[i])) {
      return Malformed("its section headers reach past the end of the file");
    }
    if (headers[i].sh_offset > file.size() ||
        file.size() - headers[i].sh_offset < headers[i].sh_size) {
      return Malformed(absl::StrCat("section ", i, " reaches past the end of the file"));
    }
  }
  const auto contents = [&](const Elf64_Shdr& header) {
    return file.subspan(header.sh_offset, header.sh_size);
  };
  const absl::Span<const uint8_t> names = contents(headers[elf.e_shstrndx]);
  ElfView view;
  view.file_ = file;
  view.machine_ = elf.e_machine;
  size_t first = file.size();
  for (size_t i = 1; i < headers.size(); ++i) first = std::min(first, headers[i].sh_offset);
  view.headers_ = {file.first(first), names,
                   file.subspan(elf.e_shoff, headers.size() * sizeof(Elf64_Shdr))};
  for (const Elf64_Shdr& header : headers) {
    if (header.sh_name >= names.size()) return Malformed("a section's name lies outside the names");
    const char* name = reinterpret_cast<const char*>(names.data()) + header.sh_name;
    const size_t limit = names.size() - header.sh_name;
    const size_t length = strnlen(name, limit);
    if (length == limit) return Malformed("a section's name has no end");
    view.sections_.push_back({absl::string_view(name, length), contents(header)});
  }
  return view;
}

absl::StatusOr<absl::Span<const uint8_t>> ElfView::Section(absl::string_view name) const {
  for (const NamedSection& section : sections_) {
    if (section.name == name) return section.contents;
  }
  return Malformed(absl::StrCat("it has no section ", name));
}

}  // namespace gantry::environ
