#include "codegen/ir/print.h"

#include <bit>
#include <charconv>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace gantry::codegen {
namespace {

bool IsPlainName(absl::string_view text) {
  for (char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '.' && c != '$') {
      return false;
    }
  }
  return true;
}

// Appends a function or instruction to a string.
class Writer {
 public:
  Writer(const Function& func, const PrintOptions& options) : func_(func), options_(options) {
    if (options.renumber) Number();
  }

  std::string Run() {
    const DataFlowGraph& dfg = func_.dfg;
    absl::StrAppend(&out_, "function ", PrintName(func_.params.name),
                    PrintSignature(func_.signature), " {\n");
    const size_t head = out_.size();
    for (const auto& [name, user] : func_.params.names.entries()) {
      absl::StrAppend(&out_, "    ", name.ToString(), " = ", PrintName(user), "\n");
    }
    for (const auto& [ref, signature] : dfg.signatures().entries()) {
      absl::StrAppend(&out_, "    ", ref.ToString(), " = ", PrintSignature(signature), "\n");
    }
    for (const auto& [ref, ext] : dfg.ext_funcs().entries()) {
      absl::StrAppend(&out_, "    ", ref.ToString(), " = ", ext.name.ToString(), " ",
                      ext.signature.ToString(), ext.colocated ? "" : " far", "\n");
    }
    for (const auto& [slot, data] : dfg.stack_slots().entries()) {
      absl::StrAppend(&out_, "    ", slot.ToString(), " = ", data.bytes, " align ",
                      uint64_t{1} << data.align_log2, "\n");
    }
    for (uint32_t i = 0; i < dfg.num_constants(); ++i) {
      const absl::Span<const uint8_t> bytes = dfg.constant(Constant(i));
      const absl::string_view raw(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      absl::StrAppend(&out_, "    const", i, " = 0x", absl::BytesToHexString(raw), "\n");
    }
    for (const auto& [site, callee] : func_.params.inlined.entries()) {
      absl::StrAppend(&out_, "    ", site.ToString(), " = ");
      Origin(func_.CallOf(site));
      absl::StrAppend(&out_, "call ", callee.function, " ");
      Loc(callee.base);
      out_.back() = '\n';
    }
    if (out_.size() != head && func_.layout.entry().is_some()) out_ += "\n";
    bool first = true;
    for (Block block : func_.layout.blocks()) {
      if (!first) out_ += "\n";
      first = false;
      BlockHeader(block);
      for (Inst inst : func_.layout.insts(block)) {
        out_ += "    ";
        Instruction(inst);
        out_ += "\n";
      }
    }
    out_ += "}\n";
    return std::move(out_);
  }

  std::string One(Inst inst) {
    Instruction(inst);
    return std::move(out_);
  }

 private:
  void Number() {
    uint32_t block_count = 0;
    uint32_t value_count = 0;
    for (Block block : func_.layout.blocks()) {
      block_numbers_[block] = block_count++;
      for (Value v : func_.dfg.block_params(block)) value_numbers_[v] = value_count++;
      for (Inst inst : func_.layout.insts(block)) {
        for (Value v : func_.dfg.results(inst)) value_numbers_[v] = value_count++;
      }
    }
  }

  void Use(Value v) {
    absl::StrAppend(&out_, "v", options_.renumber ? value_numbers_.Get(v) : v.raw());
  }
  void Name(Block b) {
    absl::StrAppend(&out_, "block", options_.renumber ? block_numbers_.Get(b) : b.raw());
  }
  void List(absl::Span<const Value> values) {
    bool first = true;
    for (Value v : values) {
      if (!first) out_ += ", ";
      first = false;
      Use(v);
    }
  }
  void Call(const BlockCall& call) {
    Name(call.block);
    const absl::Span<const Value> args = func_.dfg.args_of(call);
    if (args.empty()) return;
    out_ += "(";
    List(args);
    out_ += ")";
  }
  void Code(TrapCode code) { absl::StrAppend(&out_, "tc", static_cast<uint32_t>(code)); }
  void Offset(int32_t offset) {
    if (offset > 0) absl::StrAppend(&out_, "+", offset);
    if (offset < 0) absl::StrAppend(&out_, offset);
  }
  void Flags(MemFlags flags) {
    if (flags.trap().has_value()) {
      Code(*flags.trap());
      out_ += " ";
    }
    if (flags.region() != 0) absl::StrAppend(&out_, "region", flags.region(), " ");
    if (flags.readonly()) out_ += "readonly ";
    if (flags.movable()) out_ += "movable ";
    if (flags.aligned()) out_ += "aligned ";
  }

  void BlockHeader(Block block) {
    Name(block);
    const absl::Span<const Value> params = func_.dfg.block_params(block);
    if (!params.empty()) {
      out_ += "(";
      for (size_t i = 0; i < params.size(); ++i) {
        if (i != 0) out_ += ", ";
        Use(params[i]);
        absl::StrAppend(&out_, ": ", TypeName(func_.dfg.value_type(params[i])));
        if (func_.dfg.IsReference(params[i])) out_ += " ref";
      }
      out_ += ")";
    }
    out_ += func_.dfg.block(block).cold ? " cold:\n" : ":\n";
  }

  void Loc(SourceLoc loc) {
    if (loc.is_some()) absl::StrAppend(&out_, "@", absl::Hex(loc.raw()), " ");
  }
  void Origin(const CodeOrigin& origin) {
    Loc(origin.loc);
    if (origin.site.is_some()) absl::StrAppend(&out_, origin.site.ToString(), " ");
  }

  void Instruction(Inst inst) {
    const DataFlowGraph& dfg = func_.dfg;
    const InstData& data = dfg.inst(inst);
    const OpcodeInfo& info = Info(data.opcode());
    if (options_.locations) {
      Origin(func_.OriginOf(func_.relative_locs.Get(inst)));
    }
    bool any = false;
    for (Value v : dfg.results(inst)) {
      if (any) out_ += ", ";
      any = true;
      Use(v);
      if (dfg.IsReference(v)) out_ += ":ref";
    }
    if (any) out_ += " = ";
    out_ += info.name;
    if (HasTypeSuffix(info.types)) absl::StrAppend(&out_, ".", TypeName(data.type()));
    Operands(inst, data);
  }

  void Operands(Inst inst, const InstData& data) {
    const DataFlowGraph& dfg = func_.dfg;
    if (data.format() == Format::kNullary || data.format() == Format::kEffect) return;
    if (data.format() == Format::kReturn && dfg.list_args(inst).empty()) return;
    out_ += " ";
    switch (data.format()) {
      case Format::kNullary:
      case Format::kEffect:
        break;
      case Format::kIntConst:
        absl::StrAppend(&out_, data.const_signed());
        break;
      case Format::kF32Const:
      case Format::kF64Const:
        out_ += PrintFloat(data.type(), data.const_bits());
        break;
      case Format::kV128Const:
        absl::StrAppend(&out_, "0x", absl::Hex(data.v128_high(), absl::kZeroPad16),
                        absl::Hex(data.v128_low(), absl::kZeroPad16));
        break;
      case Format::kUnary:
      case Format::kConvert:
      case Format::kBinary:
      case Format::kTernary:
      case Format::kBinaryPair:
      case Format::kTernaryPair:
      case Format::kSelect:
      case Format::kTierCheck:
        List(data.args());
        break;
      case Format::kLane:
      case Format::kLaneBinary:
        List(data.args());
        absl::StrAppend(&out_, ", ", data.lane());
        break;
      case Format::kShuffle: {
        List(data.args());
        const char* separator = ", ";
        for (uint8_t lane : data.shuffle_lanes()) {
          absl::StrAppend(&out_, separator, static_cast<uint32_t>(lane));
          separator = " ";
        }
        break;
      }
      case Format::kTrappingConvert:
      case Format::kSignedDivision:
        List(data.args());
        out_ += ", ";
        Code(data.trap_code());
        out_ += ", ";
        Code(data.second_trap_code());
        break;
      case Format::kDivision:
      case Format::kCondTrap:
        List(data.args());
        out_ += ", ";
        Code(data.trap_code());
        break;
      case Format::kIntCompare:
        absl::StrAppend(&out_, ConditionName(data.int_cc()), " ");
        List(data.args());
        break;
      case Format::kFloatCompare:
        absl::StrAppend(&out_, ConditionName(data.float_cc()), " ");
        List(data.args());
        break;
      case Format::kLoad:
      case Format::kStore:
      case Format::kAtomicLoad:
      case Format::kAtomicStore:
        Flags(data.flags());
        List(data.args());
        Offset(data.offset());
        break;
      case Format::kAtomicRmw:
        absl::StrAppend(&out_, AtomicRmwOpName(data.atomic_op()), " ");
        Flags(data.flags());
        List(data.args());
        Offset(data.offset());
        break;
      case Format::kAtomicCas:
        Flags(data.flags());
        List(data.args());
        break;
      case Format::kStackAddr:
      case Format::kStackLoad:
      case Format::kStackStore:
        List(data.args());
        if (!data.args().empty()) out_ += ", ";
        out_ += data.stack_slot().ToString();
        Offset(data.offset());
        break;
      case Format::kFuncAddr:
        out_ += data.func_ref().ToString();
        break;
      case Format::kCall:
      case Format::kReturnCall:
      case Format::kTryCall:
        out_ += data.func_ref().ToString();
        Arguments(inst);
        break;
      case Format::kCallIndirect:
      case Format::kReturnCallIndirect:
      case Format::kTryCallIndirect:
        absl::StrAppend(&out_, data.sig_ref().ToString(), ", ");
        Use(data.arg(0));
        Arguments(inst);
        break;
      case Format::kJump:
        Call(data.block_call(0));
        break;
      case Format::kBranch:
        Use(data.arg(0));
        out_ += ", ";
        Call(data.block_call(0));
        out_ += ", ";
        Call(data.block_call(1));
        break;
      case Format::kBranchTable: {
        Use(data.arg(0));
        out_ += ", ";
        Call(dfg.jump_table_default(data.jump_table()));
        out_ += ", [";
        bool first = true;
        for (const BlockCall& call : dfg.jump_table_entries(data.jump_table())) {
          if (!first) out_ += ", ";
          first = false;
          Call(call);
        }
        out_ += "]";
        break;
      }
      case Format::kReturn:
        List(dfg.list_args(inst));
        break;
      case Format::kCharge:
        absl::StrAppend(&out_, data.amount());
        break;
      case Format::kPoll:
        List(data.args());
        Offset(data.offset());
        break;
      case Format::kTrap:
        Code(data.trap_code());
        break;
    }
  }

  void Arguments(Inst inst) {
    const InstData& data = func_.dfg.inst(inst);
    out_ += "(";
    List(func_.dfg.list_args(inst));
    out_ += ")";
    if (data.format() != Format::kTryCall && data.format() != Format::kTryCallIndirect) return;
    out_ += ", ";
    Call(func_.dfg.normal_continuation(data.handler_table()));
    out_ += ", [";
    bool first = true;
    for (const Handler& handler : func_.dfg.handlers(data.handler_table())) {
      if (!first) out_ += ", ";
      first = false;
      if (handler.tag == Handler::kCatchAll) {
        out_ += "default: ";
      } else {
        absl::StrAppend(&out_, "tag", handler.tag, ": ");
      }
      Call(handler.target);
    }
    out_ += "]";
  }

  const Function& func_;
  PrintOptions options_;
  entity::SecondaryMap<Block, uint32_t> block_numbers_{0xFFFFFFFF};
  entity::SecondaryMap<Value, uint32_t> value_numbers_{0xFFFFFFFF};
  std::string out_;
};

void AppendParams(const Signature::ParamList& params, std::string* out) {
  for (size_t i = 0; i < params.size(); ++i) {
    if (i != 0) *out += ", ";
    *out += TypeNameCString(params[i].type);
    if (params[i].purpose != ArgPurpose::kNormal) {
      absl::StrAppend(out, " ", ArgPurposeName(params[i].purpose));
    }
  }
}

}  // namespace

std::string PrintFunction(const Function& func, const PrintOptions& options) {
  return Writer(func, options).Run();
}

std::string PrintInst(const Function& func, Inst inst) {
  return Writer(func, PrintOptions{.renumber = false, .locations = false}).One(inst);
}

std::string PrintSignature(const Signature& signature) {
  std::string out = "(";
  AppendParams(signature.params, &out);
  out += ")";
  if (!signature.returns.empty()) {
    out += " -> ";
    AppendParams(signature.returns, &out);
  }
  absl::StrAppend(&out, " ", CallConvName(signature.call_conv));
  return out;
}

std::string PrintFloat(Type type, uint64_t bits) {
  const int total = type == Type::kF32 ? 32 : 64;
  const int fraction = type == Type::kF32 ? 23 : 52;
  const bool negative = (bits >> (total - 1) & 1) != 0;
  const uint64_t payload = bits & ((uint64_t{1} << fraction) - 1);
  const uint64_t exponent = bits >> fraction & ((uint64_t{1} << (total - 1 - fraction)) - 1);
  const uint64_t top = (uint64_t{1} << (total - 1 - fraction)) - 1;
  if (exponent == top) {
    if (payload == 0) return negative ? "-inf" : "inf";
    return absl::StrCat(negative ? "-" : "", "nan:0x", absl::Hex(payload));
  }
  char buffer[64];
  const uint64_t magnitude = bits & ~(uint64_t{1} << (total - 1));
  const std::to_chars_result end =
      type == Type::kF32 ? std::to_chars(buffer, buffer + sizeof(buffer),
                                         std::bit_cast<float>(static_cast<uint32_t>(magnitude)),
                                         std::chars_format::hex)
                         : std::to_chars(buffer, buffer + sizeof(buffer),
                                         std::bit_cast<double>(magnitude), std::chars_format::hex);
  return absl::StrCat(negative ? "-" : "", "0x",
                      absl::string_view(buffer, static_cast<size_t>(end.ptr - buffer)));
}

std::string PrintName(const UserExternalName& name) {
  std::string out;
  const bool numbered = name.space != 0 || name.index != 0 || name.text.empty();
  if (numbered) absl::StrAppend(&out, "u", name.space, ":", name.index);
  if (name.text.empty()) return out;
  if (numbered) out += " ";
  if (IsPlainName(name.text)) {
    absl::StrAppend(&out, "%", name.text);
  } else {
    absl::StrAppend(&out, "%\"", absl::CHexEscape(name.text), "\"");
  }
  return out;
}

}  // namespace gantry::codegen
