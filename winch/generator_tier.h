// Part of the generator: counting how hot a function is, for better code (docs/abi.md, "Tier-up").
#ifndef GANTRY_WINCH_GENERATOR_TIER_H_
#define GANTRY_WINCH_GENERATOR_TIER_H_

#include "winch/generator.h"

namespace gantry::winch {

template <class Masm>
typename Masm::TierCounter Generator<Masm>::Counter() const {
  const wasm::DefinedFuncIndex function = info_.Defined(state_->func());
  typename Masm::TierCounter counter;
  counter.table_offset = environ::VMContextOffsets::kTierTable;
  counter.code_offset = environ::VMTierTableOffsets::Code(function);
  counter.counter_offset = environ::VMTierTableOffsets::Counter(function);
  counter.function = function.raw();
  counter.shim = NameOfBuiltin(environ::Builtin::kTierUp);
  return counter;
}

// The VMContext is in its register at the start of every loop.
template <class Masm>
void Generator<Masm>::CountLoop() {
  if (!tunables_.tier_up) return;
  RunOutLoop& loop = run_out_loops_.emplace_back();
  loop.label = masm_.buffer().NewLabel();
  loop.resume = masm_.buffer().NewLabel();
  masm_.Branch(masm_.CountDown(Counter()), loop.label);
  masm_.buffer().Bind(loop.resume);
}

template <class Masm>
void Generator<Masm>::EmitRunOutLoops() {
  masm_.buffer().SetSourceLoc(codegen::SourceLoc::None());
  for (const RunOutLoop& loop : run_out_loops_) {
    masm_.buffer().Bind(loop.label);
    masm_.CallCounterShim(Counter());
    masm_.Jump(loop.resume);
  }
}

template <class Masm>
std::optional<typename Masm::CountedEntry> Generator<Masm>::CountEntry() {
  if (!tunables_.tier_up) return std::nullopt;
  masm_.buffer().SetSourceLoc(codegen::SourceLoc::None());
  return masm_.EmitCountedEntry(Counter());
}

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_GENERATOR_TIER_H_
