#include "codegen/interp/interpreter.h"

#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/interp/semantics.h"
#include "codegen/ir/print.h"

namespace gantry::codegen {
namespace {

using Sem = Semantics<ConcreteDomain>;

// Where func_addr says that functions lie; no memory is there.
constexpr uint64_t kFunctionBase = 0x7FF0'0000'0000'0000;
constexpr uint64_t kFunctionStride = 16;
// Stack slots have this alignment at least.
constexpr uint64_t kSlotAlign = 16;

std::string KeyOf(const UserExternalName& name) { return PrintName(name); }

bool IsArithmeticNan(Type type, uint64_t bits) {
  const uint64_t quiet = type == Type::kF32 ? 0x7FC00000 : 0x7FF8000000000000;
  return (bits & quiet) == quiet;
}

// True if an arithmetic NaN stands where the interpreter gives the canonical one.
bool NansAgree(Type type, uint64_t expected, uint64_t actual) {
  return expected == Sem::CanonicalNan(type).low() && IsArithmeticNan(type, actual);
}

}  // namespace

bool LanesAgree(Type shape, const RawValue& expected, const RawValue& actual) {
  const Type lane = LaneType(shape);
  const auto vector = [](const RawValue& raw) {
    return BitVector(128, BitVector::Word{raw.hi} << 64 | raw.lo);
  };
  for (uint32_t i = 0; i < LaneCount(shape); ++i) {
    const BitVector x = Sem::Lane(shape, vector(expected), i);
    const BitVector y = Sem::Lane(shape, vector(actual), i);
    if (x != y && !(IsFloat(lane) && NansAgree(lane, x.low(), y.low()))) return false;
  }
  return true;
}

std::string DescribeOutcome(const Outcome& outcome, const Signature& signature) {
  switch (outcome.kind) {
    case Outcome::Kind::kReturned: {
      std::string out = "returns";
      for (size_t i = 0; i < outcome.values.size(); ++i) {
        absl::StrAppend(&out, i == 0 ? " " : ", ");
        const Type type = i < signature.returns.size() ? signature.returns[i].type : Type::kInvalid;
        const uint64_t bits = outcome.values[i].lo;
        if (IsFloat(type)) {
          out += PrintFloat(type, bits);
        } else if (IsInt(type)) {
          absl::StrAppend(&out, static_cast<int64_t>(BitVector(TypeBits(type), bits).Signed()));
        } else {
          absl::StrAppend(&out, "0x", absl::Hex(outcome.values[i].hi, absl::kZeroPad16),
                          absl::Hex(bits, absl::kZeroPad16));
        }
      }
      return out;
    }
    case Outcome::Kind::kTrapped:
      return absl::StrCat("traps tc", static_cast<uint32_t>(outcome.trap));
    case Outcome::Kind::kThrew:
      return absl::StrCat("throws tag", outcome.tag, ", ", outcome.exception);
    case Outcome::Kind::kOutOfFuel:
      return "runs out of fuel";
    case Outcome::Kind::kStackOverflow:
      return "overflows the stack";
  }
  return "does something unknown";
}

bool OutcomesAgree(const Outcome& expected, const Outcome& actual, const Signature& signature) {
  if (expected.kind != Outcome::Kind::kReturned || actual.kind != Outcome::Kind::kReturned) {
    return expected == actual;
  }
  if (expected.values.size() != actual.values.size()) return false;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    if (expected.values[i] == actual.values[i]) continue;
    const Type type = i < signature.returns.size() ? signature.returns[i].type : Type::kInvalid;
    const bool agree = IsFloat(type)
                           ? NansAgree(type, expected.values[i].lo, actual.values[i].lo)
                           : type == Type::kV128 &&
                                 (LanesAgree(Type::kF32X4, expected.values[i], actual.values[i]) ||
                                  LanesAgree(Type::kF64X2, expected.values[i], actual.values[i]));
    if (!agree) return false;
  }
  return true;
}

// One run: the stack of frames and what they share.
class Interpreter::Execution {
 public:
  Execution(Interpreter* interpreter, uint64_t fuel) : interp_(*interpreter), fuel_(fuel) {}

  absl::StatusOr<Outcome> Run(const Function& func, absl::Span<const RawValue> args) {
    std::optional<Outcome> outcome;
    ASSIGN_OR_RETURN(outcome, Enter(func, args));
    while (!outcome.has_value()) {
      if (fuel_ == 0) {
        outcome = Outcome();
        outcome->kind = Outcome::Kind::kOutOfFuel;
        break;
      }
      --fuel_;
      absl::StatusOr<std::optional<Outcome>> step = Step();
      if (!step.ok()) return Explain(step.status());
      outcome = *std::move(step);
    }
    return *std::move(outcome);
  }

  uint64_t fuel() const { return fuel_; }

 private:
  struct Frame {
    const Function* func;
    const std::vector<uint32_t>* links;
    Inst pc;
    std::vector<RawValue> values;
    // The frame's stack slots, at the addresses that stack_addr gives.
    std::unique_ptr<uint8_t[]> memory;
    std::vector<uint64_t> slots;
    uint64_t memory_begin = 0;
    uint64_t memory_end = 0;
  };

  // Nothing while the run goes on.
  using Stop = std::optional<Outcome>;

  Frame& top() { return frames_.back(); }
  const DataFlowGraph& dfg() { return top().func->dfg; }

  absl::Status Explain(const absl::Status& status) {
    if (frames_.empty() || top().pc.is_none()) return status;
    return absl::Status(status.code(), absl::StrCat(status.message(), ", in function ",
                                                    PrintName(top().func->params.name), " at ",
                                                    PrintInst(*top().func, top().pc)));
  }

  // ---- Values.
  RawValue Get(Value v) { return top().values[v.index()]; }
  BitVector Bits(Value v) {
    const RawValue raw = Get(v);
    return BitVector(TypeBits(dfg().value_type(v)), Word(raw));
  }
  static BitVector::Word Word(const RawValue& raw) {
    return BitVector::Word{raw.hi} << 64 | raw.lo;
  }
  void Set(Value v, uint64_t bits) { top().values[v.index()] = RawValue(bits); }
  void Set(Value v, RawValue value) { top().values[v.index()] = value; }

  // ---- Calls.
  absl::StatusOr<Stop> Enter(const Function& func, absl::Span<const RawValue> args) {
    const absl::Span<const AbiParam> params = func.signature.params;
    if (args.size() != params.size()) {
      return absl::InvalidArgumentError(absl::StrCat("function ", PrintName(func.params.name),
                                                     " takes ", params.size(), " arguments, not ",
                                                     args.size()));
    }
    if (frames_.size() >= interp_.max_depth_) {
      Outcome overflow;
      overflow.kind = Outcome::Kind::kStackOverflow;
      return Stop(overflow);
    }
    Frame frame{&func,
                &interp_.Links(func),
                func.layout.first_inst(func.layout.entry()),
                std::vector<RawValue>(func.dfg.num_values()),
                nullptr,
                {},
                0,
                0};
    uint64_t bytes = 0;
    for (const StackSlotData& slot : func.dfg.stack_slots()) {
      const uint64_t align = std::max(kSlotAlign, uint64_t{1} << slot.align_log2);
      bytes = (bytes + align - 1) / align * align + slot.bytes + align;
    }
    frame.memory = std::make_unique<uint8_t[]>(bytes);
    frame.memory_begin = reinterpret_cast<uint64_t>(frame.memory.get());
    frame.memory_end = frame.memory_begin + bytes;
    uint64_t next = frame.memory_begin;
    for (const StackSlotData& slot : func.dfg.stack_slots()) {
      const uint64_t align = std::max(kSlotAlign, uint64_t{1} << slot.align_log2);
      next = (next + align - 1) / align * align;
      frame.slots.push_back(next);
      next += slot.bytes;
    }
    const absl::Span<const Value> entry = func.dfg.block_params(func.layout.entry());
    for (size_t i = 0; i < args.size(); ++i) {
      const Type type = params[i].type;
      frame.values[entry[i].index()] =
          IsVector(type) ? args[i] : RawValue(args[i].lo & TypeMask(type));
    }
    frames_.push_back(std::move(frame));
    return Stop();
  }

  absl::StatusOr<Stop> CallTo(uint32_t callee_index, const Signature& signature,
                              absl::Span<const RawValue> args, bool tail) {
    const Callee& callee = interp_.callees_[callee_index];
    if (callee.func != nullptr) {
      const Signature& actual = callee.func->signature;
      if (!(actual == signature)) {
        return absl::InvalidArgumentError(absl::StrCat("call by signature ",
                                                       PrintSignature(signature), " of a function ",
                                                       PrintSignature(actual)));
      }
      if (tail) frames_.pop_back();
      return Enter(*callee.func, args);
    }
    if (!callee.host) return absl::InvalidArgumentError("call of a function that is not there");
    Outcome result = callee.host(args);
    if (result.kind != Outcome::Kind::kReturned) {
      if (tail) frames_.pop_back();
      return Unwind(std::move(result));
    }
    if (result.values.size() != signature.returns.size()) {
      return absl::InvalidArgumentError("a host function returned the wrong number of values");
    }
    if (tail) {
      frames_.pop_back();
      return Return(std::move(result.values));
    }
    return Resume(result.values);
  }

  // Goes on behind the call at which the top frame stands.
  absl::StatusOr<Stop> Resume(absl::Span<const RawValue> results) {
    const Inst call = top().pc;
    const InstData& data = dfg().inst(call);
    if (IsTerminator(data.opcode())) {
      return BranchTo(dfg().normal_continuation(data.handler_table()), results);
    }
    for (size_t i = 0; i < results.size(); ++i) Set(dfg().result(call, i), results[i]);
    top().pc = top().func->layout.next_inst(call);
    return Stop();
  }
  // The function whose frame was just taken off returns.
  absl::StatusOr<Stop> Return(std::vector<RawValue> values) {
    if (frames_.empty()) return Stop(Outcome::Returned(std::move(values)));
    return Resume(values);
  }
  // A trap ends the run; an exception goes to the innermost handler for it.
  absl::StatusOr<Stop> Unwind(Outcome outcome) {
    if (outcome.kind != Outcome::Kind::kThrew) return Stop(std::move(outcome));
    while (!frames_.empty()) {
      const InstData& data = dfg().inst(top().pc);
      if (data.format() == Format::kTryCall || data.format() == Format::kTryCallIndirect) {
        for (const Handler& handler : dfg().handlers(data.handler_table())) {
          if (handler.tag != Handler::kCatchAll && handler.tag != outcome.tag) continue;
          const RawValue payload[] = {RawValue(outcome.exception)};
          return BranchTo(handler.target, payload);
        }
      }
      frames_.pop_back();
    }
    return Stop(std::move(outcome));
  }

  // ---- Control.
  absl::StatusOr<Stop> BranchTo(const BlockCall& call, absl::Span<const RawValue> passed = {}) {
    // All arguments are read before a parameter is written.
    moved_.clear();
    for (Value v : dfg().args_of(call)) moved_.push_back(Get(v));
    moved_.insert(moved_.end(), passed.begin(), passed.end());
    const absl::Span<const Value> params = dfg().block_params(call.block);
    if (moved_.size() != params.size()) {
      return absl::InvalidArgumentError("a branch passes the wrong number of values");
    }
    for (size_t i = 0; i < params.size(); ++i) Set(params[i], moved_[i]);
    top().pc = top().func->layout.first_inst(call.block);
    return Stop();
  }
  absl::StatusOr<Stop> Next() {
    top().pc = top().func->layout.next_inst(top().pc);
    return Stop();
  }

  // ---- Memory.
  // Null where no memory holds all of the bytes.
  uint8_t* Find(uint64_t address, uint64_t bytes) {
    const auto within = [&](uint64_t begin, uint64_t end) {
      return address >= begin && address <= end && bytes <= end - address;
    };
    for (const Frame& frame : frames_) {
      if (within(frame.memory_begin, frame.memory_end)) {
        return reinterpret_cast<uint8_t*>(address);
      }
    }
    for (const absl::Span<uint8_t>& memory : interp_.memories_) {
      const uint64_t begin = reinterpret_cast<uint64_t>(memory.data());
      if (within(begin, begin + memory.size())) return reinterpret_cast<uint8_t*>(address);
    }
    return nullptr;
  }
  // The bytes of an access, or how the run ends. Aligned accesses are promised to be.
  absl::StatusOr<uint8_t*> Access(uint64_t address, uint64_t bytes, MemFlags flags, Stop* stop) {
    if (flags.aligned() && address % bytes != 0) {
      return absl::InvalidArgumentError("unaligned access that is declared to be aligned");
    }
    uint8_t* const place = Find(address, bytes);
    if (place != nullptr) return place;
    if (!flags.can_trap()) {
      return absl::InvalidArgumentError(
          absl::StrCat("access to ", bytes, " bytes at 0x", absl::Hex(address),
                       ", out of all memories, that is declared not to trap"));
    }
    *stop = Outcome::Trapped(*flags.trap());
    return nullptr;
  }
  static BitVector Read(const uint8_t* place, uint32_t bytes) {
    BitVector::Word bits = 0;
    std::memcpy(&bits, place, bytes);
    return BitVector(8 * bytes, bits);
  }
  static void Write(uint8_t* place, uint32_t bytes, const BitVector& bits) {
    const BitVector::Word word = bits.word();
    std::memcpy(place, &word, bytes);
  }

  // Bytes in memory and sign of a load or store.
  struct AccessKind {
    uint32_t bytes;
    bool is_signed;
  };
  static AccessKind KindOf(const InstData& data) {
    switch (data.opcode()) {
      case Opcode::kUload8:
      case Opcode::kIstore8:
        return {1, false};
      case Opcode::kSload8:
        return {1, true};
      case Opcode::kUload16:
      case Opcode::kIstore16:
        return {2, false};
      case Opcode::kSload16:
        return {2, true};
      case Opcode::kUload32:
      case Opcode::kIstore32:
        return {4, false};
      case Opcode::kSload32:
        return {4, true};
      default:
        return {TypeBytes(data.type()), false};
    }
  }
  absl::StatusOr<Stop> DoLoad(const InstData& data) {
    const AccessKind kind = KindOf(data);
    const uint64_t address = Get(data.arg(0)).lo + static_cast<int64_t>(data.offset());
    Stop stop;
    ASSIGN_OR_RETURN(uint8_t* const place, Access(address, kind.bytes, data.flags(), &stop));
    if (stop.has_value()) return stop;
    const BitVector loaded = Read(place, kind.bytes);
    return Finish(data,
                  kind.is_signed ? ConcreteDomain::SExt(TypeBits(data.type()), loaded) : loaded);
  }
  absl::StatusOr<Stop> DoStore(const InstData& data) {
    const AccessKind kind = KindOf(data);
    const uint64_t address = Get(data.arg(1)).lo + static_cast<int64_t>(data.offset());
    Stop stop;
    ASSIGN_OR_RETURN(uint8_t* const place, Access(address, kind.bytes, data.flags(), &stop));
    if (stop.has_value()) return stop;
    Write(place, kind.bytes, Bits(data.arg(0)));
    return Next();
  }
  // What was in memory becomes the result, replacement(old) what is.
  template <typename Replacement>
  absl::StatusOr<Stop> DoAtomic(const InstData& data, int32_t offset, Replacement replacement) {
    const uint32_t bytes = TypeBytes(data.type());
    const uint64_t address = Get(data.address()).lo + static_cast<int64_t>(offset);
    Stop stop;
    ASSIGN_OR_RETURN(uint8_t* const place, Access(address, bytes, data.flags(), &stop));
    if (stop.has_value()) return stop;
    const BitVector old = Read(place, bytes);
    Write(place, bytes, replacement(old));
    return Finish(data, old);
  }
  uint64_t SlotAddress(const InstData& data) {
    return top().slots[data.stack_slot().index()] + static_cast<int64_t>(data.offset());
  }

  static BitVector AtomicResult(AtomicRmwOp op, Type type, const BitVector& old,
                                const BitVector& operand) {
    switch (op) {
      case AtomicRmwOp::kAdd:
        return Sem::Iadd(type, old, operand);
      case AtomicRmwOp::kSub:
        return Sem::Isub(type, old, operand);
      case AtomicRmwOp::kAnd:
        return Sem::Band(type, old, operand);
      case AtomicRmwOp::kOr:
        return Sem::Bor(type, old, operand);
      case AtomicRmwOp::kXor:
        return Sem::Bxor(type, old, operand);
      case AtomicRmwOp::kXchg:
        return operand;
    }
    UNREACHABLE();
  }

  // ---- Computation: a value or a trap.
  absl::StatusOr<Stop> Finish(const InstData& data, const BitVector& result) {
    Set(data.first_result(), RawValue(result.low(), result.high()));
    return Next();
  }
  absl::StatusOr<Stop> Finish(const InstData& data, const Sem::Pair& result) {
    const Value first = data.first_result();
    Set(first, result.first.low());
    Set(Value(first.raw() + 1), result.second.low());
    return Next();
  }
  absl::StatusOr<Stop> Finish(const InstData& data, const Sem::Guarded& result) {
    if (result.first_trap) return Stop(Outcome::Trapped(data.trap_code()));
    if (result.second_trap) return Stop(Outcome::Trapped(data.second_trap_code()));
    return Finish(data, result.value);
  }

  absl::StatusOr<Stop> DoCall(const InstData& data) {
    const Inst inst = top().pc;
    uint32_t callee = 0;
    const Signature& signature = dfg().signature(dfg().call_signature(inst));
    switch (data.format()) {
      case Format::kCall:
      case Format::kReturnCall:
      case Format::kTryCall:
        callee = (*top().links)[data.func_ref().index()];
        break;
      default: {
        const uint64_t address = Get(data.arg(0)).lo;
        const uint64_t index = (address - kFunctionBase) / kFunctionStride;
        if (address < kFunctionBase || (address - kFunctionBase) % kFunctionStride != 0 ||
            index >= interp_.callees_.size()) {
          return absl::InvalidArgumentError(
              absl::StrCat("call of 0x", absl::Hex(address), ", which is no function"));
        }
        callee = static_cast<uint32_t>(index);
        break;
      }
    }
    std::vector<RawValue> args;
    for (Value v : dfg().list_args(inst)) args.push_back(Get(v));
    const bool tail =
        data.format() == Format::kReturnCall || data.format() == Format::kReturnCallIndirect;
    return CallTo(callee, signature, args, tail);
  }

  absl::StatusOr<Stop> Step() {
    const InstData data = dfg().inst(top().pc);
    ++interp_.opcode_counts_[static_cast<size_t>(data.opcode())];
    const Type type = data.type();
    switch (data.opcode()) {
      // Computations: generated from the table, by format.
#define GANTRY_EXEC_Unary(Camel) \
  case Opcode::k##Camel:         \
    return Finish(data, Sem::Camel(type, Bits(data.arg(0))));
#define GANTRY_EXEC_Convert(Camel) \
  case Opcode::k##Camel:           \
    return Finish(data, Sem::Camel(type, dfg().value_type(data.arg(0)), Bits(data.arg(0))));
#define GANTRY_EXEC_TrappingConvert(Camel) GANTRY_EXEC_Convert(Camel)
#define GANTRY_EXEC_Binary(Camel) \
  case Opcode::k##Camel:          \
    return Finish(data, Sem::Camel(type, Bits(data.arg(0)), Bits(data.arg(1))));
#define GANTRY_EXEC_BinaryPair(Camel) GANTRY_EXEC_Binary(Camel)
#define GANTRY_EXEC_Division(Camel) GANTRY_EXEC_Binary(Camel)
#define GANTRY_EXEC_SignedDivision(Camel) GANTRY_EXEC_Binary(Camel)
#define GANTRY_EXEC_TernaryPair(Camel) \
  case Opcode::k##Camel:               \
    return Finish(data, Sem::Camel(type, Bits(data.arg(0)), Bits(data.arg(1)), Bits(data.arg(2))));
#define GANTRY_EXEC_Select(Camel) GANTRY_EXEC_TernaryPair(Camel)
#define GANTRY_EXEC_IntCompare(Camel) \
  case Opcode::k##Camel:              \
    return Finish(data, Sem::Camel(type, data.int_cc(), Bits(data.arg(0)), Bits(data.arg(1))));
#define GANTRY_EXEC_FloatCompare(Camel) \
  case Opcode::k##Camel:                \
    return Finish(data, Sem::Camel(type, data.float_cc(), Bits(data.arg(0)), Bits(data.arg(1))));
#define GANTRY_EXEC_Ternary(Camel) GANTRY_EXEC_TernaryPair(Camel)
#define GANTRY_EXEC_Lane(Camel) \
  case Opcode::k##Camel:        \
    return Finish(data, Sem::Camel(type, data.lane(), Bits(data.arg(0))));
#define GANTRY_EXEC_LaneBinary(Camel) \
  case Opcode::k##Camel:              \
    return Finish(data, Sem::Camel(type, data.lane(), Bits(data.arg(0)), Bits(data.arg(1))));
#define GANTRY_EXEC_Shuffle(Camel) \
  case Opcode::k##Camel:           \
    return Finish(data,            \
                  Sem::Camel(type, data.shuffle_lanes(), Bits(data.arg(0)), Bits(data.arg(1))));
#define GANTRY_EXEC_AtomicLoad(Camel) GANTRY_EXEC_Load(Camel)
#define GANTRY_EXEC_AtomicStore(Camel) GANTRY_EXEC_Store(Camel)
#define GANTRY_EXEC_Load(Camel) \
  case Opcode::k##Camel:        \
    return DoLoad(data);
#define GANTRY_EXEC_Store(Camel) \
  case Opcode::k##Camel:         \
    return DoStore(data);
#define GANTRY_EXEC_IntConst(Camel)              \
  case Opcode::k##Camel:                         \
    Set(data.first_result(), data.const_bits()); \
    return Next();
#define GANTRY_EXEC_F32Const(Camel) GANTRY_EXEC_IntConst(Camel)
#define GANTRY_EXEC_F64Const(Camel) GANTRY_EXEC_IntConst(Camel)
#define GANTRY_EXEC_Call(Camel) \
  case Opcode::k##Camel:        \
    return DoCall(data);
#define GANTRY_EXEC_CallIndirect(Camel) GANTRY_EXEC_Call(Camel)
#define GANTRY_EXEC_ReturnCall(Camel) GANTRY_EXEC_Call(Camel)
#define GANTRY_EXEC_ReturnCallIndirect(Camel) GANTRY_EXEC_Call(Camel)
#define GANTRY_EXEC_TryCall(Camel) GANTRY_EXEC_Call(Camel)
#define GANTRY_EXEC_TryCallIndirect(Camel) GANTRY_EXEC_Call(Camel)
      // The others stand one by one below.
#define GANTRY_EXEC_V128Const(Camel)
#define GANTRY_EXEC_AtomicRmw(Camel)
#define GANTRY_EXEC_AtomicCas(Camel)
#define GANTRY_EXEC_Nullary(Camel)
#define GANTRY_EXEC_Effect(Camel)
#define GANTRY_EXEC_StackAddr(Camel)
#define GANTRY_EXEC_StackLoad(Camel)
#define GANTRY_EXEC_StackStore(Camel)
#define GANTRY_EXEC_FuncAddr(Camel)
#define GANTRY_EXEC_Jump(Camel)
#define GANTRY_EXEC_Branch(Camel)
#define GANTRY_EXEC_BranchTable(Camel)
#define GANTRY_EXEC_Return(Camel)
#define GANTRY_EXEC_Trap(Camel)
#define GANTRY_EXEC_CondTrap(Camel)
#define GANTRY_EXEC_TierCheck(Camel)
#define GANTRY_EXEC_Charge(Camel)
#define GANTRY_EXEC_Poll(Camel)
#define OP(Camel, name, format, ...) GANTRY_EXEC_##format(Camel)
#include "codegen/ir/opcodes.def"
#undef OP

      case Opcode::kV128const:
        Set(data.first_result(), RawValue(data.v128_low(), data.v128_high()));
        return Next();
      case Opcode::kAtomicRmw: {
        const BitVector operand = Bits(data.arg(0));
        return DoAtomic(data, data.offset(), [&](const BitVector& old) {
          return AtomicResult(data.atomic_op(), type, old, operand);
        });
      }
      case Opcode::kAtomicCas: {
        const BitVector expected = Bits(data.arg(0));
        const BitVector replacement = Bits(data.arg(1));
        return DoAtomic(data, 0,
                        [&](const BitVector& old) { return old == expected ? replacement : old; });
      }
      case Opcode::kFence:
        // One thread sees its own accesses in order anyway.
        return Next();
      case Opcode::kStackAddr:
        Set(data.first_result(), SlotAddress(data));
        return Next();
      case Opcode::kStackLoad:
        // The verifier keeps it inside the slot.
        return Finish(data,
                      Read(reinterpret_cast<const uint8_t*>(SlotAddress(data)), TypeBytes(type)));
      case Opcode::kStackStore:
        Write(reinterpret_cast<uint8_t*>(SlotAddress(data)), TypeBytes(type), Bits(data.arg(0)));
        return Next();
      case Opcode::kFuncAddr:
        Set(data.first_result(),
            kFunctionBase + (*top().links)[data.func_ref().index()] * kFunctionStride);
        return Next();
      case Opcode::kJump:
        return BranchTo(data.block_call(0));
      case Opcode::kBrif:
        return BranchTo(data.block_call(Sem::IsTrue(Bits(data.arg(0))) ? 0 : 1));
      case Opcode::kBrTable: {
        const uint64_t index = Get(data.arg(0)).lo;
        const absl::Span<const BlockCall> entries = dfg().jump_table_entries(data.jump_table());
        return BranchTo(index < entries.size() ? entries[index]
                                               : dfg().jump_table_default(data.jump_table()));
      }
      case Opcode::kReturn: {
        std::vector<RawValue> values;
        for (Value v : dfg().list_args(top().pc)) values.push_back(Get(v));
        frames_.pop_back();
        return Return(std::move(values));
      }
      case Opcode::kTrap:
        return Stop(Outcome::Trapped(data.trap_code()));
      case Opcode::kTrapz:
      case Opcode::kTrapnz:
        if (Sem::IsTrue(Bits(data.arg(0))) == (data.opcode() == Opcode::kTrapnz)) {
          return Stop(Outcome::Trapped(data.trap_code()));
        }
        return Next();
      case Opcode::kGetFramePointer:
      case Opcode::kGetStackPointer:
        // Any address in this frame will do.
        Set(data.first_result(), top().memory_begin);
        return Next();
      case Opcode::kGetReturnAddress:
        Set(data.first_result(), 0);
        return Next();
      case Opcode::kTierCheck: {
        const MemFlags flags;
        Stop stop;
        ASSIGN_OR_RETURN(uint8_t* const counter, Access(Get(data.arg(0)).lo, 4, flags, &stop));
        Write(counter, 4, BitVector(32, Read(counter, 4).word() - 1));
        return Next();
      }
      case Opcode::kNop:
        return Next();
      case Opcode::kFuelCharge:
        interp_.guest_fuel_ -= data.amount();
        return Next();
      case Opcode::kFuelCheck:
        interp_.guest_fuel_ -= data.amount();
        if (interp_.guest_fuel_ < 0) return Stop(Outcome{Outcome::Kind::kOutOfFuel, {}, {}, 0, 0});
        return Next();
      case Opcode::kPollWord:
      case Opcode::kPollPage: {
        // Nobody interrupts it.
        const MemFlags flags;
        Stop stop;
        RETURN_IF_ERROR(Access(Get(data.arg(0)).lo + static_cast<uint64_t>(int64_t{data.offset()}),
                               4, flags, &stop)
                            .status());
        return Next();
      }
    }
    return absl::InternalError("there is no such opcode");
  }

  Interpreter& interp_;
  uint64_t fuel_;
  std::vector<Frame> frames_;
  std::vector<RawValue> moved_;
};

Interpreter::Interpreter() : opcode_counts_(kNumOpcodes, 0) {}
Interpreter::~Interpreter() = default;

uint32_t Interpreter::CalleeOf(const std::string& key) {
  const auto [it, added] = callee_by_key_.emplace(key, static_cast<uint32_t>(callees_.size()));
  if (added) callees_.emplace_back();
  return it->second;
}

void Interpreter::AddFunction(const Function* func) {
  callees_[CalleeOf(KeyOf(func->params.name))].func = func;
}

void Interpreter::AddHostFunction(const UserExternalName& name, HostFunction function) {
  callees_[CalleeOf(KeyOf(name))].host = std::move(function);
}

void Interpreter::AddMemory(absl::Span<uint8_t> bytes) { memories_.push_back(bytes); }

const std::vector<uint32_t>& Interpreter::Links(const Function& func) {
  std::vector<uint32_t>& links = links_[&func];
  if (links.size() != func.dfg.ext_funcs().size()) {
    links.clear();
    for (const ExtFunc& ext : func.dfg.ext_funcs()) {
      links.push_back(CalleeOf(KeyOf(func.params.names[ext.name])));
    }
  }
  return links;
}

absl::StatusOr<Outcome> Interpreter::Run(const Function& func, absl::Span<const RawValue> args) {
  links_.clear();
  Execution execution(this, fuel_);
  absl::StatusOr<Outcome> outcome = execution.Run(func, args);
  executed_ = fuel_ - execution.fuel();
  return outcome;
}

}  // namespace gantry::codegen
