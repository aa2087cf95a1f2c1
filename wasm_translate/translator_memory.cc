// Memories: addresses, loads, stores, and what concerns a memory as a whole.
#include <algorithm>
#include <limits>
#include <optional>

#include "wasm_translate/translator_rules.h"
#include "wasm_translate/translator_visitor.h"

namespace gantry::wasm {

using codegen::Inst;
using codegen::InstData;
using codegen::IntCC;
using codegen::MemFlags;
using codegen::Type;
using codegen::Value;
using Ir = codegen::Opcode;

namespace {

// Static offsets up to this fit an access.
constexpr uint64_t kMaxOffset = std::numeric_limits<int32_t>::max();

// How deep GreatestOf looks into what a value is computed from.
constexpr int kDepthOfBounds = 4;

// What the value never exceeds, unsigned, as far as the instructions right behind it tell.
uint64_t GreatestOf(const codegen::DataFlowGraph& dfg, Value value, int depth = kDepthOfBounds) {
  const uint64_t most = codegen::TypeMask(dfg.value_type(value));
  const Inst inst = dfg.defining_inst(value);
  if (inst.is_none() || depth == 0) return most;
  const InstData& data = dfg.inst(inst);
  const auto greatest = [&](size_t arg) { return GreatestOf(dfg, data.arg(arg), depth - 1); };
  const auto constant = [&](size_t arg) -> std::optional<uint64_t> {
    const Inst def = dfg.defining_inst(data.arg(arg));
    if (def.is_none() || dfg.opcode(def) != Ir::kIconst) return std::nullopt;
    return dfg.inst(def).const_bits();
  };
  switch (data.opcode()) {
    case Ir::kIconst:
      return data.const_bits();
    case Ir::kUload8:
      return 0xFF;
    case Ir::kUload16:
      return 0xFFFF;
    case Ir::kUload32:
      return 0xFFFFFFFF;
    case Ir::kUextend:
      return greatest(0);
    case Ir::kBand:
      return std::min(greatest(0), greatest(1));
    case Ir::kIadd: {
      const uint64_t a = greatest(0), b = greatest(1);
      return a <= most - b ? a + b : most;
    }
    case Ir::kUshr:
      if (const auto amount = constant(1)) {
        return greatest(0) >> (*amount & (codegen::TypeBits(data.type()) - 1));
      }
      return most;
    case Ir::kIshl:
      if (const auto amount = constant(1)) {
        const uint64_t shift = *amount & (codegen::TypeBits(data.type()) - 1);
        const uint64_t a = greatest(0);
        if (a <= most >> shift) return a << shift;
      }
      return most;
    case Ir::kIcmp:
    case Ir::kFcmp:
      return 1;
    default:
      return most;
  }
}

uint32_t AccessBytes(Opcode op) { return uint32_t{1} << GetOperatorInfo(op).align_or_lanes; }

}  // namespace

std::optional<uint64_t> TranslatingVisitor::AsConstant(Value value) const {
  const Inst inst = func_->dfg.defining_inst(value);
  if (inst.is_none() || func_->dfg.opcode(inst) != Ir::kIconst) return std::nullopt;
  return func_->dfg.inst(inst).const_bits();
}

// The access is in bounds if index + offset + size <= length, without overflow.
Value TranslatingVisitor::IsOutOfBounds(const HeapAccess& heap, Value index, uint64_t offset,
                                        uint32_t size, bool index_is_32_bits) {
  if (heap.index_only) return builder_.Icmp(IntCC::kUge, index, heap.length);
  if (offset > std::numeric_limits<uint64_t>::max() - size) return builder_.I32(1);
  const Value extent = builder_.I64(static_cast<int64_t>(offset + size));
  if (index_is_32_bits) {
    // Offsets of 32-bit memories are below 2^32: the sum does not overflow.
    return builder_.Icmp(IntCC::kUgt, builder_.Iadd(index, extent), heap.length);
  }
  const auto [end, overflow] = builder_.UaddOverflow(index, extent);
  return builder_.Bor(overflow, builder_.Icmp(IntCC::kUgt, end, heap.length));
}

// Where misspeculation goes past a check, a masked address is that of byte 0.
TranslatingVisitor::Address TranslatingVisitor::CheckedAddress(const HeapAccess& heap, Value index,
                                                               uint64_t offset, uint32_t size,
                                                               bool index_is_32_bits) {
  const Value out_of_bounds = IsOutOfBounds(heap, index, offset, size, index_is_32_bits);
  builder_.Trapnz(out_of_bounds, env_->traps().memory_out_of_bounds);
  Value address = builder_.Iadd(heap.base, index);
  const bool offset_stays = offset <= kMaxOffset && (heap.offset_is_own || !heap.mask);
  if (!offset_stays) {
    address = builder_.Iadd(address, builder_.I64(static_cast<int64_t>(offset)));
  }
  if (heap.mask) address = builder_.SelectSpectreGuard(out_of_bounds, heap.base, address);
  return {address, offset_stays ? static_cast<int32_t>(offset) : 0, heap.flags};
}

TranslatingVisitor::Address TranslatingVisitor::PrepareAddress(const MemArg& arg, uint32_t size,
                                                               Value index) {
  const HeapAccess heap = env_->AccessHeap(builder_, arg.memory, arg.offset, size);
  const bool index_is_32_bits = func_->dfg.value_type(index) == Type::kI32;
  const std::optional<uint64_t> constant = AsConstant(index);
  // A constant index joins the offset where the sum is exact and small.
  if (constant.has_value() && *constant <= kMaxOffset && arg.offset <= kMaxOffset - *constant) {
    const uint64_t offset = *constant + arg.offset;
    const bool is_there = heap.min_bytes >= size && offset <= heap.min_bytes - size;
    if (is_there || !heap.check_bounds) {
      const MemFlags flags = is_there ? heap.flags.WithTrap(std::nullopt) : heap.flags;
      return {heap.base, static_cast<int32_t>(offset), flags};
    }
  }
  if (heap.check_bounds) {
    // A table at the start of memory, by an index that has been cut to its size.
    const uint64_t greatest = GreatestOf(func_->dfg, index);
    if (arg.offset <= kMaxOffset && heap.min_bytes >= size && greatest <= heap.min_bytes - size &&
        arg.offset <= heap.min_bytes - size - greatest) {
      return {builder_.Iadd(heap.base, Extended(index)), static_cast<int32_t>(arg.offset),
              heap.flags.WithTrap(std::nullopt)};
    }
    return CheckedAddress(heap, Extended(index), arg.offset, size, index_is_32_bits);
  }
  DCHECK(index_is_32_bits);
  const Value address = builder_.Iadd(heap.base, Extended(index));
  if (arg.offset <= kMaxOffset) return {address, static_cast<int32_t>(arg.offset), heap.flags};
  return {builder_.Iadd(address, builder_.I64(static_cast<int64_t>(arg.offset))), 0, heap.flags};
}

// ---- Loads and stores.

Value TranslatingVisitor::EmitLoad(codegen::Opcode opcode, Type type, const Address& address) {
  InstData data(opcode, type);
  data.set_arg(0, address.base);
  data.set_flags(address.flags);
  data.set_offset(address.offset);
  return func_->dfg.result(builder_.Insert(data));
}

void TranslatingVisitor::EmitStore(codegen::Opcode opcode, Value value, const Address& address) {
  InstData data(opcode, func_->dfg.value_type(value));
  data.set_arg(0, value);
  data.set_arg(1, address.base);
  data.set_flags(address.flags);
  data.set_offset(address.offset);
  builder_.Insert(data);
}

void TranslatingVisitor::OnLoad(Opcode op, const MemArg& arg) {
  At(op);
  const LoadRule& rule = RuleOfLoad(op);
  if (rule.opcode == Ir::kNop) {
    OnUnsupported(op);
    return;
  }
  Value value = EmitLoad(rule.opcode, rule.type, PrepareAddress(arg, AccessBytes(op), Pop()));
  switch (rule.then) {
    case Ir::kNop:
      break;
    case Ir::kVextendLowS:
    case Ir::kVextendLowU:
      value = Emit(rule.then, rule.shape, {builder_.Vscalar(Type::kI64X2, value)});
      break;
    default:
      value = Emit(rule.then, rule.shape, {value});
      break;
  }
  Push(value);
}

void TranslatingVisitor::OnStore(Opcode op, const MemArg& arg) {
  At(op);
  const Ir opcode = RuleOfStore(op);
  if (opcode == Ir::kNop) {
    OnUnsupported(op);
    return;
  }
  const Value value = Pop();
  EmitStore(opcode, value, PrepareAddress(arg, AccessBytes(op), Pop()));
}

void TranslatingVisitor::OnLoadLane(Opcode op, const MemArg& arg, uint8_t lane) {
  At(op);
  const LaneAccessRule rule = RuleOfLaneAccess(op);
  const Value vector = Pop();
  const Address address = PrepareAddress(arg, AccessBytes(op), Pop());
  const Value value = EmitLoad(rule.opcode, rule.type, address);
  Push(builder_.Vreplace(rule.shape, vector, value, lane));
}

void TranslatingVisitor::OnStoreLane(Opcode op, const MemArg& arg, uint8_t lane) {
  At(op);
  const LaneAccessRule rule = RuleOfLaneAccess(op);
  const Value vector = Pop();
  const Address address = PrepareAddress(arg, AccessBytes(op), Pop());
  EmitStore(rule.opcode, builder_.VextractU(rule.shape, vector, lane), address);
}

// ---- Whole memories.

void TranslatingVisitor::OnMemorySize(MemoryIndex memory) {
  At(Opcode::kMemorySize);
  Push(env_->MemorySize(builder_, memory));
}

void TranslatingVisitor::OnMemoryGrow(MemoryIndex memory) {
  At(Opcode::kMemoryGrow);
  Push(env_->MemoryGrow(builder_, memory, Pop()));
}

void TranslatingVisitor::OnMemoryInit(DataIndex data, MemoryIndex memory) {
  At(Opcode::kMemoryInit);
  const auto [destination, source, length] = Pop3();
  env_->MemoryInit(builder_, memory, data, destination, source, length);
}

void TranslatingVisitor::OnMemoryCopy(MemoryIndex to, MemoryIndex from) {
  At(Opcode::kMemoryCopy);
  const auto [destination, source, length] = Pop3();
  env_->MemoryCopy(builder_, to, from, destination, source, length);
}

void TranslatingVisitor::OnMemoryFill(MemoryIndex memory) {
  At(Opcode::kMemoryFill);
  const auto [destination, value, length] = Pop3();
  env_->MemoryFill(builder_, memory, destination, value, length);
}

void TranslatingVisitor::OnDataDrop(DataIndex data) {
  At(Opcode::kDataDrop);
  env_->DataDrop(builder_, data);
}

}  // namespace gantry::wasm
