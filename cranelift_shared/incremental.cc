#include "cranelift_shared/incremental.h"

#include <algorithm>
#include <cstring>

#include "base/build_id.h"
#include "environ/cache/checksum.h"
#include "environ/core/version.h"

namespace gantry::cranelift {
namespace {

using environ::Checksum;
using environ::CompiledFunction;
using environ::Digest;
using environ::Digester;
using environ::ModuleTranslation;
using wasm::FuncIndex;
using wasm::FunctionBody;

// Different for every kind of key.
constexpr uint64_t kBodyLevel = 1;
constexpr uint64_t kStencilLevel = 2;

constexpr uint8_t kCustomSection = 0;
constexpr uint8_t kCodeSection = 10;
constexpr uint8_t kDataSection = 11;

// What a module's sections say but for bodies, data and custom ones, byte for byte. The module was
// parsed, so every length fits.
void AddSections(absl::Span<const uint8_t> bytes, Digester& digester) {
  constexpr size_t kHeader = 8;
  for (size_t at = kHeader; at < bytes.size();) {
    const uint8_t id = bytes[at++];
    uint64_t size = 0;
    for (int shift = 0; at < bytes.size(); shift += 7) {
      const uint8_t byte = bytes[at++];
      size |= uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) == 0) break;
    }
    if (id != kCustomSection && id != kCodeSection && id != kDataSection) {
      digester.Add(uint64_t{id}).Add(bytes.subspan(at, size));
    }
    at += size;
  }
}

void AddBody(const ModuleTranslation& module, const FunctionBody& body, Digester& digester) {
  digester.Add(uint64_t{module.parsed.functions[body.func].raw()}).Add(body.bytes);
  for (const wasm::BranchHints::Hint& hint : module.parsed.branch_hints.of(body.func)) {
    digester.Add(uint64_t{hint.offset} << 1 | (hint.likely ? 1 : 0));
  }
}

// Of a value, behind its checksum.
absl::string_view ContentsOf(absl::string_view value) { return value.substr(sizeof(Checksum)); }

void AppendU32(uint32_t value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

bool TakeU32(absl::string_view& bytes, uint32_t& value) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return true;
}

}  // namespace

IncrementalCache::IncrementalCache(std::shared_ptr<environ::CompilationCache> store,
                                   absl::string_view settings, const codegen::LinkRules& rules)
    : store_(std::move(store)), rules_(rules) {
  const std::string build = BuildId();
  settings_ = Digester()
                  .Add(absl::string_view(environ::kVersion))
                  .Add(absl::string_view(build))
                  .Add(settings)
                  .Finish();
}

std::shared_ptr<const IncrementalCache::ModuleDigests> IncrementalCache::DigestsOf(
    const ModuleTranslation& module, const wasm::InlinePlan* plan) const {
  auto digests = std::make_shared<ModuleDigests>();
  digests->plan = plan;
  Digester digester;
  digester.Add(settings_).Add(kBodyLevel);
  AddSections(module.bytes, digester);
  digester.Add(uint64_t{module.parsed.data.size()});
  for (const wasm::Feature feature : wasm::AllFeatures()) {
    digester.Add(uint64_t{module.options.features.Has(feature)});
  }
  const wasm::ValidatorLimits& limits = module.options.limits;
  for (const uint32_t limit :
       {limits.function_size, limits.function_locals, limits.array_new_fixed_operands}) {
    digester.Add(uint64_t{limit});
  }
  digester.Add(absl::string_view(module.options.tunables.CanonicalText()));
  digests->surroundings = digester.Finish();
  if (plan == nullptr) return digests;
  for (const FunctionBody& body : module.parsed.bodies) {
    const wasm::InlinePlan::Callee* callee = plan->Find(body.func);
    if (callee == nullptr) continue;
    digester.Add(uint64_t{callee->cost} << 32 | callee->own_cost)
        .Add(uint64_t{callee->self_levels} << 2 | (callee->has_loop ? 2 : 0) |
             (callee->is_leaf ? 1 : 0));
    AddBody(module, body, digester);
    digests->callees[body.func] = digester.Finish();
  }
  return digests;
}

Digest IncrementalCache::BodyKey(const ModuleDigests& digests, const ModuleTranslation& module,
                                 const FunctionBody& body, Work& work) const {
  work.digester.Add(digests.surroundings);
  AddBody(module, body, work.digester);
  return work.digester.Finish();
}

// Which callee is the function itself counts, too: it is inlined to other depths.
Digest IncrementalCache::DigestOfCallees(const ModuleDigests& digests, FuncIndex function,
                                         absl::Span<const uint32_t> callees, Work& work) const {
  for (const uint32_t callee : callees) {
    const FuncIndex index(callee);
    const bool is_planned = digests.plan != nullptr && digests.plan->Find(index) != nullptr;
    work.digester.Add(uint64_t{callee} << 2 | (index == function ? 2 : 0) | (is_planned ? 1 : 0));
    if (is_planned) work.digester.Add(digests.callees.Get(index));
  }
  return work.digester.Finish();
}

std::optional<std::string> IncrementalCache::Get(const Digest& key) const {
  std::optional<std::string> value = store_->Get(environ::KeyOf(key));
  if (!value.has_value() || value->size() < sizeof(Checksum)) return std::nullopt;
  const Checksum checksum = environ::ChecksumOf(key, ContentsOf(*value));
  if (std::memcmp(checksum.data(), value->data(), sizeof checksum) != 0) return std::nullopt;
  return value;
}

void IncrementalCache::Insert(const Digest& key, absl::string_view contents) const {
  const Checksum checksum = environ::ChecksumOf(key, contents);
  std::string value;
  value.reserve(sizeof checksum + contents.size());
  value.append(reinterpret_cast<const char*>(checksum.data()), sizeof checksum);
  value.append(contents.data(), contents.size());
  store_->Insert(environ::KeyOf(key), value);
}

bool IncrementalCache::FindBody(const Digest& key, const ModuleDigests& digests,
                                const ModuleTranslation& module, const FunctionBody& body,
                                Work& work, CompiledFunction& out) const {
  lookups_.fetch_add(1, std::memory_order_relaxed);
  const std::optional<std::string> value = Get(key);
  if (!value.has_value()) return false;
  absl::string_view contents = ContentsOf(*value);
  uint32_t count = 0;
  if (!TakeU32(contents, count) || contents.size() / sizeof(uint32_t) < count) return false;
  work.callees.resize(count);
  for (uint32_t& callee : work.callees) {
    if (!TakeU32(contents, callee) || callee >= module.parsed.functions.size()) return false;
  }
  const Digest callees = DigestOfCallees(digests, body.func, work.callees, work);
  if (contents.size() < sizeof callees ||
      std::memcmp(contents.data(), callees.data(), sizeof callees) != 0) {
    return false;
  }
  contents.remove_prefix(sizeof callees);
  if (!DecodeFunction(contents, module, body.func, rules_, out)) return false;
  by_body_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void IncrementalCache::InsertBody(const Digest& key, const ModuleDigests& digests,
                                  const ModuleTranslation& module, const FunctionBody& body,
                                  absl::Span<const FuncIndex> considered,
                                  const CompiledFunction& compiled, Work& work) const {
  work.callees.clear();
  for (const FuncIndex callee : considered) work.callees.push_back(callee.raw());
  std::sort(work.callees.begin(), work.callees.end());
  work.callees.erase(std::unique(work.callees.begin(), work.callees.end()), work.callees.end());
  std::string contents;
  AppendU32(static_cast<uint32_t>(work.callees.size()), contents);
  for (const uint32_t callee : work.callees) AppendU32(callee, contents);
  const Digest callees = DigestOfCallees(digests, body.func, work.callees, work);
  contents.append(environ::KeyOf(callees).data(), sizeof callees);
  contents += EncodeFunction(compiled, module, body.func);
  Insert(key, contents);
}

Digest IncrementalCache::StencilKey(const codegen::FunctionStencil& stencil, Work& work) const {
  work.key.clear();
  stencil.AppendKey(&work.key);
  return work.digester.Add(settings_).Add(kStencilLevel).Add(absl::string_view(work.key)).Finish();
}

const StoredCode* IncrementalCache::FindStencil(const Digest& key,
                                                const codegen::Function& function,
                                                Work& work) const {
  const std::optional<std::string> value = Get(key);
  if (!value.has_value() || !work.code.Decode(ContentsOf(*value), function.params.names.size(),
                                              function.params.inlined.size(), rules_)) {
    return nullptr;
  }
  by_stencil_.fetch_add(1, std::memory_order_relaxed);
  return &work.code;
}

void IncrementalCache::InsertStencil(const Digest& key, const codegen::CompiledCode& code,
                                     const codegen::Function& function, size_t num_names) const {
  // Names that were declared on the way to machine code are not of the stencil.
  for (const codegen::RelocRecord& reloc : code.relocs) {
    if (reloc.name.index() >= num_names) return;
  }
  Insert(key, EncodeCode(code, function));
}

}  // namespace gantry::cranelift
