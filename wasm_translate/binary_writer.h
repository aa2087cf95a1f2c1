// Writes the binary format: bytes, LEB128 integers in the fewest bytes, names, types,
// operators, sections.
//
//   ByteWriter types;
//   types.VarU32(1).Func(FuncType({ValType::I32()}, {}));
//   ByteWriter module;
//   module.Bytes(kModuleHeader).Section(1, types.bytes());
//
// Nothing is checked. (WebAssembly 3.0, "Binary Format"; the threads and custom-page-sizes
// proposals for the flags of memories.)
#ifndef GANTRY_WASM_TRANSLATE_BINARY_WRITER_H_
#define GANTRY_WASM_TRANSLATE_BINARY_WRITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/types.h"

namespace gantry::wasm {

// What every module begins with.
inline constexpr std::array<uint8_t, 8> kModuleHeader = {0, 'a', 's', 'm', 1, 0, 0, 0};

// The bytes of a string.
inline absl::Span<const uint8_t> BytesOf(absl::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class ByteWriter {
 public:
  ByteWriter& U8(uint8_t value) {
    bytes_.push_back(value);
    return *this;
  }
  ByteWriter& VarU32(uint32_t value) { return VarU64(value); }
  ByteWriter& VarU64(uint64_t value) {
    for (; value >= 0x80; value >>= 7) U8(static_cast<uint8_t>(value | 0x80));
    return U8(static_cast<uint8_t>(value));
  }
  ByteWriter& VarS64(int64_t value);
  // Four and eight bytes, little-endian.
  ByteWriter& Fixed32(uint32_t value);
  ByteWriter& Fixed64(uint64_t value);
  ByteWriter& Bytes(absl::Span<const uint8_t> bytes);
  // Length and characters.
  ByteWriter& Name(absl::string_view name);

  ByteWriter& Heap(HeapType type);
  // Not kBottom. In the one-byte form where there is one.
  ByteWriter& Type(ValType type);
  ByteWriter& TypeList(absl::Span<const ValType> types);
  ByteWriter& Field(const FieldType& type);
  // 0x60, parameters, results.
  ByteWriter& Func(const FuncType& type);
  ByteWriter& Table(const TableType& type);
  ByteWriter& Memory(const MemoryType& type);
  ByteWriter& Global(const GlobalType& type);

  // The code of an operator, with its prefix.
  ByteWriter& Op(Opcode op);

  // Id, size, contents.
  ByteWriter& Section(uint8_t id, absl::Span<const uint8_t> contents);

  const std::vector<uint8_t>& bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  // Cut to the first `size` bytes. The memory is kept.
  void Truncate(size_t size) { bytes_.resize(size); }
  std::vector<uint8_t> Take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_BINARY_WRITER_H_
