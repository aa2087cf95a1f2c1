#include "codegen/ir/verifier.h"

#include <bit>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "codegen/ir/print.h"

namespace gantry::codegen {
namespace {

const char* LetterMeaning(char letter) {
  switch (letter) {
    case 'i':
      return "i32";
    case 'l':
      return "i64";
    case 'c':
    case 'j':
      return "i32 or i64";
    case 'n':
      return "a narrower integer";
    case 'w':
      return "a wider integer";
    case 'f':
      return "f32 or f64";
    case 'F':
      return "f32";
    case 'D':
      return "f64";
    case 's':
      return "a scalar of the same width";
    case 'v':
      return "v128";
    case 'e':
      return "the scalar of a lane";
    default:
      return "nothing";
  }
}

// Bytes that a stack_load or stack_store of `type` touches.
uint32_t AccessBytes(const InstData& data) {
  return data.format() == Format::kStackAddr ? 0 : TypeBytes(data.type());
}

}  // namespace

absl::Status VerifyFunction(const Function& func) { return Verifier().Verify(func); }

absl::Status Verifier::Verify(const Function& func) {
  func_ = &func;
  errors_.clear();
  printable_ = false;
  CheckDeclarations();
  if (errors_.empty() && CheckBlocks()) {
    printable_ = true;
    position_.clear();
    jump_tables_.clear();
    handler_tables_.clear();
    lists_.clear();
    for (Block block : func.layout.blocks()) {
      uint32_t position = 0;
      for (Inst inst : func.layout.insts(block)) {
        position_[inst] = ++position;
        CheckInst(inst);
      }
    }
    if (errors_.empty()) CheckUses();
  }
  if (errors_.empty()) return absl::OkStatus();
  const size_t shown = std::min(errors_.size(), kMaxErrors);
  std::string message =
      absl::StrCat("function ", PrintName(func.params.name), " is not well formed:\n",
                   absl::StrJoin(errors_.begin(), errors_.begin() + shown, "\n"));
  if (shown < errors_.size()) absl::StrAppend(&message, "\nand more");
  return absl::InvalidArgumentError(message);
}

void Verifier::Fail(absl::string_view message) {
  if (errors_.size() <= kMaxErrors) errors_.emplace_back(message);
}

std::string Verifier::Describe(Inst inst) {
  if (printable_) return PrintInst(*func_, inst);
  return Info(func_->dfg.opcode(inst)).name;
}

void Verifier::Fail(Inst inst, absl::string_view message) {
  if (errors_.size() > kMaxErrors) return;
  const Block block = func_->layout.block_of(inst);
  Fail(
      absl::StrCat(inst.ToString(), " in ", block.ToString(), ": ", Describe(inst), ": ", message));
}

void Verifier::CheckDeclarations() {
  const DataFlowGraph& dfg = func_->dfg;
  for (const auto& [ref, ext] : dfg.ext_funcs().entries()) {
    if (!dfg.signatures().contains(ext.signature)) {
      Fail(absl::StrCat(ref.ToString(), ": ", ext.signature.ToString(), " is not declared"));
    }
    if (!func_->params.names.contains(ext.name)) {
      Fail(absl::StrCat(ref.ToString(), ": ", ext.name.ToString(), " is not declared"));
    }
  }
  const auto check_signature = [&](const Signature& signature, absl::string_view name) {
    for (const Signature::ParamList* list : {&signature.params, &signature.returns}) {
      for (const AbiParam& param : *list) {
        if (!IsValueType(param.type)) {
          Fail(param.type == Type::kInvalid
                   ? absl::StrCat(name, ": a type is missing")
                   : absl::StrCat(name, ": ", TypeName(param.type),
                                  " is a shape of instructions; vectors have the type v128"));
        }
      }
    }
    for (const AbiParam& result : signature.returns) {
      if (result.purpose != ArgPurpose::kNormal) {
        Fail(absl::StrCat(name, ": a result is marked ", ArgPurposeName(result.purpose)));
      }
    }
  };
  check_signature(func_->signature, "the signature");
  for (const auto& [ref, signature] : dfg.signatures().entries()) {
    check_signature(signature, ref.ToString());
  }
  for (const auto& [slot, data] : dfg.stack_slots().entries()) {
    if (data.align_log2 > 16) {
      Fail(absl::StrCat(slot.ToString(), ": an alignment over 65536 is not supported"));
    }
  }
}

bool Verifier::CheckBlocks() {
  const DataFlowGraph& dfg = func_->dfg;
  const Block entry = func_->layout.entry();
  if (entry.is_none()) {
    Fail("there is no block");
    return false;
  }
  const size_t before = errors_.size();
  for (Block block : func_->layout.blocks()) {
    const absl::Span<const Value> params = dfg.block_params(block);
    for (size_t i = 0; i < params.size(); ++i) {
      const ValueDef& def = dfg.value_def(params[i]);
      if (!def.is_param() || def.block() != block || def.position() != i) {
        Fail(absl::StrCat(block.ToString(), ": ", params[i].ToString(),
                          " does not know that it is parameter ", i));
      }
      if (!IsValueType(def.type())) {
        Fail(absl::StrCat(params[i].ToString(), " is ", TypeName(def.type()),
                          ", which no value can be"));
      }
      if (dfg.IsReference(params[i]) && def.type() != Type::kI32 && def.type() != Type::kI64) {
        Fail(absl::StrCat(params[i].ToString(), " is ", TypeName(def.type()),
                          " and can't be a reference"));
      }
    }
    if (func_->layout.first_inst(block).is_none()) {
      Fail(absl::StrCat(block.ToString(), " is empty; it has to end in a terminator"));
      continue;
    }
    for (Inst inst : func_->layout.insts(block)) {
      const bool last = inst == func_->layout.last_inst(block);
      if (IsTerminator(dfg.opcode(inst)) != last) {
        Fail(inst, last ? "the block has to end in a terminator"
                        : "a terminator stands before the end of the block");
      }
      const InstData& data = dfg.inst(inst);
      bool tables = true;
      switch (data.format()) {
        case Format::kBranchTable:
          tables = data.jump_table().index() < dfg.num_jump_tables();
          break;
        case Format::kTryCall:
        case Format::kTryCallIndirect:
          tables = data.handler_table().index() < dfg.num_handler_tables();
          break;
        default:
          break;
      }
      if (!tables) {
        Fail(inst, "its table of targets does not exist");
        continue;
      }
      dfg.ForEachBlockCall(inst, [&](const BlockCall& call) {
        if (call.block.index() >= dfg.num_blocks() || !func_->layout.contains(call.block)) {
          Fail(inst, absl::StrCat(call.block.ToString(), " is not in the layout"));
        } else if (call.block == entry) {
          Fail(inst, "branches to the entry block; give the loop a block of its own");
        }
      });
      for (Value v : dfg.results(inst)) {
        if (v.index() >= dfg.num_values()) {
          Fail(inst, "its results do not exist");
          break;
        }
        const ValueDef& def = dfg.value_def(v);
        if (!def.is_result() || def.inst() != inst || dfg.result(inst, def.position()) != v) {
          Fail(inst, absl::StrCat(v.ToString(), " does not know that it is a result of it"));
        }
      }
    }
  }
  const absl::Span<const Value> params = dfg.block_params(entry);
  const Signature::ParamList& wanted = func_->signature.params;
  bool same = params.size() == wanted.size();
  for (size_t i = 0; same && i < params.size(); ++i) {
    same = dfg.value_type(params[i]) == wanted[i].type;
  }
  if (!same) {
    Fail(absl::StrCat("the parameters of the entry ", entry.ToString(),
                      " are not those of the signature ", PrintSignature(func_->signature)));
  }
  return errors_.size() == before;
}

bool Verifier::Exists(Inst inst, Value value) {
  if (value.index() >= func_->dfg.num_values()) {
    Fail(inst, absl::StrCat(value.ToString(), " does not exist"));
    return false;
  }
  return true;
}

void Verifier::CheckInst(Inst inst) {
  const InstData& data = func_->dfg.inst(inst);
  const size_t before = errors_.size();
  CheckImmediates(inst, data);
  if (errors_.size() != before) return;
  func_->dfg.ForEachArg(inst, [&](Value v) { Exists(inst, v); });
  if (errors_.size() != before) return;
  CheckTypes(inst, data);
  CheckOwnership(inst, data);
  if (IsCall(data.opcode())) CheckCall(inst, data);
  if (data.opcode() == Opcode::kReturn) CheckReturn(inst);
  if (IsTerminator(data.opcode())) CheckBlockCalls(inst, data);
}

void Verifier::CheckOwnership(Inst inst, const InstData& data) {
  bool shared = false;
  const auto own = [&](ValueList list) {
    if (!list.empty() && !lists_.insert(Value(std::bit_cast<uint32_t>(list)))) shared = true;
  };
  if (data.has_list()) own(data.list());
  if (IsTerminator(data.opcode())) {
    func_->dfg.ForEachBlockCall(inst, [&](const BlockCall& call) { own(call.args); });
  }
  if (data.format() == Format::kBranchTable) shared |= !jump_tables_.insert(data.jump_table());
  if (data.format() == Format::kTryCall || data.format() == Format::kTryCallIndirect) {
    shared |= !handler_tables_.insert(data.handler_table());
  }
  if (shared) {
    Fail(inst, "shares a table or a list of values with another branch; make one for each");
  }
}

void Verifier::CheckTypes(Inst inst, const InstData& data) {
  const DataFlowGraph& dfg = func_->dfg;
  const OpcodeInfo& info = Info(data.opcode());
  if (!Contains(info.types, data.type())) {
    Fail(inst, absl::StrCat(info.name, " does not exist for ", TypeName(data.type())));
    return;
  }
  for (size_t i = 0; i < info.num_args; ++i) {
    const Type type = dfg.value_type(data.arg(i));
    const char letter = info.args[i];
    if (!LetterAccepts(letter, data.type(), type)) {
      Fail(inst, absl::StrCat(data.arg(i).ToString(), " is ", TypeName(type), ", must be ",
                              letter == 't' ? TypeName(data.type()) : LetterMeaning(letter)));
    }
  }
  for (size_t i = 0; i < info.num_results; ++i) {
    const Value result = dfg.result(inst, i);
    if (dfg.value_type(result) != ResultTypeOf(info.results[i], data.type())) {
      Fail(inst, absl::StrCat(result.ToString(), " is ", TypeName(dfg.value_type(result)),
                              ", must be ", TypeName(ResultTypeOf(info.results[i], data.type()))));
    }
  }
  for (Value v : dfg.results(inst)) {
    const Type type = dfg.value_type(v);
    if (dfg.IsReference(v) && type != Type::kI32 && type != Type::kI64) {
      Fail(inst, absl::StrCat(v.ToString(), " is ", TypeName(type), " and can't be a reference"));
    }
  }
}

void Verifier::CheckImmediates(Inst inst, const InstData& data) {
  const DataFlowGraph& dfg = func_->dfg;
  const auto fail = [&](absl::string_view message) {
    // What is wrong here may be what printing would trip over.
    printable_ = false;
    Fail(inst, message);
    printable_ = true;
  };
  switch (data.format()) {
    case Format::kIntConst:
      if (IsInt(data.type()) && (data.const_bits() & ~TypeMask(data.type())) != 0) {
        fail("the constant has bits above its type; they must be zero");
      }
      break;
    case Format::kF32Const:
      if (data.const_bits() >> 32 != 0) fail("the constant has bits above its type");
      break;
    case Format::kIntCompare:
      if (data.immediate() >= kNumIntCCs) fail("there is no such condition");
      break;
    case Format::kFloatCompare:
      if (data.immediate() >= kNumFloatCCs) fail("there is no such condition");
      break;
    case Format::kLane:
    case Format::kLaneBinary:
      if (data.lane() >= LaneCount(data.type())) fail("there is no such lane");
      break;
    case Format::kCharge:
      if (data.amount() > 0x7FFFFFFF) fail("the amount is 2^31 or more");
      break;
    case Format::kAtomicRmw:
      if (data.immediate() >= kNumAtomicRmwOps) fail("there is no such atomic operation");
      if (!data.flags().well_formed()) fail("unknown bits in the memory flags");
      break;
    case Format::kLoad:
    case Format::kStore:
    case Format::kAtomicLoad:
    case Format::kAtomicStore:
    case Format::kAtomicCas:
      if (!data.flags().well_formed()) fail("unknown bits in the memory flags");
      break;
    case Format::kStackAddr:
    case Format::kStackLoad:
    case Format::kStackStore: {
      const StackSlotData* slot = dfg.stack_slots().find(data.stack_slot());
      if (slot == nullptr) {
        fail(absl::StrCat(data.stack_slot().ToString(), " is not declared"));
      } else if (data.offset() < 0 ||
                 uint64_t{static_cast<uint32_t>(data.offset())} + AccessBytes(data) > slot->bytes) {
        fail(absl::StrCat("reaches out of ", data.stack_slot().ToString(), ", which has ",
                          slot->bytes, " bytes"));
      }
      break;
    }
    case Format::kFuncAddr:
    case Format::kCall:
    case Format::kReturnCall:
    case Format::kTryCall:
      if (!dfg.ext_funcs().contains(data.func_ref())) {
        fail(absl::StrCat(data.func_ref().ToString(), " is not declared"));
      }
      break;
    case Format::kCallIndirect:
    case Format::kReturnCallIndirect:
    case Format::kTryCallIndirect:
      if (!dfg.signatures().contains(data.sig_ref())) {
        fail(absl::StrCat(data.sig_ref().ToString(), " is not declared"));
      }
      break;
    default:
      break;
  }
}

void Verifier::CheckList(Inst inst, absl::Span<const Value> values,
                         const Signature::ParamList& types, absl::string_view what) {
  const DataFlowGraph& dfg = func_->dfg;
  if (values.size() != types.size()) {
    Fail(inst, absl::StrCat(values.size(), " ", what, ", must be ", types.size()));
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (dfg.value_type(values[i]) != types[i].type) {
      Fail(inst, absl::StrCat(values[i].ToString(), " is ", TypeName(dfg.value_type(values[i])),
                              ", must be ", TypeName(types[i].type)));
    }
  }
}

void Verifier::CheckCall(Inst inst, const InstData& data) {
  const DataFlowGraph& dfg = func_->dfg;
  const Signature& signature = dfg.signature(dfg.call_signature(inst));
  CheckList(inst, dfg.list_args(inst), signature.params, "arguments");
  switch (data.opcode()) {
    case Opcode::kReturnCall:
    case Opcode::kReturnCallIndirect:
      if (signature.returns != func_->signature.returns) {
        Fail(inst, absl::StrCat("the callee ", PrintSignature(signature),
                                " has to return what this function does, ",
                                PrintSignature(func_->signature)));
      }
      if (signature.call_conv != CallConv::kWasm || func_->signature.call_conv != CallConv::kWasm) {
        Fail(inst, "tail calls need the wasm calling convention on both sides");
      }
      break;
    case Opcode::kCall:
    case Opcode::kCallIndirect: {
      if (dfg.num_results(inst) != signature.returns.size()) {
        Fail(inst,
             absl::StrCat(dfg.num_results(inst), " results, must be ", signature.returns.size()));
        break;
      }
      for (size_t i = 0; i < signature.returns.size(); ++i) {
        const Type type = dfg.value_type(dfg.result(inst, i));
        if (type != signature.returns[i].type) {
          Fail(inst, absl::StrCat(dfg.result(inst, i).ToString(), " is ", TypeName(type),
                                  ", must be ", TypeName(signature.returns[i].type)));
        }
      }
      break;
    }
    default:
      break;
  }
}

void Verifier::CheckReturn(Inst inst) {
  CheckList(inst, func_->dfg.list_args(inst), func_->signature.returns, "values returned");
}

// `passed`: types of what the instruction itself passes, after the call's own arguments.
void Verifier::CheckBlockCall(Inst inst, const BlockCall& call, absl::Span<const Type> passed) {
  const DataFlowGraph& dfg = func_->dfg;
  const absl::Span<const Value> args = dfg.args_of(call);
  const absl::Span<const Value> params = dfg.block_params(call.block);
  if (args.size() + passed.size() != params.size()) {
    Fail(inst, absl::StrCat(args.size() + passed.size(), " values go to ", call.block.ToString(),
                            ", which has ", params.size(), " parameters"));
    return;
  }
  for (size_t i = 0; i < params.size(); ++i) {
    const Type type = i < args.size() ? dfg.value_type(args[i]) : passed[i - args.size()];
    if (type != dfg.value_type(params[i])) {
      Fail(inst, absl::StrCat(i < args.size() ? args[i].ToString() : "a value passed", " is ",
                              TypeName(type), ", but ", params[i].ToString(), " of ",
                              call.block.ToString(), " is ", TypeName(dfg.value_type(params[i]))));
    } else if (i < args.size() && dfg.IsReference(args[i]) && !dfg.IsReference(params[i])) {
      Fail(inst, absl::StrCat(args[i].ToString(), " is a reference, but ", params[i].ToString(),
                              " of ", call.block.ToString(), " is not marked as one"));
    }
  }
}

void Verifier::CheckBlockCalls(Inst inst, const InstData& data) {
  const DataFlowGraph& dfg = func_->dfg;
  if (data.format() != Format::kTryCall && data.format() != Format::kTryCallIndirect) {
    dfg.ForEachBlockCall(inst, [&](const BlockCall& call) { CheckBlockCall(inst, call, {}); });
    return;
  }
  passed_.clear();
  for (const AbiParam& result : dfg.signature(dfg.call_signature(inst)).returns) {
    passed_.push_back(result.type);
  }
  CheckBlockCall(inst, dfg.normal_continuation(data.handler_table()), passed_);
  // A handler gets the exception's handle.
  const Type payload[] = {Type::kI32};
  for (const Handler& handler : dfg.handlers(data.handler_table())) {
    CheckBlockCall(inst, handler.target, payload);
  }
}

void Verifier::CheckUses() {
  cfg_.Compute(*func_);
  dominators_.Compute(cfg_);
  for (Block block : func_->layout.blocks()) {
    for (Inst inst : func_->layout.insts(block)) {
      func_->dfg.ForEachArg(inst, [&](Value v) { CheckUse(block, inst, v); });
    }
  }
}

void Verifier::CheckUse(Block block, Inst inst, Value value) {
  const ValueDef& def = func_->dfg.value_def(value);
  Block home;
  switch (def.kind()) {
    case ValueDef::Kind::kAlias:
      Fail(inst, absl::StrCat(value.ToString(), " is an alias of ", def.alias_target().ToString(),
                              "; ResolveAliases was not called"));
      return;
    case ValueDef::Kind::kParam: {
      home = def.block();
      const absl::Span<const Value> params = func_->dfg.block_params(home);
      if (def.position() >= params.size() || params[def.position()] != value) {
        Fail(inst, absl::StrCat(value.ToString(), " was a parameter of ", home.ToString(),
                                " and is no more"));
        return;
      }
      break;
    }
    case ValueDef::Kind::kResult:
      home = func_->layout.block_of(def.inst());
      break;
  }
  if (home.is_none() || !func_->layout.contains(home)) {
    Fail(inst, absl::StrCat(value.ToString(), " is defined by nothing in the layout"));
    return;
  }
  // No path leads to an unreachable use.
  if (!cfg_.is_reachable(block)) return;
  const bool dominates = home == block && def.is_result()
                             ? position_.Get(def.inst()) < position_.Get(inst)
                             : dominators_.Dominates(home, block);
  if (!dominates) {
    Fail(inst, absl::StrCat(value.ToString(), ", defined in ", home.ToString(),
                            ", does not dominate this use"));
  }
}

}  // namespace gantry::codegen
