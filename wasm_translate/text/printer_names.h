// What the printer calls things: identifiers made from the name section, numbers for the
// rest.
//
//   PrinterNames names(module, /*enabled=*/true, bytes.size());
//   names.AppendDefinition(NameSpace::kFunc, 0, 3, &out);   // ` $f`, ` $f#3 (@name "f")`, ``
//   names.AppendUse(NameSpace::kFunc, 0, 3, &out);          // `$f`, `$f#3`, `3`
//
// An identifier is the name itself where it is not empty, not over a thousand bytes, and nobody
// before has it; a name given twice gets the number behind it, and the annotation says what the
// name really is.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_PRINTER_NAMES_H_
#define GANTRY_WASM_TRANSLATE_TEXT_PRINTER_NAMES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "wasm_translate/module.h"

namespace gantry::wasm::text {

// The spaces of identifiers. Those of kLocal and kLabel are within a function, that of
// kField within a type.
enum class NameSpace : uint8_t {
  kFunc,
  kTable,
  kMemory,
  kGlobal,
  kTag,
  kType,
  kElem,
  kData,
  kLocal,
  kLabel,
  kField,
};

class PrinterNames {
 public:
  // `enabled` false: numbers only. Borrows the module. Long identifiers are used until they
  // make up many times `module_size`; from there on numbers are.
  PrinterNames(const Module& module, bool enabled, size_t module_size);
  PrinterNames(const PrinterNames&) = delete;
  PrinterNames& operator=(const PrinterNames&) = delete;

  // What stands behind `module`.
  void AppendModuleName(std::string* out);

  // What stands behind the keyword of a definition, each with a blank in front. `outer` is
  // the function or type within which `inner` is, else 0.
  void AppendDefinition(NameSpace space, uint32_t outer, uint32_t inner, std::string* out);
  void AppendDefinition(NameSpace space, uint32_t index, std::string* out) {
    AppendDefinition(space, 0, index, out);
  }

  void AppendUse(NameSpace space, uint32_t outer, uint32_t inner, std::string* out);
  void AppendUse(NameSpace space, uint32_t index, std::string* out) {
    AppendUse(space, 0, index, out);
  }
  // The identifier, empty where there is none.
  absl::string_view Identifier(NameSpace space, uint32_t outer, uint32_t inner) const;
  // Whether one more use of an identifier is not too much; then it is counted.
  bool TakeUse(absl::string_view identifier);
  // Whether any within [begin, end) has a name.
  bool HasAny(NameSpace space, uint32_t outer, uint32_t begin, uint32_t end) const;

  // How many names there are, and for how many AppendDefinition has been called.
  size_t total() const { return total_; }
  size_t defined() const { return defined_; }

 private:
  static constexpr size_t kNumSpaces = static_cast<size_t>(NameSpace::kField) + 1;

  struct Entry {
    uint64_t key = 0;  // outer, inner
    absl::string_view name;
    std::string identifier;
    bool is_name = false;  // the identifier says the name
  };

  template <typename Map>
  void AddMap(NameSpace space, const Map& map);
  void Add(NameSpace space, uint32_t outer, uint32_t inner, absl::string_view name);
  // Makes the identifiers of one space.
  void Identify(NameSpace space);
  void IdentifyScope(std::vector<Entry>& entries, size_t begin, size_t end);
  const Entry* Find(NameSpace space, uint32_t outer, uint32_t inner) const;

  const Module& module_;
  const bool enabled_;
  // Ascending by key.
  std::array<std::vector<Entry>, kNumSpaces> spaces_;
  size_t total_ = 0;
  size_t defined_ = 0;
  // Bytes that uses of long identifiers may still take.
  uint64_t budget_ = 0;
};

// `$name` or `$"any name"`. The name is UTF-8 and not empty.
std::string PrintIdentifier(absl::string_view name);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_PRINTER_NAMES_H_
