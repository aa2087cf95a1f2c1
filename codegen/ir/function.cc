#include "codegen/ir/function.h"

namespace gantry::codegen {
namespace {

// Collects the numbers of a key, least significant byte first.
// Numbers take as many bytes as they need (LEB128), since all bytes are hashed.
class KeyWriter {
 public:
  explicit KeyWriter(std::string* out) : out_(out) {}
  ~KeyWriter() { out_->append(buffer_, size_); }
  KeyWriter(const KeyWriter&) = delete;
  KeyWriter& operator=(const KeyWriter&) = delete;

  void U8(uint8_t v) {
    if (size_ == sizeof buffer_) {
      out_->append(buffer_, size_);
      size_ = 0;
    }
    buffer_[size_++] = static_cast<char>(v);
  }
  void U32(uint32_t v) {
    for (; v >= 0x80; v >>= 7) U8(static_cast<uint8_t>(v | 0x80));
    U8(static_cast<uint8_t>(v));
  }
  // Modulo 2^32; small distances of either sign take a byte.
  void Distance(uint32_t from, uint32_t to) {
    const uint32_t distance = to - from;
    U32(distance << 1 ^ (distance >> 31 != 0 ? 0xFFFFFFFF : 0));
  }
  // Of something numbered by 32-bit ids.
  void Size(size_t v) { U32(static_cast<uint32_t>(v)); }

 private:
  std::string* out_;
  size_t size_ = 0;
  char buffer_[512];
};

void WriteSignature(const Signature& signature, KeyWriter* key) {
  key->U8(static_cast<uint8_t>(signature.call_conv));
  for (const Signature::ParamList* list : {&signature.params, &signature.returns}) {
    key->Size(list->size());
    for (const AbiParam& param : *list) {
      key->U8(static_cast<uint8_t>(param.type));
      key->U8(static_cast<uint8_t>(param.purpose));
    }
  }
}

// Writes a stencil's body with blocks, values and locations numbered by where they stand.
class BodyWriter {
 public:
  BodyWriter(const FunctionStencil& func, KeyWriter* key) : func_(func), key_(key) {}

  void Run() {
    const DataFlowGraph& dfg = func_.dfg;
    uint32_t block_count = 0;
    uint32_t value_count = 0;
    for (Block block : func_.layout.blocks()) {
      block_numbers_[block] = block_count++;
      for (Value v : dfg.block_params(block)) value_numbers_[v] = value_count++;
      for (Inst inst : func_.layout.insts(block)) {
        for (Value v : dfg.results(inst)) value_numbers_[v] = value_count++;
      }
    }
    key_->U32(block_count);
    for (Block block : func_.layout.blocks()) {
      key_->U8(dfg.block(block).cold);
      key_->Size(dfg.block_params(block).size());
      for (Value v : dfg.block_params(block)) Definition(v);
      for (Inst inst : func_.layout.insts(block)) Instruction(inst);
      key_->U8(0xFF);
    }
  }

 private:
  void Definition(Value v) {
    ++defined_;
    key_->U8(static_cast<uint8_t>(func_.dfg.value_type(v)));
    key_->U8(func_.dfg.IsReference(v));
  }
  // From the last one defined, which most are not far from.
  void Use(Value v) { key_->Distance(defined_, value_numbers_.Get(v)); }
  // By what it says, for the same location may stand in the table more than once.
  void Location(uint32_t relative) {
    if (relative == FunctionStencil::kNoLoc) {
      key_->U8(0);
    } else if ((relative & FunctionStencil::kInlinedBit) == 0) {
      key_->U8(1);
      key_->Distance(last_location_, relative);
      last_location_ = relative;
    } else {
      const FunctionStencil::InlinedLoc& inlined =
          func_.inlined_locs[relative & ~FunctionStencil::kInlinedBit];
      key_->U8(2);
      key_->U32(inlined.site.is_none() ? 0 : inlined.site.raw() + 1);
      key_->U32(inlined.relative);
    }
  }

  void Instruction(Inst inst) {
    const DataFlowGraph& dfg = func_.dfg;
    const InstData& data = dfg.inst(inst);
    key_->U8(static_cast<uint8_t>(data.opcode()));
    key_->U8(static_cast<uint8_t>(data.type()));
    key_->U32(data.immediate());
    Location(func_.relative_locs.Get(inst));
    key_->Size(dfg.num_results(inst));
    for (Value v : dfg.results(inst)) Definition(v);
    for (Value v : data.args()) Use(v);
    key_->Size(dfg.list_args(inst).size());
    for (Value v : dfg.list_args(inst)) Use(v);
    switch (data.format()) {
      case Format::kIntConst:
      case Format::kF32Const:
      case Format::kF64Const:
        key_->U32(data.word(0));
        key_->U32(data.word(1));
        break;
      case Format::kV128Const:
        for (size_t i = 0; i < 4; ++i) key_->U32(data.word(i));
        break;
      case Format::kCharge:
        key_->U32(data.amount());
        break;
      case Format::kPoll:
        key_->U32(static_cast<uint32_t>(data.offset()));
        break;
      case Format::kAtomicCas:
        key_->U32(data.flags().raw());
        break;
      case Format::kShuffle:
      case Format::kLoad:
      case Format::kStore:
      case Format::kAtomicLoad:
      case Format::kAtomicStore:
      case Format::kAtomicRmw:
      case Format::kStackAddr:
      case Format::kStackLoad:
      case Format::kStackStore:
        key_->U32(data.word(data.args().size()));
        key_->U32(data.word(data.args().size() + 1));
        break;
      case Format::kFuncAddr:
      case Format::kCall:
      case Format::kReturnCall:
      case Format::kTryCall:
        key_->U32(data.func_ref().raw());
        break;
      case Format::kCallIndirect:
      case Format::kReturnCallIndirect:
      case Format::kTryCallIndirect:
        key_->U32(data.sig_ref().raw());
        break;
      default:
        break;
    }
    if (!IsTerminator(data.opcode())) return;
    size_t targets = 0;
    dfg.ForEachBlockCall(inst, [&](const BlockCall&) { ++targets; });
    key_->Size(targets);
    dfg.ForEachBlockCall(inst, [&](const BlockCall& call) {
      key_->U32(block_numbers_.Get(call.block));
      key_->Size(dfg.args_of(call).size());
      for (Value v : dfg.args_of(call)) Use(v);
    });
    if (data.format() == Format::kTryCall || data.format() == Format::kTryCallIndirect) {
      for (const Handler& handler : dfg.handlers(data.handler_table())) key_->U32(handler.tag);
    }
  }

  const FunctionStencil& func_;
  KeyWriter* key_;
  entity::SecondaryMap<Block, uint32_t> block_numbers_{0xFFFFFFFF};
  entity::SecondaryMap<Value, uint32_t> value_numbers_{0xFFFFFFFF};
  uint32_t defined_ = 0;
  uint32_t last_location_ = 0;
};

}  // namespace

Block FunctionStencil::MakeEntryBlock() {
  const Block entry = dfg.MakeBlock();
  for (const AbiParam& param : signature.params) dfg.AppendBlockParam(entry, param.type);
  layout.InsertBefore(entry, layout.entry());
  return entry;
}

void FunctionStencil::ResolveAliases() {
  if (!dfg.has_aliases()) return;
  for (Block block : layout.blocks()) {
    for (Inst inst : layout.insts(block)) {
      dfg.MapArgs(inst, [this](Value v) { return dfg.CompressAlias(v); });
    }
  }
  dfg.set_has_aliases(false);
}

void FunctionStencil::AppendKey(std::string* out) const {
  KeyWriter key(out);
  WriteSignature(signature, &key);
  for (const ExternalName name : {cold_calls.raise_trap, cold_calls.out_of_fuel,
                                  cold_calls.new_epoch, cold_calls.check_stack}) {
    key.U32(name.is_none() ? 0 : name.raw() + 1);
  }
  key.Size(dfg.signatures().size());
  for (const Signature& s : dfg.signatures()) WriteSignature(s, &key);
  key.Size(dfg.ext_funcs().size());
  for (const ExtFunc& f : dfg.ext_funcs()) {
    key.U32(f.name.raw());
    key.U32(f.signature.raw());
    key.U8(f.colocated);
  }
  key.Size(dfg.stack_slots().size());
  for (const StackSlotData& s : dfg.stack_slots()) {
    key.U32(s.bytes);
    key.U8(s.align_log2);
  }
  key.Size(dfg.num_constants());
  for (uint32_t i = 0; i < dfg.num_constants(); ++i) {
    const absl::Span<const uint8_t> bytes = dfg.constant(Constant(i));
    key.Size(bytes.size());
    for (uint8_t byte : bytes) key.U8(byte);
  }
  key.Size(inline_sites.size());
  for (const InlineSiteData& site : inline_sites) {
    key.U32(site.parent.is_none() ? 0 : site.parent.raw() + 1);
    key.U32(site.relative_call);
  }
  BodyWriter(*this, &key).Run();
}

void FunctionStencil::ClearStencil() {
  signature.Clear();
  cold_calls = ColdCalls();
  dfg.Clear();
  layout.Clear();
  relative_locs.clear();
  inline_sites.clear();
  inlined_locs.clear();
}

}  // namespace gantry::codegen
