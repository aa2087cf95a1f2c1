#include "cranelift_shared/support_code.h"

#include <algorithm>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/mach_buffer.h"
#include "codegen/unwind.h"
#include "cranelift_shared/make_compiled_function.h"
#include "cranelift_shared/unwind_section.h"
#include "cranelift_shared/wasm_values.h"
#include "environ/core/builtins.h"
#include "environ/core/trap_code.h"
#include "environ/core/vm_offsets.h"
#include "environ/translation/compile_error.h"
#include "wasm_translate/error.h"

namespace gantry::cranelift {
namespace {

using Shapes = absl::InlinedVector<AbiShape, 16>;

Shapes ShapesOf(const environ::ModuleTranslation& module, absl::Span<const wasm::ValType> types) {
  Shapes shapes;
  for (const wasm::ValType type : types) shapes.push_back(ShapeOf(module, type));
  return shapes;
}

}  // namespace

absl::StatusOr<ConfiguredTarget> ConfigureTarget(const IsaFlags& flags,
                                                 const environ::Tunables& tunables, bool vectors) {
  // What the engine's tunables say of code generation; flags set by name come after.
  const auto text = [](bool value) { return std::string(value ? "true" : "false"); };
  // What a trap gives back of the fuel is found by way of the address map.
  const bool address_map = tunables.generate_address_map || tunables.consume_fuel;
  ASSIGN_OR_RETURN(const ConfiguredIsa configured,
                   flags.Configure({{"opt_level", tunables.opt_level == 0 ? "none" : "speed"},
                                    {"spectre_mitigation", text(tunables.spectre_masking)},
                                    {"address_map", text(address_map)},
                                    {"unwind_info", text(tunables.generate_unwind_info)},
                                    {"fuel_register", text(tunables.consume_fuel)}}));
  configured.builder->set_stack_limit({.enabled = true,
                                       .store_offset = environ::VMContextOffsets::kStore,
                                       .limit_offset = environ::VMStoreContextOffsets::kStackLimit,
                                       .code = static_cast<codegen::TrapCode>(static_cast<uint8_t>(
                                           environ::TrapCode::kCallStackExhausted))});
  ConfiguredTarget result;
  result.isa = configured.isa;
  ASSIGN_OR_RETURN(result.target, configured.builder->Build());
  const absl::string_view missing = result.target->missing_for_vectors();
  if (vectors && !missing.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("vectors (the feature simd) need the ",
                                                      result.target->name(), " flag '", missing,
                                                      "', which is off"));
  }
  result.tunables = tunables;
  const codegen::SharedFlags& shared = result.target->shared_flags();
  result.text.padding = std::max<uint64_t>(shared.padding(), tunables.padding_between_functions);
  result.text.force_jump_veneer = shared.force_jump_veneer() || tunables.force_jump_veneer;
  return result;
}

absl::Status SupportCode::CompileTrampoline(const environ::ModuleTranslation& module,
                                            const environ::FuncKey& key,
                                            environ::CompiledFunction& out) const {
  codegen::MachBuffer buffer(target_.isa->label_kinds());
  codegen::FrameInfo frame;
  codegen::UnwindInfo unwind;
  const wasm::FuncType& type = module.parsed.func_type(key.signature());
  const Shapes params = ShapesOf(module, type.params());
  const Shapes results = ShapesOf(module, type.results());
  if (key.kind() == environ::FuncKeyKind::kEntryTrampoline) {
    target_.isa->EmitEntryTrampoline(*target_.target, {params, results},
                                     target_.tunables.consume_fuel, buffer, &frame, &unwind);
  } else {
    target_.isa->EmitExitTrampoline(*target_.target, {params, results},
                                    target_.tunables.consume_fuel, buffer, &frame, &unwind);
  }
  RETURN_IF_ERROR(buffer.Finish());
  MakeCompiledFunction(buffer, frame, target_.tunables.generate_unwind_info ? &unwind : nullptr,
                       target_.target->unwind_format(), out);
  return absl::OkStatus();
}

absl::Status SupportCode::CompileBuiltinShim(const environ::FuncKey& key,
                                             environ::CompiledFunction& out) const {
  CHECK(key.kind() == environ::FuncKeyKind::kBuiltinShim && key.index() < environ::kBuiltinCount)
      << key;
  codegen::MachBuffer buffer(target_.isa->label_kinds());
  codegen::FrameInfo frame;
  codegen::UnwindInfo unwind;
  target_.isa->EmitBuiltinShim(*target_.target, static_cast<environ::Builtin>(key.index()),
                               target_.tunables.consume_fuel, buffer, &frame, &unwind);
  RETURN_IF_ERROR(buffer.Finish());
  MakeCompiledFunction(buffer, frame, target_.tunables.generate_unwind_info ? &unwind : nullptr,
                       target_.target->unwind_format(), out);
  return absl::OkStatus();
}

absl::StatusOr<environ::LinkedText> SupportCode::AppendText(
    absl::Span<const environ::NamedFunction> functions) const {
  TextBuilder builder(target_.target->link_rules(), target_.text);
  UnwindSection unwind(target_.target->unwind_format());
  for (const environ::NamedFunction& function : functions) builder.Expect(function.view());
  for (const environ::NamedFunction& function : functions) {
    const environ::FunctionView view = function.view();
    ASSIGN_OR_RETURN(const uint32_t offset, builder.Append(function.key, view));
    if (!target_.tunables.generate_unwind_info) continue;
    unwind.Add(offset, static_cast<uint32_t>(view.code.size()), view.unwind);
  }
  ASSIGN_OR_RETURN(environ::LinkedText text, std::move(builder).Finish());
  if (target_.tunables.generate_unwind_info) {
    text.eh_frame_distance = static_cast<uint32_t>((text.text.size() + 7) / 8 * 8);
    text.eh_frame = unwind.Finish(text.eh_frame_distance);
  }
  return text;
}

absl::Status ExplainedFailure(const absl::Status& status, const environ::FuncKey& key) {
  environ::CompileErrorKind kind;
  if (wasm::ErrorOffset(status).has_value()) {
    // Validation's own words and offset.
    return status;
  } else if (absl::IsUnimplemented(status)) {
    kind = environ::CompileErrorKind::kUnsupported;
  } else if (absl::IsResourceExhausted(status)) {
    kind = environ::CompileErrorKind::kTooLarge;
  } else {
    return status;
  }
  return environ::CompileErrorStatus(
      {.kind = kind,
       .message =
           absl::StrCat(key.Symbol(), ": ",
                        absl::string_view(status.message().data(), status.message().size()))});
}

}  // namespace gantry::cranelift
