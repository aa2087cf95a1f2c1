// DataFlowGraph: the instructions, values and blocks of a function and what hangs on them,
// apart from the order in which blocks and instructions stand (that is Layout's).
//
// Every value is defined once, as the result of an instruction or a parameter of a block;
// there are no use lists. All memory is in a few arrays that Clear() empties and keeps.
//
//   const InstData& data = func.dfg.inst(inst);
//   for (Value v : func.dfg.block_params(block)) ...
//   func.dfg.ForEachArg(inst, [&](Value v) { ... });
#ifndef GANTRY_CODEGEN_IR_DFG_H_
#define GANTRY_CODEGEN_IR_DFG_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "base/check.h"
#include "codegen/ir/entities.h"
#include "codegen/ir/instruction.h"
#include "codegen/ir/signature.h"
#include "entity/entity_set.h"
#include "entity/primary_map.h"

namespace gantry::codegen {

// What defines a value.
class ValueDef {
 public:
  enum class Kind : uint8_t { kResult, kParam, kAlias };
  // Results and parameters are numbered below this.
  static constexpr uint32_t kMaxPosition = (1u << 22) - 1;

  static ValueDef Result(Type type, Inst inst, uint32_t position) {
    return ValueDef(type, Kind::kResult, position, inst.raw());
  }
  static ValueDef Param(Type type, Block block, uint32_t position) {
    return ValueDef(type, Kind::kParam, position, block.raw());
  }
  static ValueDef Alias(Type type, Value target) {
    return ValueDef(type, Kind::kAlias, 0, target.raw());
  }

  Type type() const { return static_cast<Type>(bits_ & 0xFF); }
  Kind kind() const { return static_cast<Kind>(bits_ >> 8 & 3); }
  bool is_result() const { return kind() == Kind::kResult; }
  bool is_param() const { return kind() == Kind::kParam; }
  bool is_alias() const { return kind() == Kind::kAlias; }
  // Which result of inst(), or which parameter of block().
  uint32_t position() const { return bits_ >> 10; }
  Inst inst() const {
    DCHECK(is_result());
    return Inst(owner_);
  }
  Block block() const {
    DCHECK(is_param());
    return Block(owner_);
  }
  Value alias_target() const {
    DCHECK(is_alias());
    return Value(owner_);
  }

 private:
  ValueDef(Type type, Kind kind, uint32_t position, uint32_t owner)
      : bits_(static_cast<uint32_t>(type) | static_cast<uint32_t>(kind) << 8 | position << 10),
        owner_(owner) {
    CHECK(position <= kMaxPosition) << "too many values of one instruction or block";
  }
  uint32_t bits_;
  uint32_t owner_;
};

struct BlockData {
  ValueList params;
  // Rarely run: a trap, a slow path, what a branch hint says. Of use to block order only.
  bool cold = false;
};

// A function outside this one.
struct ExtFunc {
  ExternalName name;
  SigRef signature;
  // Near enough to be called pc-relative.
  bool colocated = true;
  friend bool operator==(const ExtFunc&, const ExtFunc&) = default;
};

struct StackSlotData {
  uint32_t bytes = 0;
  uint8_t align_log2 = 0;
  friend bool operator==(const StackSlotData&, const StackSlotData&) = default;
};

// A landing place of a try_call: control goes to `target` if an exception of tag `tag`
// arrives, its handle being passed after the arguments of the block call.
struct Handler {
  static constexpr uint32_t kCatchAll = 0xFFFFFFFF;
  uint32_t tag = kCatchAll;
  BlockCall target;
};

class DataFlowGraph {
 public:
  // ---- Instructions.
  size_t num_insts() const { return insts_.size(); }
  const InstData& inst(Inst inst) const { return insts_[inst]; }
  InstData& mutable_inst(Inst inst) { return insts_[inst]; }
  Opcode opcode(Inst i) const { return inst(i).opcode(); }

  // A new instruction, results included: their types follow from the table or, for calls,
  // from the signature. It stands nowhere until Layout is told.
  Inst MakeInst(InstData data) {
    const Inst inst = insts_.next_id();
    const OpcodeInfo& info = Info(data.opcode());
    if (info.num_results != 0) {
      data.set_first_result(values_.next_id());
      for (uint32_t i = 0; i < info.num_results; ++i) {
        values_.Push(ValueDef::Result(ResultTypeOf(info.results[i], data.type()), inst, i));
      }
    } else if (data.opcode() == Opcode::kCall || data.opcode() == Opcode::kCallIndirect) {
      MakeCallResults(inst, &data);
    }
    insts_.Push(data);
    return inst;
  }
  // Puts another instruction in the place of `inst`; the result values stay and must be of
  // the same number and types.
  void ReplaceInst(Inst inst, InstData data) {
    const InstData& old = insts_[inst];
    const OpcodeInfo& info = Info(data.opcode());
    CHECK(old.num_results() == info.num_results && !IsCall(data.opcode())) << inst;
    if (info.num_results != 0) data.set_first_result(old.first_result());
    for (uint32_t i = 0; i < info.num_results; ++i) {
      CHECK(value_type(result(inst, i)) == ResultTypeOf(info.results[i], data.type())) << inst;
    }
    insts_[inst] = data;
  }

  size_t num_results(Inst i) const { return inst(i).num_results(); }
  Value result(Inst i, size_t position = 0) const {
    DCHECK(position < num_results(i));
    return Value(static_cast<uint32_t>(inst(i).first_result().raw() + position));
  }
  entity::IdRange<Value> results(Inst i) const {
    const size_t count = num_results(i);
    if (count == 0) return {0, 0};
    const size_t first = inst(i).first_result().index();
    return {first, first + count};
  }

  // Operands in a list: arguments of a call, values of a return. Empty for other formats.
  absl::Span<const Value> list_args(Inst i) const {
    const InstData& data = inst(i);
    return data.has_list() ? data.list().AsSpan(value_lists_) : absl::Span<const Value>();
  }
  absl::Span<const Value> args_of(const BlockCall& call) const {
    return call.args.AsSpan(value_lists_);
  }

  // Calls visit(Value) for every operand: fixed ones, the list, then arguments of block
  // calls in the instruction, its jump table or its handlers.
  template <typename Visit>
  void ForEachArg(Inst i, Visit visit) const {
    const InstData& data = inst(i);
    for (Value v : data.args()) visit(v);
    for (Value v : list_args(i)) visit(v);
    if (IsTerminator(data.opcode())) {
      ForEachBlockCall(i, [&](const BlockCall& call) {
        for (Value v : args_of(call)) visit(v);
      });
    }
  }
  // Replaces every operand v by map(v).
  template <typename Map>
  void MapArgs(Inst i, Map map) {
    InstData& data = insts_[i];
    for (Value& v : data.mutable_args()) v = map(v);
    if (data.has_list()) {
      for (Value& v : data.list().AsMutableSpan(value_lists_)) v = map(v);
    }
    if (IsTerminator(data.opcode())) {
      ForEachBlockCall(i, [&](const BlockCall& call) {
        for (Value& v : call.args.AsMutableSpan(value_lists_)) v = map(v);
      });
    }
  }
  // Calls visit(const BlockCall&) for every branch target of a terminator, in order: those
  // in the instruction; the entries of a jump table, then its default; the normal
  // continuation of a try_call, then its handlers.
  template <typename Visit>
  void ForEachBlockCall(Inst i, Visit visit) const {
    const InstData& data = inst(i);
    switch (data.format()) {
      case Format::kJump:
        visit(data.block_call(0));
        break;
      case Format::kBranch:
        visit(data.block_call(0));
        visit(data.block_call(1));
        break;
      case Format::kBranchTable:
        for (const BlockCall& call : jump_table_entries(data.jump_table())) visit(call);
        visit(jump_table_default(data.jump_table()));
        break;
      case Format::kTryCall:
      case Format::kTryCallIndirect:
        visit(normal_continuation(data.handler_table()));
        for (const Handler& handler : handlers(data.handler_table())) visit(handler.target);
        break;
      default:
        break;
    }
  }
  // Replaces every branch target c by map(c).
  template <typename Map>
  void MapBlockCalls(Inst i, Map map) {
    InstData& data = insts_[i];
    switch (data.format()) {
      case Format::kJump:
        data.set_block_call(0, map(data.block_call(0)));
        break;
      case Format::kBranch:
        data.set_block_call(0, map(data.block_call(0)));
        data.set_block_call(1, map(data.block_call(1)));
        break;
      case Format::kBranchTable: {
        const Extent extent = jump_tables_[data.jump_table()];
        for (uint32_t k = 0; k < extent.count; ++k) {
          block_calls_[extent.first + k] = map(block_calls_[extent.first + k]);
        }
        break;
      }
      case Format::kTryCall:
      case Format::kTryCallIndirect: {
        const Extent extent = handler_tables_[data.handler_table()];
        for (uint32_t k = 0; k < extent.count; ++k) {
          handlers_[extent.first + k].target = map(handlers_[extent.first + k].target);
        }
        break;
      }
      default:
        break;
    }
  }

  // The signature that a call goes by.
  SigRef call_signature(Inst i) const {
    const InstData& data = inst(i);
    switch (data.format()) {
      case Format::kCall:
      case Format::kReturnCall:
      case Format::kTryCall:
        return ext_func(data.func_ref()).signature;
      default:
        DCHECK(IsCall(data.opcode()));
        return data.sig_ref();
    }
  }
  // True if the instruction may stop the guest where it stands.
  bool CanTrap(Inst i) const {
    const InstData& data = inst(i);
    if ((Info(data.opcode()).effects & kTraps) != 0) return true;
    return data.is_memory_access() && data.flags().can_trap();
  }
  // True if the instruction can go when none of its results is used.
  bool IsRemovable(Inst i) const { return (Info(opcode(i)).effects & ~kLoads) == 0 && !CanTrap(i); }

  // ---- Values.
  size_t num_values() const { return values_.size(); }
  Type value_type(Value value) const { return values_[value].type(); }
  const ValueDef& value_def(Value value) const { return values_[value]; }
  // The instruction that defines `value`, none for a parameter.
  Inst defining_inst(Value value) const {
    const ValueDef& def = values_[value];
    return def.is_result() ? def.inst() : Inst::None();
  }

  // References: values that name an object of the store's heap. At every call they lie in
  // stack slots that the stack map lists.
  void MarkReference(Value value) { references_.insert(value); }
  bool IsReference(Value value) const { return references_.contains(value); }
  const entity::EntitySet<Value>& references() const { return references_; }
  entity::EntitySet<Value>& mutable_references() { return references_; }

  // Aliases exist only while a function is being built or a pass runs: `value` (whose
  // definition must be gone or about to go) stands for `target`. Function::ResolveAliases
  // rewrites all uses; the verifier refuses those that are left.
  void ChangeToAlias(Value value, Value target) {
    const Value end = CompressAlias(target);
    CHECK(end != value) << value << " would stand for itself";
    CHECK(value_type(value) == value_type(end)) << value << " -> " << end;
    values_[value] = ValueDef::Alias(value_type(value), end);
    has_aliases_ = true;
  }
  // Follows aliases to the value they stand for.
  Value ResolveAlias(Value value) const {
    while (values_[value].is_alias()) value = values_[value].alias_target();
    return value;
  }
  // The same, leaving all aliases on the way pointing at the end: many calls together take
  // nearly constant time each, however long the chains.
  Value CompressAlias(Value value) {
    const Value end = ResolveAlias(value);
    while (values_[value].is_alias()) {
      const Value next = values_[value].alias_target();
      values_[value] = ValueDef::Alias(values_[value].type(), end);
      value = next;
    }
    return end;
  }
  bool has_aliases() const { return has_aliases_; }
  void set_has_aliases(bool has) { has_aliases_ = has; }

  // ---- Blocks.
  size_t num_blocks() const { return blocks_.size(); }
  Block MakeBlock() { return blocks_.Push(BlockData()); }
  const BlockData& block(Block block) const { return blocks_[block]; }
  BlockData& mutable_block(Block block) { return blocks_[block]; }
  absl::Span<const Value> block_params(Block block) const {
    return blocks_[block].params.AsSpan(value_lists_);
  }
  Value AppendBlockParam(Block block, Type type) {
    ValueList& params = blocks_[block].params;
    const uint32_t position = static_cast<uint32_t>(params.size(value_lists_));
    const Value value = values_.Push(ValueDef::Param(type, block, position));
    params.Push(value, value_lists_);
    return value;
  }
  // Drops a parameter; those behind it move up. The argument of each branch here is the
  // caller's to remove.
  void RemoveBlockParam(Block block, size_t position) {
    ValueList& params = blocks_[block].params;
    params.Remove(position, value_lists_);
    const absl::Span<const Value> rest = block_params(block);
    for (size_t i = position; i < rest.size(); ++i) {
      values_[rest[i]] = ValueDef::Param(value_type(rest[i]), block, static_cast<uint32_t>(i));
    }
  }
  // Keeps the parameters for which keep(position) is true, in one walk.
  template <typename Keep>
  void FilterBlockParams(Block block, Keep keep) {
    ValueList& params = blocks_[block].params;
    const absl::Span<Value> old = params.AsMutableSpan(value_lists_);
    size_t count = 0;
    for (size_t i = 0; i < old.size(); ++i) {
      if (!keep(i)) continue;
      old[count] = old[i];
      values_[old[i]] = ValueDef::Param(value_type(old[i]), block, static_cast<uint32_t>(count));
      ++count;
    }
    params.Truncate(count, value_lists_);
  }
  // `args` must not point into the value pool.
  BlockCall MakeBlockCall(Block block, absl::Span<const Value> args) {
    return {block, ValueList::FromSpan(args, value_lists_)};
  }
  ValueList MakeList(absl::Span<const Value> values) {
    return ValueList::FromSpan(values, value_lists_);
  }
  ValuePool& value_lists() { return value_lists_; }
  const ValuePool& value_lists() const { return value_lists_; }

  // ---- Tables. Each belongs to one instruction, and each block call's arguments to it alone:
  // make a BlockCall per entry, even where entries are equal.
  JumpTable MakeJumpTable(absl::Span<const BlockCall> entries, BlockCall default_target) {
    const uint32_t first = static_cast<uint32_t>(block_calls_.size());
    block_calls_.insert(block_calls_.end(), entries.begin(), entries.end());
    block_calls_.push_back(default_target);
    return jump_tables_.Push({first, static_cast<uint32_t>(entries.size() + 1)});
  }
  absl::Span<const BlockCall> jump_table_entries(JumpTable table) const {
    const Extent extent = jump_tables_[table];
    return {block_calls_.data() + extent.first, extent.count - 1};
  }
  const BlockCall& jump_table_default(JumpTable table) const {
    const Extent extent = jump_tables_[table];
    return block_calls_[extent.first + extent.count - 1];
  }
  size_t num_jump_tables() const { return jump_tables_.size(); }

  // The call's results are passed to `normal` after the arguments of that block call.
  HandlerTable MakeHandlerTable(BlockCall normal, absl::Span<const Handler> handlers) {
    const uint32_t first = static_cast<uint32_t>(handlers_.size());
    handlers_.push_back({0, normal});
    handlers_.insert(handlers_.end(), handlers.begin(), handlers.end());
    return handler_tables_.Push({first, static_cast<uint32_t>(handlers.size() + 1)});
  }
  const BlockCall& normal_continuation(HandlerTable table) const {
    return handlers_[handler_tables_[table].first].target;
  }
  absl::Span<const Handler> handlers(HandlerTable table) const {
    const Extent extent = handler_tables_[table];
    return {handlers_.data() + extent.first + 1, extent.count - 1};
  }
  size_t num_handler_tables() const { return handler_tables_.size(); }

  // ---- Declarations.
  SigRef ImportSignature(Signature signature) { return signatures_.Push(std::move(signature)); }
  const Signature& signature(SigRef ref) const { return signatures_[ref]; }
  const entity::PrimaryMap<SigRef, Signature>& signatures() const { return signatures_; }

  FuncRef ImportFunction(ExtFunc func) { return ext_funcs_.Push(func); }
  const ExtFunc& ext_func(FuncRef ref) const { return ext_funcs_[ref]; }
  const entity::PrimaryMap<FuncRef, ExtFunc>& ext_funcs() const { return ext_funcs_; }

  StackSlot MakeStackSlot(StackSlotData data) { return stack_slots_.Push(data); }
  const StackSlotData& stack_slot(StackSlot slot) const { return stack_slots_[slot]; }
  const entity::PrimaryMap<StackSlot, StackSlotData>& stack_slots() const { return stack_slots_; }

  Constant MakeConstant(absl::Span<const uint8_t> bytes) {
    const uint32_t first = static_cast<uint32_t>(constant_bytes_.size());
    constant_bytes_.insert(constant_bytes_.end(), bytes.begin(), bytes.end());
    return constants_.Push({first, static_cast<uint32_t>(bytes.size())});
  }
  absl::Span<const uint8_t> constant(Constant constant) const {
    const Extent extent = constants_[constant];
    return {constant_bytes_.data() + extent.first, extent.count};
  }
  size_t num_constants() const { return constants_.size(); }

  // Forgets everything and keeps the memory.
  void Clear();

 private:
  // A run of elements in one of the arrays below.
  struct Extent {
    uint32_t first;
    uint32_t count;
  };

  void MakeCallResults(Inst inst, InstData* data);

  entity::PrimaryMap<Inst, InstData> insts_;
  entity::PrimaryMap<Value, ValueDef> values_;
  entity::PrimaryMap<Block, BlockData> blocks_;
  ValuePool value_lists_;
  entity::EntitySet<Value> references_;
  entity::PrimaryMap<SigRef, Signature> signatures_;
  entity::PrimaryMap<FuncRef, ExtFunc> ext_funcs_;
  entity::PrimaryMap<StackSlot, StackSlotData> stack_slots_;
  entity::PrimaryMap<JumpTable, Extent> jump_tables_;
  std::vector<BlockCall> block_calls_;
  entity::PrimaryMap<HandlerTable, Extent> handler_tables_;
  std::vector<Handler> handlers_;
  entity::PrimaryMap<Constant, Extent> constants_;
  std::vector<uint8_t> constant_bytes_;
  bool has_aliases_ = false;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_DFG_H_
