// Tested by api_test.cc.
#include "api/extern.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "api/async.h"
#include "api/check_types.h"
#include "api/convert.h"
#include "api/engine_state.h"
#include "api/store.h"
#include "api/store_state.h"
#include "api/val.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry {
namespace {

using api_internal::CheckLimits;
using api_internal::CheckMemoryType;
using api_internal::CheckStore;
using runtime::ValRaw;

absl::Status OutOfMemory() { return absl::ResourceExhaustedError("out of memory"); }

// Types that a caller of the API names cannot refer to a module's index space.
absl::Status CheckNoIndex(ValType type) {
  if (type.is_bottom()) return absl::InvalidArgumentError("the bottom type is no type of a value");
  if (type.is_ref() && type.heap_type().is_concrete() && !type.heap_type().is_canonical()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the type ", type.ToString(),
        " refers to a module's types; outside of a module only canonical ones have a meaning"));
  }
  return absl::OkStatus();
}

absl::Status CheckNoIndex(const FuncType& type) {
  for (const ValType param : type.params()) RETURN_IF_ERROR(CheckNoIndex(param));
  for (const ValType result : type.results()) RETURN_IF_ERROR(CheckNoIndex(result));
  return absl::OkStatus();
}

// The same, for a type that the store is to hold from now on.
absl::Status CheckAndHold(Store& store, ValType type) {
  RETURN_IF_ERROR(CheckNoIndex(type));
  return store.state().runtime().HoldType(type);
}

const FuncType& TypeOf(Store& store, uint32_t type_id) {
  const FuncType* type = store.engine().state()->runtime()->types().FuncTypeOf(type_id);
  CHECK(type != nullptr) << "type id " << type_id;
  return *type;
}

}  // namespace

absl::StatusOr<ExternRef> ExternRef::Create(Store& store, std::any value) {
  try {
    ASSIGN_OR_RETURN(const uint32_t raw,
                     store.state().runtime().references().Add(std::move(value)));
    return ExternRef(store.id(), raw);
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<std::any*> ExternRef::Get(Store& store) const {
  if ((raw_ & 1) != 0) {
    return absl::FailedPreconditionError("the externref is a converted i31, no value of the host");
  }
  RETURN_IF_ERROR(CheckStore(store, store_id_, "externref"));
  std::any* value = store.state().runtime().references().Get(raw_);
  if (value == nullptr) {
    return absl::FailedPreconditionError(
        "the externref does not live any more (it was made in a host call that has returned)");
  }
  return value;
}

absl::StatusOr<AnyRef::Kind> AnyRef::kind(Store& store) const {
  if (is_i31()) return Kind::kI31;
  RETURN_IF_ERROR(ToExtern().Get(store).status());
  return Kind::kHost;
}

Func::RawCallback Func::ToRaw(const FuncType& type, Callback callback) {
  return [type, callback = std::move(callback)](Caller& caller, ValRaw* values) -> absl::Status {
    Store& store = caller.store();
    absl::InlinedVector<Val, 4> arguments, results;
    for (size_t i = 0; i < type.params().size(); ++i) {
      arguments.push_back(api_internal::FromRaw(store, type.params()[i], values[i]));
    }
    for (const ValType result : type.results()) results.push_back(Val::Default(result));
    RETURN_IF_ERROR(callback(caller, arguments, absl::MakeSpan(results)));
    for (size_t i = 0; i < results.size(); ++i) {
      ASSIGN_OR_RETURN(values[i],
                       api_internal::ToRaw(store, results[i], type.results()[i],
                                           absl::StrCat("result ", i, " of the host function")));
    }
    return absl::OkStatus();
  };
}

absl::StatusOr<Func> Func::Create(Store& store, const FuncType& type, Callback callback) {
  try {
    return CreateRaw(store, type, ToRaw(type, std::move(callback)));
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<Func> Func::CreateRaw(Store& store, const FuncType& type, RawCallback callback) {
  try {
    RETURN_IF_ERROR(CheckNoIndex(type));
    return CreateFromCode(store, type, api_internal::CodeOf(std::move(callback)));
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<Func> Func::CreateFromCode(Store& store, const FuncType& type,
                                          const api_internal::HostFuncCode& code) {
  try {
    ASSIGN_OR_RETURN(runtime::VMFuncRef* const func_ref,
                     api_internal::AddHostFunction(store, type, code));
    return Func(store.id(), func_ref);
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<FuncType> Func::type(Store& store) const {
  try {
    RETURN_IF_ERROR(CheckStore(store, store_id_, "function"));
    return TypeOf(store, func_ref_->type_id);
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<std::vector<Val>> Func::Call(Store& store, absl::Span<const Val> arguments) const {
  try {
    RETURN_IF_ERROR(CheckStore(store, store_id_, "function"));
    const FuncType& type = TypeOf(store, func_ref_->type_id);
    const absl::Span<const ValType> params = type.params();
    const absl::Span<const ValType> results = type.results();
    if (arguments.size() != params.size()) {
      return absl::InvalidArgumentError(absl::StrCat("the function takes ", params.size(),
                                                     " arguments, its type being ", type.ToString(),
                                                     "; given: ", arguments.size()));
    }
    absl::InlinedVector<ValRaw, 8> values(std::max(params.size(), results.size()));
    for (size_t i = 0; i < params.size(); ++i) {
      ASSIGN_OR_RETURN(values[i], api_internal::ToRaw(store, arguments[i], params[i],
                                                      absl::StrCat("argument ", i)));
    }
    RETURN_IF_ERROR(store.state().runtime().Call(func_ref_, values.data()));
    std::vector<Val> out;
    out.reserve(results.size());
    for (size_t i = 0; i < results.size(); ++i) {
      out.push_back(api_internal::FromRaw(store, results[i], values[i]));
    }
    return out;
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<std::vector<Val>> Func::Call(Store& store,
                                            std::initializer_list<Val> arguments) const {
  return Call(store, absl::MakeConstSpan(arguments.begin(), arguments.size()));
}

AsyncCall<absl::StatusOr<std::vector<Val>>> Func::CallAsync(Store& store,
                                                            std::vector<Val> arguments) const {
  return RunAsync(store, [func = *this, &store, arguments = std::move(arguments)] {
    return func.Call(store, arguments);
  });
}

absl::StatusOr<Memory> Memory::Create(Store& store, const MemoryType& type) {
  try {
    RETURN_IF_ERROR(CheckMemoryType(type));
    if (type.shared) {
      return absl::InvalidArgumentError(
          absl::StrCat("a memory of one store is not shared, but the type is ", type.ToString()));
    }
    ASSIGN_OR_RETURN(runtime::Memory* const memory, store.state().runtime().AddMemory(type));
    return Memory(store.id(), memory);
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<MemoryType> Memory::type(Store& store) const {
  RETURN_IF_ERROR(CheckStore(store, store_id_, "memory"));
  return memory_->CurrentType();
}

absl::StatusOr<uint64_t> Memory::size(Store& store) const {
  RETURN_IF_ERROR(CheckStore(store, store_id_, "memory"));
  return memory_->pages();
}

absl::StatusOr<absl::Span<uint8_t>> Memory::data(Store& store) const {
  RETURN_IF_ERROR(CheckStore(store, store_id_, "memory"));
  return memory_->data();
}

absl::StatusOr<uint64_t> Memory::Grow(Store& store, uint64_t delta) const {
  try {
    RETURN_IF_ERROR(CheckStore(store, store_id_, "memory"));
    return store.state().runtime().GrowMemory(*memory_, delta);
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<Table> Table::Create(Store& store, const TableType& type, const Val& initial) {
  try {
    if (!type.element.is_ref()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a table's elements are references, not ", type.element.ToString()));
    }
    RETURN_IF_ERROR(CheckAndHold(store, type.element));
    const bool wide = type.index_type == wasm::IndexType::kI64;
    RETURN_IF_ERROR(CheckLimits(type.limits, wide ? ~uint64_t{0} : uint64_t{0xFFFFFFFF}, "table"));
    ASSIGN_OR_RETURN(const ValRaw raw, api_internal::ToRaw(store, initial, type.element,
                                                           "the table's initial element"));
    ASSIGN_OR_RETURN(runtime::Table* const table, store.state().runtime().AddTable(type, raw));
    return Table(store.id(), table);
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<TableType> Table::type(Store& store) const {
  RETURN_IF_ERROR(CheckStore(store, store_id_, "table"));
  return table_->CurrentType();
}

absl::StatusOr<uint64_t> Table::size(Store& store) const {
  RETURN_IF_ERROR(CheckStore(store, store_id_, "table"));
  return table_->size();
}

absl::StatusOr<Val> Table::Get(Store& store, uint64_t index) const {
  try {
    RETURN_IF_ERROR(CheckStore(store, store_id_, "table"));
    if (index >= table_->size()) {
      return absl::OutOfRangeError(
          absl::StrCat("element ", index, " of a table of ", table_->size()));
    }
    return api_internal::FromRaw(store, table_->type().element, table_->Get(index));
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::Status Table::Set(Store& store, uint64_t index, const Val& value) const {
  try {
    RETURN_IF_ERROR(CheckStore(store, store_id_, "table"));
    if (index >= table_->size()) {
      return absl::OutOfRangeError(
          absl::StrCat("element ", index, " of a table of ", table_->size()));
    }
    ASSIGN_OR_RETURN(const ValRaw raw, api_internal::ToRaw(store, value, table_->type().element,
                                                           "the table's element"));
    table_->Set(index, raw);
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<uint64_t> Table::Grow(Store& store, uint64_t delta, const Val& initial) const {
  try {
    RETURN_IF_ERROR(CheckStore(store, store_id_, "table"));
    ASSIGN_OR_RETURN(const ValRaw raw, api_internal::ToRaw(store, initial, table_->type().element,
                                                           "the new elements"));
    return store.state().runtime().GrowTable(*table_, delta, raw);
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<Global> Global::Create(Store& store, const GlobalType& type, const Val& initial) {
  try {
    RETURN_IF_ERROR(CheckAndHold(store, type.content));
    ASSIGN_OR_RETURN(const ValRaw raw, api_internal::ToRaw(store, initial, type.content,
                                                           "the global's initial value"));
    return Global(store.id(), store.state().runtime().AddGlobal(type, raw));
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<GlobalType> Global::type(Store& store) const {
  RETURN_IF_ERROR(CheckStore(store, store_id_, "global"));
  return global_->type();
}

absl::StatusOr<Val> Global::Get(Store& store) const {
  try {
    RETURN_IF_ERROR(CheckStore(store, store_id_, "global"));
    return api_internal::FromRaw(store, global_->type().content, global_->Get());
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::Status Global::Set(Store& store, const Val& value) const {
  try {
    RETURN_IF_ERROR(CheckStore(store, store_id_, "global"));
    if (!global_->type().is_mutable) {
      return absl::FailedPreconditionError("the global is immutable");
    }
    ASSIGN_OR_RETURN(const ValRaw raw, api_internal::ToRaw(store, value, global_->type().content,
                                                           "the global's value"));
    global_->Set(raw);
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<Tag> Tag::Create(Store& store, const FuncType& type) {
  try {
    RETURN_IF_ERROR(CheckNoIndex(type));
    ASSIGN_OR_RETURN(runtime::Tag* const tag, store.state().runtime().AddTag(type));
    return Tag(store.id(), tag);
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

absl::StatusOr<TagType> Tag::type(Store& store) const {
  try {
    RETURN_IF_ERROR(CheckStore(store, store_id_, "tag"));
    return TagType{TypeOf(store, tag_->type_id())};
  } catch (const std::bad_alloc&) {
    return OutOfMemory();
  }
}

}  // namespace gantry
