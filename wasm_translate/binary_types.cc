#include "wasm_translate/binary_types.h"

#include <optional>

#include "absl/strings/str_cat.h"

namespace gantry::wasm {
namespace {

struct AbstractCode {
  AbstractHeapType type;
  Feature feature;
};

std::optional<AbstractCode> AbstractFromCode(uint8_t code) {
  using enum AbstractHeapType;
  switch (code) {
    case 0x70:
      return AbstractCode{kFunc, Feature::kMvp};
    case 0x6F:
      return AbstractCode{kExtern, Feature::kReferenceTypes};
    case 0x6E:
      return AbstractCode{kAny, Feature::kGc};
    case 0x6D:
      return AbstractCode{kEq, Feature::kGc};
    case 0x6C:
      return AbstractCode{kI31, Feature::kGc};
    case 0x6B:
      return AbstractCode{kStruct, Feature::kGc};
    case 0x6A:
      return AbstractCode{kArray, Feature::kGc};
    case 0x69:
      return AbstractCode{kExn, Feature::kExceptions};
    case 0x74:
      return AbstractCode{kNoExn, Feature::kExceptions};
    case 0x73:
      return AbstractCode{kNoFunc, Feature::kGc};
    case 0x72:
      return AbstractCode{kNoExtern, Feature::kGc};
    case 0x71:
      return AbstractCode{kNone, Feature::kGc};
    default:
      return std::nullopt;
  }
}

}  // namespace

bool RequireFeature(BinaryReader& reader, uint64_t offset, Features features, Feature feature,
                    absl::string_view what) {
  if (features.Has(feature)) return true;
  return reader.FailUnsupported(
      offset,
      absl::StrCat(what, " needs the feature ", FeatureName(feature), ", which is not enabled"));
}

bool ReadHeapType(BinaryReader& reader, const TypeContext& context, HeapType* out) {
  const uint64_t start = reader.offset();
  int64_t code;
  if (!reader.VarS33(&code)) return false;
  if (code >= 0) {
    if (!RequireFeature(reader, start, context.features, Feature::kFunctionReferences,
                        "a reference to a type by index")) {
      return false;
    }
    if (code >= context.num_types || code > HeapType::kMaxIndex) {
      return reader.Fail(start, absl::StrCat("unknown type ", code));
    }
    *out = HeapType::Concrete(TypeIndex(static_cast<uint32_t>(code)));
    return true;
  }
  const auto abstract =
      code >= -64 ? AbstractFromCode(static_cast<uint8_t>(code & 0x7F)) : std::nullopt;
  if (!abstract.has_value()) return reader.Fail(start, "malformed heap type");
  *out = HeapType::Abstract(abstract->type);
  return abstract->feature == Feature::kMvp ||
         RequireFeature(reader, start, context.features, abstract->feature,
                        "a heap type of this kind");
}

bool ReadRefType(BinaryReader& reader, const TypeContext& context, ValType* out) {
  const uint64_t start = reader.offset();
  uint8_t code;
  if (!reader.U8(&code)) return false;
  if (code == 0x63 || code == 0x64) {
    if (!RequireFeature(reader, start, context.features, Feature::kFunctionReferences,
                        "a reference type of this form")) {
      return false;
    }
    HeapType heap_type = HeapType::Abstract(AbstractHeapType::kFunc);
    if (!ReadHeapType(reader, context, &heap_type)) return false;
    *out = ValType::Ref(heap_type, code == 0x63);
    return true;
  }
  const auto abstract = AbstractFromCode(code);
  if (!abstract.has_value()) return reader.Fail(start, "malformed reference type");
  *out = ValType::Ref(HeapType::Abstract(abstract->type), true);
  return abstract->feature == Feature::kMvp ||
         RequireFeature(reader, start, context.features, abstract->feature,
                        "a reference type of this kind");
}

bool ReadValType(BinaryReader& reader, const TypeContext& context, ValType* out) {
  if (reader.done()) return reader.FailAtEnd();
  const uint64_t start = reader.offset();
  uint8_t code = reader.Peek();
  switch (code) {
    case 0x7F:
      *out = ValType::I32();
      return reader.U8(&code);
    case 0x7E:
      *out = ValType::I64();
      return reader.U8(&code);
    case 0x7D:
      *out = ValType::F32();
      return reader.U8(&code);
    case 0x7C:
      *out = ValType::F64();
      return reader.U8(&code);
    case 0x7B:
      *out = ValType::V128();
      return reader.U8(&code) &&
             RequireFeature(reader, start, context.features, Feature::kSimd, "v128");
    default:
      break;
  }
  if (code != 0x63 && code != 0x64 && !AbstractFromCode(code).has_value()) {
    return reader.Fail(start, "malformed value type");
  }
  return RequireFeature(reader, start, context.features, Feature::kReferenceTypes,
                        "a value of reference type") &&
         ReadRefType(reader, context, out);
}

bool ReadStorageType(BinaryReader& reader, const TypeContext& context, StorageType* out) {
  if (reader.done()) return reader.FailAtEnd();
  uint8_t code = reader.Peek();
  if (code == 0x78 || code == 0x77) {
    *out = code == 0x78 ? StorageType::I8() : StorageType::I16();
    return reader.U8(&code);
  }
  ValType type;
  if (!ReadValType(reader, context, &type)) return false;
  *out = type;
  return true;
}

}  // namespace gantry::wasm
