// The functions of wasm.h but those of types. Tested by wasm_test.c.
#include "api/c/wasm.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/c/guard.h"
#include "api/c/objects.h"
#include "api/c/types.h"
#include "api/c/vectors.h"
#include "base/check.h"
#include "base/status_macros.h"

using gantry::c_api::Adapt;
using gantry::c_api::FromExternType;
using gantry::c_api::FromVal;
using gantry::c_api::Give;
using gantry::c_api::Guard;
using gantry::c_api::GuardVoid;
using gantry::c_api::HostInfo;
using gantry::c_api::NewExtern;
using gantry::c_api::NewRef;
using gantry::c_api::NewTrap;
using gantry::c_api::Object;
using gantry::c_api::RefKind;
using gantry::c_api::RefToVal;
using gantry::c_api::SetBytes;
using gantry::c_api::SetLastError;
using gantry::c_api::StoreBox;
using gantry::c_api::ToVal;
using gantry::c_api::TrapOf;

namespace {

absl::Span<const uint8_t> Bytes(const wasm_byte_vec_t* vec) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(vec->data), vec->size);
}

template <typename Ref>
Ref* Copy(const Ref* ref) {
  if (ref == nullptr) return nullptr;
  return Guard<Ref*>(nullptr, [&] { return static_cast<Ref*>(NewRef(ref->store, ref->object)); });
}

bool Same(const wasm_ref_t* a, const wasm_ref_t* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->kind() == b->kind() && a->Identity() == b->Identity();
}

// The value of a StatusOr, or `otherwise` and the last error.
template <typename Value>
Value ValueOr(const absl::StatusOr<Value>& value, Value otherwise) {
  if (value.ok()) return *value;
  SetLastError(value.status());
  return otherwise;
}

}  // namespace

extern "C" {

wasm_config_t* wasm_config_new(void) {
  return Guard<wasm_config_t*>(nullptr, [] { return new wasm_config_t(); });
}
void wasm_config_delete(wasm_config_t* taken) { delete taken; }

wasm_engine_t* wasm_engine_new(void) { return wasm_engine_new_with_config(wasm_config_new()); }
wasm_engine_t* wasm_engine_new_with_config(wasm_config_t* taken) {
  if (taken == nullptr) return nullptr;
  const std::unique_ptr<wasm_config_t> config(taken);
  return Guard<wasm_engine_t*>(nullptr, [&] {
    return Give(gantry::Engine::Create(config->config),
                [](gantry::Engine engine) { return new wasm_engine_t{std::move(engine)}; });
  });
}
void wasm_engine_delete(wasm_engine_t* taken) { delete taken; }

wasm_store_t* wasm_store_new(wasm_engine_t* engine) {
  return Guard<wasm_store_t*>(
      nullptr, [&] { return new wasm_store_t{std::make_shared<StoreBox>(engine->engine)}; });
}
void wasm_store_delete(wasm_store_t* taken) { delete taken; }

// Values.

void wasm_val_delete(wasm_val_t* taken) {
  if (taken == nullptr || !wasm_valkind_is_ref(taken->kind)) return;
  delete taken->of.ref;
  taken->of.ref = nullptr;
}
void wasm_val_copy(wasm_val_t* out, const wasm_val_t* from) {
  *out = *from;
  if (wasm_valkind_is_ref(from->kind)) out->of.ref = Copy(from->of.ref);
}
static wasm_val_t CopyVal(const wasm_val_t& value) {
  wasm_val_t copy;
  wasm_val_copy(&copy, &value);
  return copy;
}
static void DeleteVal(wasm_val_t& value) { wasm_val_delete(&value); }
GANTRY_DEFINE_VEC(val, wasm_val_t, CopyVal, DeleteVal)

// References.

#define GANTRY_DEFINE_REF_BASE(name)                                                    \
  void wasm_##name##_delete(wasm_##name##_t* taken) { delete taken; }                   \
  wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t* ref) { return Copy(ref); } \
  bool wasm_##name##_same(const wasm_##name##_t* a, const wasm_##name##_t* b) {         \
    return Same(a, b);                                                                  \
  }                                                                                     \
  void* wasm_##name##_get_host_info(const wasm_##name##_t* ref) {                       \
    const HostInfo* info = ref->Info(false);                                            \
    return info == nullptr ? nullptr : info->data();                                    \
  }                                                                                     \
  void wasm_##name##_set_host_info(wasm_##name##_t* ref, void* data) {                  \
    wasm_##name##_set_host_info_with_finalizer(ref, data, nullptr);                     \
  }                                                                                     \
  void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t* ref, void* data,     \
                                                  void (*finalizer)(void*)) {           \
    GuardVoid([&] {                                                                     \
      if (HostInfo* info = ref->Info(true)) info->Set(data, finalizer);                 \
    });                                                                                 \
  }
#define GANTRY_DEFINE_REF(name, matches)                                                     \
  GANTRY_DEFINE_REF_BASE(name)                                                               \
  wasm_ref_t* wasm_##name##_as_ref(wasm_##name##_t* ref) { return ref; }                     \
  const wasm_ref_t* wasm_##name##_as_ref_const(const wasm_##name##_t* ref) { return ref; }   \
  wasm_##name##_t* wasm_ref_as_##name(wasm_ref_t* ref) {                                     \
    return ref != nullptr && (matches) ? static_cast<wasm_##name##_t*>(ref) : nullptr;       \
  }                                                                                          \
  const wasm_##name##_t* wasm_ref_as_##name##_const(const wasm_ref_t* ref) {                 \
    return ref != nullptr && (matches) ? static_cast<const wasm_##name##_t*>(ref) : nullptr; \
  }
GANTRY_DEFINE_REF_BASE(ref)
GANTRY_DEFINE_REF(trap, ref->kind() == RefKind::kTrap)
GANTRY_DEFINE_REF(foreign, ref->kind() == RefKind::kForeign)
GANTRY_DEFINE_REF(module, ref->kind() == RefKind::kModule)
GANTRY_DEFINE_REF(func, ref->kind() == RefKind::kFunc)
GANTRY_DEFINE_REF(global, ref->kind() == RefKind::kGlobal)
GANTRY_DEFINE_REF(table, ref->kind() == RefKind::kTable)
GANTRY_DEFINE_REF(memory, ref->kind() == RefKind::kMemory)
GANTRY_DEFINE_REF(tag, ref->kind() == RefKind::kTag)
GANTRY_DEFINE_REF(extern, ref->kind() <= RefKind::kTag)
GANTRY_DEFINE_REF(instance, ref->kind() == RefKind::kInstance)

GANTRY_DEFINE_VEC(extern, wasm_extern_t*, wasm_extern_copy, wasm_extern_delete)

// Traps.

wasm_trap_t* wasm_trap_new(wasm_store_t* store, const wasm_message_t* message) {
  return Guard<wasm_trap_t*>(nullptr, [&] {
    absl::string_view text(message->data, message->size);
    if (!text.empty() && text.back() == '\0') text.remove_suffix(1);
    return NewTrap(store->box, absl::AbortedError(text));
  });
}
void wasm_trap_message(const wasm_trap_t* trap, wasm_message_t* out) {
  *out = {0, nullptr};
  GuardVoid([&] {
    const std::string text(trap->status().message());
    wasm_byte_vec_new(out, text.size() + 1, text.c_str());
  });
}
wasm_frame_t* wasm_trap_origin(const wasm_trap_t* trap) {
  return Guard<wasm_frame_t*>(nullptr, [&]() -> wasm_frame_t* {
    std::optional<gantry::Trap> info = gantry::GetTrap(trap->status());
    if (!info || info->backtrace.empty()) return nullptr;
    return new wasm_frame_t{std::move(info->backtrace[0])};
  });
}
void wasm_trap_trace(const wasm_trap_t* trap, wasm_frame_vec_t* out) {
  *out = {0, nullptr};
  GuardVoid([&] {
    std::optional<gantry::Trap> info = gantry::GetTrap(trap->status());
    if (!info) return;
    wasm_frame_vec_new_uninitialized(out, info->backtrace.size());
    for (size_t i = 0; i < out->size; ++i) {
      out->data[i] = new wasm_frame_t{std::move(info->backtrace[i])};
    }
  });
}

void wasm_frame_delete(wasm_frame_t* taken) { delete taken; }
wasm_frame_t* wasm_frame_copy(const wasm_frame_t* frame) {
  return Guard<wasm_frame_t*>(nullptr, [&] { return new wasm_frame_t(*frame); });
}
GANTRY_DEFINE_VEC(frame, wasm_frame_t*, wasm_frame_copy, wasm_frame_delete)
wasm_instance_t* wasm_frame_instance(const wasm_frame_t*) { return nullptr; }
uint32_t wasm_frame_func_index(const wasm_frame_t* frame) { return frame->frame.func_index; }
size_t wasm_frame_func_offset(const wasm_frame_t*) { return SIZE_MAX; }
size_t wasm_frame_module_offset(const wasm_frame_t* frame) {
  return frame->frame.module_offset ? *frame->frame.module_offset : SIZE_MAX;
}

wasm_foreign_t* wasm_foreign_new(wasm_store_t* store) {
  return Guard<wasm_foreign_t*>(nullptr, [&] {
    return static_cast<wasm_foreign_t*>(
        NewRef(store->box, std::make_shared<gantry::c_api::ForeignBox>()));
  });
}

// Modules.

static wasm_module_t* GiveModule(const std::shared_ptr<StoreBox>& box,
                                 absl::StatusOr<gantry::Module> module) {
  return Give(std::move(module), [&](gantry::Module made) {
    return static_cast<wasm_module_t*>(NewRef(box, std::move(made)));
  });
}
wasm_module_t* wasm_module_new(wasm_store_t* store, const wasm_byte_vec_t* binary) {
  return Guard<wasm_module_t*>(nullptr, [&] {
    return GiveModule(store->box, gantry::Module::Compile(store->store().engine(), Bytes(binary)));
  });
}
bool wasm_module_validate(wasm_store_t* store, const wasm_byte_vec_t* binary) {
  const absl::Status status = gantry::Module::Validate(store->store().engine(), Bytes(binary));
  if (!status.ok()) SetLastError(status);
  return status.ok();
}
void wasm_module_imports(const wasm_module_t* module, wasm_importtype_vec_t* out) {
  *out = {0, nullptr};
  GuardVoid([&] {
    const std::vector<gantry::ImportType>& imports = module->module().imports();
    wasm_importtype_vec_new_uninitialized(out, imports.size());
    for (size_t i = 0; i < out->size; ++i) {
      wasm_name_t from, name;
      SetBytes(imports[i].module, &from);
      SetBytes(imports[i].name, &name);
      out->data[i] = wasm_importtype_new(&from, &name, FromExternType(imports[i].type).release());
    }
  });
}
void wasm_module_exports(const wasm_module_t* module, wasm_exporttype_vec_t* out) {
  *out = {0, nullptr};
  GuardVoid([&] {
    const std::vector<gantry::ExportType>& exports = module->module().exports();
    wasm_exporttype_vec_new_uninitialized(out, exports.size());
    for (size_t i = 0; i < out->size; ++i) {
      wasm_name_t name;
      SetBytes(exports[i].name, &name);
      out->data[i] = wasm_exporttype_new(&name, FromExternType(exports[i].type).release());
    }
  });
}
void wasm_module_serialize(const wasm_module_t* module, wasm_byte_vec_t* out) {
  *out = {0, nullptr};
  GuardVoid([&] {
    const absl::StatusOr<std::vector<uint8_t>> artifact = module->module().Serialize();
    if (!artifact.ok()) return SetLastError(artifact.status());
    wasm_byte_vec_new(out, artifact->size(), reinterpret_cast<const char*>(artifact->data()));
  });
}
wasm_module_t* wasm_module_deserialize(wasm_store_t* store, const wasm_byte_vec_t* artifact) {
  return Guard<wasm_module_t*>(nullptr, [&] {
    return GiveModule(store->box,
                      gantry::Module::Deserialize(store->store().engine(), Bytes(artifact)));
  });
}
wasm_shared_module_t* wasm_module_share(const wasm_module_t* module) {
  return Guard<wasm_shared_module_t*>(nullptr,
                                      [&] { return new wasm_shared_module_t{module->module()}; });
}
void wasm_shared_module_delete(wasm_shared_module_t* taken) { delete taken; }
wasm_module_t* wasm_module_obtain(wasm_store_t* store, const wasm_shared_module_t* shared) {
  return Guard<wasm_module_t*>(nullptr, [&]() -> wasm_module_t* {
    if (!(shared->module.engine() == store->store().engine())) {
      SetLastError(absl::InvalidArgumentError("the module belongs to another engine"));
      return nullptr;
    }
    return static_cast<wasm_module_t*>(NewRef(store->box, shared->module));
  });
}

// Functions.

wasm_func_t* wasm_func_new_with_env(wasm_store_t* store, const wasm_functype_t* type,
                                    wasm_func_callback_with_env_t callback, void* env,
                                    void (*finalizer)(void*)) {
  return Guard<wasm_func_t*>(nullptr, [&]() -> wasm_func_t* {
    const auto make = [&]() -> absl::StatusOr<gantry::Func> {
      ASSIGN_OR_RETURN(const gantry::FuncType func_type, gantry::c_api::ToFuncType(*type));
      RETURN_IF_ERROR(gantry::c_api::CheckCallable(func_type));
      return gantry::Func::Create(
          store->store(), func_type,
          Adapt(func_type, callback, std::make_shared<HostInfo>(env, finalizer)));
    };
    return Give(make(), [&](const gantry::Func& func) {
      return static_cast<wasm_func_t*>(NewRef(store->box, func));
    });
  });
}
static wasm_trap_t* CallWithoutEnv(void* callback, const wasm_val_vec_t* args,
                                   wasm_val_vec_t* results) {
  return reinterpret_cast<wasm_func_callback_t>(reinterpret_cast<uintptr_t>(callback))(args,
                                                                                       results);
}
wasm_func_t* wasm_func_new(wasm_store_t* store, const wasm_functype_t* type,
                           wasm_func_callback_t callback) {
  return wasm_func_new_with_env(store, type, CallWithoutEnv,
                                reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(callback)),
                                nullptr);
}
wasm_functype_t* wasm_func_type(const wasm_func_t* func) {
  return Guard<wasm_functype_t*>(nullptr, [&] {
    return Give(func->func().type(func->store->store), [](const gantry::FuncType& type) {
      return gantry::c_api::FromFuncType(type).release();
    });
  });
}
size_t wasm_func_param_arity(const wasm_func_t* func) {
  return Guard<size_t>(0, [&] { return func->func().type(func->store->store)->params().size(); });
}
size_t wasm_func_result_arity(const wasm_func_t* func) {
  return Guard<size_t>(0, [&] { return func->func().type(func->store->store)->results().size(); });
}
wasm_trap_t* wasm_func_call(const wasm_func_t* func, const wasm_val_vec_t* args,
                            wasm_val_vec_t* results) {
  StoreBox& box = *func->store;
  return TrapOf(func->store, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const gantry::FuncType type, func->func().type(box.store));
    if (args->size != type.params().size() || results->size < type.results().size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the function's type is ", type.ToString(), "; there are ", args->size,
                       " arguments, and room for ", results->size, " results"));
    }
    RETURN_IF_ERROR(gantry::c_api::CheckCallable(type));
    std::vector<gantry::Val> values;
    for (size_t i = 0; i < args->size; ++i) {
      ASSIGN_OR_RETURN(const gantry::Val value,
                       ToVal(box, gantry::c_api::Widen(args->data[i]), type.params()[i]));
      values.push_back(value);
    }
    ASSIGN_OR_RETURN(const std::vector<gantry::Val> out, func->func().Call(box.store, values));
    for (size_t i = 0; i < out.size(); ++i) {
      results->data[i] = gantry::c_api::Narrow(FromVal(box, out[i]));
    }
    return absl::OkStatus();
  });
}

// Globals.

wasm_global_t* wasm_global_new(wasm_store_t* store, const wasm_globaltype_t* type,
                               const wasm_val_t* value) {
  return Guard<wasm_global_t*>(nullptr, [&] {
    const auto make = [&]() -> absl::StatusOr<gantry::Global> {
      gantry::GlobalType global;
      ASSIGN_OR_RETURN(global.content, gantry::c_api::ToValType(type->content.kind));
      global.is_mutable = type->mutability == WASM_VAR;
      ASSIGN_OR_RETURN(const gantry::Val initial,
                       ToVal(*store->box, gantry::c_api::Widen(*value), global.content));
      return gantry::Global::Create(store->store(), global, initial);
    };
    return Give(make(), [&](const gantry::Global& global) {
      return static_cast<wasm_global_t*>(NewRef(store->box, global));
    });
  });
}
wasm_globaltype_t* wasm_global_type(const wasm_global_t* global) {
  return Guard<wasm_globaltype_t*>(nullptr, [&] {
    return Give(global->global().type(global->store->store), [](const gantry::GlobalType& type) {
      return static_cast<wasm_globaltype_t*>(FromExternType(type).release());
    });
  });
}
void wasm_global_get(const wasm_global_t* global, wasm_val_t* out) {
  *out = {};
  GuardVoid([&] {
    const absl::StatusOr<gantry::Val> value = global->global().Get(global->store->store);
    if (!value.ok()) return SetLastError(value.status());
    if (value->kind() == gantry::Val::Kind::kV128) {
      return SetLastError(absl::UnimplementedError("a wasm_val_t cannot hold a v128"));
    }
    *out = gantry::c_api::Narrow(FromVal(*global->store, *value));
  });
}
void wasm_global_set(wasm_global_t* global, const wasm_val_t* value) {
  GuardVoid([&] {
    const auto set = [&]() -> absl::Status {
      gantry::Store& store = global->store->store;
      ASSIGN_OR_RETURN(const gantry::GlobalType type, global->global().type(store));
      ASSIGN_OR_RETURN(const gantry::Val converted,
                       ToVal(*global->store, gantry::c_api::Widen(*value), type.content));
      return global->global().Set(store, converted);
    };
    if (const absl::Status status = set(); !status.ok()) SetLastError(status);
  });
}

// Tables.

wasm_table_t* wasm_table_new(wasm_store_t* store, const wasm_tabletype_t* type, wasm_ref_t* init) {
  return Guard<wasm_table_t*>(nullptr, [&] {
    const auto make = [&]() -> absl::StatusOr<gantry::Table> {
      gantry::TableType table;
      ASSIGN_OR_RETURN(table.element, gantry::c_api::ToValType(type->element.kind));
      table.limits = gantry::c_api::ToLimits(type->limits);
      if (!table.element.is_ref()) {
        return absl::InvalidArgumentError("a table's elements are references");
      }
      ASSIGN_OR_RETURN(const gantry::Val initial, RefToVal(*store->box, init, table.element));
      return gantry::Table::Create(store->store(), table, initial);
    };
    return Give(make(), [&](const gantry::Table& table) {
      return static_cast<wasm_table_t*>(NewRef(store->box, table));
    });
  });
}
wasm_tabletype_t* wasm_table_type(const wasm_table_t* table) {
  return Guard<wasm_tabletype_t*>(nullptr, [&] {
    return Give(table->table().type(table->store->store), [](const gantry::TableType& type) {
      return static_cast<wasm_tabletype_t*>(FromExternType(type).release());
    });
  });
}
wasm_ref_t* wasm_table_get(const wasm_table_t* table, wasm_table_size_t index) {
  return Guard<wasm_ref_t*>(nullptr, [&] {
    return Give(table->table().Get(table->store->store, index),
                [&](const gantry::Val& value) { return FromVal(*table->store, value).of.ref; });
  });
}
bool wasm_table_set(wasm_table_t* table, wasm_table_size_t index, wasm_ref_t* ref) {
  return Guard(false, [&] {
    const auto set = [&]() -> absl::Status {
      gantry::Store& store = table->store->store;
      ASSIGN_OR_RETURN(const gantry::TableType type, table->table().type(store));
      ASSIGN_OR_RETURN(const gantry::Val value, RefToVal(*table->store, ref, type.element));
      return table->table().Set(store, index, value);
    };
    const absl::Status status = set();
    if (!status.ok()) SetLastError(status);
    return status.ok();
  });
}
wasm_table_size_t wasm_table_size(const wasm_table_t* table) {
  return static_cast<wasm_table_size_t>(
      ValueOr<uint64_t>(table->table().size(table->store->store), 0));
}
bool wasm_table_grow(wasm_table_t* table, wasm_table_size_t delta, wasm_ref_t* init) {
  return Guard(false, [&] {
    const auto grow = [&]() -> absl::Status {
      gantry::Store& store = table->store->store;
      ASSIGN_OR_RETURN(const gantry::TableType type, table->table().type(store));
      ASSIGN_OR_RETURN(const gantry::Val value, RefToVal(*table->store, init, type.element));
      return table->table().Grow(store, delta, value).status();
    };
    const absl::Status status = grow();
    if (!status.ok()) SetLastError(status);
    return status.ok();
  });
}

// Memories.

wasm_memory_t* wasm_memory_new(wasm_store_t* store, const wasm_memorytype_t* type) {
  return Guard<wasm_memory_t*>(nullptr, [&] {
    gantry::MemoryType memory;
    memory.limits = gantry::c_api::ToLimits(type->limits);
    return Give(gantry::Memory::Create(store->store(), memory), [&](const gantry::Memory& made) {
      return static_cast<wasm_memory_t*>(NewRef(store->box, made));
    });
  });
}
wasm_memorytype_t* wasm_memory_type(const wasm_memory_t* memory) {
  return Guard<wasm_memorytype_t*>(nullptr, [&] {
    const absl::StatusOr<gantry::MemoryType> found =
        memory->shared() != nullptr ? memory->shared()->type()
                                    : memory->memory()->type(memory->store->store);
    return Give(found, [](const gantry::MemoryType& type) {
      return static_cast<wasm_memorytype_t*>(FromExternType(type).release());
    });
  });
}
static absl::Span<uint8_t> DataOf(const wasm_memory_t* memory) {
  if (memory->shared() != nullptr) {
    SetLastError(absl::FailedPreconditionError("a shared memory has no plain bytes"));
    return {};
  }
  return ValueOr<absl::Span<uint8_t>>(memory->memory()->data(memory->store->store), {});
}
byte_t* wasm_memory_data(wasm_memory_t* memory) {
  return reinterpret_cast<byte_t*>(DataOf(memory).data());
}
size_t wasm_memory_data_size(const wasm_memory_t* memory) { return DataOf(memory).size(); }
wasm_memory_pages_t wasm_memory_size(const wasm_memory_t* memory) {
  return static_cast<wasm_memory_pages_t>(
      memory->shared() != nullptr
          ? memory->shared()->size()
          : ValueOr<uint64_t>(memory->memory()->size(memory->store->store), 0));
}
bool wasm_memory_grow(wasm_memory_t* memory, wasm_memory_pages_t delta) {
  return Guard(false, [&] {
    const absl::Status status = memory->shared() != nullptr
                                    ? memory->shared()->Grow(delta).status()
                                    : memory->memory()->Grow(memory->store->store, delta).status();
    if (!status.ok()) SetLastError(status);
    return status.ok();
  });
}

// Tags.

wasm_tag_t* wasm_tag_new(wasm_store_t* store, const wasm_tagtype_t* type) {
  return Guard<wasm_tag_t*>(nullptr, [&] {
    const auto make = [&]() -> absl::StatusOr<gantry::Tag> {
      ASSIGN_OR_RETURN(const gantry::FuncType func_type,
                       gantry::c_api::ToFuncType(*type->functype));
      return gantry::Tag::Create(store->store(), func_type);
    };
    return Give(make(), [&](const gantry::Tag& tag) {
      return static_cast<wasm_tag_t*>(NewRef(store->box, tag));
    });
  });
}
wasm_tagtype_t* wasm_tag_type(const wasm_tag_t* tag) {
  return Guard<wasm_tagtype_t*>(nullptr, [&] {
    return Give(tag->tag().type(tag->store->store), [](const gantry::TagType& type) {
      return static_cast<wasm_tagtype_t*>(FromExternType(type).release());
    });
  });
}

// Externals.

wasm_externkind_t wasm_extern_kind(const wasm_extern_t* ref) {
  switch (ref->kind()) {
    case RefKind::kFunc:
      return WASM_EXTERN_FUNC;
    case RefKind::kGlobal:
      return WASM_EXTERN_GLOBAL;
    case RefKind::kTable:
      return WASM_EXTERN_TABLE;
    case RefKind::kMemory:
      return WASM_EXTERN_MEMORY;
    case RefKind::kTag:
      return WASM_EXTERN_TAG;
    default:
      break;
  }
  UNREACHABLE();
}
wasm_externtype_t* wasm_extern_type(const wasm_extern_t* ref) {
  switch (ref->kind()) {
    case RefKind::kFunc:
      return wasm_func_type(static_cast<const wasm_func_t*>(ref));
    case RefKind::kGlobal:
      return wasm_global_type(static_cast<const wasm_global_t*>(ref));
    case RefKind::kTable:
      return wasm_table_type(static_cast<const wasm_table_t*>(ref));
    case RefKind::kMemory:
      return wasm_memory_type(static_cast<const wasm_memory_t*>(ref));
    case RefKind::kTag:
      return wasm_tag_type(static_cast<const wasm_tag_t*>(ref));
    default:
      break;
  }
  UNREACHABLE();
}

#define GANTRY_DEFINE_EXTERN(name, ref_kind)                                                     \
  wasm_extern_t* wasm_##name##_as_extern(wasm_##name##_t* ref) { return ref; }                   \
  const wasm_extern_t* wasm_##name##_as_extern_const(const wasm_##name##_t* ref) { return ref; } \
  wasm_##name##_t* wasm_extern_as_##name(wasm_extern_t* ref) {                                   \
    return ref->kind() == ref_kind ? static_cast<wasm_##name##_t*>(ref) : nullptr;               \
  }                                                                                              \
  const wasm_##name##_t* wasm_extern_as_##name##_const(const wasm_extern_t* ref) {               \
    return ref->kind() == ref_kind ? static_cast<const wasm_##name##_t*>(ref) : nullptr;         \
  }
GANTRY_DEFINE_EXTERN(func, RefKind::kFunc)
GANTRY_DEFINE_EXTERN(global, RefKind::kGlobal)
GANTRY_DEFINE_EXTERN(table, RefKind::kTable)
GANTRY_DEFINE_EXTERN(memory, RefKind::kMemory)
GANTRY_DEFINE_EXTERN(tag, RefKind::kTag)

// Instances.

wasm_instance_t* wasm_instance_new(wasm_store_t* store, const wasm_module_t* module,
                                   const wasm_extern_vec_t* imports, wasm_trap_t** trap) {
  if (trap != nullptr) *trap = nullptr;
  return gantry::c_api::GiveInstance(
      store->box,
      [&]() -> absl::StatusOr<gantry::Instance> {
        std::vector<gantry::Extern> definitions;
        for (size_t i = 0; i < imports->size; ++i) {
          if (imports->data[i] == nullptr) {
            return absl::InvalidArgumentError(absl::StrCat("import ", i, " is null"));
          }
          definitions.push_back(gantry::c_api::ToExtern(*imports->data[i]));
        }
        return gantry::Instance::Create(store->store(), module->module(), definitions);
      },
      trap);
}
void wasm_instance_exports(const wasm_instance_t* instance, wasm_extern_vec_t* out) {
  *out = {0, nullptr};
  GuardVoid([&] {
    const auto exports = instance->instance().Exports(instance->store->store);
    if (!exports.ok()) return SetLastError(exports.status());
    wasm_extern_vec_new_uninitialized(out, exports->size());
    for (size_t i = 0; i < out->size; ++i) {
      out->data[i] = NewExtern(instance->store, (*exports)[i].second);
    }
  });
}

}  // extern "C"
