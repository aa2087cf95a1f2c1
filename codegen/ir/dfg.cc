#include "codegen/ir/dfg.h"

namespace gantry::codegen {

void DataFlowGraph::MakeCallResults(Inst inst, InstData* data) {
  const SigRef sig =
      data->opcode() == Opcode::kCall ? ext_funcs_[data->func_ref()].signature : data->sig_ref();
  const Signature& signature = signatures_[sig];
  data->set_num_call_results(signature.returns.size());
  data->set_first_result(values_.next_id());
  uint32_t position = 0;
  for (const AbiParam& result : signature.returns) {
    values_.Push(ValueDef::Result(result.type, inst, position++));
  }
}

void DataFlowGraph::Clear() {
  insts_.clear();
  values_.clear();
  blocks_.clear();
  value_lists_.clear();
  references_.clear();
  signatures_.clear();
  ext_funcs_.clear();
  stack_slots_.clear();
  jump_tables_.clear();
  block_calls_.clear();
  handler_tables_.clear();
  handlers_.clear();
  constants_.clear();
  constant_bytes_.clear();
  has_aliases_ = false;
}

}  // namespace gantry::codegen
