#include "codegen/pass/switches.h"

#include "codegen/ir/builder.h"
#include "codegen/pass/edit.h"

namespace gantry::codegen {
namespace {

// Runs that a tree of comparisons tells apart sooner than a jump table does.
constexpr size_t kFewRuns = 5;
// Runs up to which a table of kLongRun entries for each is not worth its memory.
constexpr size_t kMaxRuns = 16;
constexpr uint32_t kLongRun = 16;
// Ways that tests of bits tell apart, the last being what is left.
constexpr size_t kMaxBitWays = 3;

}  // namespace

// Fills runs_ and ways_; false if there are more than a tree is made for and more ways than bits
// tell apart.
bool SwitchesPass::FindRuns(Inst table) {
  const DataFlowGraph& dfg = func_->dfg;
  runs_.clear();
  ways_.clear();
  uint32_t entry = 0;
  bool few = true;
  dfg.ForEachBlockCall(table, [&](const BlockCall& call) {
    ++work_;
    if (!few) return;
    uint32_t way = 0;
    // Most entries are like the one before.
    if (!runs_.empty()) way = runs_.back().way;
    const auto is_way = [&](uint32_t i) {
      return ways_[i].block == call.block && dfg.args_of(ways_[i]) == dfg.args_of(call);
    };
    if (runs_.empty() || !is_way(way)) {
      for (way = 0; way < ways_.size() && !is_way(way); ++way) ++work_;
      if (way == ways_.size()) ways_.push_back(call);
      runs_.push_back({entry, way});
      few = runs_.size() <= kMaxRuns || ways_.size() <= kMaxBitWays;
    }
    ++entry;
  });
  return few;
}

BlockCall SwitchesPass::CallOf(uint32_t way) {
  DataFlowGraph& dfg = func_->dfg;
  const absl::Span<const Value> args = dfg.args_of(ways_[way]);
  args_.assign(args.begin(), args.end());
  return dfg.MakeBlockCall(ways_[way].block, args_);
}

Block SwitchesPass::NewBlock(Block after) {
  const Block block = func_->dfg.MakeBlock();
  func_->layout.InsertAfter(block, after);
  func_->dfg.mutable_block(block).cold = func_->dfg.block(after).cold;
  return block;
}

void SwitchesPass::MakeTree(Inst table, Value index) {
  DataFlowGraph& dfg = func_->dfg;
  const SourceLoc loc = func_->LocOf(table);
  const Block home = func_->layout.block_of(table);
  func_->layout.Remove(table);
  InstBuilder b(func_);
  b.SetLoc(loc);
  parts_.assign(1, {home, 0, runs_.size()});
  while (!parts_.empty()) {
    const Part part = parts_.back();
    parts_.pop_back();
    ++work_;
    const size_t middle = (part.begin + part.end + 1) / 2;
    b.SetEnd(part.block);
    const Value below =
        b.Icmp(IntCC::kUlt, index, b.I32(static_cast<int32_t>(runs_[middle].first)));
    InstData branch(Opcode::kBrif, Type::kInvalid);
    branch.set_arg(0, below);
    const auto call_of = [&](size_t begin, size_t end) {
      if (end - begin == 1) return CallOf(runs_[begin].way);
      const Block block = NewBlock(part.block);
      parts_.push_back({block, begin, end});
      return dfg.MakeBlockCall(block, {});
    };
    branch.set_block_call(1, call_of(middle, part.end));
    branch.set_block_call(0, call_of(part.begin, middle));
    b.Insert(branch);
  }
}

void SwitchesPass::MakeBitTests(Inst table, Value index, uint32_t entries) {
  DataFlowGraph& dfg = func_->dfg;
  const SourceLoc loc = func_->LocOf(table);
  const Block home = func_->layout.block_of(table);
  func_->layout.Remove(table);
  InstBuilder b(func_);
  b.SetLoc(loc);
  const uint32_t default_way = runs_.back().way;
  Block block = NewBlock(home);
  const auto branch = [&](Value condition, BlockCall yes, BlockCall no) {
    InstData data(Opcode::kBrif, Type::kInvalid);
    data.set_arg(0, condition);
    data.set_block_call(0, yes);
    data.set_block_call(1, no);
    b.Insert(data);
  };
  b.SetEnd(home);
  const Value in_range = b.Icmp(IntCC::kUlt, index, b.I32(static_cast<int32_t>(entries)));
  branch(in_range, dfg.MakeBlockCall(block, {}), CallOf(default_way));
  // A test for each way of the entries but the last of them.
  std::vector<uint64_t> masks(ways_.size(), 0);
  for (size_t i = 0; i < runs_.size(); ++i) {
    const uint32_t end = i + 1 < runs_.size() ? runs_[i + 1].first : entries;
    for (uint32_t entry = runs_[i].first; entry < end && entry < entries; ++entry) {
      ++work_;
      masks[runs_[i].way] |= uint64_t{1} << entry;
    }
  }
  // Entries that go where the default goes are what is left.
  uint32_t last = default_way;
  for (uint32_t way = 0; masks[last] == 0; ++way) {
    if (masks[ways_.size() - 1 - way] != 0) last = static_cast<uint32_t>(ways_.size() - 1 - way);
  }
  b.SetEnd(block);
  const Type type = entries <= 32 ? Type::kI32 : Type::kI64;
  const Value amount = type == Type::kI32 ? index : b.Uextend(type, index);
  std::vector<uint32_t> tested;
  for (uint32_t way = 0; way < ways_.size(); ++way) {
    if (masks[way] != 0 && way != last) tested.push_back(way);
  }
  for (size_t i = 0; i < tested.size(); ++i) {
    const Value mask = b.Iconst(type, static_cast<int64_t>(masks[tested[i]]));
    const Value one = b.Iconst(type, 1);
    const Value bit = b.Band(b.Ushr(mask, amount), one);
    const bool more = i + 1 < tested.size();
    const Block next = more ? NewBlock(block) : Block::None();
    branch(bit, CallOf(tested[i]), more ? dfg.MakeBlockCall(next, {}) : CallOf(last));
    if (!more) break;
    block = next;
    b.SetEnd(block);
  }
}

bool SwitchesPass::Visit(Inst table) {
  DataFlowGraph& dfg = func_->dfg;
  if (!FindRuns(table)) return false;
  const InstData data = dfg.inst(table);
  const Value index = data.arg(0);
  const size_t entries = dfg.jump_table_entries(data.jump_table()).size();
  if (runs_.size() == 1) {
    dfg.ReplaceInst(table, JumpTo(ways_[0]));
    return true;
  }
  const bool long_runs = runs_.size() <= kMaxRuns && entries >= kLongRun * runs_.size();
  if (runs_.size() <= kFewRuns || long_runs) {
    MakeTree(table, index);
    return true;
  }
  if (ways_.size() > kMaxBitWays || entries > 64) return false;
  MakeBitTests(table, index, static_cast<uint32_t>(entries));
  return true;
}

bool SwitchesPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  if (func->dfg.num_jump_tables() == 0) return false;
  bool changed = false;
  for (Block block : func->layout.blocks()) {
    const Inst last = func->layout.last_inst(block);
    if (func->dfg.opcode(last) == Opcode::kBrTable) changed |= Visit(last);
  }
  if (changed) analyses->Invalidate();
  return changed;
}

}  // namespace gantry::codegen
