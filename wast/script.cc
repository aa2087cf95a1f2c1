#include "wast/script.h"

#include "absl/strings/str_cat.h"
#include "wasm_translate/text/literals.h"

namespace gantry::wast {
namespace {

using wasm::AbstractHeapType;
using wasm::HeapType;
using wasm::ValType;

uint64_t LaneMask(uint8_t bits) { return bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

bool IsFloat(ValType type) { return type == ValType::F32() || type == ValType::F64(); }

std::string PrintFloat(uint64_t bits, uint8_t width) {
  return width == 64 ? wasm::text::PrintF64(bits)
                     : wasm::text::PrintF32(static_cast<uint32_t>(bits));
}

// The canonical NaN without its sign, which is the quiet bit and the exponent.
uint64_t CanonicalNan(uint8_t lane_bits) {
  return lane_bits == 64 ? uint64_t{0x7FF8000000000000} : uint64_t{0x7FC00000};
}

bool IsArithmeticNan(uint64_t bits, uint8_t lane_bits) {
  return (bits & CanonicalNan(lane_bits)) == CanonicalNan(lane_bits);
}

bool IsCanonicalNan(uint64_t bits, uint8_t lane_bits) {
  const uint64_t sign = uint64_t{1} << (lane_bits - 1);
  return (bits & ~sign) == CanonicalNan(lane_bits);
}

// Whether a reference that is not null and of type `sub` is one of `super`.
bool IsOfHeapType(AbstractHeapType sub, AbstractHeapType super) {
  using enum AbstractHeapType;
  if (sub == super || super == HierarchyOf(sub)) return true;
  return super == kEq && (sub == kI31 || sub == kStruct || sub == kArray);
}

std::string HeapName(AbstractHeapType heap) { return HeapType::Abstract(heap).ToString(); }

std::string LaneToString(const Pattern::Lane& lane, uint8_t bits, bool is_float) {
  switch (lane.kind) {
    case Pattern::LaneKind::kCanonicalNan:
      return "nan:canonical";
    case Pattern::LaneKind::kArithmeticNan:
      return "nan:arithmetic";
    case Pattern::LaneKind::kExact:
      break;
  }
  return is_float ? PrintFloat(lane.bits, bits) : absl::StrCat(lane.bits);
}

}  // namespace

AbstractHeapType HierarchyOf(AbstractHeapType type) {
  using enum AbstractHeapType;
  switch (type) {
    case kFunc:
    case kNoFunc:
      return kFunc;
    case kExtern:
    case kNoExtern:
      return kExtern;
    case kExn:
    case kNoExn:
      return kExn;
    case kAny:
    case kEq:
    case kI31:
    case kStruct:
    case kArray:
    case kNone:
      break;
  }
  return kAny;
}

absl::string_view CommandName(Command::Kind kind) {
  switch (kind) {
    case Command::Kind::kModule:
      return "module";
    case Command::Kind::kDefinition:
      return "module definition";
    case Command::Kind::kInstance:
      return "module instance";
    case Command::Kind::kRegister:
      return "register";
    case Command::Kind::kAction:
      return "action";
    case Command::Kind::kAssertReturn:
      return "assert_return";
    case Command::Kind::kAssertTrap:
      return "assert_trap";
    case Command::Kind::kAssertException:
      return "assert_exception";
    case Command::Kind::kAssertExhaustion:
      return "assert_exhaustion";
    case Command::Kind::kAssertInvalid:
      return "assert_invalid";
    case Command::Kind::kAssertMalformed:
      return "assert_malformed";
    case Command::Kind::kAssertInvalidCustom:
      return "assert_invalid_custom";
    case Command::Kind::kAssertMalformedCustom:
      return "assert_malformed_custom";
    case Command::Kind::kAssertUnlinkable:
      return "assert_unlinkable";
    case Command::Kind::kThread:
      return "thread";
    case Command::Kind::kWait:
      return "wait";
    case Command::Kind::kUnreadable:
      break;
  }
  return "command";
}

Value Value::Null(AbstractHeapType heap) {
  Value value;
  value.type = ValType::Ref(HeapType::Abstract(heap), true);
  value.is_null = true;
  return value;
}

Value Value::Ref(AbstractHeapType heap) {
  Value value;
  value.type = ValType::Ref(HeapType::Abstract(heap), false);
  return value;
}

Value Value::I31(uint32_t bits) {
  Value value = Ref(AbstractHeapType::kI31);
  value.low = bits;
  return value;
}

Value Value::Extern(uint32_t number) {
  Value value = Ref(AbstractHeapType::kExtern);
  value.host = number;
  return value;
}

Value Value::Host(uint32_t number) {
  Value value = Ref(AbstractHeapType::kAny);
  value.host = number;
  return value;
}

std::string Value::ToString() const {
  if (type.is_ref()) {
    const std::string heap = type.heap_type().ToString();
    if (is_null) return absl::StrCat("ref.null:", heap);
    if (type.heap_type().Is(AbstractHeapType::kI31)) {
      return absl::StrCat("ref.i31:", static_cast<int32_t>(low));
    }
    if (!host.has_value()) return absl::StrCat("ref.", heap);
    const bool internalised = type.heap_type().Is(AbstractHeapType::kAny);
    return absl::StrCat("ref.", internalised ? "host" : heap, ":", *host);
  }
  const std::string name = type.ToString();
  if (type.is_vector()) {
    return absl::StrCat(name, ":0x", absl::Hex(high, absl::kZeroPad16),
                        absl::Hex(low, absl::kZeroPad16));
  }
  return absl::StrCat(
      name, ":",
      IsFloat(type) ? PrintFloat(low, type == ValType::F64() ? 64 : 32) : absl::StrCat(low));
}

bool Pattern::Matches(const Value& value) const {
  switch (kind) {
    case Kind::kEither:
      for (const Pattern& alternative : alternatives) {
        if (alternative.Matches(value)) return true;
      }
      return false;
    case Kind::kNull:
      if (!value.type.is_ref() || !value.is_null) return false;
      return !heap.has_value() || !value.type.heap_type().is_abstract() ||
             HierarchyOf(*heap) == HierarchyOf(value.type.heap_type().abstract());
    case Kind::kReference:
      if (!value.type.is_ref() || value.is_null || !value.type.heap_type().is_abstract()) {
        return false;
      }
      if (host.has_value() && value.host != host) return false;
      return IsOfHeapType(value.type.heap_type().abstract(), *heap);
    case Kind::kLanes:
      break;
  }
  if (!(type == value.type)) return false;
  int at = 0;
  for (const Lane& lane : lanes) {
    const uint64_t mask = LaneMask(lane_bits);
    const uint64_t bits = ((at < 64 ? value.low : value.high) >> (at % 64)) & mask;
    at += lane_bits;
    switch (lane.kind) {
      case LaneKind::kExact:
        if (bits != (lane.bits & mask)) return false;
        break;
      case LaneKind::kCanonicalNan:
        if (!IsCanonicalNan(bits, lane_bits)) return false;
        break;
      case LaneKind::kArithmeticNan:
        if (!IsArithmeticNan(bits, lane_bits)) return false;
        break;
    }
  }
  return true;
}

std::string Pattern::ToString() const {
  switch (kind) {
    case Kind::kEither: {
      std::string out = "either(";
      for (const Pattern& alternative : alternatives) {
        absl::StrAppend(&out, out.back() == '(' ? "" : " ", alternative.ToString());
      }
      return out + ")";
    }
    case Kind::kNull:
      return heap.has_value() ? absl::StrCat("ref.null:", HeapName(*heap)) : "ref.null";
    case Kind::kReference: {
      if (!host.has_value()) return absl::StrCat("ref.", HeapName(*heap));
      return absl::StrCat("ref.", *heap == AbstractHeapType::kAny ? "host" : HeapName(*heap), ":",
                          *host);
    }
    case Kind::kLanes:
      break;
  }
  std::string out = absl::StrCat(type.ToString(), ":");
  for (const Lane& lane : lanes) {
    absl::StrAppend(&out, out.back() == ':' ? "" : ",", LaneToString(lane, lane_bits, float_lanes));
  }
  return out;
}

}  // namespace gantry::wast
