// Expressions of DWARF that say where a variable of a guest lies, made into what native debuggers
// evaluate in a frame of its machine code.
#ifndef GANTRY_CRANELIFT_SHARED_DWARF_EXPRESSION_H_
#define GANTRY_CRANELIFT_SHARED_DWARF_EXPRESSION_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "cranelift_shared/dwarf_places.h"
#include "environ/translation/module_translation.h"

namespace gantry::cranelift {

class ExpressionTranslator {
 public:
  // `frame_pointer` is a register's DWARF number, `address_size` the module's.
  ExpressionTranslator(const environ::ModuleTranslation& module, uint8_t frame_pointer,
                       uint8_t address_size)
      : module_(module), frame_pointer_(frame_pointer), address_size_(address_size) {}

  // What follows is in this function, with a frame base that wasm's DWARF has (empty: none). Null:
  // in none, where there are static variables alone.
  void SetFunction(const CodePlaces::Function* function, absl::Span<const uint8_t> frame_base);

  // The native frame base of the function: where its context lies.
  std::vector<uint8_t> FrameBase() const;
  // Nothing where it can't be said.
  std::optional<std::vector<uint8_t>> Translate(absl::Span<const uint8_t> expression);

 private:
  // How far operations go before they are given up.
  static constexpr size_t kMaxBytes = 4096;

  enum class WasmKind : uint8_t { kLocal = 0, kGlobal = 1, kStack = 2, kGlobalFixed = 3 };

  void Byte(uint8_t byte) { out_.push_back(byte); }
  void Uleb(uint64_t value);
  void Sleb(int64_t value);
  // Pushes the address of the function's context area plus `offset`.
  void Area(int64_t offset);
  // Replaces a linear address by where it lies.
  bool ToNative();
  bool LocalAddress(uint64_t local, uint8_t* size);
  bool PushLocal(uint64_t local);
  bool PushGlobal(uint64_t global);
  bool PushFrameBase();
  // Appends the operations; false where one is not known.
  bool Append(absl::Span<const uint8_t> expression, bool in_frame_base, bool* is_value);
  // Bytes of a local of that type; 0 for those that are not kept.
  uint8_t LocalSize(uint64_t local);

  const environ::ModuleTranslation& module_;
  const uint8_t frame_pointer_;
  const uint8_t address_size_;
  const CodePlaces::Function* function_ = nullptr;
  absl::Span<const uint8_t> frame_base_;
  // Of the locals, run by run: the first one behind the run, and its size.
  std::vector<std::pair<uint64_t, uint8_t>> local_runs_;
  std::vector<uint8_t> out_;
};

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_DWARF_EXPRESSION_H_
