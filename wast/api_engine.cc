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

// A failure of guest code in the terms of ScriptEngine.
absl::Status FromGuest(const absl::Status& status) {
  const std::optional<Trap> trap = GetTrap(status);
  if (!trap.has_value()) return status;
  // The body uses what the compiler cannot make yet.
  if (trap->code == "cannot_compile") return absl::UnimplementedError(trap->message);
  return absl::AbortedError(trap->message);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ApiEngine>> ApiEngine::Create(const Engine& engine) {
  std::unique_ptr<ApiEngine> created(new ApiEngine(engine));
  created->linker_.AllowShadowing(true);
  RETURN_IF_ERROR(created->DefineSpectest());
  return created;
}

absl::Status ApiEngine::DefineSpectest() {
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
  ASSIGN_OR_RETURN(const Table table, Table::Create(store_, {ValType::FuncRef(), {10, 20}},
                                                    Val::FuncRef(std::nullopt)));
  RETURN_IF_ERROR(linker_.Define(module, "table", table));
  MemoryType memory_type;
  memory_type.limits = {1, 2};
  ASSIGN_OR_RETURN(const Memory memory, Memory::Create(store_, memory_type));
  return linker_.Define(module, "memory", memory);
}

absl::Status ApiEngine::Validate(absl::Span<const uint8_t> module) {
  return Module::Validate(engine_, module);
}

absl::StatusOr<ScriptEngine::InstanceId> ApiEngine::Instantiate(absl::Span<const uint8_t> bytes) {
  ASSIGN_OR_RETURN(const Module module, Module::Compile(engine_, bytes));
  absl::StatusOr<Instance> instance = linker_.Instantiate(store_, module);
  if (!instance.ok()) {
    const absl::Status status = FromGuest(instance.status());
    // The module itself is valid: it is the imports that are wrong.
    if (absl::IsNotFound(status) || absl::IsInvalidArgument(status)) {
      return absl::FailedPreconditionError(status.message());
    }
    return status;
  }
  instances_.push_back(*std::move(instance));
  return static_cast<InstanceId>(instances_.size() - 1);
}

absl::Status ApiEngine::Register(InstanceId instance, absl::string_view name) {
  return linker_.DefineInstance(store_, name, instances_[instance]);
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
  if (value.type == ValType::FuncRef() && value.is_null) return Val::FuncRef(std::nullopt);
  if (!(value.type == ValType::ExternRef())) {
    return absl::UnimplementedError(absl::StrCat("an argument ", value.ToString()));
  }
  if (value.is_null) return Val::ExternRef(std::nullopt);
  const auto found = extern_refs_.find(value.low);
  if (found != extern_refs_.end()) return Val::ExternRef(found->second);
  ASSIGN_OR_RETURN(const ExternRef made, ExternRef::Create(store_, std::any(value.low)));
  extern_refs_.emplace(value.low, made);
  return Val::ExternRef(made);
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
      return Value{ValType::V128(), halves[0], halves[1]};
    }
    case Val::Kind::kFuncRef:
      if (!val.func_ref().has_value()) return Value::Null(ValType::FuncRef());
      return Value{ValType::FuncRef(), 0};
    case Val::Kind::kExternRef: {
      if (!val.extern_ref().has_value()) return Value::Null(ValType::ExternRef());
      ASSIGN_OR_RETURN(const std::any* host, val.extern_ref()->Get(store_));
      const uint64_t* number = std::any_cast<uint64_t>(host);
      if (number == nullptr) return absl::InternalError("a reference that the script never made");
      return Value{ValType::ExternRef(), *number};
    }
    case Val::Kind::kAnyRef:
    case Val::Kind::kExnRef:
      break;
  }
  return absl::UnimplementedError(absl::StrCat("a result ", val.ToString()));
}

absl::StatusOr<std::vector<Value>> ApiEngine::Invoke(InstanceId instance, absl::string_view field,
                                                     absl::Span<const Value> arguments) {
  ASSIGN_OR_RETURN(const Func func, instances_[instance].GetFunc(store_, field));
  std::vector<Val> vals;
  for (const Value& argument : arguments) {
    ASSIGN_OR_RETURN(Val val, ToVal(argument));
    vals.push_back(std::move(val));
  }
  const absl::StatusOr<std::vector<Val>> results = func.Call(store_, vals);
  if (!results.ok()) return FromGuest(results.status());
  std::vector<Value> values;
  for (const Val& result : *results) {
    ASSIGN_OR_RETURN(Value value, FromVal(result));
    values.push_back(value);
  }
  return values;
}

absl::StatusOr<Value> ApiEngine::Get(InstanceId instance, absl::string_view field) {
  ASSIGN_OR_RETURN(const Global global, instances_[instance].GetGlobal(store_, field));
  ASSIGN_OR_RETURN(const Val val, global.Get(store_));
  return FromVal(val);
}

}  // namespace gantry::wast
