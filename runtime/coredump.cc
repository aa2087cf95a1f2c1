#include "runtime/coredump.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/string_view.h"
#include "runtime/shared_bytes.h"

namespace gantry::runtime {
namespace {

class Writer {
 public:
  Writer& Byte(uint8_t byte) {
    out_.push_back(static_cast<char>(byte));
    return *this;
  }
  Writer& Unsigned(uint64_t value) {
    do {
      const uint8_t low = value & 0x7F;
      value >>= 7;
      Byte(value == 0 ? low : low | 0x80);
    } while (value != 0);
    return *this;
  }
  Writer& Signed(int64_t value) {
    while (true) {
      const uint8_t low = value & 0x7F;
      value >>= 7;
      const bool last = (value == 0 && (low & 0x40) == 0) || (value == -1 && (low & 0x40) != 0);
      Byte(last ? low : low | 0x80);
      if (last) return *this;
    }
  }
  Writer& Raw(const void* bytes, size_t size) {
    out_.append(static_cast<const char*>(bytes), size);
    return *this;
  }
  Writer& Name(absl::string_view name) {
    return Unsigned(name.size()).Raw(name.data(), name.size());
  }
  Writer& Section(uint8_t id, const Writer& contents) { return Byte(id).Name(contents.out_); }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

constexpr uint8_t kCustom = 0;
constexpr uint8_t kMemorySection = 5;
constexpr uint8_t kGlobalSection = 6;
constexpr uint8_t kDataSection = 11;
constexpr uint8_t kI32Const = 0x41;
constexpr uint8_t kI64Const = 0x42;
constexpr uint8_t kF32Const = 0x43;
constexpr uint8_t kF64Const = 0x44;
constexpr uint8_t kEnd = 0x0B;
constexpr uint8_t kRefNull = 0xD0;
constexpr uint8_t kFuncRef = 0x70;
constexpr uint8_t kExternRef = 0x6F;

Writer Modules(const Coredump& dump) {
  Writer out;
  out.Name("coremodules").Unsigned(dump.modules.size());
  for (const std::string& name : dump.modules) out.Byte(0).Name(name);
  return out;
}

Writer Instances(const Coredump& dump) {
  Writer out;
  out.Name("coreinstances").Unsigned(dump.instances.size());
  for (const Coredump::Instance& instance : dump.instances) {
    out.Byte(0).Unsigned(instance.module);
    for (const auto* indices : {&instance.memories, &instance.globals}) {
      out.Unsigned(indices->size());
      for (uint32_t index : *indices) out.Unsigned(index);
    }
  }
  return out;
}

Writer Stack(const Coredump& dump) {
  Writer out;
  out.Name("corestack").Byte(0).Name("main").Unsigned(dump.frames.size());
  for (const Coredump::Frame& frame : dump.frames) {
    out.Byte(0).Unsigned(frame.instance).Unsigned(frame.function).Unsigned(frame.code_offset);
    out.Unsigned(0).Unsigned(0);  // locals, operands
  }
  return out;
}

Writer Memories(const Coredump& dump) {
  Writer out;
  out.Unsigned(dump.memories.size());
  for (const Coredump::Memory& memory : dump.memories) {
    const wasm::MemoryType& type = memory.type;
    const bool wide = type.index_type == wasm::IndexType::kI64;
    const bool odd_pages = type.page_size_log2 != wasm::MemoryType::kDefaultPageSizeLog2;
    const bool has_max = type.limits.max.has_value();
    out.Byte(static_cast<uint8_t>((has_max ? 1 : 0) | (type.shared ? 2 : 0) | (wide ? 4 : 0) |
                                  (odd_pages ? 8 : 0)));
    out.Unsigned(type.limits.min);
    if (has_max) out.Unsigned(*type.limits.max);
    if (odd_pages) out.Unsigned(type.page_size_log2);
  }
  return out;
}

void GlobalValue(const Coredump::Global& global, Writer& out) {
  const ValRaw& value = global.value;
  switch (global.type.kind()) {
    case wasm::ValType::Kind::kI32:
      out.Byte(0x7F).Byte(0).Byte(kI32Const).Signed(value.i32);
      break;
    case wasm::ValType::Kind::kI64:
      out.Byte(0x7E).Byte(0).Byte(kI64Const).Signed(value.i64);
      break;
    case wasm::ValType::Kind::kF32:
      out.Byte(0x7D).Byte(0).Byte(kF32Const).Raw(&value, 4);
      break;
    case wasm::ValType::Kind::kF64:
      out.Byte(0x7C).Byte(0).Byte(kF64Const).Raw(&value, 8);
      break;
    case wasm::ValType::Kind::kV128:
      out.Byte(0x7B).Byte(0).Byte(0xFD).Unsigned(12).Raw(&value, 16);
      break;
    case wasm::ValType::Kind::kRef:
    case wasm::ValType::Kind::kBottom: {
      const bool is_func = global.type.is_ref() && wasm::TopOfHierarchy(global.type.heap_type()) ==
                                                       wasm::AbstractHeapType::kFunc;
      const uint8_t type = is_func ? kFuncRef : kExternRef;
      out.Byte(type).Byte(0).Byte(kRefNull).Byte(type);
      break;
    }
  }
  out.Byte(kEnd);
}

Writer Globals(const Coredump& dump) {
  Writer out;
  out.Unsigned(dump.globals.size());
  for (const Coredump::Global& global : dump.globals) GlobalValue(global, out);
  return out;
}

// The parts of memories that are not all zero, as active segments.
class Segments {
 public:
  void Add(uint32_t index, const Coredump::Memory& memory) {
    // Parts of a page; larger ones of a large memory, so that segments stay few.
    constexpr uint64_t kMostParts = 16384;
    const uint64_t size = memory.bytes.size();
    const uint64_t part = std::max<uint64_t>(4096, (size / kMostParts + 4095) / 4096 * 4096);
    const bool wide = memory.type.index_type == wasm::IndexType::kI64;
    std::string copy;
    for (uint64_t at = 0; at < size;) {
      uint64_t end = at;
      while (end < size && !IsZero(memory, end, std::min(part, size - end), copy)) {
        end = std::min(end + part, size);
      }
      if (end == at) {
        at = std::min(at + part, size);
        continue;
      }
      ++count_;
      out_.Byte(index == 0 ? 0 : 2);
      if (index != 0) out_.Unsigned(index);
      out_.Byte(wide ? kI64Const : kI32Const);
      out_.Signed(wide ? static_cast<int64_t>(at) : static_cast<int32_t>(at));
      out_.Byte(kEnd).Unsigned(end - at);
      AddBytes(memory, at, end - at, copy);
      at = end;
    }
  }
  Writer Finish() && {
    Writer section;
    section.Unsigned(count_);
    const std::string segments = out_.Take();
    section.Raw(segments.data(), segments.size());
    return section;
  }

 private:
  // The bytes of a range, by way of `copy` where others write them.
  static const uint8_t* Read(const Coredump::Memory& memory, uint64_t at, uint64_t size,
                             std::string& copy) {
    const uint8_t* const bytes = memory.bytes.data() + at;
    if (!memory.shared) return bytes;
    copy.resize(size);
    CopyFromShared(reinterpret_cast<uint8_t*>(copy.data()), bytes, size);
    return reinterpret_cast<const uint8_t*>(copy.data());
  }
  static bool IsZero(const Coredump::Memory& memory, uint64_t at, uint64_t size,
                     std::string& copy) {
    const uint8_t* const bytes = Read(memory, at, size, copy);
    return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, size - 1) == 0;
  }
  void AddBytes(const Coredump::Memory& memory, uint64_t at, uint64_t size, std::string& copy) {
    out_.Raw(Read(memory, at, size, copy), size);
  }

  Writer out_;
  uint64_t count_ = 0;
};

}  // namespace

std::string EncodeCoredump(const Coredump& dump) {
  Writer out;
  out.Raw("\0asm\1\0\0\0", 8);
  out.Section(kCustom, Writer().Name("core").Byte(0).Name(dump.process));
  out.Section(kCustom, Modules(dump));
  out.Section(kCustom, Instances(dump));
  out.Section(kCustom, Stack(dump));
  if (!dump.memories.empty()) out.Section(kMemorySection, Memories(dump));
  if (!dump.globals.empty()) out.Section(kGlobalSection, Globals(dump));
  Segments segments;
  for (uint32_t i = 0; i < dump.memories.size(); ++i) segments.Add(i, dump.memories[i]);
  out.Section(kDataSection, std::move(segments).Finish());
  return out.Take();
}

}  // namespace gantry::runtime
