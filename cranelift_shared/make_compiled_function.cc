#include "cranelift_shared/make_compiled_function.h"

#include "base/check.h"

namespace gantry::cranelift {
namespace {

using environ::CompiledFunction;

void AddAddress(uint32_t offset, uint32_t wasm_offset, CompiledFunction& out) {
  if (!out.address_map.empty()) {
    if (out.address_map.back().wasm_offset == wasm_offset) return;
    if (out.address_map.back().offset == offset) {
      out.address_map.back().wasm_offset = wasm_offset;
      return;
    }
  }
  out.address_map.push_back({.offset = offset, .wasm_offset = wasm_offset});
}

void AddInlineRange(uint32_t offset, uint32_t site, CompiledFunction& out) {
  const uint32_t before =
      out.inline_ranges.empty() ? environ::kNoInlineSite : out.inline_ranges.back().site;
  if (site == before) return;
  if (!out.inline_ranges.empty() && out.inline_ranges.back().offset == offset) {
    out.inline_ranges.back().site = site;
    return;
  }
  out.inline_ranges.push_back({.offset = offset, .site = site});
}

// Consecutive entries of the same location become one.
void AppendAddresses(absl::Span<const codegen::SourceLocEntry> locs, const CodeOrigins& origins,
                     codegen::CodeOffset skip, CompiledFunction& out) {
  for (const codegen::SourceLocEntry& entry : locs) {
    const CodeOrigins::Origin origin = origins.origin_of(entry.loc);
    const codegen::CodeOffset offset = entry.offset < skip ? 0 : entry.offset - skip;
    AddAddress(offset, origin.wasm_offset, out);
    AddInlineRange(offset, origin.site, out);
  }
  if (out.inline_ranges.empty()) return;
  out.inline_sites.assign(origins.sites.begin(), origins.sites.end());
}

// Both lists are in order of offsets.
void AddRefunds(const std::function<uint32_t(uint32_t)>& refund_at, CompiledFunction& out) {
  size_t next = 0;
  for (environ::TrapRecord& trap : out.traps) {
    while (next < out.address_map.size() && out.address_map[next].offset <= trap.offset) ++next;
    if (next == 0) continue;
    const uint32_t wasm_offset = out.address_map[next - 1].wasm_offset;
    if (wasm_offset != environ::kNoWasmOffset) trap.refund = refund_at(wasm_offset);
  }
}

}  // namespace

void MakeCompiledFunction(const codegen::CompiledCode& code,
                          absl::FunctionRef<environ::FuncKey(codegen::ExternalName)> key_of,
                          const CodeOrigins* origins, CompiledFunction& out,
                          codegen::CodeOffset skip) {
  out.clear();
  out.code.assign(code.bytes.begin() + skip, code.bytes.end());
  out.alignment = code.alignment;
  out.relocations.reserve(code.relocs.size());
  for (const codegen::RelocRecord& reloc : code.relocs) {
    out.relocations.push_back({.offset = reloc.offset - skip,
                               .kind = static_cast<uint8_t>(reloc.kind),
                               .addend = static_cast<int32_t>(reloc.addend),
                               .target = key_of(reloc.name)});
  }
  out.traps.reserve(code.traps.size());
  for (const codegen::TrapRecord& trap : code.traps) {
    out.traps.push_back({.offset = trap.offset - skip, .code = static_cast<uint8_t>(trap.code)});
  }
  if (origins != nullptr) AppendAddresses(code.source_locs, *origins, skip, out);
  if (origins != nullptr && origins->refund_at != nullptr) AddRefunds(*origins->refund_at, out);
  out.stack_maps.reserve(code.stack_maps.size());
  for (const codegen::StackMap& map : code.stack_maps) {
    out.stack_maps.push_back({.offset = map.return_offset - skip,
                              .first_slot = map.first_slot,
                              .slot_count = map.slot_count});
  }
  out.stack_map_slots.assign(code.stack_map_slots.begin(), code.stack_map_slots.end());
  for (const codegen::CallSite& site : code.call_sites) {
    for (uint32_t i = 0; i < site.handler_count; ++i) {
      const codegen::CallHandler& handler = code.call_handlers[site.first_handler + i];
      out.handlers.push_back({.offset = site.return_offset - skip,
                              .tag = handler.tag,
                              .handler = handler.target - skip});
    }
  }
  out.frame = {.frame_begin = code.frame.frame_begin, .frame_size = code.frame.frame_size};
  out.unwind.assign(code.call_frame_instructions.begin(), code.call_frame_instructions.end());
}

void MakeCompiledFunction(const codegen::MachBuffer& buffer, const codegen::FrameInfo& frame,
                          const codegen::UnwindInfo* unwind, const codegen::UnwindFormat& format,
                          CompiledFunction& out) {
  codegen::CompiledCode code;
  code.bytes = buffer.bytes();
  code.alignment = buffer.alignment();
  code.code_end = buffer.code_end();
  code.traps = buffer.traps();
  code.relocs = buffer.relocs();
  code.call_sites = buffer.call_sites();
  code.call_handlers = buffer.call_handlers();
  code.stack_maps = buffer.stack_maps();
  code.stack_map_slots = buffer.stack_map_slots();
  code.frame = frame;
  const auto no_names = [](codegen::ExternalName name) -> environ::FuncKey {
    CHECK(false) << name << " in a trampoline";
    return environ::FuncKey::BuiltinShim(0);
  };
  MakeCompiledFunction(code, no_names, nullptr, out);
  if (unwind != nullptr) codegen::AppendCallFrameInstructions(*unwind, format, &out.unwind);
}

}  // namespace gantry::cranelift
