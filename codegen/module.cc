// Tested by object_test and //jit:module_test.
#include "codegen/module.h"

#include <functional>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "codegen/pass/passes.h"

namespace gantry::codegen {
namespace {

// UserExternalName::space of the names that ReferTo makes.
constexpr uint32_t kFunctionSpace = 0;
constexpr uint32_t kDataSpace = 1;

constexpr uint32_t kMaxAlignment = 4096;

absl::Status OutOfMemory(absl::string_view what) {
  return absl::ResourceExhaustedError(absl::StrCat("out of memory while ", what));
}

class MidEnd final : public FunctionPass {
 public:
  explicit MidEnd(const SharedFlags& flags) {
    AddDefaultPasses(&pipeline_);
    pipeline_.options().verify = flags.enable_verifier();
  }
  absl::Status Run(Function* func) override { return pipeline_.Run(func); }

 private:
  PassPipeline pipeline_;
};

}  // namespace

struct Module::Compiler {
  explicit Compiler(const SharedFlags& flags) {
    if (flags.opt_level() != OptLevel::kNone) mid_end = std::make_unique<MidEnd>(flags);
  }
  Context context;
  // Null without optimization.
  std::unique_ptr<MidEnd> mid_end;
};

Module::Module(std::shared_ptr<const TargetIsa> isa) : isa_(std::move(isa)) {
  CHECK(isa_ != nullptr);
}

Module::~Module() = default;

template <typename Declare>
auto Module::Declared(Declare declare) -> decltype(declare()) {
  try {
    return declare();
  } catch (const std::bad_alloc&) {
    return OutOfMemory("declaring a symbol");
  }
}

absl::StatusOr<FuncId> Module::DeclareFunction(absl::string_view name, Linkage linkage,
                                               const Signature& signature) {
  return Declared([&]() -> absl::StatusOr<FuncId> {
    if (name.empty()) return absl::InvalidArgumentError("a function without a name");
    FunctionEntry entry = {{std::string(name), linkage, signature}, nullptr};
    const auto [place, inserted] =
        names_.try_emplace(std::string(name), SymbolId(functions_.next_id()));
    if (!inserted) {
      const FuncId* known = std::get_if<FuncId>(&place->second);
      if (known == nullptr || functions_[*known].declaration.signature != signature) {
        return absl::InvalidArgumentError(
            absl::StrCat(name, " was declared before, as ",
                         known == nullptr ? "data" : "a function of another signature"));
      }
      if (linkage != Linkage::kImport &&
          functions_[*known].declaration.linkage == Linkage::kImport) {
        functions_[*known].declaration.linkage = linkage;
      }
      return *known;
    }
    try {
      return functions_.Push(std::move(entry));
    } catch (const std::bad_alloc&) {
      names_.erase(place);
      throw;
    }
  });
}

absl::StatusOr<DataId> Module::DeclareData(absl::string_view name, Linkage linkage, bool writable) {
  return Declared([&]() -> absl::StatusOr<DataId> {
    if (name.empty()) return absl::InvalidArgumentError("data without a name");
    DataEntry entry = {{std::string(name), linkage, writable}, nullptr};
    const auto [place, inserted] = names_.try_emplace(std::string(name), SymbolId(data_.next_id()));
    if (!inserted) {
      const DataId* known = std::get_if<DataId>(&place->second);
      if (known == nullptr || data_[*known].declaration.writable != writable) {
        return absl::InvalidArgumentError(
            absl::StrCat(name, " was declared before, as ",
                         known == nullptr ? "a function" : "data of other use"));
      }
      if (linkage != Linkage::kImport && data_[*known].declaration.linkage == Linkage::kImport) {
        data_[*known].declaration.linkage = linkage;
      }
      return *known;
    }
    try {
      return data_.Push(std::move(entry));
    } catch (const std::bad_alloc&) {
      names_.erase(place);
      throw;
    }
  });
}

FuncId Module::FindFunction(absl::string_view name) const {
  const auto found = names_.find(ToStd(name));
  if (found == names_.end() || !std::holds_alternative<FuncId>(found->second)) {
    return FuncId::None();
  }
  return std::get<FuncId>(found->second);
}

DataId Module::FindData(absl::string_view name) const {
  const auto found = names_.find(ToStd(name));
  if (found == names_.end() || !std::holds_alternative<DataId>(found->second)) {
    return DataId::None();
  }
  return std::get<DataId>(found->second);
}

const std::string& Module::NameOf(const SymbolId& symbol) const {
  if (const FuncId* function = std::get_if<FuncId>(&symbol)) {
    return functions_[*function].declaration.name;
  }
  return data_[std::get<DataId>(symbol)].declaration.name;
}

FuncRef Module::ReferTo(FuncId id, Function* func) const {
  const SigRef signature = func->dfg.ImportSignature(functions_[id].declaration.signature);
  return func->dfg.ImportFunction({func->DeclareName(kFunctionSpace, id.raw()), signature});
}

FuncRef Module::ReferTo(DataId id, Function* func) const {
  CHECK(data_.contains(id)) << id;
  const SigRef signature = func->dfg.ImportSignature(Signature());
  return func->dfg.ImportFunction({func->DeclareName(kDataSpace, id.raw()), signature});
}

absl::StatusOr<SymbolId> Module::TargetOf(const UserExternalName& name) const {
  if (name.space == kFunctionSpace && name.index < functions_.size()) {
    return SymbolId(FuncId(name.index));
  }
  if (name.space == kDataSpace && name.index < data_.size()) return SymbolId(DataId(name.index));
  return absl::InvalidArgumentError(absl::StrCat("a function refers to the name ", name.space, ":",
                                                 name.index,
                                                 ", which Module::ReferTo did not make"));
}

absl::StatusOr<std::unique_ptr<Module::FunctionCode>> Module::Compile(Function& func) {
  if (compiler_ == nullptr) compiler_ = std::make_unique<Compiler>(isa_->shared_flags());
  CompileOptions options;
  options.midend = compiler_->mid_end.get();
  ASSIGN_OR_RETURN(const CompiledCode compiled, compiler_->context.Compile(func, *isa_, options));
  auto code = std::make_unique<FunctionCode>();
  code->bytes.assign(compiled.bytes.begin(), compiled.bytes.end());
  code->alignment = compiled.alignment;
  code->references.reserve(compiled.relocs.size());
  for (const RelocRecord& reloc : compiled.relocs) {
    ASSIGN_OR_RETURN(const SymbolId target, TargetOf(func.params.names[reloc.name]));
    code->references.push_back(
        {reloc.offset, static_cast<uint8_t>(reloc.kind), reloc.addend, target});
  }
  code->traps.assign(compiled.traps.begin(), compiled.traps.end());
  code->unwind.assign(compiled.call_frame_instructions.begin(),
                      compiled.call_frame_instructions.end());
  return code;
}

absl::Status Module::Define(FuncId id, Function& func) {
  FunctionEntry& entry = functions_[id];
  const std::string& name = entry.declaration.name;
  try {
    if (entry.declaration.linkage == Linkage::kImport) {
      return absl::FailedPreconditionError(absl::StrCat(name, " is an import"));
    }
    if (is_defined(id)) return absl::FailedPreconditionError(absl::StrCat(name, " is defined"));
    if (func.signature != entry.declaration.signature) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " has another signature than it was declared with"));
    }
    absl::StatusOr<std::unique_ptr<FunctionCode>> code = Compile(func);
    if (code.ok()) {
      entry.code = *std::move(code);
      return absl::OkStatus();
    }
    return absl::Status(code.status().code(), absl::StrCat(name, ": ", code.status().message()));
  } catch (const std::bad_alloc&) {
    compiler_ = nullptr;
    return OutOfMemory("defining a function");
  }
}

absl::Status Module::Define(DataId id, DataContents contents) {
  DataEntry& entry = data_[id];
  const std::string& name = entry.declaration.name;
  try {
    if (entry.declaration.linkage == Linkage::kImport) {
      return absl::FailedPreconditionError(absl::StrCat(name, " is an import"));
    }
    if (is_defined(id)) return absl::FailedPreconditionError(absl::StrCat(name, " is defined"));
    const uint32_t alignment = contents.alignment;
    if (alignment == 0 || alignment > kMaxAlignment || (alignment & (alignment - 1)) != 0) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": alignment ", alignment,
                                                     " is no power of two up to ", kMaxAlignment));
    }
    for (const DataReference& reference : contents.references) {
      const bool is_known = std::holds_alternative<FuncId>(reference.target)
                                ? functions_.contains(std::get<FuncId>(reference.target))
                                : data_.contains(std::get<DataId>(reference.target));
      if (!is_known || contents.bytes.size() < sizeof(uint64_t) ||
          reference.offset > contents.bytes.size() - sizeof(uint64_t)) {
        return absl::InvalidArgumentError(
            absl::StrCat(name, ": the reference at ", reference.offset,
                         is_known ? " lies outside of the data" : " is to no symbol"));
      }
    }
    entry.contents = std::make_unique<DataContents>(std::move(contents));
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return OutOfMemory("defining data");
  }
}

}  // namespace gantry::codegen
