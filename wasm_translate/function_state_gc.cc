// The typing rules of structs, arrays, i31 and casts.
// (WebAssembly 3.0, "Validation", aggregate and reference instructions.)
#include "absl/strings/str_cat.h"
#include "wasm_translate/function_state.h"
#include "wasm_translate/subtyping.h"

namespace gantry::wasm {
namespace {

constexpr ValType AbstractRef(AbstractHeapType type, bool nullable) {
  return ValType::Ref(HeapType::Abstract(type), nullable);
}

// What can be copied from bytes: numbers, vectors and packed fields.
bool IsPlain(const StorageType& type) { return type.is_packed() || !type.unpacked().is_ref(); }

}  // namespace

bool FunctionState::CheckDefaultable(TypeIndex index, const StructType& type) {
  defaultable_structs_.resize(module_.types.size());
  if (defaultable_structs_[index.index()]) return true;
  for (const FieldType& field : type.fields) {
    if (!field.storage.unpacked().is_defaultable()) return Fail("field type is not defaultable");
  }
  defaultable_structs_[index.index()] = true;
  return true;
}

bool FunctionState::CheckGc(Opcode op, GcImmediates* immediates) {
  // Immediates come in this order wherever several are there.
  const Immediates shape = GetOperatorInfo(op).immediates;
  GcImmediates& imm = *immediates;
  const SubType* type = nullptr;
  auto read_type = [&](TypeIndex* index) {
    uint32_t raw;
    if (!reader_.VarU32(&raw)) return false;
    if (raw >= module_.types.size()) return FailIndex("unknown type", raw);
    *index = TypeIndex(raw);
    return true;
  };
  switch (shape) {
    case Immediates::kType:
    case Immediates::kTypeField:
    case Immediates::kTypeCount:
    case Immediates::kTypeData:
    case Immediates::kTypeElem:
    case Immediates::kTypeType:
      if (!read_type(&imm.type)) return false;
      type = &module_.types[imm.type];
      break;
    default:
      break;
  }

  const StructType* struct_type = nullptr;
  const ArrayType* array = nullptr;
  if (type != nullptr) {
    const bool of_struct = op <= Opcode::kStructSet;
    struct_type = type->struct_type();
    array = type->array();
    if (of_struct && struct_type == nullptr) {
      return Fail(absl::StrCat("type mismatch: type ", imm.type.raw(), " is no struct type"));
    }
    if (!of_struct && array == nullptr) {
      return Fail(absl::StrCat("type mismatch: type ", imm.type.raw(), " is no array type"));
    }
  }
  const FieldType* field = nullptr;
  switch (shape) {
    case Immediates::kTypeField: {
      uint32_t raw;
      if (!reader_.VarU32(&raw)) return false;
      if (raw >= struct_type->fields.size()) return FailIndex("unknown field", raw);
      imm.field = FieldIndex(raw);
      field = &struct_type->fields[raw];
      break;
    }
    case Immediates::kTypeCount:
      if (!reader_.VarU32(&imm.count)) return false;
      if (imm.count > limits_.array_new_fixed_operands) {
        return Fail(absl::StrCat("too many operands of array.new_fixed: the limit is ",
                                 limits_.array_new_fixed_operands));
      }
      break;
    case Immediates::kTypeData:
      if (!ReadData(&imm.data)) return false;
      break;
    case Immediates::kTypeElem:
      if (!ReadElem(&imm.elem)) return false;
      break;
    case Immediates::kTypeType:
      if (!read_type(&imm.other_type)) return false;
      break;
    default:
      break;
  }
  if (array != nullptr) field = &array->element;

  const ValType i32 = ValType::I32();
  const ValType ref = type != nullptr ? ValType::ConcreteRef(imm.type, false) : ValType();
  const ValType ref_null = ref.WithNullable(true);
  const ValType any_array = AbstractRef(AbstractHeapType::kArray, true);
  auto check_mutable = [&](absl::string_view what) {
    return field->is_mutable || Fail(absl::StrCat("immutable ", what));
  };
  // The forms with a sign are for packed fields and only they.
  auto check_packing = [&](bool with_sign) {
    if (field->storage.is_packed() == with_sign) return true;
    return Fail(with_sign ? "type mismatch: the field is not packed"
                          : "type mismatch: the field is packed");
  };

  switch (op) {
    case Opcode::kStructNew:
      for (size_t i = struct_type->fields.size(); i > 0 && !OnlyUnknown(); --i) {
        if (!Pop(struct_type->fields[i - 1].storage.unpacked())) return false;
      }
      return Push(ref);
    case Opcode::kStructNewDefault:
      return CheckDefaultable(imm.type, *struct_type) && Push(ref);
    case Opcode::kStructGet:
    case Opcode::kStructGetS:
    case Opcode::kStructGetU:
      return check_packing(op != Opcode::kStructGet) && Pop(ref_null) &&
             Push(field->storage.unpacked());
    case Opcode::kStructSet:
      return check_mutable("field") && Pop(field->storage.unpacked()) && Pop(ref_null);
    case Opcode::kArrayNew:
      return Pop(i32) && Pop(field->storage.unpacked()) && Push(ref);
    case Opcode::kArrayNewDefault:
      if (!field->storage.unpacked().is_defaultable()) {
        return Fail("array type is not defaultable");
      }
      return Pop(i32) && Push(ref);
    case Opcode::kArrayNewFixed:
      for (uint32_t i = 0; i < imm.count && !OnlyUnknown(); ++i) {
        if (!Pop(field->storage.unpacked())) return false;
      }
      return Push(ref);
    case Opcode::kArrayNewData:
      if (!IsPlain(field->storage)) return Fail("array type is not numeric or vector");
      return Pop(i32) && Pop(i32) && Push(ref);
    case Opcode::kArrayNewElem:
      if (!Matches(module_.elements[imm.elem].type, field->storage.unpacked()) ||
          field->storage.is_packed()) {
        return Fail("type mismatch: the segment's elements do not fit the array");
      }
      return Pop(i32) && Pop(i32) && Push(ref);
    case Opcode::kArrayGet:
    case Opcode::kArrayGetS:
    case Opcode::kArrayGetU:
      return check_packing(op != Opcode::kArrayGet) && Pop(i32) && Pop(ref_null) &&
             Push(field->storage.unpacked());
    case Opcode::kArraySet:
      return check_mutable("array") && Pop(field->storage.unpacked()) && Pop(i32) && Pop(ref_null);
    case Opcode::kArrayLen:
      return Pop(any_array) && Push(i32);
    case Opcode::kArrayFill:
      return check_mutable("array") && Pop(i32) && Pop(field->storage.unpacked()) && Pop(i32) &&
             Pop(ref_null);
    case Opcode::kArrayCopy: {
      const ArrayType* source = module_.types[imm.other_type].array();
      if (source == nullptr) {
        return Fail(
            absl::StrCat("type mismatch: type ", imm.other_type.raw(), " is no array type"));
      }
      if (!check_mutable("array")) return false;
      const StorageType& from = source->element.storage;
      if (from.packed() != field->storage.packed() ||
          !Matches(from.unpacked(), field->storage.unpacked())) {
        return Fail("array types do not match");
      }
      return Pop(i32) && Pop(i32) && Pop(ValType::ConcreteRef(imm.other_type, true)) && Pop(i32) &&
             Pop(ref_null);
    }
    case Opcode::kArrayInitData:
      if (!check_mutable("array")) return false;
      if (!IsPlain(field->storage)) return Fail("array type is not numeric or vector");
      return Pop(i32) && Pop(i32) && Pop(i32) && Pop(ref_null);
    case Opcode::kArrayInitElem:
      if (!check_mutable("array")) return false;
      if (field->storage.is_packed() ||
          !Matches(module_.elements[imm.elem].type, field->storage.unpacked())) {
        return Fail("type mismatch: the segment's elements do not fit the array");
      }
      return Pop(i32) && Pop(i32) && Pop(i32) && Pop(ref_null);
    case Opcode::kRefTest:
    case Opcode::kRefTestNull:
    case Opcode::kRefCast:
    case Opcode::kRefCastNull: {
      HeapType heap_type = HeapType::Abstract(AbstractHeapType::kAny);
      if (!ReadHeapType(reader_, type_context(), &heap_type)) return false;
      const bool nullable = op == Opcode::kRefTestNull || op == Opcode::kRefCastNull;
      imm.to = ValType::Ref(heap_type, nullable);
      imm.from = AbstractRef(TopOf(module_, heap_type), true);
      const bool test = op == Opcode::kRefTest || op == Opcode::kRefTestNull;
      return Pop(imm.from) && Push(test ? i32 : imm.to);
    }
    case Opcode::kBrOnCast:
    case Opcode::kBrOnCastFail: {
      uint8_t flags;
      HeapType from = HeapType::Abstract(AbstractHeapType::kAny);
      HeapType to = from;
      if (!reader_.U8(&flags)) return false;
      if (flags > 3) return Fail("malformed br_on_cast flags");
      if (!ReadLabel(&imm.depth) || !ReadHeapType(reader_, type_context(), &from) ||
          !ReadHeapType(reader_, type_context(), &to)) {
        return false;
      }
      imm.from = ValType::Ref(from, (flags & 1) != 0);
      imm.to = ValType::Ref(to, (flags & 2) != 0);
      if (!Matches(imm.to, imm.from)) {
        return Fail(absl::StrCat("type mismatch: a cast from ", imm.from.ToString(), " to ",
                                 imm.to.ToString(), ", which is no subtype of it"));
      }
      // What is left of the source where the cast fails.
      const ValType rest = imm.to.is_nullable() ? imm.from.WithNullable(false) : imm.from;
      const bool on_success = op == Opcode::kBrOnCast;
      const auto types = frame(imm.depth).label_types();
      if (types.empty() || !Matches(on_success ? imm.to : rest, types.back())) {
        return Fail("type mismatch: the label of a cast does not take the reference");
      }
      const auto others = types.first(types.size() - 1);
      if (!Pop(imm.from) || !PopAll(others) || !PushAll(others) ||
          !Push(on_success ? rest : imm.to)) {
        return false;
      }
      Branch(imm.depth);
      return true;
    }
    case Opcode::kAnyConvertExtern:
    case Opcode::kExternConvertAny: {
      const bool to_any = op == Opcode::kAnyConvertExtern;
      ValType operand;
      if (!PopRef(&operand)) return false;
      const AbstractHeapType from = to_any ? AbstractHeapType::kExtern : AbstractHeapType::kAny;
      const AbstractHeapType to = to_any ? AbstractHeapType::kAny : AbstractHeapType::kExtern;
      if (operand.is_bottom()) return Push(AbstractRef(to, false));
      if (!Matches(operand, AbstractRef(from, true))) {
        return Fail(absl::StrCat("type mismatch: expected ", AbstractRef(from, true).ToString(),
                                 ", found ", operand.ToString()));
      }
      return Push(AbstractRef(to, operand.is_nullable()));
    }
    case Opcode::kRefI31:
      return Pop(i32) && Push(AbstractRef(AbstractHeapType::kI31, false));
    case Opcode::kI31GetS:
    case Opcode::kI31GetU:
      return Pop(AbstractRef(AbstractHeapType::kI31, true)) && Push(i32);
    default:
      return FailOpcode(0xFB, EncodingOf(op).code);
  }
}

}  // namespace gantry::wasm
