#include "wasm_translate/translator_locals.h"

#include <utility>

#include "base/check.h"

namespace gantry::wasm {

using codegen::Block;
using codegen::BlockCall;
using codegen::InstData;
using codegen::Value;

namespace {

// Links that a search follows for one step of work, which is as much as that of an operator.
constexpr uint32_t kLinksPerStep = 4;

}  // namespace

void LocalVariables::Memo::Clear() {
  used_ = 0;
  if (++stamp_ == 0) {
    slots_.clear();
    stamp_ = 1;
  }
  if (slots_.empty()) slots_.resize(64);
}

size_t LocalVariables::Memo::Position(uint64_t key) const {
  const size_t mask = slots_.size() - 1;
  uint64_t hash = key * 0x9E3779B97F4A7C15;
  size_t at = (hash >> 32) & mask;
  while (slots_[at].stamp == stamp_ && slots_[at].key != key) at = (at + 1) & mask;
  return at;
}

Value* LocalVariables::Memo::Find(uint64_t key) {
  Slot& slot = slots_[Position(key)];
  return slot.stamp == stamp_ ? &slot.value : nullptr;
}

void LocalVariables::Memo::Insert(uint64_t key, Value value) {
  Slot& slot = slots_[Position(key)];
  const bool is_new = slot.stamp != stamp_;
  slot = {key, value, stamp_};
  if (is_new && ++used_ * 2 > slots_.size()) Grow();
}

void LocalVariables::Memo::Grow() {
  std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  for (const Slot& slot : old) {
    if (slot.stamp == stamp_) slots_[Position(slot.key)] = slot;
  }
}

void LocalVariables::Start(codegen::Function* func, size_t max_steps) {
  func_ = func;
  locals_.clear();
  writes_.clear();
  junctions_.clear();
  edges_.clear();
  pending_.clear();
  memo_.Clear();
  now_ = 1;
  known_from_ = 0;
  current_ = kNone;
  steps_left_ = max_steps;
  overflowed_ = false;
}

void LocalVariables::Declare(codegen::Type type, bool is_reference, Value initial) {
  // Later than every junction: none of them holds this first write.
  ++now_;
  Local local;
  local.value = initial;
  local.known_since = now_;
  local.last_write = PushWrite(kNone, initial);
  local.type = type;
  local.is_reference = is_reference;
  locals_.push_back(local);
}

// The skipping pointers are those of Myers, "An applicative random-access stack" (1983): a
// search takes logarithmic time and a push constant time.
uint32_t LocalVariables::PushWrite(uint32_t previous, Value value) {
  const uint32_t index = static_cast<uint32_t>(writes_.size());
  Write write = {now_, value, previous, index, 0};
  if (previous != kNone) {
    const Write& p = writes_[previous];
    const Write& s = writes_[p.skip];
    write.depth = p.depth + 1;
    write.skip = p.depth - s.depth == s.depth - writes_[s.skip].depth ? s.skip : previous;
  }
  writes_.push_back(write);
  return index;
}

uint32_t LocalVariables::WriteAt(uint32_t last, Time time) {
  uint32_t links = 0;
  while (writes_[last].time > time) {
    ++links;
    const Write& write = writes_[last];
    last = writes_[write.skip].time > time ? write.skip : write.previous;
  }
  work_counter_ += links / kLinksPerStep;
  return last;
}

uint32_t LocalVariables::PushJunction(Junction junction, uint32_t previous) {
  const uint32_t index = static_cast<uint32_t>(junctions_.size());
  junction.previous = previous;
  junction.skip = index;
  junction.depth = 0;
  if (previous != kNone) {
    const Junction& p = junctions_[previous];
    const Junction& s = junctions_[p.skip];
    junction.depth = p.depth + 1;
    junction.skip = p.depth - s.depth == s.depth - junctions_[s.skip].depth ? s.skip : previous;
  }
  junctions_.push_back(junction);
  current_ = index;
  known_from_ = junction.begin;
  return index;
}

bool LocalVariables::TakeSteps(size_t count) {
  if (steps_left_ < count) {
    overflowed_ = true;
    return false;
  }
  steps_left_ -= count;
  return true;
}

uint32_t LocalVariables::JunctionOver(uint32_t junction, Time written) {
  uint32_t links = 0;
  while (junction != kNone && junctions_[junction].open >= written) {
    ++links;
    const Junction& j = junctions_[junction];
    const bool skips = j.skip != junction && junctions_[j.skip].open >= written;
    junction = skips ? j.skip : j.previous;
  }
  work_counter_ += links / kLinksPerStep;
  if (junction == kNone || written > junctions_[junction].begin) return kNone;
  return junction;
}

void LocalVariables::AddEdge(EdgeList& edges, codegen::Inst inst, uint32_t slot) {
  const uint32_t index = static_cast<uint32_t>(edges_.size());
  edges_.push_back({{inst, slot, Now()}, kNone});
  (edges.last == kNone ? edges.first : edges_[edges.last].next) = index;
  edges.last = index;
  ++edges.count;
}

void LocalVariables::Prepend(EdgeList& edges, const EdgeList& more) {
  edges_[more.last].next = edges.first;
  if (edges.last == kNone) edges.last = more.last;
  edges.first = more.first;
  edges.count += more.count;
}

void LocalVariables::Join(const Moment& open, Block block, const EdgeList& edges) {
  CHECK(edges.count > 0);
  Junction junction = {};
  junction.kind = Kind::kForward;
  junction.open = open.time;
  junction.begin = ++now_;
  junction.block = block;
  junction.edges = edges;
  PushJunction(junction, open.junction);
}

uint32_t LocalVariables::BeginLoop(Block block, const EdgeList& entry) {
  Junction junction = {};
  junction.kind = Kind::kOpenLoop;
  junction.open = 0;
  junction.begin = ++now_;
  junction.block = block;
  junction.edges = entry;
  junction.first_pending = junction.last_pending = kNone;
  return PushJunction(junction, kNone);
}

Value LocalVariables::GetSlow(uint32_t local) {
  const Value value = ValueAt(local, Now());
  Local& l = locals_[local];
  l.value = value;
  l.known_since = now_;
  return value;
}

Value LocalVariables::NewParam(uint32_t local, Block block) {
  const Value param = func_->dfg.AppendBlockParam(block, locals_[local].type);
  if (locals_[local].is_reference) func_->dfg.MarkReference(param);
  return param;
}

Value LocalVariables::ValueAt(uint32_t local, Moment at) {
  const size_t base = work_.size();
  const size_t values_base = values_.size();
  const uint32_t last_write = locals_[local].last_write;
  for (;;) {
    ++work_counter_;
    // The value at the moment `at`, unless it takes asking at another moment first.
    const uint32_t write = WriteAt(last_write, at.time);
    const uint32_t over = JunctionOver(at.junction, writes_[write].time);
    Value result;
    if (over == kNone) {
      result = writes_[write].value;
    } else if (const Value* known = memo_.Find(Key(over, local))) {
      result = *known;
    } else if (junctions_[over].kind == Kind::kOpenLoop) {
      Junction& loop = junctions_[over];
      result = NewParam(local, loop.block);
      memo_.Insert(Key(over, local), result);
      const uint32_t index = static_cast<uint32_t>(pending_.size());
      pending_.push_back({local, result, kNone});
      (loop.last_pending == kNone ? loop.first_pending : pending_[loop.last_pending].next) = index;
      loop.last_pending = index;
    } else {
      const Junction& junction = junctions_[over];
      const Moment first = edges_[junction.edges.first].edge.at;
      Value param;
      bool passes = false;
      if (junction.kind == Kind::kLoop) {
        passes = writes_[WriteAt(last_write, junction.end)].time < junction.begin;
        if (!passes) {
          param = NewParam(local, junction.block);
          memo_.Insert(Key(over, local), param);
        }
      }
      if (!TakeSteps(passes ? 1 : junction.edges.count)) {
        work_.resize(base);
        values_.resize(values_base);
        return writes_[write].value;
      }
      work_.push_back(
          {over, junction.edges.first, static_cast<uint32_t>(values_.size()), param, passes});
      at = first;
      continue;
    }
    // Hand the result to whatever asked for it.
    for (;;) {
      if (work_.size() == base) return result;
      Work& asking = work_.back();
      values_.push_back(result);
      asking.edge = asking.passes ? kNone : edges_[asking.edge].next;
      if (asking.edge != kNone) {
        at = edges_[asking.edge].edge.at;
        break;
      }
      const Work done = asking;
      work_.pop_back();
      result = Finish(local, done);
    }
  }
}

Value LocalVariables::OnlyValue(size_t first, Value param) const {
  Value only;
  for (size_t i = first; i < values_.size(); ++i) {
    const Value value = Resolve(values_[i]);
    if (value == param || value == only) continue;
    if (only.is_some()) return Value::None();
    only = value;
  }
  return only;
}

void LocalVariables::AppendArgs(const EdgeList& edges, size_t first) {
  uint32_t edge = edges.first;
  for (size_t i = first; i < values_.size(); ++i) {
    const Edge& e = edges_[edge].edge;
    InstData& data = func_->dfg.mutable_inst(e.inst);
    if (data.opcode() == codegen::Opcode::kBrTable) UNREACHABLE();
    BlockCall call = data.block_call(e.slot);
    call.args.Push(values_[i], func_->dfg.value_lists());
    data.set_block_call(e.slot, call);
    edge = edges_[edge].next;
  }
}

Value LocalVariables::Finish(uint32_t local, const Work& work) {
  const Junction& junction = junctions_[work.junction];
  const Value only = OnlyValue(work.first_value, work.param);
  Value result = work.param;
  if (only.is_some()) {
    if (work.param.is_some()) {
      // The last of the block's parameters: none was made for it since.
      func_->dfg.RemoveBlockParam(junction.block,
                                  func_->dfg.block_params(junction.block).size() - 1);
      func_->dfg.ChangeToAlias(work.param, only);
    }
    result = only;
  } else {
    if (result.is_none()) result = NewParam(local, junction.block);
    AppendArgs(junction.edges, work.first_value);
  }
  values_.resize(work.first_value);
  memo_.Insert(Key(work.junction, local), result);
  return result;
}

void LocalVariables::EndLoop(uint32_t junction, const EdgeList& edges) {
  junctions_[junction].kind = Kind::kLoop;
  junctions_[junction].end = now_;
  junctions_[junction].edges = edges;
  ResolvePending(junction, edges);
  PassLoop(edges_[edges.first].edge.at);
}

void LocalVariables::PassLoop(Moment entry) {
  EdgeList edges;
  AddEdge(edges, codegen::Inst::None(), 0);
  // No value changes here, so that what is known stays known.
  const Time known_from = known_from_;
  Join(entry, Block::None(), edges);
  known_from_ = known_from;
}

void LocalVariables::ResolvePending(uint32_t junction, const EdgeList& edges) {
  const Block block = junctions_[junction].block;
  keep_.clear();
  size_t dropped = 0;
  for (uint32_t p = junctions_[junction].first_pending; p != kNone; p = pending_[p].next) {
    const auto [local, param, next] = pending_[p];
    if (!TakeSteps(edges.count)) return;
    const size_t first = values_.size();
    for (uint32_t e = edges.first; e != kNone; e = edges_[e].next) {
      const Value value = ValueAt(local, edges_[e].edge.at);
      values_.push_back(value);
    }
    const Value only = OnlyValue(first, param);
    keep_.push_back(only.is_none());
    if (only.is_some()) {
      func_->dfg.ChangeToAlias(param, only);
      memo_.Insert(Key(junction, local), only);
      ++dropped;
    } else {
      AppendArgs(edges, first);
    }
    values_.resize(first);
  }
  if (dropped == 0) return;
  // Parameters of the wasm block's type stand in front of those for locals.
  const size_t in_front = func_->dfg.block_params(block).size() - keep_.size();
  func_->dfg.FilterBlockParams(
      block, [&](size_t position) { return position < in_front || keep_[position - in_front]; });
}

}  // namespace gantry::wasm
