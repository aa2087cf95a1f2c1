// Tested by api_test.cc.
#include "api/linker.h"

#include <map>
#include <new>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace gantry {
namespace api_internal {

class LinkerState {
 public:
  // A function of the host, which becomes one of each store that asks for it.
  struct HostFunc {
    FuncType type;
    Func::RawCallback callback;
  };
  using Definition = std::variant<HostFunc, Extern>;
  using Key = std::pair<std::string, std::string>;

  explicit LinkerState(Engine engine) : engine_(std::move(engine)) {}

  absl::Status Add(absl::string_view module, absl::string_view name, Definition definition) {
    Key key{std::string(module), std::string(name)};
    if (!allow_shadowing_ && definitions_.count(key) != 0) {
      return absl::AlreadyExistsError(
          absl::StrCat("\"", module, "\" \"", name, "\" is defined already"));
    }
    definitions_.insert_or_assign(std::move(key), std::move(definition));
    return absl::OkStatus();
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
    return *definition_in_store;
  }
  const auto& host = std::get<LinkerState::HostFunc>(definition);
  ASSIGN_OR_RETURN(const Func func, Func::CreateRaw(store, host.type, host.callback));
  return Extern(func);
}

}  // namespace
}  // namespace api_internal

Linker::Linker(const Engine& engine)
    : state_(std::make_unique<api_internal::LinkerState>(engine)) {}
Linker::~Linker() = default;
Linker::Linker(Linker&&) noexcept = default;
Linker& Linker::operator=(Linker&&) noexcept = default;

void Linker::AllowShadowing(bool allow) { state_->set_allow_shadowing(allow); }

absl::Status Linker::Func(absl::string_view module, absl::string_view name, const FuncType& type,
                          gantry::Func::Callback callback) {
  return RawFunc(module, name, type, gantry::Func::ToRaw(type, std::move(callback)));
}

absl::Status Linker::RawFunc(absl::string_view module, absl::string_view name, const FuncType& type,
                             gantry::Func::RawCallback callback) {
  return state_->Add(module, name, api_internal::LinkerState::HostFunc{type, std::move(callback)});
}

absl::Status Linker::Define(absl::string_view module, absl::string_view name,
                            const Extern& definition) {
  return state_->Add(module, name, definition);
}

absl::Status Linker::DefineInstance(Store& store, absl::string_view module,
                                    const Instance& instance) {
  ASSIGN_OR_RETURN(const auto exports, instance.Exports(store));
  for (const auto& [name, definition] : exports) {
    RETURN_IF_ERROR(Define(module, name, definition));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Extern>> Linker::Get(Store& store, absl::string_view module,
                                                  absl::string_view name) const {
  const auto* definition = state_->Find(module, name);
  if (definition == nullptr) return std::optional<Extern>();
  ASSIGN_OR_RETURN(const Extern resolved, api_internal::Resolve(store, *definition));
  return std::optional<Extern>(resolved);
}

bool Linker::Has(absl::string_view module, absl::string_view name) const {
  return state_->Find(module, name) != nullptr;
}

absl::StatusOr<Instance> Linker::Instantiate(Store& store, const Module& module) const {
  try {
    if (!(store.engine() == state_->engine()) || !(module.engine() == state_->engine())) {
      return absl::InvalidArgumentError("linker, store and module have to be of the same engine");
    }
    std::vector<Extern> imports;
    std::vector<std::string> missing;
    for (const ImportType& import : module.imports()) {
      const auto* definition = state_->Find(import.module, import.name);
      if (definition == nullptr) {
        missing.push_back(absl::StrCat("\"", import.module, "\" \"", import.name, "\" (",
                                       ExternTypeToString(import.type), ")"));
        continue;
      }
      if (!missing.empty()) continue;
      ASSIGN_OR_RETURN(Extern resolved, api_internal::Resolve(store, *definition));
      imports.push_back(resolved);
    }
    if (!missing.empty()) {
      return absl::NotFoundError(absl::StrCat("unknown import: ", absl::StrJoin(missing, ", ")));
    }
    return Instance::Create(store, module, imports);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while instantiating");
  }
}

}  // namespace gantry
