#include "jit/module.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/eh_frame.h"
#include "codegen/link_rules.h"
#include "jit/host_features.h"
#include "runtime/branch_targets.h"
#include "runtime/host_arch.h"

extern "C" void __register_frame(void* eh_frame);
extern "C" void __deregister_frame(void* eh_frame);

namespace gantry::jit {

using codegen::DataId;
using codegen::FuncId;
using codegen::Linkage;
using codegen::SymbolId;

namespace {

uint64_t AlignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// The largest distance that every form of reference can bridge, either way.
uint64_t ReachOf(const codegen::LinkRules& rules) {
  uint64_t reach = std::numeric_limits<int64_t>::max();
  for (uint8_t kind = 0; kind < rules.rule_count; ++kind) {
    const codegen::LinkRule& rule = rules.rules[kind];
    reach = std::min({reach, static_cast<uint64_t>(rule.max_delta),
                      static_cast<uint64_t>(-(rule.min_delta + 1))});
  }
  return reach;
}

}  // namespace

// What one call of Finalize adds, by offset in the reservation: code and jumps to imports, then
// what is read, then what is written, each from a page's start.
struct JitModule::Layout {
  std::vector<std::pair<FuncId, uint64_t>> functions;
  std::vector<std::pair<DataId, uint64_t>> data;
  // Imports that are referred to: where they are, and the jump to each.
  std::map<FuncId, const void*> imports;
  std::map<FuncId, uint64_t> veneers;
  // Frames are described from here on, in fields that get the distance to the function of the same
  // position in `functions`.
  std::vector<uint8_t> frames;
  std::vector<size_t> frame_fields;
  uint64_t frames_at = 0;

  uint64_t code = 0, constants = 0, variables = 0, end = 0;
};

absl::StatusOr<std::unique_ptr<JitModule>> JitModule::Create(JitModuleOptions options) {
  CHECK(options.isa != nullptr);
  if (options.isa->triple() != HostTriple()) {
    return absl::InvalidArgumentError(
        absl::StrCat("code for ", options.isa->triple(), " does not run here, on ", HostTriple()));
  }
  const uint64_t reach = ReachOf(options.isa->link_rules());
  // Half of it, so that addends fit.
  if (options.reservation == 0 || options.reservation > reach / 2) {
    return absl::InvalidArgumentError(absl::StrCat("a reservation of ", options.reservation,
                                                   " bytes; it must be from 1 to ", reach / 2));
  }
  ASSIGN_OR_RETURN(runtime::Mmap memory, runtime::Mmap::Reserve(options.reservation));
  try {
    return std::unique_ptr<JitModule>(new JitModule(std::move(options), std::move(memory)));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while making a module");
  }
}

JitModule::~JitModule() {
  for (void* frames : frames_) __deregister_frame(frames);
}

absl::Status JitModule::SetAddress(FuncId import, const void* address) {
  CHECK(function(import).linkage == Linkage::kImport) << function(import).name;
  try {
    if (function_addresses_.size() <= import.index()) {
      function_addresses_.resize(functions().size(), nullptr);
    }
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while setting an address");
  }
  function_addresses_[import.index()] = address;
  return absl::OkStatus();
}

const void* JitModule::Address(FuncId id) const {
  return id.index() < function_addresses_.size() ? function_addresses_[id.index()] : nullptr;
}

uint8_t* JitModule::Address(DataId id) const {
  return id.index() < data_addresses_.size() ? data_addresses_[id.index()] : nullptr;
}

std::optional<codegen::TrapCode> JitModule::TrapAt(const void* pc) const {
  const auto found = traps_.find(reinterpret_cast<uintptr_t>(pc));
  if (found == traps_.end()) return std::nullopt;
  return found->second;
}

// What waits to be finalized, and everything that it refers to.
absl::Status JitModule::FindImports(Layout& layout) {
  std::set<std::string> missing;
  const auto refer_to = [&](const SymbolId& symbol) {
    if (const FuncId* id = std::get_if<FuncId>(&symbol)) {
      if (is_defined(*id)) return;
      const void* address = Address(*id);
      if (address == nullptr && function(*id).linkage == Linkage::kImport && options_.resolve) {
        address = options_.resolve(function(*id).name);
      }
      if (address != nullptr) {
        layout.imports[*id] = address;
        return;
      }
    } else if (is_defined(std::get<DataId>(symbol))) {
      return;
    }
    missing.insert(NameOf(symbol));
  };
  for (const auto& [id, entry] : functions().entries()) {
    if (entry.code == nullptr || Address(id) != nullptr) continue;
    layout.functions.emplace_back(id, 0);
    for (const CodeReference& reference : entry.code->references) refer_to(reference.target);
  }
  for (const auto& [id, entry] : all_data().entries()) {
    if (entry.contents == nullptr || Address(id) != nullptr) continue;
    layout.data.emplace_back(id, 0);
    for (const codegen::DataReference& reference : entry.contents->references) {
      refer_to(reference.target);
    }
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("referred to, but neither defined nor found: ", absl::StrJoin(missing, ", ")));
}

absl::Status JitModule::Place(Layout& layout) const {
  const codegen::LinkRules& rules = isa().link_rules();
  uint64_t at = used_;
  const auto place = [&at](uint64_t size, uint64_t alignment) {
    const uint64_t start = AlignUp(at, alignment);
    at = start + size;
    return start;
  };
  const uint64_t page = runtime::HostPageSize();
  layout.code = at;
  for (auto& [id, offset] : layout.functions) {
    const FunctionCode& code = *functions()[id].code;
    offset = place(code.bytes.size(), std::max<uint64_t>(code.alignment, rules.function_alignment));
  }
  for (const auto& [id, address] : layout.imports) {
    layout.veneers[id] = place(rules.veneer_size, rules.function_alignment);
  }
  at = layout.constants = AlignUp(at, page);
  if (options_.register_unwind_info && !layout.functions.empty()) {
    codegen::EhFrameWriter frames(isa().unwind_format(), /*is_wide=*/false, &layout.frames);
    for (const auto& [id, offset] : layout.functions) {
      const FunctionCode& code = *functions()[id].code;
      layout.frame_fields.push_back(frames.AddFunction(code.bytes.size(), code.unwind));
    }
    frames.Finish();
    layout.frames_at = place(layout.frames.size(), 8);
  }
  for (const bool writable : {false, true}) {
    if (writable) at = layout.variables = AlignUp(at, page);
    for (auto& [id, offset] : layout.data) {
      if (data(id).writable != writable) continue;
      const codegen::DataContents& contents = *all_data()[id].contents;
      // Empty data have an address of their own, too.
      offset = place(std::max<uint64_t>(contents.bytes.size(), 1), contents.alignment);
    }
  }
  layout.end = AlignUp(at, page);
  if (layout.end <= memory_.size()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("code and data take ", layout.end, " bytes, the module's reservation is of ",
                   memory_.size(), " (JitModuleOptions::reservation)"));
}

const uint8_t* JitModule::AddressIn(const Layout& layout, const SymbolId& symbol) const {
  const auto placed_at = [this](const auto& placed, auto id) -> const uint8_t* {
    const auto found =
        std::lower_bound(placed.begin(), placed.end(), id,
                         [](const auto& entry, auto wanted) { return entry.first < wanted; });
    if (found == placed.end() || found->first != id) return nullptr;
    return memory_.data() + found->second;
  };
  if (const FuncId* id = std::get_if<FuncId>(&symbol)) {
    if (const uint8_t* here = placed_at(layout.functions, *id)) return here;
    const auto import = layout.imports.find(*id);
    const void* address = import != layout.imports.end() ? import->second : Address(*id);
    return static_cast<const uint8_t*>(address);
  }
  const DataId id = std::get<DataId>(symbol);
  if (const uint8_t* here = placed_at(layout.data, id)) return here;
  return Address(id);
}

absl::Status JitModule::Patch(const Layout& layout, uint8_t* field,
                              const CodeReference& reference) const {
  const codegen::LinkRule* rule = isa().link_rules().find(reference.kind);
  CHECK(rule != nullptr) << "relocation kind " << int{reference.kind};
  const auto try_patch = [&](const uint8_t* target) {
    const int64_t delta = static_cast<int64_t>(reinterpret_cast<uintptr_t>(target) -
                                               reinterpret_cast<uintptr_t>(field)) +
                          reference.addend;
    if (delta < rule->min_delta || delta > rule->max_delta) return false;
    rule->patch(field, delta);
    return true;
  };
  if (try_patch(AddressIn(layout, reference.target))) return absl::OkStatus();
  if (const FuncId* id = std::get_if<FuncId>(&reference.target)) {
    const auto veneer = layout.veneers.find(*id);
    if (veneer != layout.veneers.end() && try_patch(memory_.data() + veneer->second)) {
      return absl::OkStatus();
    }
  }
  return absl::ResourceExhaustedError(absl::StrCat("a reference to ", NameOf(reference.target),
                                                   " with the addend ", reference.addend,
                                                   " is out of reach"));
}

// Into memory that is writable and nothing else.
absl::Status JitModule::Write(const Layout& layout) {
  const codegen::LinkRules& rules = isa().link_rules();
  uint8_t* const base = memory_.data();
  std::memset(base + layout.code, rules.padding_byte, layout.constants - layout.code);
  for (const auto& [id, offset] : layout.functions) {
    const FunctionCode& code = *functions()[id].code;
    if (!code.bytes.empty()) std::memcpy(base + offset, code.bytes.data(), code.bytes.size());
    for (const CodeReference& reference : code.references) {
      RETURN_IF_ERROR(Patch(layout, base + offset + reference.offset, reference));
    }
  }
  for (const auto& [id, offset] : layout.veneers) {
    rules.write_veneer(base + offset,
                       static_cast<int64_t>(reinterpret_cast<uintptr_t>(layout.imports.at(id)) -
                                            reinterpret_cast<uintptr_t>(base + offset)));
  }
  for (const auto& [id, offset] : layout.data) {
    const codegen::DataContents& contents = *all_data()[id].contents;
    if (!contents.bytes.empty()) {
      std::memcpy(base + offset, contents.bytes.data(), contents.bytes.size());
    }
    for (const codegen::DataReference& reference : contents.references) {
      const uint64_t address = reinterpret_cast<uintptr_t>(AddressIn(layout, reference.target)) +
                               static_cast<uint64_t>(reference.addend);
      std::memcpy(base + offset + reference.offset, &address, sizeof address);
    }
  }
  if (layout.frames.empty()) return absl::OkStatus();
  std::memcpy(base + layout.frames_at, layout.frames.data(), layout.frames.size());
  for (size_t i = 0; i < layout.frame_fields.size(); ++i) {
    const uint64_t field = layout.frames_at + layout.frame_fields[i];
    const int32_t distance = static_cast<int32_t>(static_cast<int64_t>(layout.functions[i].second) -
                                                  static_cast<int64_t>(field));
    std::memcpy(base + field, &distance, sizeof distance);
  }
  return absl::OkStatus();
}

absl::Status JitModule::FinalizeWithinMemory() {
  Layout layout;
  RETURN_IF_ERROR(FindImports(layout));
  if (layout.functions.empty() && layout.data.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(Place(layout));

  // Everything that may run out of memory comes before anything is changed for good. Pages of a
  // call that failed are written anew by the next.
  function_addresses_.resize(functions().size(), nullptr);
  data_addresses_.resize(all_data().size(), nullptr);
  frames_.reserve(frames_.size() + 1);
  std::map<uintptr_t, codegen::TrapCode> traps;
  for (const auto& [id, offset] : layout.functions) {
    for (const codegen::TrapRecord& trap : functions()[id].code->traps) {
      traps[reinterpret_cast<uintptr_t>(memory_.data() + offset + trap.offset)] = trap.code;
    }
  }
  RETURN_IF_ERROR(memory_.MakeAccessible(layout.code, layout.end - layout.code));
  RETURN_IF_ERROR(Write(layout));
  RETURN_IF_ERROR(memory_.MakeReadOnly(layout.constants, layout.variables - layout.constants));
  const uint64_t code_bytes = layout.constants - layout.code;
  RETURN_IF_ERROR(memory_.MakeExecutable(layout.code, code_bytes));
  if (isa().marks_branch_targets()) {
    RETURN_IF_ERROR(
        runtime::host_arch::RefuseUnmarkedTargets(memory_.data() + layout.code, code_bytes));
  }
  runtime::host_arch::FlushInstructionCache(memory_.data() + layout.code,
                                            layout.constants - layout.code);

  if (!layout.frames.empty()) {
    void* frames = memory_.data() + layout.frames_at;
    __register_frame(frames);
    frames_.push_back(frames);
  }
  for (const auto& [id, offset] : layout.functions) {
    function_addresses_[id.index()] = memory_.data() + offset;
    std::vector<uint8_t>().swap(mutable_functions()[id].code->bytes);
  }
  for (const auto& [id, offset] : layout.data) {
    data_addresses_[id.index()] = memory_.data() + offset;
    std::vector<uint8_t>().swap(mutable_data()[id].contents->bytes);
  }
  for (const auto& [id, address] : layout.imports) function_addresses_[id.index()] = address;
  traps_.merge(traps);
  used_ = layout.end;
  return absl::OkStatus();
}

absl::Status JitModule::Finalize() {
  try {
    return FinalizeWithinMemory();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while finalizing a module");
  }
}

}  // namespace gantry::jit
