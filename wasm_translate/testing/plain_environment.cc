#include "wasm_translate/testing/plain_environment.h"

#include "wasm_translate/subtyping.h"

namespace gantry::wasm::testing {

using codegen::Inst;
using codegen::InstBuilder;
using codegen::Type;
using codegen::Value;

namespace {

Type IrType(IndexType type) { return type == IndexType::kI64 ? Type::kI64 : Type::kI32; }

int32_t GlobalOffset(GlobalIndex global) { return static_cast<int32_t>(64 + 16 * global.raw()); }

}  // namespace

std::optional<Type> PlainEnvironment::TypeOf(ValType type) const {
  switch (type.kind()) {
    case ValType::Kind::kI32:
      return Type::kI32;
    case ValType::Kind::kI64:
      return Type::kI64;
    case ValType::Kind::kF32:
      return Type::kF32;
    case ValType::Kind::kF64:
      return Type::kF64;
    case ValType::Kind::kV128:
      if (!has_vectors_) return std::nullopt;
      return Type::kV128;
    case ValType::Kind::kRef:
      return IsTraced(type) ? Type::kI32 : Type::kI64;
    default:
      return std::nullopt;
  }
}

bool PlainEnvironment::IsTraced(ValType type) const {
  return TopOf(module_, type.heap_type()) != AbstractHeapType::kFunc;
}

void PlainEnvironment::MakeSignature(const FuncType& type, codegen::Signature& signature) {
  signature.Clear();
  signature.params.push_back({Type::kI64, codegen::ArgPurpose::kVmctx});
  for (ValType param : type.params()) signature.params.push_back(*TypeOf(param));
  for (ValType result : type.results()) signature.returns.push_back(*TypeOf(result));
}

void PlainEnvironment::Begin(InstBuilder& b) { context_ = b.func().dfg.block_params(b.block())[0]; }

HeapAccess PlainEnvironment::AccessHeap(InstBuilder& b, MemoryIndex memory, uint64_t, uint32_t) {
  HeapAccess heap;
  const codegen::MemFlags trusted = codegen::MemFlags::Trusted();
  const bool check = check_bounds_ || module_.memories[memory].index_type == IndexType::kI64;
  heap.base = b.Load(Type::kI64, trusted, context_, 0);
  heap.check_bounds = heap.mask = check;
  if (check) heap.length = b.Load(Type::kI64, trusted, context_, 8);
  heap.flags =
      check ? codegen::MemFlags() : codegen::MemFlags::Trapping(traps_.memory_out_of_bounds);
  return heap;
}

Value PlainEnvironment::MemorySize(InstBuilder& b, MemoryIndex memory) {
  return b.Iconst(IrType(module_.memories[memory].index_type), 1);
}

Value PlainEnvironment::MemoryGrow(InstBuilder&, MemoryIndex, Value delta) { return delta; }

Value PlainEnvironment::GlobalGet(InstBuilder& b, GlobalIndex global) {
  return b.Load(*TypeOf(module_.globals[global].content), codegen::MemFlags::Trusted(), context_,
                GlobalOffset(global));
}

void PlainEnvironment::GlobalSet(InstBuilder& b, GlobalIndex global, Value value) {
  b.Store(codegen::MemFlags::Trusted(), value, context_, GlobalOffset(global));
}

Value PlainEnvironment::TableGet(InstBuilder& b, TableIndex table, Value) {
  return b.Iconst(*TypeOf(module_.tables[table].element), 0);
}

Value PlainEnvironment::TableSize(InstBuilder& b, TableIndex table) {
  return b.Iconst(IrType(module_.tables[table].index_type), 0);
}

Value PlainEnvironment::RefNull(InstBuilder& b, ValType type) { return b.Iconst(*TypeOf(type), 0); }

Value PlainEnvironment::RefIsNull(InstBuilder& b, ValType type, Value reference) {
  return b.Icmp(codegen::IntCC::kEq, reference, b.Iconst(*TypeOf(type), 0));
}

Value PlainEnvironment::RefFunc(InstBuilder& b, FuncIndex function) {
  return b.I64(function.raw());
}

Inst PlainEnvironment::Call(InstBuilder& b, CallKind kind, FuncIndex callee,
                            absl::Span<const Value> args) {
  const codegen::ExternalName name = b.func().DeclareName(0, callee.raw());
  const codegen::FuncRef function =
      b.func().dfg.ImportFunction({name, Signature(b, module_.func_type(callee))});
  const std::vector<Value>& all = WithContext(args);
  return kind == CallKind::kTail ? b.ReturnCall(function, all) : b.Call(function, all);
}

Inst PlainEnvironment::CallIndirect(InstBuilder& b, CallKind kind, TableIndex table, TypeIndex type,
                                    Value index, absl::Span<const Value> args) {
  const bool wide = module_.tables[table].index_type == IndexType::kI64;
  return CallCode(b, kind, module_.func_type(type), wide ? index : b.Uextend(Type::kI64, index),
                  args);
}

Inst PlainEnvironment::CallRef(InstBuilder& b, CallKind kind, TypeIndex type, Value callee,
                               absl::Span<const Value> args) {
  return CallCode(b, kind, module_.func_type(type), callee, args);
}

Inst PlainEnvironment::CallCode(InstBuilder& b, CallKind kind, const FuncType& type, Value code,
                                absl::Span<const Value> args) {
  const codegen::SigRef signature = Signature(b, type);
  const std::vector<Value>& all = WithContext(args);
  return kind == CallKind::kTail ? b.ReturnCallIndirect(signature, code, all)
                                 : b.CallIndirect(signature, code, all);
}

codegen::SigRef PlainEnvironment::Signature(InstBuilder& b, const FuncType& type) {
  codegen::Signature signature;
  MakeSignature(type, signature);
  return b.func().dfg.ImportSignature(signature);
}

const std::vector<Value>& PlainEnvironment::WithContext(absl::Span<const Value> args) {
  args_.assign(1, context_);
  args_.insert(args_.end(), args.begin(), args.end());
  return args_;
}

}  // namespace gantry::wasm::testing
