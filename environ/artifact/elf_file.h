// ElfWriter and ElfView: the small part of ELF64 that an artifact is made of. Sections with
// contents, symbols on code, and two loadable segments, so that readelf, objdump and gdb
// understand the file and a loader can map it.
//
//   ElfWriter writer(EM_X86_64);
//   const int text = writer.AddSection({.name = ".text", .flags = SHF_ALLOC | SHF_EXECINSTR,
//                                       .alignment = 4096}, code);
//   writer.AddFunctionSymbol("wasm[0]::function[0]", text, 0, 32);
//   std::vector<uint8_t> file = std::move(writer).Finish();
//
//   ASSIGN_OR_RETURN(ElfView view, ElfView::Parse(file));
//   ASSIGN_OR_RETURN(absl::Span<const uint8_t> code, view.Section(".text"));
//
// A section's address is its offset in the file. Parse trusts nothing: every offset, size
// and name is checked against the file before it is used.
//
// Source: System V ABI, generic, chapter 4 (object files).
#ifndef GANTRY_ENVIRON_ARTIFACT_ELF_FILE_H_
#define GANTRY_ENVIRON_ARTIFACT_ELF_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gantry::environ {

class ElfWriter {
 public:
  struct SectionOptions {
    std::string name;
    // SHF_ALLOC, SHF_EXECINSTR.
    uint64_t flags = 0;
    uint64_t alignment = 8;
  };

  // `machine` is one of the EM_ constants of <elf.h>.
  explicit ElfWriter(uint16_t machine) : machine_(machine) {}

  // Appends a section; `contents` must live until Finish. Returns its number.
  int AddSection(SectionOptions options, absl::Span<const uint8_t> contents);
  // Names the code [offset, offset + size) of a section.
  void AddFunctionSymbol(absl::string_view name, int section, uint64_t offset, uint64_t size);

  std::vector<uint8_t> Finish() &&;

 private:
  struct Section {
    SectionOptions options;
    absl::Span<const uint8_t> contents;
  };
  struct Symbol {
    uint32_t name;
    int section;
    uint64_t offset;
    uint64_t size;
  };

  // At least what Finish returns.
  size_t MaxSize() const;

  uint16_t machine_;
  std::vector<Section> sections_;
  std::vector<Symbol> symbols_;
  std::string symbol_names_ = std::string(1, '\0');
};

class ElfView {
 public:
  // The sections of a file written by ElfWriter. kInvalidArgument where it is not one, or
  // where something in it does not lie within it. `file` must outlive the view.
  static absl::StatusOr<ElfView> Parse(absl::Span<const uint8_t> file);

  uint16_t machine() const { return machine_; }
  // kInvalidArgument, naming it, if the file has no such section.
  absl::StatusOr<absl::Span<const uint8_t>> Section(absl::string_view name) const;
  // Offset of a section in the file; the section must be one that Section returned.
  size_t OffsetOf(absl::Span<const uint8_t> section) const { return section.data() - file_.data(); }
  // Everything by which sections are found: the file's header with what follows up to the first
  // section, the names of sections, their headers.
  struct Headers {
    absl::Span<const uint8_t> start, names, sections;
  };
  const Headers& headers() const { return headers_; }

 private:
  struct NamedSection {
    absl::string_view name;
    absl::Span<const uint8_t> contents;
  };

  absl::Span<const uint8_t> file_;
  uint16_t machine_ = 0;
  Headers headers_;
  std::vector<NamedSection> sections_;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_ARTIFACT_ELF_FILE_H_
