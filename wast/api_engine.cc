#include "wast/api_engine.h"

#include <any>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "api/extern.h"
#include "api/module.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/status_macros.h"

namespace gantry::wast {
namespace {

using wasm::AbstractHeapType;

// A failure of the API in the terms of ScriptEngine.
absl::Status FromGuest(const absl::Status& status) {
  const std::optional<wasm::Feature> feature = UnimplementedFeature(status);
  if (feature.has_value()) return LacksFeature(wasm::FeatureName(*feature), status.message());
  const std::optional<Trap> trap = GetTrap(status);
  if (!trap.has_value()) return status;
  if (trap->code == "uncaught") return absl::UnknownError(trap->message);
  return absl::AbortedError(trap->message);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ApiEngine>> ApiEngine::Create(const Engine& engine,
                                                             const Options& options) {
  std::unique_ptr<ApiEngine> created(new ApiEngine(engine, options));
  if (options.fuel) RETURN_IF_ERROR(created->store_.SetFuel(*options.fuel));
  RETURN_IF_ERROR(created->DefineSpectest());
  return created;
}

absl::Status ApiEngine::DefineSpectest() {
  linker_.AllowShadowing(true);
  const char* module = "spectest";
  RETURN_IF_ERROR(linker_.Func(module, "print", [] {}));
  RETURN_IF_ERROR(linker_.Func(module, "print_i32", [](int32_t) {}));
  RETURN_IF_ERROR(linker_.Func(module, "print_i64", [](int64_t) {}));
  RETURN_IF_ERROR(linker_.Func(module, "print_f32", [](float) {}));
  RETURN_IF_ERROR(linker_.Func(module, "print_f64", [](double) {}));
  RETURN_IF_ERROR(linker_.Func(module, "print_i32_f32", [](int32_t, float) {}));
  RETURN_IF_ERROR(linker_.Func(module, "print_f64_f64", [](double, double) {}));
  const std::pair<const char*, Val> globals[] = {{"global_i32", Val::I32(666)},
                                                 {"global_i64", Val::I64(666)},
                                                 {"global_f32", Val::F32(666.6f)},
                                                 {"global_f64", Val::F64(666.6)}};
  for (const auto& [name, value] : globals) {
    ASSIGN_OR_RETURN(const Global global, Global::Create(store_, {value.type(), false}, value));
    RETURN_IF_ERROR(linker_.Define(module, name, global));
  }
  TableType table_type;
  table_type.element = ValType::FuncRef();
  table_type.limits = {10, 20};
  ASSIGN_OR_RETURN(const Table table,
                   Table::Create(store_, table_type, Val::FuncRef(std::nullopt)));
  RETURN_IF_ERROR(linker_.Define(module, "table", table));
  table_type.index_type = wasm::IndexType::kI64;
  ASSIGN_OR_RETURN(const Table table64,
                   Table::Create(store_, table_type, Val::FuncRef(std::nullopt)));
  RETURN_IF_ERROR(linker_.Define(module, "table64", table64));
  MemoryType memory_type;
  memory_type.limits = {1, 2};
  ASSIGN_OR_RETURN(const Memory memory, Memory::Create(store_, memory_type));
  RETURN_IF_ERROR(linker_.Define(module, "memory", memory));
  if (!engine_.config().features().Has(wasm::Feature::kThreads)) return absl::OkStatus();
  memory_type.shared = true;
  ASSIGN_OR_RETURN(const SharedMemory shared, SharedMemory::Create(engine_, memory_type));
  return linker_.Define(module, "shared_memory", shared);
}

absl::Status ApiEngine::Validate(absl::Span<const uint8_t> module) {
  return Module::Validate(engine_, module);
}

absl::StatusOr<ScriptEngine::ModuleId> ApiEngine::Compile(absl::Span<const uint8_t> bytes) {
  absl::StatusOr<Module> module = Module::Compile(engine_, bytes);
  if (!module.ok()) return FromGuest(module.status());
  modules_.push_back(*std::move(module));
  return static_cast<ModuleId>(modules_.size() - 1);
}

absl::StatusOr<ScriptEngine::InstanceId> ApiEngine::Instantiate(ModuleId module) {
  absl::StatusOr<Instance> instance =
      options_.async ? linker_.InstantiateAsync(store_, modules_[module]).Wait()
                     : linker_.Instantiate(store_, modules_[module]);
  if (!instance.ok()) {
    const absl::Status status = FromGuest(instance.status());
    // The module itself is valid: it is the imports that are wrong.
    if (absl::IsNotFound(status) || absl::IsInvalidArgument(status)) {
      return absl::FailedPreconditionError(status.message());
    }
    return status;
  }
  instances_.push_back({*std::move(instance), {}});
  return static_cast<InstanceId>(instances_.size() - 1);
}

absl::Status ApiEngine::Register(InstanceId instance, absl::string_view name) {
  const Held& held = instances_[instance];
  if (held.instance.has_value()) return linker_.DefineInstance(store_, name, *held.instance);
  for (const auto& [field, memory] : held.memories) {
    RETURN_IF_ERROR(linker_.Define(name, field, memory));
  }
  return absl::OkStatus();
}

absl::StatusOr<Instance> ApiEngine::InstanceOf(InstanceId instance) const {
  if (instances_[instance].instance.has_value()) return *instances_[instance].instance;
  return absl::NotFoundError(
      "the instance lives in another thread, and only its shared memories are here");
}

absl::StatusOr<Val> ApiEngine::ToVal(const Value& value) {
  switch (value.type.kind()) {
    case ValType::Kind::kI32:
      return Val::I32(static_cast<int32_t>(value.low));
    case ValType::Kind::kI64:
      return Val::I64(static_cast<int64_t>(value.low));
    case ValType::Kind::kF32:
      return Val::F32Bits(static_cast<uint32_t>(value.low));
    case ValType::Kind::kF64:
      return Val::F64Bits(value.low);
    case ValType::Kind::kV128:
      return Val::V128(value.low, value.high);
    case ValType::Kind::kRef:
    case ValType::Kind::kBottom:
      break;
  }
  // What a script can write is of an abstract type.
  const AbstractHeapType hierarchy = HierarchyOf(value.type.heap_type().abstract());
  if (value.is_null) {
    if (hierarchy == AbstractHeapType::kFunc) return Val::FuncRef(std::nullopt);
    if (hierarchy == AbstractHeapType::kExtern) return Val::ExternRef(std::nullopt);
    if (hierarchy == AbstractHeapType::kExn) return Val::ExnRef(std::nullopt);
    return Val::AnyRef(std::nullopt);
  }
  ASSIGN_OR_RETURN(const ExternRef reference, HostReference(*value.host));
  if (hierarchy == AbstractHeapType::kExtern) return Val::ExternRef(reference);
  return Val::AnyRef(AnyRef::FromExtern(reference));
}

absl::StatusOr<ExternRef> ApiEngine::HostReference(uint32_t number) {
  const auto found = extern_refs_.find(number);
  if (found != extern_refs_.end()) return found->second;
  ASSIGN_OR_RETURN(const ExternRef made, ExternRef::Create(store_, std::any(number)));
  extern_refs_.emplace(number, made);
  return made;
}

std::optional<uint32_t> ApiEngine::NumberOf(const ExternRef& reference) {
  const absl::StatusOr<std::any*> host = reference.Get(store_);
  if (!host.ok()) return std::nullopt;
  const uint32_t* number = std::any_cast<uint32_t>(*host);
  if (number == nullptr) return std::nullopt;
  return *number;
}

absl::StatusOr<Value> ApiEngine::FromAnyRef(const AnyRef& reference) {
  if (reference.is_i31()) return Value::I31(static_cast<uint32_t>(reference.i31()));
  ASSIGN_OR_RETURN(const AnyRef::Kind kind, reference.kind(store_));
  switch (kind) {
    case AnyRef::Kind::kI31:
      return Value::Ref(AbstractHeapType::kI31);
    case AnyRef::Kind::kStruct:
      return Value::Ref(AbstractHeapType::kStruct);
    case AnyRef::Kind::kArray:
      return Value::Ref(AbstractHeapType::kArray);
    case AnyRef::Kind::kHost:
      break;
  }
  Value value = Value::Ref(AbstractHeapType::kAny);
  value.host = NumberOf(reference.ToExtern());
  return value;
}

absl::StatusOr<Value> ApiEngine::FromVal(const Val& val) {
  switch (val.kind()) {
    case Val::Kind::kI32:
      return Value::I32(static_cast<uint32_t>(val.i32()));
    case Val::Kind::kI64:
      return Value::I64(static_cast<uint64_t>(val.i64()));
    case Val::Kind::kF32:
      return Value::F32(val.f32_bits());
    case Val::Kind::kF64:
      return Value::F64(val.f64_bits());
    case Val::Kind::kV128: {
      const auto halves = val.v128();
      return Value::V128(halves[0], halves[1]);
    }
    case Val::Kind::kFuncRef:
      return val.is_null() ? Value::Null(AbstractHeapType::kFunc)
                           : Value::Ref(AbstractHeapType::kFunc);
    case Val::Kind::kExternRef: {
      if (val.is_null()) return Value::Null(AbstractHeapType::kExtern);
      Value value = Value::Ref(AbstractHeapType::kExtern);
      value.host = NumberOf(*val.extern_ref());
      return value;
    }
    case Val::Kind::kAnyRef:
      if (val.is_null()) return Value::Null(AbstractHeapType::kAny);
      return FromAnyRef(*val.any_ref());
    case Val::Kind::kExnRef:
      return val.is_null() ? Value::Null(AbstractHeapType::kExn)
                           : Value::Ref(AbstractHeapType::kExn);
  }
  return absl::InternalError("a result of unknown kind");
}

absl::StatusOr<std::vector<Value>> ApiEngine::Invoke(InstanceId instance, absl::string_view field,
                                                     absl::Span<const Value> arguments) {
  ASSIGN_OR_RETURN(const Instance held, InstanceOf(instance));
  ASSIGN_OR_RETURN(const Func func, held.GetFunc(store_, field));
  std::vector<Val> vals;
  for (const Value& argument : arguments) {
    ASSIGN_OR_RETURN(Val val, ToVal(argument));
    vals.push_back(std::move(val));
  }
  const absl::StatusOr<std::vector<Val>> results =
      options_.async ? func.CallAsync(store_, vals).Wait() : func.Call(store_, vals);
  if (!results.ok()) return FromGuest(results.status());
  std::vector<Value> values;
  for (const Val& result : *results) {
    ASSIGN_OR_RETURN(Value value, FromVal(result));
    values.push_back(value);
  }
  return values;
}

absl::StatusOr<Value> ApiEngine::Get(InstanceId instance, absl::string_view field) {
  ASSIGN_OR_RETURN(const Instance held, InstanceOf(instance));
  ASSIGN_OR_RETURN(const Global global, held.GetGlobal(store_, field));
  ASSIGN_OR_RETURN(const Val val, global.Get(store_));
  return FromVal(val);
}

absl::StatusOr<std::unique_ptr<ScriptEngine>> ApiEngine::Fork(absl::Span<const InstanceId> shared) {
  ASSIGN_OR_RETURN(std::unique_ptr<ApiEngine> forked, Create(engine_, options_));
  for (InstanceId instance : shared) {
    Held held;
    ASSIGN_OR_RETURN(held.memories, SharedMemoriesOf(instance));
    forked->instances_.push_back(std::move(held));
  }
  return forked;
}

absl::StatusOr<std::vector<std::pair<std::string, SharedMemory>>> ApiEngine::SharedMemoriesOf(
    InstanceId instance) {
  const Held& held = instances_[instance];
  std::vector<std::pair<std::string, SharedMemory>> memories = held.memories;
  if (!held.instance.has_value()) return memories;
  ASSIGN_OR_RETURN(const auto exports, held.instance->Exports(store_));
  for (const auto& [name, definition] : exports) {
    const SharedMemory* memory = std::get_if<SharedMemory>(&definition);
    if (memory != nullptr) memories.emplace_back(name, *memory);
  }
  return memories;
}

}  // namespace gantry::wast
