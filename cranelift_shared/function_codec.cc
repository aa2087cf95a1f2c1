#include "cranelift_shared/function_codec.h"

#include <cstring>
#include <optional>

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

class Writer {
 public:
  void U8(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void U32(uint32_t value) { out_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void Size(size_t size) { U32(static_cast<uint32_t>(size)); }
  template <typename Bytes>
  void Bytes8(const Bytes& bytes) {
    Size(bytes.size());
    out_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  template <typename Numbers>
  void Numbers32(const Numbers& numbers) {
    Size(numbers.size());
    out_.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(uint32_t));
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(absl::string_view bytes) : rest_(bytes) {}

  uint8_t U8() {
    uint8_t value = 0;
    Copy(&value, sizeof value);
    return value;
  }
  uint32_t U32() {
    uint32_t value = 0;
    Copy(&value, sizeof value);
    return value;
  }
  // How many elements of at least so many bytes follow; 0 where there are not as many bytes.
  size_t Size(size_t element_bytes) {
    const uint32_t size = U32();
    if (size > rest_.size() / element_bytes) ok_ = false;
    return ok_ ? size : 0;
  }
  template <typename T>
  void Array(std::vector<T>& out) {
    out.resize(Size(sizeof(T)));
    Copy(out.data(), out.size() * sizeof(T));
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
  out.Bytes8(compiled.code);
  out.U32(compiled.alignment);
  out.Size(compiled.relocations.size());
  for (const environ::CodeRelocation& relocation : compiled.relocations) {
    out.U32(relocation.offset);
    out.U8(relocation.kind);
    out.U32(static_cast<uint32_t>(relocation.addend));
    out.U8(static_cast<uint8_t>(relocation.target.kind()));
    out.U32(relocation.target.index());
  }
  out.Size(compiled.traps.size());
  for (const environ::TrapRecord& trap : compiled.traps) {
    out.U32(trap.offset);
    out.U8(trap.code);
    out.U32(trap.refund);
  }
  BodyWalk walk(module, function, compiled);
  out.Size(compiled.inline_sites.size());
  for (const environ::InlineSite& site : compiled.inline_sites) {
    out.U32(site.parent);
    out.U32(site.function);
    out.U32(Shifted(site.wasm_offset, 0 - walk.StartOf(site.parent)));
  }
  out.Size(compiled.inline_ranges.size());
  for (const environ::InlineRange& range : compiled.inline_ranges) {
    out.U32(range.offset);
    out.U32(range.site);
  }
  out.Size(compiled.address_map.size());
  for (const environ::AddressMapEntry& entry : compiled.address_map) {
    out.U32(entry.offset);
    out.U32(Shifted(entry.wasm_offset, 0 - walk.StartAt(entry.offset)));
  }
  out.U32(compiled.inlined_calls);
  out.Size(compiled.stack_maps.size());
  for (const environ::StackMapEntry& map : compiled.stack_maps) {
    out.U32(map.offset);
    out.U32(map.first_slot);
    out.U32(map.slot_count);
  }
  out.Numbers32(compiled.stack_map_slots);
  out.Size(compiled.handlers.size());
  for (const environ::HandlerEntry& handler : compiled.handlers) {
    out.U32(handler.offset);
    out.U32(handler.tag);
    out.U32(handler.handler);
  }
  out.Bytes8(compiled.unwind);
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

  const size_t relocations = in.Size(14);
  for (size_t i = 0; i < relocations; ++i) {
    environ::CodeRelocation relocation;
    relocation.offset = in.U32();
    relocation.kind = in.U8();
    relocation.addend = static_cast<int32_t>(in.U32());
    const uint64_t kind = in.U8();
    const uint64_t index = in.U32();
    const bool is_shared = kind == static_cast<uint64_t>(environ::FuncKeyKind::kBuiltinShim);
    const uint64_t owner = is_shared ? 0 : module.id.raw();
    const std::optional<FuncKey> target = FuncKey::FromPacked(kind << 56 | owner << 32 | index);
    in.Expect(target.has_value() && IsTarget(module, *target) &&
              RelocationFits(rules, relocation.offset, relocation.kind, size));
    if (!in.ok()) return false;
    relocation.target = *target;
    out.relocations.push_back(relocation);
  }
  const size_t traps = in.Size(9);
  Ascending trap_offsets(size, true);
  for (size_t i = 0; i < traps; ++i) {
    const uint32_t offset = in.U32();
    in.Expect(trap_offsets.Next(offset));
    const uint8_t code = in.U8();
    out.traps.push_back({offset, code, in.U32()});
  }
  const size_t sites = in.Size(12);
  for (size_t i = 0; i < sites; ++i) {
    environ::InlineSite site;
    site.parent = in.U32();
    site.function = in.U32();
    site.wasm_offset = in.U32();
    in.Expect((site.parent == environ::kNoInlineSite || site.parent < i) &&
              site.function < module.parsed.functions.size());
    if (!in.ok()) return false;
    out.inline_sites.push_back(site);
  }
  BodyWalk walk(module, function, out);
  for (environ::InlineSite& site : out.inline_sites) {
    site.wasm_offset = Shifted(site.wasm_offset, walk.StartOf(site.parent));
  }
  const size_t ranges = in.Size(8);
  Ascending range_offsets(size, true);
  for (size_t i = 0; i < ranges; ++i) {
    environ::InlineRange range;
    range.offset = in.U32();
    range.site = in.U32();
    in.Expect(range_offsets.Next(range.offset) &&
              (range.site == environ::kNoInlineSite || range.site < out.inline_sites.size()));
    if (!in.ok()) return false;
    out.inline_ranges.push_back(range);
  }
  const size_t addresses = in.Size(8);
  Ascending address_offsets(size, true);
  for (size_t i = 0; i < addresses; ++i) {
    environ::AddressMapEntry entry;
    entry.offset = in.U32();
    in.Expect(address_offsets.Next(entry.offset));
    entry.wasm_offset = Shifted(in.U32(), walk.StartAt(entry.offset));
    out.address_map.push_back(entry);
  }
  out.inlined_calls = in.U32();
  const size_t maps = in.Size(12);
  Ascending map_offsets(size, true);
  for (size_t i = 0; i < maps; ++i) {
    environ::StackMapEntry map;
    map.offset = in.U32();
    map.first_slot = in.U32();
    map.slot_count = in.U32();
    in.Expect(map_offsets.Next(map.offset));
    out.stack_maps.push_back(map);
  }
  in.Array(out.stack_map_slots);
  for (const environ::StackMapEntry& map : out.stack_maps) {
    in.Expect(uint64_t{map.first_slot} + map.slot_count <= out.stack_map_slots.size());
  }
  const size_t handlers = in.Size(12);
  Ascending handler_offsets(size, false);
  for (size_t i = 0; i < handlers; ++i) {
    environ::HandlerEntry handler;
    handler.offset = in.U32();
    handler.tag = in.U32();
    handler.handler = in.U32();
    in.Expect(handler_offsets.Next(handler.offset) && handler.handler < size);
    out.handlers.push_back(handler);
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
  out.Bytes8(code.bytes);
  out.U32(code.alignment);
  out.U32(code.code_end);
  out.Size(code.traps.size());
  for (const codegen::TrapRecord& trap : code.traps) {
    out.U32(trap.offset);
    out.U8(static_cast<uint8_t>(trap.code));
  }
  out.Size(code.relocs.size());
  for (const codegen::RelocRecord& reloc : code.relocs) {
    out.U32(reloc.offset);
    out.U8(static_cast<uint8_t>(reloc.kind));
    out.U32(reloc.name.raw());
    out.U32(static_cast<uint32_t>(reloc.addend));
    out.U32(static_cast<uint32_t>(static_cast<uint64_t>(reloc.addend) >> 32));
  }
  out.Size(code.call_sites.size());
  for (const codegen::CallSite& site : code.call_sites) {
    out.U32(site.return_offset);
    out.U32(site.first_handler);
    out.U32(site.handler_count);
  }
  out.Size(code.call_handlers.size());
  for (const codegen::CallHandler& handler : code.call_handlers) {
    out.U32(handler.tag);
    out.U32(handler.target);
  }
  out.Size(code.stack_maps.size());
  for (const codegen::StackMap& map : code.stack_maps) {
    out.U32(map.return_offset);
    out.U32(map.first_slot);
    out.U32(map.slot_count);
  }
  out.Numbers32(code.stack_map_slots);
  // Which number an inlined location has in its table is not part of the stencil's key, so the
  // entries come along, numbered as they come.
  std::vector<FunctionStencil::InlinedLoc> inlined;
  out.Size(code.source_locs.size());
  for (const codegen::SourceLocEntry& entry : code.source_locs) {
    uint32_t loc = entry.loc.is_none() ? FunctionStencil::kNoLoc : entry.loc.raw();
    if (loc != FunctionStencil::kNoLoc && (loc & FunctionStencil::kInlinedBit) != 0) {
      const auto& place = stencil.inlined_locs[loc & ~FunctionStencil::kInlinedBit];
      if (inlined.empty() || inlined.back() != place) inlined.push_back(place);
      loc = FunctionStencil::kInlinedBit | static_cast<uint32_t>(inlined.size() - 1);
    }
    out.U32(entry.offset);
    out.U32(loc);
  }
  out.Size(inlined.size());
  for (const FunctionStencil::InlinedLoc& place : inlined) {
    out.U32(place.site.raw());
    out.U32(place.relative);
  }
  out.U32(code.frame.frame_begin);
  out.U32(code.frame.frame_size);
  out.U32(code.frame.slots_begin);
  out.Bytes8(code.call_frame_instructions);
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
  traps_.resize(in.Size(5));
  Ascending trap_offsets(size, true);
  for (codegen::TrapRecord& trap : traps_) {
    trap.offset = in.U32();
    trap.code = static_cast<codegen::TrapCode>(in.U8());
    in.Expect(trap_offsets.Next(trap.offset));
  }
  relocs_.resize(in.Size(17));
  for (codegen::RelocRecord& reloc : relocs_) {
    reloc.offset = in.U32();
    const uint8_t kind = in.U8();
    reloc.kind = static_cast<codegen::RelocKind>(kind);
    reloc.name = codegen::ExternalName(in.U32());
    const uint64_t low = in.U32();
    reloc.addend = static_cast<int64_t>(low | uint64_t{in.U32()} << 32);
    in.Expect(RelocationFits(rules, reloc.offset, kind, size) && reloc.name.is_some() &&
              reloc.name.index() < num_names);
  }
  call_sites_.resize(in.Size(12));
  Ascending site_offsets(size, false);
  for (codegen::CallSite& site : call_sites_) {
    site.return_offset = in.U32();
    site.first_handler = in.U32();
    site.handler_count = in.U32();
    in.Expect(site_offsets.Next(site.return_offset));
  }
  call_handlers_.resize(in.Size(8));
  for (codegen::CallHandler& handler : call_handlers_) {
    handler.tag = in.U32();
    handler.target = in.U32();
    in.Expect(handler.target < size);
  }
  for (const codegen::CallSite& site : call_sites_) {
    in.Expect(uint64_t{site.first_handler} + site.handler_count <= call_handlers_.size());
  }
  stack_maps_.resize(in.Size(12));
  Ascending map_offsets(size, true);
  for (codegen::StackMap& map : stack_maps_) {
    map.return_offset = in.U32();
    map.first_slot = in.U32();
    map.slot_count = in.U32();
    in.Expect(map_offsets.Next(map.return_offset));
  }
  in.Array(stack_map_slots_);
  for (const codegen::StackMap& map : stack_maps_) {
    in.Expect(uint64_t{map.first_slot} + map.slot_count <= stack_map_slots_.size());
  }
  source_locs_.resize(in.Size(8));
  Ascending loc_offsets(size, false);
  for (codegen::SourceLocEntry& entry : source_locs_) {
    entry.offset = in.U32();
    entry.loc = codegen::SourceLoc(in.U32());
    in.Expect(loc_offsets.Next(entry.offset));
  }
  inlined_locs_.resize(in.Size(8));
  for (FunctionStencil::InlinedLoc& place : inlined_locs_) {
    place.site = codegen::InlineSite(in.U32());
    place.relative = in.U32();
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
