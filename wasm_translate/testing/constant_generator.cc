#include "wasm_translate/testing/constant_generator.h"

#include <array>
#include <utility>

#include "wasm_translate/operators.h"

namespace gantry::wasm::testing {
namespace {

// How deep an expression nests: with few operands each, its size stays small.
constexpr int kMaxDepth = 3;
constexpr size_t kMaxArrayLength = 5;

class ConstantGenerator {
 public:
  explicit ConstantGenerator(GeneratorContext& context)
      : context_(context), source_(context.source), module_(context.module) {}

  // Appends operators that leave one value of the type; false, with nothing appended, where
  // there is no such value.
  bool Make(ValType type, int depth, ByteWriter& out) {
    if (!type.is_ref()) {
      if (source_.Percent(25) && GlobalGet(type, out)) return true;
      if (depth > 0 && source_.Percent(30) && Arithmetic(type, depth, out)) return true;
      context_.WriteConstant(type, out);
      return true;
    }
    using Maker = bool (ConstantGenerator::*)(ValType, int, ByteWriter&);
    static constexpr std::array<Maker, 6> kMakers = {
        &ConstantGenerator::Null, &ConstantGenerator::RefFunc,   &ConstantGenerator::Global,
        &ConstantGenerator::I31,  &ConstantGenerator::Aggregate, &ConstantGenerator::Converted};
    const size_t first = source_.Below(kMakers.size());
    for (size_t i = 0; i < kMakers.size(); ++i) {
      const Maker maker = kMakers[(first + i) % kMakers.size()];
      // What fails half-way leaves nothing behind.
      ByteWriter made;
      const size_t num_referenced = referenced_.size();
      if ((this->*maker)(type, depth, made)) {
        out.Bytes(made.bytes());
        return true;
      }
      referenced_.resize(num_referenced);
    }
    return false;
  }

  // The functions that what was made refers to.
  const std::vector<FuncIndex>& referenced() const { return referenced_; }

 private:
  bool GlobalGet(ValType type, ByteWriter& out) {
    // Globals defined here can be read since gc.
    const size_t readable =
        context_.Has(Feature::kGc) ? module_.globals.size() : module_.num_imported_globals;
    std::vector<uint32_t> found;
    for (uint32_t i = 0; i < readable; ++i) {
      const GlobalType& global = module_.globals[GlobalIndex(i)];
      if (!global.is_mutable && context_.Matches(global.content, type)) found.push_back(i);
    }
    if (found.empty()) return false;
    out.Op(Opcode::kGlobalGet);
    out.VarU32(source_.Pick(found));
    return true;
  }

  bool Arithmetic(ValType type, int depth, ByteWriter& out) {
    static constexpr Opcode kI32[] = {Opcode::kI32Add, Opcode::kI32Sub, Opcode::kI32Mul};
    static constexpr Opcode kI64[] = {Opcode::kI64Add, Opcode::kI64Sub, Opcode::kI64Mul};
    const bool is_integer = type == ValType::I32() || type == ValType::I64();
    if (!context_.Has(Feature::kExtendedConst) || !is_integer) return false;
    Make(type, depth - 1, out);
    Make(type, depth - 1, out);
    const size_t choice = source_.Below(3);
    out.Op(type == ValType::I32() ? kI32[choice] : kI64[choice]);
    return true;
  }

  bool Null(ValType type, int, ByteWriter& out) {
    if (!type.is_nullable() || !context_.Has(Feature::kReferenceTypes)) return false;
    const ValType null = context_.SomeSubtype(type).WithNullable(true);
    out.Op(Opcode::kRefNull);
    out.Heap(null.heap_type());
    return true;
  }

  bool RefFunc(ValType type, int, ByteWriter& out) {
    if (!context_.Has(Feature::kReferenceTypes)) return false;
    std::vector<FuncIndex> found;
    for (size_t i = 0; i < module_.functions.size(); ++i) {
      const FuncIndex func = FuncIndex::FromIndex(i);
      if (context_.Matches(context_.RefFuncType(func), type)) found.push_back(func);
    }
    if (found.empty()) return false;
    const FuncIndex func = source_.Pick(found);
    referenced_.push_back(func);
    out.Op(Opcode::kRefFunc);
    out.VarU32(func.raw());
    return true;
  }

  bool Global(ValType type, int, ByteWriter& out) { return GlobalGet(type, out); }

  bool I31(ValType type, int depth, ByteWriter& out) {
    if (!context_.Has(Feature::kGc) ||
        !context_.Matches(AbstractRef(AbstractHeapType::kI31, false), type)) {
      return false;
    }
    if (!Make(ValType::I32(), depth - 1, out)) return false;
    out.Op(Opcode::kRefI31);
    return true;
  }

  bool Aggregate(ValType type, int depth, ByteWriter& out) {
    if (depth <= 0) return false;
    std::vector<TypeIndex> found;
    for (size_t i = 0; i < module_.types.size(); ++i) {
      const TypeIndex index = TypeIndex::FromIndex(i);
      if (!module_.types[index].is_func() &&
          context_.Matches(ValType::ConcreteRef(index, false), type)) {
        found.push_back(index);
      }
    }
    if (found.empty()) return false;
    const TypeIndex index = source_.Pick(found);
    const SubType& made = module_.types[index];
    return made.array() != nullptr ? Array(index, made.array()->element, depth, out)
                                   : Struct(index, *made.struct_type(), depth, out);
  }

  bool Struct(TypeIndex index, const StructType& type, int depth, ByteWriter& out) {
    bool defaultable = true;
    for (const FieldType& field : type.fields) {
      defaultable = defaultable && field.storage.unpacked().is_defaultable();
    }
    const bool by_default = defaultable && source_.Percent(40);
    if (!by_default) {
      for (const FieldType& field : type.fields) {
        if (!Make(field.storage.unpacked(), depth - 1, out)) return false;
      }
    }
    out.Op(by_default ? Opcode::kStructNewDefault : Opcode::kStructNew);
    out.VarU32(index.raw());
    return true;
  }

  bool Array(TypeIndex index, const FieldType& element, int depth, ByteWriter& out) {
    const ValType type = element.storage.unpacked();
    const size_t length = source_.Below(kMaxArrayLength);
    switch (source_.Below(3)) {
      case 0:
        if (!type.is_defaultable()) return false;
        context_.WriteInteger(IndexType::kI32, length, out);
        out.Op(Opcode::kArrayNewDefault);
        out.VarU32(index.raw());
        return true;
      case 1:
        if (!Make(type, depth - 1, out)) return false;
        context_.WriteInteger(IndexType::kI32, length, out);
        out.Op(Opcode::kArrayNew);
        out.VarU32(index.raw());
        return true;
      default:
        for (size_t i = 0; i < length; ++i) {
          if (!Make(type, depth - 1, out)) return false;
        }
        out.Op(Opcode::kArrayNewFixed);
        out.VarU32(index.raw()).VarU64(length);
        return true;
    }
  }

  bool Converted(ValType type, int depth, ByteWriter& out) {
    if (!context_.Has(Feature::kGc) || depth <= 0) return false;
    for (const bool to_any : {true, false}) {
      const ValType result = AbstractRef(
          to_any ? AbstractHeapType::kAny : AbstractHeapType::kExtern, type.is_nullable());
      if (!context_.Matches(result, type)) continue;
      const ValType operand = AbstractRef(
          to_any ? AbstractHeapType::kExtern : AbstractHeapType::kAny, type.is_nullable());
      if (!Make(operand, depth - 1, out)) return false;
      out.Op(to_any ? Opcode::kAnyConvertExtern : Opcode::kExternConvertAny);
      return true;
    }
    return false;
  }

  GeneratorContext& context_;
  ByteSource& source_;
  Module& module_;
  std::vector<FuncIndex> referenced_;
};

}  // namespace

std::optional<EncodedBytes> GenerateConstant(GeneratorContext& context, ValType type) {
  ByteWriter out;
  ConstantGenerator generator(context);
  if (!generator.Make(type, kMaxDepth, out)) return std::nullopt;
  for (FuncIndex func : generator.referenced()) context.module.referenced_functions.insert(func);
  out.Op(Opcode::kEnd);
  return out.bytes();
}

EncodedBytes GenerateOffset(GeneratorContext& context, IndexType type, uint64_t value) {
  ByteWriter out;
  const bool wide = type == IndexType::kI64;
  if (context.Has(Feature::kExtendedConst) && context.source.Percent(20)) {
    const uint64_t first = static_cast<uint64_t>(context.SomeI64());
    context.WriteInteger(type, first, out);
    context.WriteInteger(type, value - first, out);
    out.Op(wide ? Opcode::kI64Add : Opcode::kI32Add);
  } else {
    context.WriteInteger(type, value, out);
  }
  out.Op(Opcode::kEnd);
  return out.bytes();
}

}  // namespace gantry::wasm::testing
