// Tested by api_test.cc.
#include "api/module.h"

#include <chrono>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/engine_state.h"
#include "api/module_source.h"
#include "api/module_state.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "environ/artifact/artifact.h"
#include "jit/load.h"

namespace gantry {
namespace {

absl::Status OutOfMemory(absl::string_view what) {
  return absl::ResourceExhaustedError(absl::StrCat("out of memory while ", what));
}

jit::LoadOptions OptionsFor(const Engine& engine, bool compiled_here) {
  jit::LoadOptions options;
  options.tunables = &engine.state()->runtime()->tunables();
  // For the stack-walk oracle; that of an artifact from elsewhere is not to be trusted.
  options.register_unwind_info =
      (compiled_here && GANTRY_DCHECK_IS_ON()) || engine.config().register_unwind_info();
  options.register_debugger = engine.config().register_with_debuggers();
  if (compiled_here) options.verification = environ::Verification::kTrusted;
  return options;
}

absl::StatusOr<std::shared_ptr<const runtime::Module>> NewModule(
    const Engine& engine, std::shared_ptr<const runtime::CodeObject> code) {
  if (code->num_modules() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the artifact holds ", code->num_modules(), " core modules, not one"));
  }
  const environ::ModuleId id(0);
  std::shared_ptr<runtime::TierUp> tier_up = engine.state()->source().TierUpOf(code, id);
  return runtime::Module::Create(engine.state()->runtime(), std::move(code), id,
                                 std::move(tier_up));
}

}  // namespace

namespace api_internal {

ModuleState::ModuleState(Engine engine, std::shared_ptr<const runtime::Module> module,
                         std::optional<CompileTiming> timing)
    : engine_(std::move(engine)), module_(std::move(module)), timing_(std::move(timing)) {
  const environ::ModuleInfo& info = module_->info();
  for (const environ::ImportInfo& import : info.imports) {
    imports_.push_back({import.module, import.name, TypeOf(import.entity)});
  }
  for (const environ::ExportInfo& exported : info.exports) {
    exports_.push_back({exported.name, TypeOf(exported.entity)});
  }
}

ExternType ModuleState::TypeOf(const environ::EntityRef& entity) const {
  const environ::ModuleInfo& info = module_->info();
  const auto func_type = [&](uint32_t type_id) -> const FuncType& {
    const FuncType* type = module_->engine().types().FuncTypeOf(type_id);
    CHECK(type != nullptr) << "type id " << type_id;
    return *type;
  };
  switch (entity.kind) {
    case wasm::ExternKind::kFunc:
      return func_type(module_->type_id(wasm::FuncIndex(entity.index)));
    case wasm::ExternKind::kTable:
      return module_->Canonical(info.tables[wasm::TableIndex(entity.index)]);
    case wasm::ExternKind::kMemory:
      return info.memories[wasm::MemoryIndex(entity.index)].type;
    case wasm::ExternKind::kGlobal:
      return module_->Canonical(info.globals[wasm::GlobalIndex(entity.index)]);
    case wasm::ExternKind::kTag:
      return TagType{func_type(module_->type_id(wasm::TagIndex(entity.index)))};
  }
  UNREACHABLE();
}

}  // namespace api_internal

std::string ExternTypeToString(const ExternType& type) {
  if (const auto* func = std::get_if<FuncType>(&type)) {
    return absl::StrCat("function ", func->ToString());
  }
  if (const auto* table = std::get_if<TableType>(&type)) {
    return absl::StrCat("table ", table->ToString());
  }
  if (const auto* memory = std::get_if<MemoryType>(&type)) {
    return absl::StrCat("memory ", memory->ToString());
  }
  if (const auto* tag = std::get_if<TagType>(&type)) {
    return absl::StrCat("tag ", tag->type.ToString());
  }
  return absl::StrCat("global ", std::get<GlobalType>(type).ToString());
}

template <typename MakeArtifact>
absl::StatusOr<Module> Module::CompileWith(const Engine& engine, MakeArtifact&& make_artifact) {
  try {
    std::optional<CompileTiming> timing;
    if (engine.config().collect_timing()) timing.emplace();
    ASSIGN_OR_RETURN(const std::vector<uint8_t> artifact,
                     make_artifact(timing.has_value() ? &*timing : nullptr));
    const auto start = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(std::shared_ptr<const runtime::CodeObject> code,
                     jit::LoadArtifact(artifact, OptionsFor(engine, true)));
    ASSIGN_OR_RETURN(std::shared_ptr<const runtime::Module> module,
                     NewModule(engine, std::move(code)));
    if (timing) {
      const auto spent = std::chrono::steady_clock::now() - start;
      timing->phases.push_back({"load", absl::FromChrono(spent), artifact.size()});
    }
    return Module(
        std::make_shared<api_internal::ModuleState>(engine, std::move(module), std::move(timing)));
  } catch (const std::bad_alloc&) {
    return OutOfMemory("compiling a module");
  }
}

absl::StatusOr<Module> Module::Compile(const Engine& engine, absl::Span<const uint8_t> bytes) {
  return CompileWith(engine, [&](CompileTiming* timing) {
    return engine.state()->source().Compile(bytes, timing);
  });
}

absl::StatusOr<Module> Module::CompileText(const Engine& engine, absl::string_view text) {
  return CompileWith(engine, [&](CompileTiming* timing) {
    return engine.state()->source().CompileText(text, timing);
  });
}

absl::StatusOr<std::vector<uint8_t>> Module::Precompile(const Engine& engine,
                                                        absl::Span<const uint8_t> bytes,
                                                        CompileTiming* timing) {
  try {
    return engine.state()->source().Compile(bytes, timing);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("compiling a module");
  }
}

absl::Status Module::Validate(const Engine& engine, absl::Span<const uint8_t> bytes) {
  try {
    return engine.state()->source().Validate(bytes);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("validating a module");
  }
}

absl::StatusOr<std::vector<uint8_t>> Module::Serialize() const {
  try {
    const absl::Span<const uint8_t> artifact = state_->runtime()->code().artifact();
    return std::vector<uint8_t>(artifact.begin(), artifact.end());
  } catch (const std::bad_alloc&) {
    return OutOfMemory("serializing a module");
  }
}

template <typename LoadCode>
absl::StatusOr<Module> Module::LoadWith(const Engine& engine, LoadCode&& load_code) {
  try {
    ASSIGN_OR_RETURN(std::shared_ptr<const runtime::CodeObject> code,
                     load_code(OptionsFor(engine, false)));
    ASSIGN_OR_RETURN(std::shared_ptr<const runtime::Module> module,
                     NewModule(engine, std::move(code)));
    return Module(
        std::make_shared<api_internal::ModuleState>(engine, std::move(module), std::nullopt));
  } catch (const std::bad_alloc&) {
    return OutOfMemory("loading an artifact");
  }
}

absl::StatusOr<Module> Module::Deserialize(const Engine& engine, absl::Span<const uint8_t> artifact,
                                           Verification verification) {
  return LoadWith(engine, [&](jit::LoadOptions options) {
    options.verification = verification;
    return jit::LoadArtifact(artifact, options);
  });
}

absl::StatusOr<Module> Module::DeserializeFile(const Engine& engine, const std::string& path,
                                               Verification verification) {
  return LoadWith(engine, [&](jit::LoadOptions options) {
    options.verification = verification;
    return jit::LoadArtifactFile(path, options);
  });
}

bool Module::IsArtifact(absl::Span<const uint8_t> bytes) {
  return environ::LooksLikeArtifact(bytes);
}

const Engine& Module::engine() const { return state_->engine(); }

absl::string_view Module::name() const { return state_->runtime()->info().name; }

const std::vector<ImportType>& Module::imports() const { return state_->imports(); }

const std::vector<ExportType>& Module::exports() const { return state_->exports(); }

const ExternType* Module::GetExport(absl::string_view name) const {
  for (const ExportType& exported : state_->exports()) {
    if (exported.name == name) return &exported.type;
  }
  return nullptr;
}

const std::optional<CompileTiming>& Module::timing() const { return state_->timing(); }

}  // namespace gantry
