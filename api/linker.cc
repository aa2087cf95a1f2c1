// Tested by api_test.cc.
#include "api/linker.h"

#include <map>
#include <new>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "api/host_definition.h"
#include "api/instance_pre_state.h"
#include "api/module_state.h"
#include "api/store_state.h"
#include "base/status_macros.h"

namespace gantry {
namespace api_internal {
namespace {

absl::Status OutOfMemory() { return absl::ResourceExhaustedError("out of memory in a linker"); }

}  // namespace

class LinkerState {
 public:
  // A function of the host becomes one of each store that asks for it.
  using HostFunc = std::shared_ptr<const HostDefinition>;
  using Definition = std::variant<HostFunc, Extern>;
  using Key = std::pair<std::string, std::string>;

  explicit LinkerState(Engine engine) : engine_(std::move(engine)) {}

  absl::Status CheckFree(absl::string_view module, absl::string_view name) const {
    if (allow_shadowing_ || Find(module, name) == nullptr) return absl::OkStatus();
    return absl::AlreadyExistsError(
        absl::StrCat("\"", module, "\" \"", name, "\" is defined already"));
  }
  absl::Status Add(absl::string_view module, absl::string_view name, Definition definition) {
    try {
      RETURN_IF_ERROR(CheckFree(module, name));
      definitions_.insert_or_assign(Key{std::string(module), std::string(name)},
                                    std::move(definition));
      return absl::OkStatus();
    } catch (const std::bad_alloc&) {
      return OutOfMemory();
    }
  }
  const Definition* Find(absl::string_view module, absl::string_view name) const {
    const auto found = definitions_.find(Key{std::string(module), std::string(name)});
    return found == definitions_.end() ? nullptr : &found->second;
  }
  void set_allow_shadowing(bool allow) { allow_shadowing_ = allow; }
  const Engine& engine() const { return engine_; }

 private:
  const Engine engine_;
  bool allow_shadowing_ = false;
  std::map<Key, Definition> definitions_;
};

namespace {

absl::StatusOr<Extern> Resolve(Store& store, const LinkerState::Definition& definition) {
  if (const auto* definition_in_store = std::get_if<Extern>(&definition)) {
    RETURN_IF_ERROR(ToRuntime(store, *definition_in_store).status());
    return *definition_in_store;
  }
  const auto& host = std::get<LinkerState::HostFunc>(definition);
  ASSIGN_OR_RETURN(runtime::VMFuncRef* const func, store.state().HostFuncOf(store, host));
  return Extern(Func::FromRaw(store.id(), func));
}

// What each import means, in the module's order. Error: kNotFound naming all that mean nothing.
absl::StatusOr<std::vector<const LinkerState::Definition*>> DefinitionsOf(const LinkerState& state,
                                                                          const Module& module) {
  std::vector<const LinkerState::Definition*> definitions;
  std::vector<std::string> missing;
  for (const ImportType& import : module.imports()) {
    definitions.push_back(state.Find(import.module, import.name));
    if (definitions.back() == nullptr) {
      missing.push_back(absl::StrCat("\"", import.module, "\" \"", import.name, "\" (",
                                     ExternTypeToString(import.type), ")"));
    }
  }
  if (missing.empty()) return definitions;
  return absl::NotFoundError(absl::StrCat("unknown import: ", absl::StrJoin(missing, ", ")));
}

absl::Status CheckHostFunction(const Module& module, size_t import,
                               const runtime::HostFunctionType& type) {
  const runtime::Module& runtime = *module.state()->runtime();
  const environ::ImportInfo& info = runtime.info().imports[import];
  if (info.entity.kind == wasm::ExternKind::kFunc &&
      runtime.engine().types().IsSubtype(type.id(),
                                         runtime.type_id(wasm::FuncIndex(info.entity.index)))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("incompatible import type for \"", info.module,
                                                 "\" \"", info.name, "\": expected ",
                                                 ExternTypeToString(module.imports()[import].type),
                                                 ", found function ", type.type.ToString()));
}

}  // namespace
}  // namespace api_internal

namespace {

absl::Status OfAnotherEngine() {
  return absl::InvalidArgumentError("linker, store and module have to be of the same engine");
}

}  // namespace

Linker::Linker(const Engine& engine)
    : state_(std::make_unique<api_internal::LinkerState>(engine)) {}
absl::StatusOr<Linker> Linker::Create(const Engine& engine) {
  try {
    return Linker(engine);
  } catch (const std::bad_alloc&) {
    return api_internal::OutOfMemory();
  }
}
Linker::~Linker() = default;
Linker::Linker(Linker&&) noexcept = default;
Linker& Linker::operator=(Linker&&) noexcept = default;

void Linker::AllowShadowing(bool allow) { state_->set_allow_shadowing(allow); }

absl::Status Linker::Func(absl::string_view module, absl::string_view name, const FuncType& type,
                          gantry::Func::Callback callback) {
  try {
    return RawFunc(module, name, type, gantry::Func::ToRaw(type, std::move(callback)));
  } catch (const std::bad_alloc&) {
    return api_internal::OutOfMemory();
  }
}

absl::Status Linker::RawFunc(absl::string_view module, absl::string_view name, const FuncType& type,
                             gantry::Func::RawCallback callback) {
  try {
    return CodeFunc(module, name, type, api_internal::CodeOf(std::move(callback)));
  } catch (const std::bad_alloc&) {
    return api_internal::OutOfMemory();
  }
}

absl::Status Linker::CodeFunc(absl::string_view module, absl::string_view name,
                              const FuncType& type, api_internal::HostFuncCode code) {
  try {
    return state_->Add(module, name,
                       std::make_shared<const api_internal::HostDefinition>(type, std::move(code)));
  } catch (const std::bad_alloc&) {
    return api_internal::OutOfMemory();
  }
}

absl::Status Linker::Define(absl::string_view module, absl::string_view name,
                            const Extern& definition) {
  if (const auto* shared = std::get_if<SharedMemory>(&definition);
      shared != nullptr && !(shared->engine() == state_->engine())) {
    return absl::InvalidArgumentError("the shared memory belongs to another engine");
  }
  return state_->Add(module, name, definition);
}

absl::Status Linker::DefineInstance(Store& store, absl::string_view module,
                                    const Instance& instance) {
  if (!(store.engine() == state_->engine())) return OfAnotherEngine();
  try {
    ASSIGN_OR_RETURN(const auto exports, instance.Exports(store));
    for (const auto& [name, definition] : exports) {
      RETURN_IF_ERROR(state_->CheckFree(module, name));
    }
    for (const auto& [name, definition] : exports) {
      RETURN_IF_ERROR(Define(module, name, definition));
    }
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return api_internal::OutOfMemory();
  }
}

absl::Status Linker::DefineUnknownImportsAsTraps(const Module& module) {
  if (!(module.engine() == state_->engine())) return OfAnotherEngine();
  try {
    for (const ImportType& import : module.imports()) {
      const FuncType* type = std::get_if<FuncType>(&import.type);
      if (type == nullptr || Has(import.module, import.name)) continue;
      // The module keeps the type's ids alive.
      RETURN_IF_ERROR(
          RawFunc(import.module, import.name, *type,
                  [module, name = absl::StrCat("\"", import.module, "\" \"", import.name, "\"")](
                      Caller&, runtime::ValRaw*) -> absl::Status {
                    return absl::FailedPreconditionError(
                        absl::StrCat("unknown import: ", name, " was called"));
                  }));
    }
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return api_internal::OutOfMemory();
  }
}

absl::StatusOr<std::optional<Extern>> Linker::Get(Store& store, absl::string_view module,
                                                  absl::string_view name) const {
  try {
    if (!(store.engine() == state_->engine())) return OfAnotherEngine();
    const auto* definition = state_->Find(module, name);
    if (definition == nullptr) return std::optional<Extern>();
    ASSIGN_OR_RETURN(const Extern resolved, api_internal::Resolve(store, *definition));
    return std::optional<Extern>(resolved);
  } catch (const std::bad_alloc&) {
    return api_internal::OutOfMemory();
  }
}

bool Linker::Has(absl::string_view module, absl::string_view name) const {
  return state_->Find(module, name) != nullptr;
}

absl::StatusOr<Instance> Linker::Instantiate(Store& store, const Module& module) const {
  try {
    if (!(store.engine() == state_->engine()) || !(module.engine() == state_->engine())) {
      return OfAnotherEngine();
    }
    ASSIGN_OR_RETURN(const auto definitions, api_internal::DefinitionsOf(*state_, module));
    std::vector<Extern> imports;
    for (const auto* definition : definitions) {
      ASSIGN_OR_RETURN(Extern resolved, api_internal::Resolve(store, *definition));
      imports.push_back(resolved);
    }
    return Instance::Create(store, module, imports);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while instantiating");
  }
}

AsyncCall<absl::StatusOr<Instance>> Linker::InstantiateAsync(Store& store,
                                                             const Module& module) const {
  return RunAsync(store, [this, &store, module] { return Instantiate(store, module); });
}

absl::StatusOr<InstancePre> Linker::InstantiatePre(const Module& module) const {
  using State = api_internal::InstancePreState;
  try {
    if (!(module.engine() == state_->engine())) return OfAnotherEngine();
    ASSIGN_OR_RETURN(const auto definitions, api_internal::DefinitionsOf(*state_, module));
    std::vector<State::Import> imports;
    std::vector<std::shared_ptr<const api_internal::HostDefinition>> hosts;
    std::vector<runtime::HostFunctionSet::Function> host_functions;
    std::unordered_map<const api_internal::HostDefinition*, size_t> places;
    auto functions = runtime::Instance::ImportTypes::kMatched;
    for (size_t i = 0; i < definitions.size(); ++i) {
      if (const auto* definition = std::get_if<Extern>(definitions[i])) {
        if (std::holds_alternative<gantry::Func>(*definition)) {
          functions = runtime::Instance::ImportTypes::kUnknown;
        }
        imports.push_back(*definition);
        continue;
      }
      const auto& host = std::get<api_internal::LinkerState::HostFunc>(*definitions[i]);
      ASSIGN_OR_RETURN(auto type, api_internal::HostFunctionTypeFor(state_->engine(), host->type));
      RETURN_IF_ERROR(api_internal::CheckHostFunction(module, i, *type));
      const auto [place, added] = places.emplace(host.get(), hosts.size());
      imports.push_back(State::HostFunc{place->second});
      if (!added) continue;
      hosts.push_back(host);
      host_functions.push_back({std::move(type), host->code.runtime});
    }
    std::shared_ptr<const api_internal::HostImports> host_imports;
    if (!hosts.empty()) {
      host_imports = std::make_shared<const api_internal::HostImports>(std::move(hosts),
                                                                       std::move(host_functions));
    }
    return InstancePre(std::make_shared<const State>(module, std::move(imports),
                                                     std::move(host_imports), functions));
  } catch (const std::bad_alloc&) {
    return api_internal::OutOfMemory();
  }
}

}  // namespace gantry
