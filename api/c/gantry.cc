// The functions of gantry.h. Tested by gantry_test.c.
#include "api/c/gantry.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/c/guard.h"
#include "api/c/objects.h"
#include "api/c/types.h"
#include "base/status_macros.h"
#include "wasi/link.h"
#include "wasm_translate/features.h"

using gantry::c_api::Give;
using gantry::c_api::Guard;
using gantry::c_api::GuardVoid;
using gantry::c_api::HostInfo;
using gantry::c_api::SetBytes;
using gantry::c_api::SetLastError;
using gantry::c_api::StoreBox;

struct gantry_wasi_t {
  gantry::wasi::ContextBuilder builder;
};

struct gantry_linker_t {
  explicit gantry_linker_t(const gantry::Engine& engine) : linker(engine) {}
  gantry::Linker linker;
  bool has_wasi = false;
};

namespace {

// Whether it went well; the last error otherwise.
bool Ok(const absl::Status& status) {
  if (!status.ok()) SetLastError(status);
  return status.ok();
}
template <typename Body>
bool GuardStatus(Body&& body) {
  return Guard(false, [&] { return Ok(body()); });
}

absl::Status BuildWasi(StoreBox& box, gantry::wasi::ContextBuilder& builder) {
  ASSIGN_OR_RETURN(box.store.data().wasi, builder.Build());
  return absl::OkStatus();
}

}  // namespace

extern "C" {

void gantry_config_opt_level(wasm_config_t* config, gantry_opt_level_t level) {
  config->config.OptLevel(level == GANTRY_OPT_NONE    ? gantry::OptLevel::kNone
                          : level == GANTRY_OPT_SPEED ? gantry::OptLevel::kSpeed
                                                      : gantry::OptLevel::kSpeedAndSize);
}
void gantry_config_tier_up(wasm_config_t* config, bool enable) { config->config.TierUp(enable); }
void gantry_config_tier_up_threshold(wasm_config_t* config, uint32_t count) {
  config->config.TierUpThreshold(count);
}
void gantry_config_consume_fuel(wasm_config_t* config, bool enable) {
  config->config.ConsumeFuel(enable);
}
void gantry_config_epoch_interruption(wasm_config_t* config, gantry_epoch_interruption_t how) {
  config->config.EpochInterruption(how == GANTRY_EPOCHS_PAGE ? gantry::EpochInterruption::kPage
                                   : how == GANTRY_EPOCHS_COUNTER
                                       ? gantry::EpochInterruption::kCounter
                                       : gantry::EpochInterruption::kNone);
}
void gantry_config_wasm_backtrace(wasm_config_t* config, bool enable) {
  config->config.WasmBacktrace(enable);
}
void gantry_config_signals_based_traps(wasm_config_t* config, bool enable) {
  config->config.SignalsBasedTraps(enable);
}
void gantry_config_nan_canonicalization(wasm_config_t* config, bool enable) {
  config->config.NanCanonicalization(enable);
}
void gantry_config_compilation_threads(wasm_config_t* config, uint32_t threads) {
  config->config.CompilationThreads(threads);
}
void gantry_config_max_wasm_stack(wasm_config_t* config, uint64_t bytes) {
  config->config.MaxWasmStack(bytes);
}
void gantry_config_memory_reservation(wasm_config_t* config, uint64_t bytes) {
  config->config.MemoryReservation(bytes);
}
void gantry_config_memory_guard_size(wasm_config_t* config, uint64_t bytes) {
  config->config.MemoryGuardSize(bytes);
}
void gantry_config_compiler_flag(wasm_config_t* config, const char* name, const char* value) {
  GuardVoid([&] { config->config.CompilerFlag(name, value); });
}
bool gantry_config_wasm_feature(wasm_config_t* config, const char* name, bool enable) {
  return GuardStatus([&]() -> absl::Status {
    const std::optional<gantry::wasm::Feature> feature = gantry::wasm::FeatureByName(name);
    if (!feature) {
      return absl::InvalidArgumentError(absl::StrCat("there is no feature \"", name, "\""));
    }
    config->config.WasmFeature(*feature, enable);
    return absl::OkStatus();
  });
}

wasm_engine_t* gantry_engine_copy(const wasm_engine_t* engine) {
  return Guard<wasm_engine_t*>(nullptr, [&] { return new wasm_engine_t(*engine); });
}

bool gantry_store_set_fuel(wasm_store_t* store, uint64_t units) {
  return GuardStatus([&] { return store->store().SetFuel(units); });
}
bool gantry_store_get_fuel(const wasm_store_t* store, uint64_t* out) {
  return GuardStatus([&]() -> absl::Status {
    ASSIGN_OR_RETURN(*out, store->store().GetFuel());
    return absl::OkStatus();
  });
}
void gantry_store_set_limits(wasm_store_t* store, const gantry_store_limits_t* limits) {
  store->store().SetLimits(gantry::StoreLimits()
                               .MemoryBytes(limits->memory_bytes)
                               .TableElements(limits->table_elements)
                               .Instances(limits->instances)
                               .Memories(limits->memories)
                               .Tables(limits->tables)
                               .StackBytes(limits->stack_bytes));
}

static wasm_module_t* GiveModule(wasm_store_t* store, absl::StatusOr<gantry::Module> module) {
  return Give(std::move(module), [&](gantry::Module made) {
    return static_cast<wasm_module_t*>(gantry::c_api::NewRef(store->box, std::move(made)));
  });
}
wasm_module_t* gantry_module_new_text(wasm_store_t* store, const char* text, size_t size) {
  return Guard<wasm_module_t*>(nullptr, [&] {
    return GiveModule(
        store, gantry::Module::CompileText(store->store().engine(), absl::string_view(text, size)));
  });
}
wasm_module_t* gantry_module_deserialize_file(wasm_store_t* store, const char* path) {
  return Guard<wasm_module_t*>(nullptr, [&] {
    return GiveModule(store, gantry::Module::DeserializeFile(store->store().engine(), path));
  });
}

void gantry_trap_code(const wasm_trap_t* trap, wasm_name_t* out) {
  *out = {0, nullptr};
  GuardVoid([&] {
    const std::optional<gantry::Trap> info = gantry::GetTrap(trap->status());
    if (info) SetBytes(info->code, out);
  });
}
bool gantry_trap_exit_code(const wasm_trap_t* trap, int32_t* out) {
  return Guard(false, [&] {
    const std::optional<int32_t> code = gantry::GetExitCode(trap->status());
    if (code) *out = *code;
    return code.has_value();
  });
}
void gantry_trap_to_string(const wasm_trap_t* trap, wasm_name_t* out) {
  *out = {0, nullptr};
  GuardVoid([&] {
    const std::optional<gantry::Trap> info = gantry::GetTrap(trap->status());
    SetBytes(info ? info->ToString() : std::string(trap->status().message()), out);
  });
}
void gantry_frame_func_name(const wasm_frame_t* frame, wasm_name_t* out) {
  SetBytes(frame->frame.func_name, out);
}
void gantry_frame_module_name(const wasm_frame_t* frame, wasm_name_t* out) {
  SetBytes(frame->frame.module_name, out);
}

wasm_trap_t* gantry_func_call(const wasm_func_t* func, const gantry_val_t* args, size_t num_args,
                              gantry_val_t* results, size_t num_results) {
  StoreBox& box = *func->store;
  const auto call = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const gantry::FuncType type, func->func().type(box.store));
    RETURN_IF_ERROR(gantry::c_api::CheckResults(type, num_results));
    ASSIGN_OR_RETURN(const std::vector<gantry::Val> values,
                     gantry::c_api::ToArguments(box, type, args, num_args));
    ASSIGN_OR_RETURN(const std::vector<gantry::Val> out, func->func().Call(box.store, values));
    for (size_t i = 0; i < num_results; ++i) results[i] = gantry::c_api::FromVal(box, out[i]);
    return absl::OkStatus();
  };
  return gantry::c_api::TrapOf(func->store, call);
}

wasm_extern_t* gantry_instance_export(const wasm_instance_t* instance, const char* name) {
  return Guard<wasm_extern_t*>(nullptr, [&]() -> wasm_extern_t* {
    const auto found = instance->instance().GetExport(instance->store->store, name);
    if (!found.ok()) {
      SetLastError(found.status());
      return nullptr;
    }
    if (!found->has_value()) return nullptr;
    return gantry::c_api::NewExtern(instance->store, **found);
  });
}

bool gantry_memory_read(const wasm_memory_t* memory, uint64_t offset, void* to, size_t size) {
  return GuardStatus([&]() -> absl::Status {
    const auto bytes = absl::MakeSpan(static_cast<uint8_t*>(to), size);
    if (memory->shared() != nullptr) return memory->shared()->Read(offset, bytes);
    ASSIGN_OR_RETURN(const absl::Span<uint8_t> data, memory->memory()->data(memory->store->store));
    if (offset > data.size() || size > data.size() - offset) {
      return absl::OutOfRangeError("the bytes are not inside of the memory");
    }
    if (size > 0) std::memcpy(to, data.data() + offset, size);
    return absl::OkStatus();
  });
}
bool gantry_memory_write(wasm_memory_t* memory, uint64_t offset, const void* from, size_t size) {
  return GuardStatus([&]() -> absl::Status {
    const auto bytes = absl::MakeConstSpan(static_cast<const uint8_t*>(from), size);
    if (memory->shared() != nullptr) return memory->shared()->Write(offset, bytes);
    ASSIGN_OR_RETURN(const absl::Span<uint8_t> data, memory->memory()->data(memory->store->store));
    if (offset > data.size() || size > data.size() - offset) {
      return absl::OutOfRangeError("the bytes are not inside of the memory");
    }
    if (size > 0) std::memcpy(data.data() + offset, from, size);
    return absl::OkStatus();
  });
}

gantry_wasi_t* gantry_wasi_new(void) {
  return Guard<gantry_wasi_t*>(nullptr, [] { return new gantry_wasi_t(); });
}
void gantry_wasi_delete(gantry_wasi_t* taken) { delete taken; }
void gantry_wasi_args(gantry_wasi_t* wasi, size_t count, const char* const args[]) {
  GuardVoid([&] { wasi->builder.Args(std::vector<std::string>(args, args + count)); });
}
void gantry_wasi_env(gantry_wasi_t* wasi, const char* name, const char* value) {
  GuardVoid([&] { wasi->builder.Env(name, value); });
}
void gantry_wasi_inherit_stdio(gantry_wasi_t* wasi) {
  GuardVoid([&] { wasi->builder.InheritStdio(); });
}
void gantry_wasi_stdin_bytes(gantry_wasi_t* wasi, const void* bytes, size_t size) {
  GuardVoid([&] { wasi->builder.StdinBytes(std::string(static_cast<const char*>(bytes), size)); });
}
void gantry_wasi_preopen_dir(gantry_wasi_t* wasi, const char* host_path, const char* guest_path,
                             bool read_only) {
  using Access = gantry::wasi::ContextBuilder::Access;
  GuardVoid([&] {
    wasi->builder.PreopenDirectory(host_path, guest_path,
                                   read_only ? Access::kReadOnly : Access::kReadWrite);
  });
}
bool gantry_store_set_wasi(wasm_store_t* store, gantry_wasi_t* taken) {
  if (taken == nullptr) return false;
  const std::unique_ptr<gantry_wasi_t> wasi(taken);
  return GuardStatus([&] { return BuildWasi(*store->box, wasi->builder); });
}

gantry_linker_t* gantry_linker_new(wasm_engine_t* engine) {
  return Guard<gantry_linker_t*>(nullptr, [&] { return new gantry_linker_t(engine->engine); });
}
void gantry_linker_delete(gantry_linker_t* taken) { delete taken; }
void gantry_linker_allow_shadowing(gantry_linker_t* linker, bool allow) {
  linker->linker.AllowShadowing(allow);
}
bool gantry_linker_define(gantry_linker_t* linker, const char* module, const char* name,
                          const wasm_extern_t* definition) {
  return GuardStatus(
      [&] { return linker->linker.Define(module, name, gantry::c_api::ToExtern(*definition)); });
}
bool gantry_linker_define_func(gantry_linker_t* linker, const char* module, const char* name,
                               const wasm_functype_t* type, wasm_func_callback_with_env_t callback,
                               void* env, void (*finalizer)(void*)) {
  return GuardStatus([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const gantry::FuncType func_type, gantry::c_api::ToFuncType(*type));
    RETURN_IF_ERROR(gantry::c_api::CheckCallable(func_type));
    return linker->linker.Func(
        module, name, func_type,
        gantry::c_api::Adapt(func_type, callback, std::make_shared<HostInfo>(env, finalizer)));
  });
}
bool gantry_linker_define_instance(gantry_linker_t* linker, const char* module,
                                   const wasm_instance_t* instance) {
  return GuardStatus([&] {
    return linker->linker.DefineInstance(instance->store->store, module, instance->instance());
  });
}
bool gantry_linker_define_wasi(gantry_linker_t* linker) {
  return GuardStatus([&] {
    linker->has_wasi = true;
    return gantry::wasi::AddToLinker(linker->linker,
                                     [](gantry::Caller& caller) -> gantry::wasi::Context& {
                                       return *caller.data<gantry::c_api::StoreData>()->wasi;
                                     });
  });
}
bool gantry_linker_define_unknown_imports_as_traps(gantry_linker_t* linker,
                                                   const wasm_module_t* module) {
  return GuardStatus([&] { return linker->linker.DefineUnknownImportsAsTraps(module->module()); });
}
wasm_instance_t* gantry_linker_instantiate(const gantry_linker_t* linker, wasm_store_t* store,
                                           const wasm_module_t* module, wasm_trap_t** trap) {
  if (trap != nullptr) *trap = nullptr;
  return gantry::c_api::GiveInstance(
      store->box,
      [&]() -> absl::StatusOr<gantry::Instance> {
        if (linker->has_wasi && store->box->store.data().wasi == nullptr) {
          gantry::wasi::ContextBuilder nothing;
          RETURN_IF_ERROR(BuildWasi(*store->box, nothing));
        }
        return linker->linker.Instantiate(store->store(), module->module());
      },
      trap);
}

}  // extern "C"
