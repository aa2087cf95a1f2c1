// Tested by native_dwarf_test.
#include "cranelift_shared/dwarf_expression.h"

#include <algorithm>

#include "cranelift_shared/dwarf_reader.h"
#include "environ/core/vm_offsets.h"
#include "environ/translation/compiled_function.h"

namespace gantry::cranelift {
namespace {

// DW_OP_*.
enum Operation : uint8_t {
  kAddr = 0x03,
  kDeref = 0x06,
  kConst1u = 0x08,
  kConst1s = 0x09,
  kConst2u = 0x0A,
  kConst2s = 0x0B,
  kConst4u = 0x0C,
  kConst4s = 0x0D,
  kConst8u = 0x0E,
  kConst8s = 0x0F,
  kConstu = 0x10,
  kConsts = 0x11,
  kDup = 0x12,
  kPick = 0x15,
  kXderef = 0x18,
  kAnd = 0x1A,
  kPlus = 0x22,
  kPlusUconst = 0x23,
  kXor = 0x27,
  kBra = 0x28,
  kNe = 0x2E,
  kLit0 = 0x30,
  kLit31 = 0x4F,
  kBreg0 = 0x70,
  kFbreg = 0x91,
  kDerefSize = 0x94,
  kNop = 0x96,
  kStackValue = 0x9F,
  kWasmLocation = 0xED,
};

}  // namespace

void ExpressionTranslator::Uleb(uint64_t value) {
  for (; value >= 0x80; value >>= 7) Byte(static_cast<uint8_t>(value | 0x80));
  Byte(static_cast<uint8_t>(value));
}

void ExpressionTranslator::Sleb(int64_t value) {
  for (; value < -64 || value > 63; value >>= 7) Byte(static_cast<uint8_t>(value | 0x80));
  Byte(static_cast<uint8_t>(value & 0x7F));
}

void ExpressionTranslator::SetFunction(const CodePlaces::Function* function,
                                       absl::Span<const uint8_t> frame_base) {
  function_ = function != nullptr && function->debug_area != 0 ? function : nullptr;
  frame_base_ = frame_base;
  local_runs_.clear();
  if (function_ == nullptr) return;
  const auto size_of = [](const wasm::ValType& type) -> uint8_t {
    if (type == wasm::ValType::I32() || type == wasm::ValType::F32()) return 4;
    return type == wasm::ValType::I64() || type == wasm::ValType::F64() ? 8 : 0;
  };
  const wasm::FunctionBody& body = module_.parsed.bodies[function_->index];
  uint64_t count = 0;
  for (const wasm::ValType& param : module_.parsed.func_type(body.func).params()) {
    local_runs_.emplace_back(++count, size_of(param));
  }
  DwarfCursor in(body.bytes);
  for (uint64_t runs = in.Uleb(); runs > 0 && in.ok(); --runs) {
    count += in.Uleb();
    uint8_t size = 0;
    switch (in.Unsigned(1)) {
      case 0x7F:  // i32
      case 0x7D:  // f32
        size = 4;
        break;
      case 0x7E:  // i64
      case 0x7C:  // f64
        size = 8;
        break;
      case 0x63:  // (ref null ...)
      case 0x64:  // (ref ...)
        in.Sleb();
        break;
      default:
        break;
    }
    local_runs_.emplace_back(count, size);
    if (count > environ::kMaxKeptLocals) break;
  }
}

uint8_t ExpressionTranslator::LocalSize(uint64_t local) {
  const auto run = std::upper_bound(
      local_runs_.begin(), local_runs_.end(), local,
      [](uint64_t value, const std::pair<uint64_t, uint8_t>& r) { return value < r.first; });
  return run == local_runs_.end() ? 0 : run->second;
}

void ExpressionTranslator::Area(int64_t offset) {
  if (function_ == nullptr) {
    // Of whatever function the frame is.
    Byte(kFbreg);
    Sleb(offset);
    return;
  }
  Byte(static_cast<uint8_t>(kBreg0 + frame_pointer_));
  Sleb(offset - int64_t{function_->debug_area});
}

std::vector<uint8_t> ExpressionTranslator::FrameBase() const {
  ExpressionTranslator base(module_, frame_pointer_, address_size_);
  base.function_ = function_;
  if (function_ == nullptr) return {};
  base.Area(0);
  return std::move(base.out_);
}

bool ExpressionTranslator::ToNative() {
  const environ::ModuleInfo& info = module_.info;
  if (info.memories.empty()) return false;
  if (address_size_ == 4) {
    Byte(kConst4u);
    for (int i = 0; i < 4; ++i) Byte(0xFF);
    Byte(kAnd);
  }
  const wasm::MemoryIndex memory(0);
  Area(0);
  Byte(kDeref);
  Byte(kPlusUconst);
  if (info.IsImported(memory)) {
    Uleb(module_.offsets.ImportedMemory(memory));
    Byte(kDeref);
  } else {
    Uleb(module_.offsets.Memory(info.Defined(memory)));
    if (info.memories[memory].type.shared) Byte(kDeref);
  }
  static_assert(environ::VMMemoryDefinitionOffsets::kBase == 0);
  Byte(kDeref);
  Byte(kPlus);
  return true;
}

bool ExpressionTranslator::LocalAddress(uint64_t local, uint8_t* size) {
  if (function_ == nullptr || local >= environ::kMaxKeptLocals) return false;
  *size = LocalSize(local);
  if (*size == 0) return false;
  Area(8 + 8 * static_cast<int64_t>(local));
  return true;
}

bool ExpressionTranslator::PushLocal(uint64_t local) {
  uint8_t size = 0;
  if (!LocalAddress(local, &size)) return false;
  Byte(kDerefSize);
  Byte(size);
  return true;
}

bool ExpressionTranslator::PushGlobal(uint64_t global) {
  const environ::ModuleInfo& info = module_.info;
  if (global >= info.globals.size()) return false;
  const wasm::GlobalIndex index(static_cast<uint32_t>(global));
  const wasm::ValType type = info.globals[index].content;
  if (type != wasm::ValType::I32() && type != wasm::ValType::I64()) return false;
  Area(0);
  Byte(kDeref);
  Byte(kPlusUconst);
  if (info.IsImported(index)) {
    Uleb(module_.offsets.ImportedGlobal(index));
    Byte(kDeref);
  } else {
    Uleb(module_.offsets.Global(info.Defined(index)));
  }
  Byte(kDerefSize);
  Byte(type == wasm::ValType::I32() ? 4 : 8);
  return true;
}

bool ExpressionTranslator::PushFrameBase() {
  bool is_value = false;
  return function_ != nullptr && !frame_base_.empty() &&
         Append(frame_base_, /*in_frame_base=*/true, &is_value) && is_value;
}

bool ExpressionTranslator::Append(absl::Span<const uint8_t> expression, bool in_frame_base,
                                  bool* is_value) {
  DwarfCursor in(expression);
  const auto copy = [&](size_t from) {
    const absl::Span<const uint8_t> bytes = expression.subspan(from, in.at() - from);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  };
  while (!in.done()) {
    // Pieces and values end an expression.
    if (*is_value || out_.size() > kMaxBytes) return false;
    const size_t at = in.at();
    const uint8_t op = static_cast<uint8_t>(in.Unsigned(1));
    if (op >= kLit0 && op <= kLit31) {
      copy(at);
      continue;
    }
    switch (op) {
      case kAddr:
        Byte(kConstu);
        Uleb(in.Unsigned(address_size_));
        break;
      case kConst1u:
      case kConst1s:
      case kPick:
        in.Skip(1);
        copy(at);
        break;
      case kConst2u:
      case kConst2s:
        in.Skip(2);
        copy(at);
        break;
      case kConst4u:
      case kConst4s:
        in.Skip(4);
        copy(at);
        break;
      case kConst8u:
      case kConst8s:
        in.Skip(8);
        copy(at);
        break;
      case kConstu:
      case kPlusUconst:
        in.Uleb();
        copy(at);
        break;
      case kConsts:
        in.Sleb();
        copy(at);
        break;
      case kFbreg: {
        const int64_t offset = in.Sleb();
        if (in_frame_base || !PushFrameBase()) return false;
        Byte(kConsts);
        Sleb(offset);
        Byte(kPlus);
        break;
      }
      case kDeref:
        if (!ToNative()) return false;
        Byte(kDerefSize);
        Byte(address_size_);
        break;
      case kDerefSize: {
        const uint64_t size = in.Unsigned(1);
        if (size == 0 || size > 8 || !ToNative()) return false;
        Byte(kDerefSize);
        Byte(static_cast<uint8_t>(size));
        break;
      }
      case kWasmLocation: {
        const WasmKind kind = static_cast<WasmKind>(in.Unsigned(1));
        const uint64_t index = kind == WasmKind::kGlobalFixed ? in.Unsigned(4) : in.Uleb();
        if (kind == WasmKind::kLocal                                      ? !PushLocal(index)
            : kind == WasmKind::kGlobal || kind == WasmKind::kGlobalFixed ? !PushGlobal(index)
                                                                          : true) {
          return false;
        }
        break;
      }
      case kStackValue:
        *is_value = true;
        break;
      default:
        // Operations on the stack alone, branches and those of other address spaces aside.
        if ((op < kDup || op > kNe || op == kXderef || op == kBra) && op != kNop) return false;
        copy(at);
    }
    if (!in.ok()) return false;
  }
  return true;
}

std::optional<std::vector<uint8_t>> ExpressionTranslator::Translate(
    absl::Span<const uint8_t> expression) {
  out_.clear();
  if (expression.empty()) return std::nullopt;
  // A local, whether or not it is said to be a value: it can be found, and set.
  if (expression[0] == kWasmLocation) {
    DwarfCursor in(expression.subspan(1));
    const uint64_t kind = in.Unsigned(1);
    const uint64_t local = in.Uleb();
    const bool ends = in.ok() && (in.done() || (in.Unsigned(1) == kStackValue && in.done()));
    uint8_t size = 0;
    if (kind == static_cast<uint64_t>(WasmKind::kLocal) && ends) {
      if (!LocalAddress(local, &size)) return std::nullopt;
      return std::move(out_);
    }
  }
  bool is_value = false;
  if (!Append(expression, /*in_frame_base=*/false, &is_value)) return std::nullopt;
  if (is_value) {
    Byte(kStackValue);
  } else if (!ToNative()) {
    return std::nullopt;
  }
  return std::move(out_);
}

}  // namespace gantry::cranelift
