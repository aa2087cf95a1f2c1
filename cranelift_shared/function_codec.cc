#include "cranelift_shared/function_codec.h"

#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace gantry::cranelift {
namespace {

using codegen::FunctionStencil;
using environ::CompiledFunction;
using environ::FuncKey;
using environ::ModuleTranslation;

// Whoever adds a field adds it to both directions of EncodeFunction or EncodeCode, too: what comes
// from the cache has to be equal to what was compiled. (Frames at loops are made by the baseline
// compiler alone, which has no cache.)
static_assert(sizeof(CompiledFunction) == 336);
static_assert(sizeof(codegen::CompiledCode) == 168);

// Fields of a list's elements, whose bytes are there: no bounds are looked at.
class FieldWriter {
 public:
  explicit FieldWriter(char* at) : at_(at) {}
  void U8(uint8_t value) { *at_++ = static_cast<char>(value); }
  void U32(uint32_t value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }

 private:
  char* at_;
};

class FieldReader {
 public:
  explicit FieldReader(const char* at) : at_(at) {}
  uint8_t U8() { return static_cast<uint8_t>(*at_++); }
  uint32_t U32() {
    uint32_t value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

 private:
  const char* at_;
};

class Writer {
 public:
  void U32(uint32_t value) { out_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  // Of a list whose elements, of so many bytes each, are written next.
  FieldWriter List(size_t size, size_t element_bytes) {
    U32(static_cast<uint32_t>(size));
    const size_t at = out_.size();
    out_.resize(at + size * element_bytes);
    return FieldWriter(out_.data() + at);
  }
  template <typename T>
  void Array(absl::Span<const T> elements) {
    static_assert(std::has_unique_object_representations_v<T>);
    U32(static_cast<uint32_t>(elements.size()));
    out_.append(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T));
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(absl::string_view bytes) : rest_(bytes) {}

  uint32_t U32() {
    uint32_t value = 0;
    Copy(&value, sizeof value);
    return value;
  }
  // The fields of a list's elements, of so many bytes each, and how many there are: none where not
  // all of them are there.
  FieldReader List(size_t element_bytes, size_t* size) {
    *size = U32();
    if (*size > rest_.size() / element_bytes) ok_ = false;
    if (!ok_) *size = 0;
    const FieldReader fields(rest_.data());
    rest_.remove_prefix(*size * element_bytes);
    return fields;
  }
  template <typename T>
  void Array(std::vector<T>& out) {
    static_assert(std::has_unique_object_representations_v<T>);
    size_t size = U32();
    if (size > rest_.size() / sizeof(T)) ok_ = false;
    if (!ok_) size = 0;
    out.resize(size);
    Copy(out.data(), size * sizeof(T));
  }
  void Expect(bool condition) { ok_ &= condition; }
  bool ok() const { return ok_; }
  bool Finish() const { return ok_ && rest_.empty(); }

 private:
  void Copy(void* to, size_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return;
    }
    if (size != 0) std::memcpy(to, rest_.data(), size);
    rest_.remove_prefix(size);
  }

  absl::string_view rest_;
  bool ok_ = true;
};

// Offsets of a list ascend (strictly where `strict`) and are at most `limit`.
class Ascending {
 public:
  Ascending(uint32_t limit, bool strict) : limit_(limit), step_(strict ? 1 : 0) {}
  bool Next(uint32_t offset) {
    const bool in_order = offset >= least_;
    least_ = uint64_t{offset} + step_;
    return in_order && offset <= limit_;
  }

 private:
  const uint32_t limit_;
  const uint32_t step_;
  // What the next one must be at least.
  uint64_t least_ = 0;
};

bool IsPowerOfTwo(uint32_t value) { return value != 0 && (value & (value - 1)) == 0; }

bool RelocationFits(const codegen::LinkRules& rules, uint32_t offset, uint8_t kind,
                    size_t code_size) {
  const codegen::LinkRule* rule = rules.find(kind);
  return rule != nullptr && uint64_t{offset} + rule->size <= code_size;
}

// ---- First level.

// Bytes of a list's elements.
constexpr size_t kRelocationBytes = 14;
constexpr size_t kTrapBytes = 9;
constexpr size_t kSiteBytes = 12;
constexpr size_t kAddressBytes = 8;
// The same of the second level.
constexpr size_t kCodeTrapBytes = 5;
constexpr size_t kCodeRelocBytes = 17;
constexpr size_t kCodeLocBytes = 8;
constexpr size_t kCodePlaceBytes = 8;

// Of the first byte of a function's body; 0 for an import, which has none.
uint32_t BodyStart(const ModuleTranslation& module, uint32_t function) {
  const auto defined = module.parsed.defined(wasm::FuncIndex(function));
  if (!defined.has_value()) return 0;
  return static_cast<uint32_t>(module.parsed.bodies[*defined].offset);
}

// Where the position `wasm_offset` of the code at `offset` counts from: walks along with the
// address map.
class BodyWalk {
 public:
  BodyWalk(const ModuleTranslation& module, wasm::FuncIndex function,
           const CompiledFunction& compiled)
      : module_(module), own_(BodyStart(module, function.raw())), compiled_(compiled) {}
  uint32_t StartAt(uint32_t offset) {
    while (next_ < compiled_.inline_ranges.size() &&
           compiled_.inline_ranges[next_].offset <= offset) {
      ++next_;
    }
    return StartOf(next_ == 0 ? environ::kNoInlineSite : compiled_.inline_ranges[next_ - 1].site);
  }
  uint32_t StartOf(uint32_t site) const {
    if (site == environ::kNoInlineSite) return own_;
    return BodyStart(module_, compiled_.inline_sites[site].function);
  }

 private:
  const ModuleTranslation& module_;
  const uint32_t own_;
  const CompiledFunction& compiled_;
  size_t next_ = 0;
};

uint32_t Shifted(uint32_t wasm_offset, uint32_t by) {
  return wasm_offset == environ::kNoWasmOffset ? wasm_offset : wasm_offset + by;
}

// A key without its module, as 8 + 32 bits.
bool IsTarget(const ModuleTranslation& module, const FuncKey& key) {
  switch (key.kind()) {
    case environ::FuncKeyKind::kWasmFunction:
      return module.parsed.bodies.contains(key.defined_function());
    case environ::FuncKeyKind::kEntryTrampoline:
    case environ::FuncKeyKind::kExitTrampoline:
      return module.parsed.types.contains(key.signature());
    case environ::FuncKeyKind::kBuiltinShim:
    case environ::FuncKeyKind::kModuleStart:
      return true;
  }
  return false;
}

}  // namespace

std::string EncodeFunction(const CompiledFunction& compiled, const ModuleTranslation& module,
                           wasm::FuncIndex function) {
  CHECK(compiled.debug == nullptr && !compiled.missing.has_value());
  Writer out;
  out.Array(absl::MakeConstSpan(compiled.code));
  out.U32(compiled.alignment);
  FieldWriter relocations = out.List(compiled.relocations.size(), kRelocationBytes);
  for (const environ::CodeRelocation& relocation : compiled.relocations) {
    relocations.U32(relocation.offset);
    relocations.U8(relocation.kind);
    relocations.U32(static_cast<uint32_t>(relocation.addend));
    relocations.U8(static_cast<uint8_t>(relocation.target.kind()));
    relocations.U32(relocation.target.index());
  }
  FieldWriter traps = out.List(compiled.traps.size(), kTrapBytes);
  for (const environ::TrapRecord& trap : compiled.traps) {
    traps.U32(trap.offset);
    traps.U8(trap.code);
    traps.U32(trap.refund);
  }
  BodyWalk walk(module, function, compiled);
  FieldWriter sites = out.List(compiled.inline_sites.size(), kSiteBytes);
  for (const environ::InlineSite& site : compiled.inline_sites) {
    sites.U32(site.parent);
    sites.U32(site.function);
    sites.U32(Shifted(site.wasm_offset, 0 - walk.StartOf(site.parent)));
  }
  out.Array(absl::MakeConstSpan(compiled.inline_ranges));
  FieldWriter addresses = out.List(compiled.address_map.size(), kAddressBytes);
  for (const environ::AddressMapEntry& entry : compiled.address_map) {
    addresses.U32(entry.offset);
    addresses.U32(Shifted(entry.wasm_offset, 0 - walk.StartAt(entry.offset)));
  }
  out.U32(compiled.inlined_calls);
  out.Array(absl::MakeConstSpan(compiled.stack_maps));
  out.Array(absl::MakeConstSpan(compiled.stack_map_slots));
  out.Array(absl::MakeConstSpan(compiled.handlers));
  out.Array(absl::MakeConstSpan(compiled.unwind));
  out.U32(compiled.frame.frame_begin);
  out.U32(compiled.frame.frame_size);
  out.U32(compiled.debug_area);
  return out.Take();
}

bool DecodeFunction(absl::string_view bytes, const ModuleTranslation& module,
                    wasm::FuncIndex function, const codegen::LinkRules& rules,
                    CompiledFunction& out) {
  out.clear();
  Reader in(bytes);
  in.Array(out.code);
  const uint32_t size = static_cast<uint32_t>(out.code.size());
  out.alignment = in.U32();
  in.Expect(IsPowerOfTwo(out.alignment) && out.alignment <= 4096);

  size_t count = 0;
  FieldReader relocations = in.List(kRelocationBytes, &count);
  out.relocations.resize(count);
  for (environ::CodeRelocation& relocation : out.relocations) {
    relocation.offset = relocations.U32();
    relocation.kind = relocations.U8();
    relocation.addend = static_cast<int32_t>(relocations.U32());
    const uint64_t kind = relocations.U8();
    const uint64_t index = relocations.U32();
    const bool is_shared = kind == static_cast<uint64_t>(environ::FuncKeyKind::kBuiltinShim);
    const uint64_t owner = is_shared ? 0 : module.id.raw();
    const std::optional<FuncKey> target = FuncKey::FromPacked(kind << 56 | owner << 32 | index);
    in.Expect(target.has_value() && IsTarget(module, *target) &&
              RelocationFits(rules, relocation.offset, relocation.kind, size));
    if (!in.ok()) return false;
    relocation.target = *target;
  }
  FieldReader traps = in.List(kTrapBytes, &count);
  out.traps.resize(count);
  Ascending trap_offsets(size, true);
  for (environ::TrapRecord& trap : out.traps) {
    trap.offset = traps.U32();
    trap.code = traps.U8();
    trap.refund = traps.U32();
    in.Expect(trap_offsets.Next(trap.offset));
  }
  FieldReader sites = in.List(kSiteBytes, &count);
  out.inline_sites.resize(count);
  for (size_t i = 0; i < count; ++i) {
    environ::InlineSite& site = out.inline_sites[i];
    site.parent = sites.U32();
    site.function = sites.U32();
    site.wasm_offset = sites.U32();
    in.Expect((site.parent == environ::kNoInlineSite || site.parent < i) &&
              site.function < module.parsed.functions.size());
    if (!in.ok()) return false;
  }
  BodyWalk walk(module, function, out);
  for (environ::InlineSite& site : out.inline_sites) {
    site.wasm_offset = Shifted(site.wasm_offset, walk.StartOf(site.parent));
  }
  in.Array(out.inline_ranges);
  Ascending range_offsets(size, true);
  for (const environ::InlineRange& range : out.inline_ranges) {
    in.Expect(range_offsets.Next(range.offset) &&
              (range.site == environ::kNoInlineSite || range.site < out.inline_sites.size()));
  }
  if (!in.ok()) return false;
  FieldReader addresses = in.List(kAddressBytes, &count);
  out.address_map.resize(count);
  Ascending address_offsets(size, true);
  for (environ::AddressMapEntry& entry : out.address_map) {
    entry.offset = addresses.U32();
    in.Expect(address_offsets.Next(entry.offset));
    entry.wasm_offset = Shifted(addresses.U32(), walk.StartAt(entry.offset));
  }
  out.inlined_calls = in.U32();
  in.Array(out.stack_maps);
  Ascending map_offsets(size, true);
  for (const environ::StackMapEntry& map : out.stack_maps) {
    in.Expect(map_offsets.Next(map.offset));
  }
  in.Array(out.stack_map_slots);
  for (const environ::StackMapEntry& map : out.stack_maps) {
    in.Expect(uint64_t{map.first_slot} + map.slot_count <= out.stack_map_slots.size());
  }
  in.Array(out.handlers);
  Ascending handler_offsets(size, false);
  for (const environ::HandlerEntry& handler : out.handlers) {
    in.Expect(handler_offsets.Next(handler.offset) && handler.handler < size);
  }
  in.Array(out.unwind);
  out.frame.frame_begin = in.U32();
  out.frame.frame_size = in.U32();
  out.debug_area = in.U32();
  return in.Finish();
}

// ---- Second level.

std::string EncodeCode(const codegen::CompiledCode& code, const FunctionStencil& stencil) {
  Writer out;
  out.Array(code.bytes);
  out.U32(code.alignment);
  out.U32(code.code_end);
  FieldWriter traps = out.List(code.traps.size(), kCodeTrapBytes);
  for (const codegen::TrapRecord& trap : code.traps) {
    traps.U32(trap.offset);
    traps.U8(static_cast<uint8_t>(trap.code));
  }
  FieldWriter relocs = out.List(code.relocs.size(), kCodeRelocBytes);
  for (const codegen::RelocRecord& reloc : code.relocs) {
    relocs.U32(reloc.offset);
    relocs.U8(static_cast<uint8_t>(reloc.kind));
    relocs.U32(reloc.name.raw());
    relocs.U32(static_cast<uint32_t>(reloc.addend));
    relocs.U32(static_cast<uint32_t>(static_cast<uint64_t>(reloc.addend) >> 32));
  }
  out.Array(code.call_sites);
  out.Array(code.call_handlers);
  out.Array(code.stack_maps);
  out.Array(code.stack_map_slots);
  // Which number an inlined location has in its table is not part of the stencil's key, so the
  // entries come along, numbered as they come.
  std::vector<FunctionStencil::InlinedLoc> inlined;
  FieldWriter locs = out.List(code.source_locs.size(), kCodeLocBytes);
  for (const codegen::SourceLocEntry& entry : code.source_locs) {
    uint32_t loc = entry.loc.is_none() ? FunctionStencil::kNoLoc : entry.loc.raw();
    if (loc != FunctionStencil::kNoLoc && (loc & FunctionStencil::kInlinedBit) != 0) {
      const auto& place = stencil.inlined_locs[loc & ~FunctionStencil::kInlinedBit];
      if (inlined.empty() || inlined.back() != place) inlined.push_back(place);
      loc = FunctionStencil::kInlinedBit | static_cast<uint32_t>(inlined.size() - 1);
    }
    locs.U32(entry.offset);
    locs.U32(loc);
  }
  FieldWriter places = out.List(inlined.size(), kCodePlaceBytes);
  for (const FunctionStencil::InlinedLoc& place : inlined) {
    places.U32(place.site.raw());
    places.U32(place.relative);
  }
  out.U32(code.frame.frame_begin);
  out.U32(code.frame.frame_size);
  out.U32(code.frame.slots_begin);
  out.Array(code.call_frame_instructions);
  return out.Take();
}

bool StoredCode::Decode(absl::string_view bytes, size_t num_names, size_t num_sites,
                        const codegen::LinkRules& rules) {
  Reader in(bytes);
  in.Array(bytes_);
  const uint32_t size = static_cast<uint32_t>(bytes_.size());
  alignment_ = in.U32();
  code_end_ = in.U32();
  in.Expect(IsPowerOfTwo(alignment_) && alignment_ <= 4096 && code_end_ <= size);
  size_t count = 0;
  FieldReader traps = in.List(kCodeTrapBytes, &count);
  traps_.resize(count);
  Ascending trap_offsets(size, true);
  for (codegen::TrapRecord& trap : traps_) {
    trap.offset = traps.U32();
    trap.code = static_cast<codegen::TrapCode>(traps.U8());
    in.Expect(trap_offsets.Next(trap.offset));
  }
  FieldReader relocs = in.List(kCodeRelocBytes, &count);
  relocs_.resize(count);
  for (codegen::RelocRecord& reloc : relocs_) {
    reloc.offset = relocs.U32();
    const uint8_t kind = relocs.U8();
    reloc.kind = static_cast<codegen::RelocKind>(kind);
    reloc.name = codegen::ExternalName(relocs.U32());
    const uint64_t low = relocs.U32();
    reloc.addend = static_cast<int64_t>(low | uint64_t{relocs.U32()} << 32);
    in.Expect(RelocationFits(rules, reloc.offset, kind, size) && reloc.name.is_some() &&
              reloc.name.index() < num_names);
  }
  in.Array(call_sites_);
  Ascending site_offsets(size, false);
  for (const codegen::CallSite& site : call_sites_) {
    in.Expect(site_offsets.Next(site.return_offset));
  }
  in.Array(call_handlers_);
  for (const codegen::CallHandler& handler : call_handlers_) in.Expect(handler.target < size);
  for (const codegen::CallSite& site : call_sites_) {
    in.Expect(uint64_t{site.first_handler} + site.handler_count <= call_handlers_.size());
  }
  in.Array(stack_maps_);
  Ascending map_offsets(size, true);
  for (const codegen::StackMap& map : stack_maps_) in.Expect(map_offsets.Next(map.return_offset));
  in.Array(stack_map_slots_);
  for (const codegen::StackMap& map : stack_maps_) {
    in.Expect(uint64_t{map.first_slot} + map.slot_count <= stack_map_slots_.size());
  }
  FieldReader locs = in.List(kCodeLocBytes, &count);
  source_locs_.resize(count);
  Ascending loc_offsets(size, false);
  for (codegen::SourceLocEntry& entry : source_locs_) {
    entry.offset = locs.U32();
    entry.loc = codegen::SourceLoc(locs.U32());
    in.Expect(loc_offsets.Next(entry.offset));
  }
  FieldReader places = in.List(kCodePlaceBytes, &count);
  inlined_locs_.resize(count);
  for (FunctionStencil::InlinedLoc& place : inlined_locs_) {
    place.site = codegen::InlineSite(places.U32());
    place.relative = places.U32();
    in.Expect(place.site.is_none() || place.site.index() < num_sites);
  }
  for (const codegen::SourceLocEntry& entry : source_locs_) {
    in.Expect(entry.loc.is_none() || (entry.loc.raw() & FunctionStencil::kInlinedBit) == 0 ||
              (entry.loc.raw() & ~FunctionStencil::kInlinedBit) < inlined_locs_.size());
  }
  frame_.frame_begin = in.U32();
  frame_.frame_size = in.U32();
  frame_.slots_begin = in.U32();
  in.Array(call_frame_instructions_);
  return in.Finish();
}

codegen::CompiledCode StoredCode::code() const {
  codegen::CompiledCode code;
  code.bytes = bytes_;
  code.alignment = alignment_;
  code.code_end = code_end_;
  code.traps = traps_;
  code.relocs = relocs_;
  code.call_sites = call_sites_;
  code.call_handlers = call_handlers_;
  code.stack_maps = stack_maps_;
  code.stack_map_slots = stack_map_slots_;
  code.source_locs = source_locs_;
  code.frame = frame_;
  code.call_frame_instructions = call_frame_instructions_;
  return code;
}

CodeOrigins::Origin StoredCode::OriginOf(codegen::SourceLoc relative,
                                         const codegen::FunctionParameters& params) const {
  FunctionStencil::InlinedLoc place;
  if (relative.is_some()) {
    const bool is_inlined = (relative.raw() & FunctionStencil::kInlinedBit) != 0;
    if (is_inlined) {
      place = inlined_locs_[relative.raw() & ~FunctionStencil::kInlinedBit];
    } else {
      place.relative = relative.raw();
    }
  }
  const codegen::SourceLoc base =
      place.site.is_none() ? params.base_loc : params.inlined[place.site].base;
  CodeOrigins::Origin origin;
  if (place.relative != FunctionStencil::kNoLoc && base.is_some()) {
    origin.wasm_offset = base.raw() + place.relative;
  }
  if (place.site.is_some()) origin.site = place.site.raw();
  return origin;
}

CodeOrigins::Origin OriginOf(codegen::SourceLoc relative, const codegen::Function& function) {
  const codegen::CodeOrigin origin =
      function.OriginOf(relative.is_none() ? FunctionStencil::kNoLoc : relative.raw());
  return {origin.loc.is_none() ? environ::kNoWasmOffset : origin.loc.raw(),
          origin.site.is_none() ? environ::kNoInlineSite : origin.site.raw()};
}

}  // namespace gantry::cranelift
