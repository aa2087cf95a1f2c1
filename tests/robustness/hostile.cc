#include "tests/robustness/hostile.h"

#include <optional>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "api/instance.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/check.h"

namespace gantry::testing {
namespace {

// Something of the type that an import asks for; nothing where it is too large to make.
std::optional<Extern> MakeImport(Store& store, const ExternType& type) {
  if (const auto* func = std::get_if<FuncType>(&type)) {
    const auto made = Func::Create(
        store, *func,
        [](Caller&, absl::Span<const Val>, absl::Span<Val>) { return absl::OkStatus(); });
    return made.ok() ? std::optional<Extern>(*made) : std::nullopt;
  }
  if (const auto* memory = std::get_if<MemoryType>(&type)) {
    if (memory->shared) {
      const auto shared = SharedMemory::Create(store.engine(), *memory);
      return shared.ok() ? std::optional<Extern>(*shared) : std::nullopt;
    }
    const auto made = Memory::Create(store, *memory);
    return made.ok() ? std::optional<Extern>(*made) : std::nullopt;
  }
  if (const auto* table = std::get_if<TableType>(&type)) {
    if (!table->element.is_nullable()) return std::nullopt;
    const auto made = Table::Create(store, *table, Val::Default(table->element));
    return made.ok() ? std::optional<Extern>(*made) : std::nullopt;
  }
  if (const auto* tag = std::get_if<TagType>(&type)) {
    const auto made = Tag::Create(store, tag->type);
    return made.ok() ? std::optional<Extern>(*made) : std::nullopt;
  }
  const GlobalType& global = std::get<GlobalType>(type);
  if (!global.content.is_defaultable()) return std::nullopt;
  const auto made = Global::Create(store, global, Val::Default(global.content));
  return made.ok() ? std::optional<Extern>(*made) : std::nullopt;
}

}  // namespace

Engine HostileEngine() {
  Config config;
  config.ConsumeFuel(true).CompilationThreads(1).MaxWasmStack(128 << 10);
  AddTestCompilerFlags(config);
  absl::StatusOr<Engine> engine = Engine::Create(config);
  CHECK_OK(engine.status());
  return *engine;
}

HostileOutcome RunHostile(const Engine& engine, absl::Span<const uint8_t> bytes,
                          uint64_t fuel_per_call) {
  HostileOutcome outcome;
  const absl::StatusOr<Module> module = Module::Compile(engine, bytes);
  outcome.compiled = module.status();
  if (!module.ok()) return outcome;

  Store store(engine);
  CHECK_OK(store.SetFuel(fuel_per_call));
  std::vector<Extern> imports;
  for (const ImportType& import : module->imports()) {
    const std::optional<Extern> made = MakeImport(store, import.type);
    if (!made) return outcome;
    imports.push_back(*made);
  }
  const absl::StatusOr<Instance> instance = Instance::Create(store, *module, imports);
  if (!instance.ok()) return outcome;
  for (const ExportType& exported : module->exports()) {
    const auto* type = std::get_if<FuncType>(&exported.type);
    if (type == nullptr) continue;
    std::vector<Val> arguments;
    bool callable = true;
    for (const ValType param : type->params()) {
      callable = callable && param.is_defaultable() && !param.is_vector();
      if (callable) arguments.push_back(Val::Default(param));
    }
    if (!callable) continue;
    CHECK_OK(store.SetFuel(fuel_per_call));
    const absl::StatusOr<Func> func = instance->GetFunc(store, exported.name);
    CHECK_OK(func.status());
    const auto results = func->Call(store, arguments);
    results.ok() ? ++outcome.returned : ++outcome.trapped;
  }
  return outcome;
}

bool IsProperRefusal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return absl::StrContains(status.message(), "offset");
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kResourceExhausted:
      return !status.message().empty();
    default:
      return false;
  }
}

}  // namespace gantry::testing
