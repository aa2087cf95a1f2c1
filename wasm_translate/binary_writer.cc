#include "wasm_translate/binary_writer.h"

#include "base/check.h"

namespace gantry::wasm {
namespace {

uint8_t AbstractCode(AbstractHeapType type) {
  using enum AbstractHeapType;
  switch (type) {
    case kFunc:
      return 0x70;
    case kExtern:
      return 0x6F;
    case kAny:
      return 0x6E;
    case kEq:
      return 0x6D;
    case kI31:
      return 0x6C;
    case kStruct:
      return 0x6B;
    case kArray:
      return 0x6A;
    case kExn:
      return 0x69;
    case kNone:
      return 0x71;
    case kNoFunc:
      return 0x73;
    case kNoExtern:
      return 0x72;
    case kNoExn:
      return 0x74;
  }
  UNREACHABLE();
}

constexpr uint8_t kHasMax = 1;
constexpr uint8_t kIsShared = 2;
constexpr uint8_t kIsWide = 4;
constexpr uint8_t kHasPageSize = 8;

void WriteLimits(ByteWriter& out, const Limits& limits, IndexType index_type, uint8_t flags) {
  if (limits.max.has_value()) flags |= kHasMax;
  if (index_type == IndexType::kI64) flags |= kIsWide;
  out.U8(flags).VarU64(limits.min);
  if (limits.max.has_value()) out.VarU64(*limits.max);
}

}  // namespace

ByteWriter& ByteWriter::VarS64(int64_t value) {
  for (; value < -64 || value > 63; value >>= 7) U8(static_cast<uint8_t>(value | 0x80));
  return U8(static_cast<uint8_t>(value & 0x7F));
}

ByteWriter& ByteWriter::Fixed32(uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) U8(static_cast<uint8_t>(value >> shift));
  return *this;
}

ByteWriter& ByteWriter::Fixed64(uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) U8(static_cast<uint8_t>(value >> shift));
  return *this;
}

ByteWriter& ByteWriter::Bytes(absl::Span<const uint8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

ByteWriter& ByteWriter::Name(absl::string_view name) {
  return VarU64(name.size()).Bytes(BytesOf(name));
}

ByteWriter& ByteWriter::Heap(HeapType type) {
  return type.is_abstract() ? U8(AbstractCode(type.abstract())) : VarS64(type.index().raw());
}

ByteWriter& ByteWriter::Type(ValType type) {
  switch (type.kind()) {
    case ValType::Kind::kI32:
      return U8(0x7F);
    case ValType::Kind::kI64:
      return U8(0x7E);
    case ValType::Kind::kF32:
      return U8(0x7D);
    case ValType::Kind::kF64:
      return U8(0x7C);
    case ValType::Kind::kV128:
      return U8(0x7B);
    case ValType::Kind::kRef:
      break;
    case ValType::Kind::kBottom:
      UNREACHABLE();
  }
  const HeapType heap = type.heap_type();
  if (heap.is_abstract() && type.is_nullable()) return Heap(heap);
  return U8(type.is_nullable() ? 0x63 : 0x64).Heap(heap);
}

ByteWriter& ByteWriter::TypeList(absl::Span<const ValType> types) {
  VarU64(types.size());
  for (ValType type : types) Type(type);
  return *this;
}

ByteWriter& ByteWriter::Field(const FieldType& type) {
  switch (type.storage.packed()) {
    case StorageType::Packed::kNone:
      Type(type.storage.unpacked());
      break;
    case StorageType::Packed::kI8:
      U8(0x78);
      break;
    case StorageType::Packed::kI16:
      U8(0x77);
      break;
  }
  return U8(type.is_mutable ? 1 : 0);
}

ByteWriter& ByteWriter::Func(const FuncType& type) {
  return U8(0x60).TypeList(type.params()).TypeList(type.results());
}

ByteWriter& ByteWriter::Table(const TableType& type) {
  Type(type.element);
  WriteLimits(*this, type.limits, type.index_type, 0);
  return *this;
}

ByteWriter& ByteWriter::Memory(const MemoryType& type) {
  const bool custom_page = type.page_size_log2 != MemoryType::kDefaultPageSizeLog2;
  WriteLimits(
      *this, type.limits, type.index_type,
      static_cast<uint8_t>((type.shared ? kIsShared : 0) | (custom_page ? kHasPageSize : 0)));
  return custom_page ? VarU32(type.page_size_log2) : *this;
}

ByteWriter& ByteWriter::Global(const GlobalType& type) {
  return Type(type.content).U8(type.is_mutable ? 1 : 0);
}

ByteWriter& ByteWriter::Op(Opcode op) {
  const OpcodeEncoding encoding = EncodingOf(op);
  if (encoding.prefix == 0) return U8(static_cast<uint8_t>(encoding.code));
  return U8(encoding.prefix).VarU32(encoding.code);
}

ByteWriter& ByteWriter::Section(uint8_t id, absl::Span<const uint8_t> contents) {
  return U8(id).VarU64(contents.size()).Bytes(contents);
}

}  // namespace gantry::wasm
