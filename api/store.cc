// Tested by api_test.cc.
#include "api/store.h"

#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/engine_state.h"
#include "api/store_state.h"
#include "base/status_macros.h"
#include "runtime/instance.h"

namespace gantry {
namespace api_internal {

absl::Status CheckStore(const Store& store, uint64_t store_id, const char* what) {
  if (store.id() == store_id) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the ", what, " belongs to another store than the one it is used with"));
}

absl::StatusOr<std::shared_ptr<const runtime::HostFunctionType>> HostFunctionTypeFor(
    const Engine& engine, const FuncType& type) {
  runtime::Engine& runtime = *engine.state()->runtime();
  ASSIGN_OR_RETURN(const runtime::RegisteredTypes registered, runtime.types().RegisterFunc(type));
  // Held until the type found holds them itself.
  ASSIGN_OR_RETURN(const runtime::Trampolines trampolines,
                   engine.state()->TrampolinesFor(type, registered.ids().front()));
  return runtime.HostFunctionTypeOf(type);
}

HostFuncCode CodeOf(Func::RawCallback callback) {
  using Data = HostFuncData<Func::RawCallback>;
  const runtime::HostCall call = [](runtime::VMHostFuncContext* context,
                                    runtime::VMContext* caller_vmctx, runtime::ValRaw* values) {
    return runtime::Store::RunHostCall(context, values, [&] {
      runtime::Store::RootParameters(context, values);
      Data& data = *static_cast<Data*>(context->data);
      Caller caller(*data.store, caller_vmctx);
      return data.callable(caller, values);
    });
  };
  return {runtime::HostCode::For<Data>(call, std::move(callback))};
}

absl::StatusOr<runtime::VMFuncRef*> AddHostFunction(Store& store, const FuncType& type,
                                                    const HostFuncCode& code) {
  std::vector<runtime::HostFunctionSet::Function> functions(1);
  functions[0].code = code.runtime;
  ASSIGN_OR_RETURN(functions[0].type, HostFunctionTypeFor(store.engine(), type));
  runtime::VMFuncRef* made = nullptr;
  store.state().runtime().AddHostFunctions(
      std::make_shared<const runtime::HostFunctionSet>(std::move(functions)), &store,
      absl::MakeSpan(&made, 1));
  return made;
}

absl::StatusOr<runtime::VMFuncRef*> StoreState::HostFuncOf(
    Store& store, const std::shared_ptr<const HostDefinition>& definition) {
  IndexHostFuncs();
  const auto found = host_funcs_.find(definition.get());
  if (found != host_funcs_.end()) return found->second;
  ASSIGN_OR_RETURN(runtime::VMFuncRef* const made,
                   AddHostFunction(store, definition->type, definition->code));
  held_.push_back(definition);
  host_funcs_.emplace(definition.get(), made);
  return made;
}

absl::Span<runtime::VMFuncRef* const> StoreState::HostFuncsOf(
    Store& store, const std::shared_ptr<const HostImports>& imports) {
  for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
    if (group->imports == imports) return group->funcs;
  }
  std::vector<runtime::VMFuncRef*> funcs(imports->definitions.size());
  if (!groups_.empty() || !host_funcs_.empty()) {
    IndexHostFuncs();
    for (size_t i = 0; i < funcs.size(); ++i) {
      const auto found = host_funcs_.find(imports->definitions[i].get());
      if (found != host_funcs_.end()) funcs[i] = found->second;
    }
  }
  store_->AddHostFunctions({imports, &imports->functions}, &store, absl::MakeSpan(funcs));
  groups_.push_back({imports, std::move(funcs)});
  return groups_.back().funcs;
}

void StoreState::IndexHostFuncs() {
  for (; num_indexed_ < groups_.size(); ++num_indexed_) {
    const HostFuncGroup& group = groups_[num_indexed_];
    for (size_t i = 0; i < group.funcs.size(); ++i) {
      host_funcs_.emplace(group.imports->definitions[i].get(), group.funcs[i]);
    }
  }
}

Extern ToExtern(const Store& store, const runtime::Extern& definition) {
  if (const auto* func = std::get_if<runtime::VMFuncRef*>(&definition)) {
    return Func::FromRaw(store.id(), *func);
  }
  if (const auto* table = std::get_if<runtime::Table*>(&definition)) {
    return Table::FromRaw(store.id(), *table);
  }
  if (const auto* memory = std::get_if<runtime::Memory*>(&definition)) {
    if ((*memory)->shared()) return SharedMemory::FromRaw(store.engine(), (*memory)->shared());
    return Memory::FromRaw(store.id(), *memory);
  }
  if (const auto* global = std::get_if<runtime::Global*>(&definition)) {
    return Global::FromRaw(store.id(), *global);
  }
  return Tag::FromRaw(store.id(), std::get<runtime::Tag*>(definition));
}

absl::StatusOr<runtime::Extern> ToRuntime(Store& store, const Extern& definition) {
  if (const auto* func = std::get_if<Func>(&definition)) {
    RETURN_IF_ERROR(CheckStore(store, func->store_id(), "function"));
    return runtime::Extern(func->raw());
  }
  if (const auto* table = std::get_if<Table>(&definition)) {
    RETURN_IF_ERROR(CheckStore(store, table->store_id(), "table"));
    return runtime::Extern(table->raw());
  }
  if (const auto* memory = std::get_if<Memory>(&definition)) {
    RETURN_IF_ERROR(CheckStore(store, memory->store_id(), "memory"));
    return runtime::Extern(memory->raw());
  }
  if (const auto* memory = std::get_if<SharedMemory>(&definition)) {
    // The plan of a memory follows its engine's settings.
    if (!(memory->engine() == store.engine())) {
      return absl::InvalidArgumentError("the shared memory belongs to another engine");
    }
    ASSIGN_OR_RETURN(runtime::Memory* const view, store.runtime().ViewOf(memory->raw()));
    return runtime::Extern(view);
  }
  if (const auto* global = std::get_if<Global>(&definition)) {
    RETURN_IF_ERROR(CheckStore(store, global->store_id(), "global"));
    return runtime::Extern(global->raw());
  }
  const Tag& tag = std::get<Tag>(definition);
  RETURN_IF_ERROR(CheckStore(store, tag.store_id(), "tag"));
  return runtime::Extern(tag.raw());
}

absl::Status Interrupts::OnInterrupt(runtime::Store& store, Reason reason) {
  // A callback may replace itself.
  switch (reason) {
    case Reason::kFuelInterval: {
      const Store::YieldCallback callback = fuel_interval;
      return callback ? callback(store_) : absl::OkStatus();
    }
    case Reason::kOutOfFuel: {
      const Store::FuelCallback callback = out_of_fuel;
      if (!callback) return absl::OkStatus();
      ASSIGN_OR_RETURN(const uint64_t units, callback(store_));
      const uint64_t left = store.fuel();
      store.SetFuel(units > std::numeric_limits<uint64_t>::max() - left
                        ? std::numeric_limits<uint64_t>::max()
                        : left + units);
      return absl::OkStatus();
    }
    case Reason::kEpochDeadline: {
      const Store::EpochCallback callback = epoch;
      if (!callback) return absl::OkStatus();
      ASSIGN_OR_RETURN(const uint64_t delta, callback(store_));
      store.SetEpochDeadline(delta);
      return absl::OkStatus();
    }
  }
  return absl::InternalError("an interrupt for no known reason");
}

}  // namespace api_internal

namespace {

// The state holds the engine for its store, which need not count it again: threads that make stores
// would wait for the counter.
std::shared_ptr<runtime::Engine> BorrowedEngine(const Engine& engine) {
  return std::shared_ptr<runtime::Engine>(std::shared_ptr<void>(), engine.state()->runtime().get());
}

}  // namespace

Store::Store(const Engine& engine)
    : state_(std::make_unique<api_internal::StoreState>(
          engine, runtime::Store::Create(BorrowedEngine(engine), {}))),
      runtime_(&state_->runtime()),
      id_(runtime_->id()) {}

absl::StatusOr<std::unique_ptr<Store>> Store::Create(const Engine& engine) {
  try {
    return std::make_unique<Store>(engine);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while making a store");
  }
}

Store::~Store() { EndCall(); }

void Store::EndCall() {
  if (state_ != nullptr) state_->runtime().EndSuspended();
}

void Store::SetLimits(const StoreLimits& limits) {
  state_->limits() = limits;
  runtime_->SetLimiter(&state_->limits());
}

void Store::SetLimiter(ResourceLimiter* limiter) { runtime_->SetLimiter(limiter); }

void* Store::UserData(const std::type_info&) { return nullptr; }

const Engine& Store::engine() const { return state_->engine(); }

absl::StatusOr<uint64_t> Store::GetFuel() const {
  if (!engine().config().consume_fuel()) {
    return absl::FailedPreconditionError(
        "fuel is not counted: the engine was made without Config::ConsumeFuel");
  }
  return state_->runtime().fuel();
}

absl::Status Store::SetFuel(uint64_t units) {
  RETURN_IF_ERROR(GetFuel().status());
  state_->runtime().SetFuel(units);
  return absl::OkStatus();
}

void Store::SetOutOfFuelCallback(FuelCallback callback) {
  state_->interrupts(*this).out_of_fuel = std::move(callback);
}

absl::Status Store::SetFuelInterval(uint64_t units, YieldCallback callback) {
  RETURN_IF_ERROR(GetFuel().status());
  state_->interrupts(*this).fuel_interval = std::move(callback);
  state_->runtime().SetFuelInterval(units);
  return absl::OkStatus();
}

absl::Status Store::SetEpochDeadline(uint64_t delta) {
  if (engine().config().epoch_interruption() == EpochInterruption::kNone) {
    return absl::FailedPreconditionError(
        "epochs are not looked at: the engine was made without Config::EpochInterruption");
  }
  state_->runtime().SetEpochDeadline(delta);
  return absl::OkStatus();
}

void Store::SetEpochCallback(EpochCallback callback) {
  state_->interrupts(*this).epoch = std::move(callback);
}

std::optional<Extern> Caller::GetExport(absl::string_view name) {
  if (vmctx_ == nullptr) return std::nullopt;
  runtime::Instance& instance = *static_cast<runtime::VMContext*>(vmctx_)->instance;
  const std::optional<runtime::Extern> found = instance.GetExport(name);
  if (!found) return std::nullopt;
  return api_internal::ToExtern(store_, *found);
}

absl::Span<uint8_t> Caller::MemoryBytes() {
  if (vmctx_ == nullptr) return {};
  runtime::Instance& instance = *static_cast<runtime::VMContext*>(vmctx_)->instance;
  const std::optional<runtime::Extern> found = instance.GetExport("memory");
  if (!found || !std::holds_alternative<runtime::Memory*>(*found)) return {};
  const runtime::Memory& memory = *std::get<runtime::Memory*>(*found);
  return memory.shared() ? absl::Span<uint8_t>() : memory.data();
}

}  // namespace gantry
