#include "codegen/object.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/eh_frame.h"
#include "codegen/link_rules.h"

namespace gantry::codegen {
namespace {

constexpr uint64_t kMaxSection = std::numeric_limits<int32_t>::max();

// Sections that are filled, in the order of the file; each is followed by its relocations.
enum SectionKind : uint8_t { kText, kRodata, kRelroData, kData, kEhFrame, kNumSections };

struct SectionForm {
  const char* name;
  const char* relocations_name;
  uint32_t flags;
};
constexpr SectionForm kForms[kNumSections] = {
    {".text", ".rela.text", SHF_ALLOC | SHF_EXECINSTR},
    {".rodata", ".rela.rodata", SHF_ALLOC},
    {".data.rel.ro", ".rela.data.rel.ro", SHF_ALLOC | SHF_WRITE},
    {".data", ".rela.data", SHF_ALLOC | SHF_WRITE},
    {".eh_frame", ".rela.eh_frame", SHF_ALLOC},
};

struct Section {
  std::vector<uint8_t> bytes;
  uint64_t alignment = 1;
  std::vector<Elf64_Rela> relocations;
};

template <typename T>
void AppendStruct(std::vector<uint8_t>& out, const T& value) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

// Names in a row, each found by its offset.
class StringTable {
 public:
  uint32_t Add(absl::string_view name) {
    const size_t at = text_.size();
    text_.append(name.data(), name.size());
    text_.push_back('\0');
    return static_cast<uint32_t>(at);
  }
  absl::Span<const uint8_t> bytes() const {
    return {reinterpret_cast<const uint8_t*>(text_.data()), text_.size()};
  }

 private:
  std::string text_ = std::string(1, '\0');
};

// The file, section by section; section 0 is the empty one that ELF wants.
class FileWriter {
 public:
  FileWriter() : headers_(1), file_(sizeof(Elf64_Ehdr)) {
    std::memset(&headers_[0], 0, sizeof headers_[0]);
  }

  struct Options {
    const char* name;
    uint32_t type;
    uint64_t flags = 0;
    uint64_t alignment = 1;
    uint32_t link = 0;
    uint32_t info = 0;
    uint64_t entry_size = 0;
  };
  // Returns the section's number.
  uint32_t Add(const Options& options, absl::Span<const uint8_t> contents) {
    file_.resize((file_.size() + options.alignment - 1) / options.alignment * options.alignment);
    Elf64_Shdr header;
    std::memset(&header, 0, sizeof header);
    header.sh_name = names_.Add(options.name);
    header.sh_type = options.type;
    header.sh_flags = options.flags;
    header.sh_offset = file_.size();
    header.sh_size = contents.size();
    header.sh_link = options.link;
    header.sh_info = options.info;
    header.sh_addralign = options.alignment;
    header.sh_entsize = options.entry_size;
    headers_.push_back(header);
    file_.insert(file_.end(), contents.begin(), contents.end());
    return static_cast<uint32_t>(headers_.size()) - 1;
  }

  std::vector<uint8_t> Finish(uint16_t machine) && {
    // Its own name must stand in it before its contents are taken.
    StringTable names = names_;
    names.Add(".shstrtab");
    Add({.name = ".shstrtab", .type = SHT_STRTAB}, names.bytes());
    file_.resize((file_.size() + 7) / 8 * 8);
    Elf64_Ehdr elf;
    std::memset(&elf, 0, sizeof elf);
    std::memcpy(elf.e_ident, ELFMAG, SELFMAG);
    elf.e_ident[EI_CLASS] = ELFCLASS64;
    elf.e_ident[EI_DATA] = ELFDATA2LSB;
    elf.e_ident[EI_VERSION] = EV_CURRENT;
    elf.e_type = ET_REL;
    elf.e_machine = machine;
    elf.e_version = EV_CURRENT;
    elf.e_shoff = file_.size();
    elf.e_ehsize = sizeof elf;
    elf.e_shentsize = sizeof(Elf64_Shdr);
    elf.e_shnum = static_cast<uint16_t>(headers_.size());
    elf.e_shstrndx = static_cast<uint16_t>(headers_.size() - 1);
    for (const Elf64_Shdr& header : headers_) AppendStruct(file_, header);
    std::memcpy(file_.data(), &elf, sizeof elf);
    return std::move(file_);
  }

 private:
  std::vector<Elf64_Shdr> headers_;
  StringTable names_;
  std::vector<uint8_t> file_;
};

// Where a symbol lies; no section for an import.
struct Place {
  std::optional<SectionKind> section;
  uint64_t offset = 0;
  uint64_t size = 0;
  bool is_used = false;
  uint32_t symbol = 0;
};

// Everything of a module that a file is made of, as the writer sees it.
class ObjectWriter {
 public:
  explicit ObjectWriter(const LinkRules& rules) : rules_(rules) {}

  // Puts bytes into a section; the offset, or kResourceExhausted.
  absl::StatusOr<uint64_t> Append(SectionKind kind, absl::Span<const uint8_t> bytes,
                                  uint64_t alignment) {
    Section& section = sections_[kind];
    const uint64_t start = (section.bytes.size() + alignment - 1) / alignment * alignment;
    if (start > kMaxSection || bytes.size() > kMaxSection - start) {
      return absl::ResourceExhaustedError(
          absl::StrCat("section ", kForms[kind].name, " takes more than ", kMaxSection, " bytes"));
    }
    section.alignment = std::max(section.alignment, alignment);
    section.bytes.resize(start, kind == kText ? rules_.padding_byte : uint8_t{0});
    section.bytes.insert(section.bytes.end(), bytes.begin(), bytes.end());
    return start;
  }
  Section& section(SectionKind kind) { return sections_[kind]; }

  void Relocate(SectionKind kind, uint64_t offset, uint32_t symbol, uint32_t type, int64_t addend) {
    Elf64_Rela entry;
    std::memset(&entry, 0, sizeof entry);
    entry.r_offset = offset;
    entry.r_info = ELF64_R_INFO(uint64_t{symbol}, type);
    entry.r_addend = addend;
    sections_[kind].relocations.push_back(entry);
  }

  // Local symbols have to come before the others. Returns the symbol's number.
  uint32_t AddSymbol(absl::string_view name, uint8_t binding, uint8_t type,
                     std::optional<SectionKind> section, uint64_t offset, uint64_t size) {
    Elf64_Sym symbol;
    std::memset(&symbol, 0, sizeof symbol);
    symbol.st_name = name.empty() ? 0 : names_.Add(name);
    symbol.st_info = ELF64_ST_INFO(binding, type);
    symbol.st_shndx = section.has_value() ? SectionNumber(*section) : uint16_t{SHN_UNDEF};
    symbol.st_value = offset;
    symbol.st_size = size;
    symbols_.push_back(symbol);
    if (binding == STB_LOCAL) first_global_ = static_cast<uint32_t>(symbols_.size()) + 1;
    return static_cast<uint32_t>(symbols_.size());
  }

  std::vector<uint8_t> Finish() && {
    FileWriter file;
    const uint32_t symbol_table = SectionNumber(kNumSections);
    for (uint8_t i = 0; i < kNumSections; ++i) {
      const SectionForm& form = kForms[i];
      const Section& section = sections_[i];
      const uint32_t number = file.Add({.name = form.name,
                                        .type = SHT_PROGBITS,
                                        .flags = form.flags,
                                        .alignment = section.alignment},
                                       section.bytes);
      CHECK_EQ(number, SectionNumber(static_cast<SectionKind>(i)));
      file.Add({.name = form.relocations_name,
                .type = SHT_RELA,
                .flags = SHF_INFO_LINK,
                .alignment = 8,
                .link = symbol_table,
                .info = number,
                .entry_size = sizeof(Elf64_Rela)},
               {reinterpret_cast<const uint8_t*>(section.relocations.data()),
                section.relocations.size() * sizeof(Elf64_Rela)});
    }
    std::vector<uint8_t> symbols(sizeof(Elf64_Sym));
    for (const Elf64_Sym& symbol : symbols_) AppendStruct(symbols, symbol);
    const uint32_t table = file.Add({.name = ".symtab",
                                     .type = SHT_SYMTAB,
                                     .alignment = 8,
                                     .link = symbol_table + 1,
                                     .info = first_global_,
                                     .entry_size = sizeof(Elf64_Sym)},
                                    symbols);
    CHECK_EQ(table, symbol_table);
    file.Add({.name = ".strtab", .type = SHT_STRTAB}, names_.bytes());
    // The stack need not be executable.
    file.Add({.name = ".note.GNU-stack", .type = SHT_PROGBITS}, {});
    return std::move(file).Finish(rules_.elf_machine);
  }

 private:
  // Each section and its relocations, behind the empty one.
  static uint16_t SectionNumber(uint8_t kind) { return static_cast<uint16_t>(1 + 2 * kind); }

  const LinkRules& rules_;
  Section sections_[kNumSections];
  StringTable names_;
  std::vector<Elf64_Sym> symbols_;
  uint32_t first_global_ = 1;
};

uint8_t BindingOf(Linkage linkage) { return linkage == Linkage::kLocal ? STB_LOCAL : STB_GLOBAL; }

}  // namespace

absl::StatusOr<std::vector<uint8_t>> ObjectModule::Finish() const {
  const LinkRules& rules = isa().link_rules();
  if (rules.elf_machine == 0) {
    return absl::UnimplementedError(
        absl::StrCat("no object files are written for the ISA ", isa().name()));
  }
  try {
    std::vector<std::string> missing;
    ObjectWriter writer(rules);
    std::vector<Place> function_places(functions().size());
    std::vector<Place> data_places(all_data().size());
    const auto place_of = [&](const SymbolId& symbol) -> Place& {
      if (const FuncId* function = std::get_if<FuncId>(&symbol)) {
        return function_places[function->index()];
      }
      return data_places[std::get<DataId>(symbol).index()];
    };

    for (const auto& [id, entry] : functions().entries()) {
      Place& place = place_of(id);
      if (entry.code == nullptr) {
        if (entry.declaration.linkage != Linkage::kImport) {
          missing.push_back(entry.declaration.name);
        }
        continue;
      }
      const uint64_t alignment =
          std::max<uint64_t>(entry.code->alignment, rules.function_alignment);
      ASSIGN_OR_RETURN(place.offset, writer.Append(kText, entry.code->bytes, alignment));
      place.section = kText;
      place.size = entry.code->bytes.size();
      for (const CodeReference& reference : entry.code->references) {
        place_of(reference.target).is_used = true;
      }
    }
    for (const auto& [id, entry] : all_data().entries()) {
      Place& place = place_of(id);
      if (entry.contents == nullptr) {
        if (entry.declaration.linkage != Linkage::kImport) {
          missing.push_back(entry.declaration.name);
        }
        continue;
      }
      const SectionKind kind = entry.declaration.writable           ? kData
                               : entry.contents->references.empty() ? kRodata
                                                                    : kRelroData;
      ASSIGN_OR_RETURN(place.offset,
                       writer.Append(kind, entry.contents->bytes, entry.contents->alignment));
      place.section = kind;
      place.size = entry.contents->bytes.size();
      for (const DataReference& reference : entry.contents->references) {
        place_of(reference.target).is_used = true;
      }
    }
    if (!missing.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat("declared and not defined: ", absl::StrJoin(missing, ", ")));
    }

    const uint32_t text_symbol = writer.AddSymbol("", STB_LOCAL, STT_SECTION, kText, 0, 0);
    for (const bool is_local : {true, false}) {
      for (const auto& [id, entry] : functions().entries()) {
        Place& place = place_of(id);
        if ((entry.declaration.linkage == Linkage::kLocal) != is_local) continue;
        if (!place.section.has_value() && !place.is_used) continue;
        place.symbol =
            writer.AddSymbol(entry.declaration.name, BindingOf(entry.declaration.linkage),
                             place.section.has_value() ? STT_FUNC : STT_NOTYPE, place.section,
                             place.offset, place.size);
      }
      for (const auto& [id, entry] : all_data().entries()) {
        Place& place = place_of(id);
        if ((entry.declaration.linkage == Linkage::kLocal) != is_local) continue;
        if (!place.section.has_value() && !place.is_used) continue;
        place.symbol =
            writer.AddSymbol(entry.declaration.name, BindingOf(entry.declaration.linkage),
                             place.section.has_value() ? STT_OBJECT : STT_NOTYPE, place.section,
                             place.offset, place.size);
      }
    }

    for (const auto& [id, entry] : functions().entries()) {
      if (entry.code == nullptr) continue;
      for (const CodeReference& reference : entry.code->references) {
        const LinkRule* rule = rules.find(reference.kind);
        CHECK(rule != nullptr) << "relocation kind " << int{reference.kind};
        const bool is_function = std::holds_alternative<FuncId>(reference.target);
        writer.Relocate(kText, place_of(id).offset + reference.offset,
                        place_of(reference.target).symbol,
                        is_function ? rule->elf_function_type : rule->elf_type, reference.addend);
      }
    }
    for (const auto& [id, entry] : all_data().entries()) {
      if (entry.contents == nullptr) continue;
      for (const DataReference& reference : entry.contents->references) {
        writer.Relocate(*place_of(id).section, place_of(id).offset + reference.offset,
                        place_of(reference.target).symbol, rules.elf_address_type,
                        reference.addend);
      }
    }

    if (isa().shared_flags().unwind_info()) {
      Section& section = writer.section(kEhFrame);
      section.alignment = 8;
      EhFrameWriter frames(isa().unwind_format(), /*is_wide=*/false, &section.bytes);
      for (const auto& [id, entry] : functions().entries()) {
        if (entry.code == nullptr) continue;
        const size_t field = frames.AddFunction(entry.code->bytes.size(), entry.code->unwind);
        writer.Relocate(kEhFrame, field, text_symbol, rules.elf_distance_type,
                        static_cast<int64_t>(place_of(id).offset));
      }
      // The linker puts the sections of all files together, and ends them.
    }
    return std::move(writer).Finish();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while writing an object file");
  }
}

}  // namespace gantry::codegen
