#include "codegen/generate/generate.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codegen/analysis/cfg.h"
#include "codegen/analysis/dominators.h"
#include "codegen/ir/builder.h"

namespace gantry::codegen {
namespace {

// What values may have.
constexpr Type kTypes[] = {Type::kI32, Type::kI64, Type::kF32, Type::kF64,
                           Type::kI8,  Type::kI16, Type::kV128};
constexpr size_t kNumTypes = 7;
constexpr uint32_t kSlotBytes = 64;

size_t IndexOf(Type type) {
  for (size_t i = 0; i < kNumTypes; ++i) {
    if (kTypes[i] == type) return i;
  }
  UNREACHABLE();
}

uint64_t EdgeBits(Type type, RandomSource* random) {
  const uint32_t bits = TypeBits(type);
  const uint64_t mask = TypeMask(type);
  if (IsFloat(type)) {
    static constexpr uint64_t kF32[] = {0,          0x80000000, 0x3F800000, 0xBF800000, 0x7F800000,
                                        0xFF800000, 0x7FC00000, 0x00000001, 0x4F000000, 0x4B800001,
                                        0x3F000000, 0x40490FDB, 0xDF000000, 0x7F7FFFFF};
    static constexpr uint64_t kF64[] = {0,
                                        0x8000000000000000,
                                        0x3FF0000000000000,
                                        0xBFF0000000000000,
                                        0x7FF0000000000000,
                                        0xFFF0000000000000,
                                        0x7FF8000000000000,
                                        0x0000000000000001,
                                        0x41E0000000000000,
                                        0x43E0000000000000,
                                        0x3FE0000000000000,
                                        0x400921FB54442D18,
                                        0xC3E0000000000000,
                                        0x7FEFFFFFFFFFFFFF};
    if (random->Chance(1, 4)) {
      // A number of moderate size.
      const uint64_t fraction = random->Bits64();
      return type == Type::kF32 ? (0x38000000 + fraction % 0x10000000) & mask
                                : 0x3F00000000000000 + fraction % 0x0200000000000000;
    }
    return type == Type::kF32 ? kF32[random->Below(14)] : kF64[random->Below(14)];
  }
  switch (random->Below(6)) {
    case 0:
      return random->Below(8);
    case 1:
      return ~uint64_t{random->Below(4)} & mask;
    case 2:
      return (uint64_t{1} << random->Below(bits)) & mask;
    case 3:
      return ((uint64_t{1} << random->Below(bits)) - 1) & mask;
    case 4:
      return uint64_t{random->Byte()} & mask;
    default:
      return random->Bits64() & mask;
  }
}

// Random bits of any type. Vectors are mostly edge values in all lanes of a shape, now and then the
// same in each.
RawValue EdgeValue(Type type, RandomSource* random) {
  if (type != Type::kV128) return EdgeBits(type, random);
  const Type shape = kShapes[random->Below(6)];
  const Type lane = LaneType(shape);
  const bool same = random->Chance(1, 4);
  RawValue value;
  uint64_t bits = EdgeBits(lane, random);
  for (uint32_t at = 0; at < 128; at += TypeBits(lane)) {
    if (!same) bits = EdgeBits(lane, random);
    (at < 64 ? value.lo : value.hi) |= bits << at % 64;
  }
  return value;
}

class Generator {
 public:
  Generator(const GenerateOptions& options, RandomSource* random, Function* func)
      : options_(options), random_(*random), func_(*func), builder_(func) {}

  void Run(const std::string& name) {
    func_.Clear();
    func_.params.name.text = name;
    ChooseSignature();
    ChooseGraph();
    AnalyzeGraph();
    Declare();
    for (uint32_t i = 0; i < blocks_.size(); ++i) builder_.MakeBlock();
    for (uint32_t i = 0; i < blocks_.size(); ++i) {
      for (Type type : blocks_[i].params) func_.dfg.AppendBlockParam(Block(i), type);
      func_.layout.Append(Block(i));
    }
    // Dominators first, so that what they define is there to be used.
    for (Block block : dominators_.preorder()) Fill(block.raw(), dominators_.idom(block));
    for (uint32_t i = 0; i < blocks_.size(); ++i) {
      if (!cfg_.is_reachable(Block(i))) Fill(i, Block::None());
    }
  }

 private:
  using Counts = std::array<size_t, kNumTypes>;
  struct Plan {
    std::vector<Type> params;
    std::vector<uint32_t> targets;
    bool back_edge_target = false;
    Counts available_after{};
  };

  // Where an access goes.
  struct Place {
    Value address;
    int32_t offset = 0;
    uint32_t room = 0;
    MemFlags flags;
  };

  Type AnyType() {
    std::vector<Type> types;
    for (Type type : kTypes) {
      if (Allowed(type)) types.push_back(type);
    }
    return types[random_.Below(static_cast<uint32_t>(types.size()))];
  }
  // Of types of values and shapes.
  bool Allowed(Type type) const {
    if (IsFloat(LaneType(type)) && !options_.floats) return false;
    if (IsVector(type)) return options_.vectors;
    if (IsFloat(type)) return true;
    return options_.narrow_ints || TypeBits(type) >= 32;
  }

  // ---- The plan.
  void ChooseSignature() {
    Signature& signature = func_.signature;
    signature.call_conv = options_.call_conv;
    if (options_.memory_bytes != 0) signature.params.push_back(Type::kI64);
    for (uint32_t i = random_.Below(6); i > 0; --i) signature.params.push_back(AnyType());
    for (uint32_t i = random_.Below(4); i > 0; --i) signature.returns.push_back(AnyType());
  }

  void ChooseGraph() {
    const uint32_t count = 1 + random_.Below(options_.max_blocks);
    blocks_.resize(count);
    for (const AbiParam& param : func_.signature.params) blocks_[0].params.push_back(param.type);
    for (uint32_t i = 1; i < count; ++i) {
      for (uint32_t k = random_.Below(4); k > 0; --k) blocks_[i].params.push_back(AnyType());
    }
    for (uint32_t i = 0; i < count; ++i) {
      if (count == 1) break;
      static constexpr uint32_t kFans[] = {0, 1, 1, 2, 2, 2, 2, 4};
      uint32_t fan = kFans[random_.Below(8)];
      // The entry goes somewhere, so that most functions have something to do.
      if (i == 0 && fan == 0) fan = 1;
      for (uint32_t k = 0; k < fan; ++k) {
        // Mostly forward.
        const bool forward = i + 1 < count && random_.Chance(3, 4);
        const uint32_t target = forward ? i + 1 + random_.Below(std::min(count - i - 1, 4u))
                                        : 1 + random_.Below(count - 1);
        blocks_[i].targets.push_back(target);
        if (target <= i) blocks_[target].back_edge_target = true;
      }
    }
  }

  // The same graph without content, for its dominators.
  void AnalyzeGraph() {
    Function skeleton;
    InstBuilder b(&skeleton);
    for (size_t i = 0; i < blocks_.size(); ++i) b.MakeBlock();
    for (uint32_t i = 0; i < blocks_.size(); ++i) {
      b.Begin(Block(i));
      if (blocks_[i].targets.empty()) {
        b.Return({});
        continue;
      }
      std::vector<BlockCall> calls;
      for (uint32_t target : blocks_[i].targets) calls.push_back({Block(target), ValueList()});
      const BlockCall last = calls.back();
      calls.pop_back();
      b.BrTable(b.I32(0), skeleton.dfg.MakeJumpTable(calls, last));
    }
    cfg_.Compute(skeleton);
    dominators_.Compute(cfg_);
  }

  void Declare() {
    fuel_slot_ = func_.dfg.MakeStackSlot({4, 2});
    data_slot_ = func_.dfg.MakeStackSlot({kSlotBytes, 3});
    for (const GenerateOptions::Callee& callee : options_.callees) {
      const SigRef sig = func_.dfg.ImportSignature(callee.signature);
      callees_.push_back(func_.dfg.ImportFunction({func_.DeclareName(0, 0, callee.name), sig}));
    }
  }

  // ---- Blocks.
  void Fill(uint32_t index, Block idom) {
    const Counts before = idom.is_some() ? blocks_[idom.raw()].available_after : Counts{};
    for (size_t t = 0; t < kNumTypes; ++t) available_[t].resize(before[t]);
    builder_.SetEnd(Block(index));
    recent_.clear();
    const absl::Span<const Value> params = func_.dfg.block_params(Block(index));
    for (size_t i = 0; i < params.size(); ++i) {
      if (index == 0 && i == 0 && options_.memory_bytes != 0) {
        memory_ = params[0];
      } else {
        Offer(params[i]);
      }
    }
    if (index == 0) {
      builder_.StackStore(builder_.I32(static_cast<int32_t>(options_.fuel)), fuel_slot_, 0);
      for (uint32_t offset = 0; offset < kSlotBytes; offset += 8) {
        builder_.StackStore(builder_.I64(static_cast<int64_t>(0x0102030405060708 * offset)),
                            data_slot_, static_cast<int32_t>(offset));
      }
    }
    if (blocks_[index].back_edge_target) {
      if (options_.polls) {
        const Value address = builder_.StackAddr(fuel_slot_, 0);
        index % 2 == 0 ? builder_.PollPage(address, 0) : builder_.PollWord(address, 0);
      }
      const Value left = builder_.StackLoad(Type::kI32, fuel_slot_, 0);
      const Block body = builder_.MakeBlock();
      func_.layout.InsertAfter(body, Block(index));
      builder_.Brif(left, body, {}, BailOut(), {});
      builder_.SetEnd(body);
      builder_.StackStore(builder_.Isub(left, builder_.I32(1)), fuel_slot_, 0);
    }
    // The address is at hand where the entry block dominates, that is in reachable blocks.
    use_memory_ = options_.memory_bytes != 0 && cfg_.is_reachable(Block(index));
    for (uint32_t k = random_.Below(options_.max_insts_per_block + 1); k > 0; --k) AnyInst();
    Terminate(blocks_[index]);
    for (size_t t = 0; t < kNumTypes; ++t) {
      blocks_[index].available_after[t] = available_[t].size();
    }
  }

  // The block that returns zeros when there is no fuel left.
  Block BailOut() {
    if (bail_out_.is_some()) return bail_out_;
    bail_out_ = builder_.MakeBlock();
    func_.layout.Append(bail_out_);
    func_.dfg.mutable_block(bail_out_).cold = true;
    InstBuilder b(&func_);
    b.SetEnd(bail_out_);
    std::vector<Value> values;
    for (const AbiParam& param : func_.signature.returns) {
      values.push_back(param.type == Type::kF32    ? b.F32const(0)
                       : param.type == Type::kF64  ? b.F64const(0)
                       : param.type == Type::kV128 ? b.V128const(0, 0)
                                                   : b.Iconst(param.type, 0));
    }
    b.Return(values);
    return bail_out_;
  }

  void Offer(Value v) { available_[IndexOf(func_.dfg.value_type(v))].push_back(v); }
  Value Constant(Type type) {
    const RawValue value = EdgeValue(type, &random_);
    const uint64_t bits = value.lo;
    Value v;
    if (type == Type::kV128) {
      v = builder_.V128const(value.lo, value.hi);
    } else if (type == Type::kF32) {
      v = builder_.F32const(static_cast<uint32_t>(bits));
    } else if (type == Type::kF64) {
      v = builder_.F64const(bits);
    } else {
      v = builder_.Iconst(type, static_cast<int64_t>(bits));
    }
    Offer(v);
    return v;
  }
  // A value of that type: a recent one, any one, or a new constant.
  Value Pick(Type type) {
    const std::vector<Value>& values = available_[IndexOf(type)];
    if (values.empty() || random_.Chance(1, 8)) return Constant(type);
    const uint32_t count = static_cast<uint32_t>(values.size());
    const uint32_t window = random_.Chance(1, 4) ? count : std::min(count, 6u);
    return values[count - 1 - random_.Below(window)];
  }
  std::vector<Value> PickAll(absl::Span<const AbiParam> types) {
    std::vector<Value> values;
    for (const AbiParam& param : types) values.push_back(Pick(param.type));
    return values;
  }

  void Terminate(const Plan& plan) {
    const auto args_for = [&](uint32_t target) {
      std::vector<Value> args;
      for (Type type : blocks_[target].params) args.push_back(Pick(type));
      return args;
    };
    switch (plan.targets.size()) {
      case 0:
        if (options_.traps && random_.Chance(1, 16)) {
          builder_.Trap(static_cast<TrapCode>(7));
        } else if (!TailCall()) {
          builder_.Return(PickAll(func_.signature.returns));
        }
        break;
      case 1:
        builder_.Jump(Block(plan.targets[0]), args_for(plan.targets[0]));
        break;
      case 2: {
        const std::vector<Value> first = args_for(plan.targets[0]);
        const std::vector<Value> second = args_for(plan.targets[1]);
        const Value condition = Condition();
        builder_.Brif(condition, Block(plan.targets[0]), first, Block(plan.targets[1]), second);
        break;
      }
      default: {
        std::vector<BlockCall> calls;
        for (uint32_t target : plan.targets) {
          calls.push_back(func_.dfg.MakeBlockCall(Block(target), args_for(target)));
        }
        const BlockCall last = calls.back();
        calls.pop_back();
        Value index = Pick(Type::kI32);
        if (random_.Chance(3, 4)) index = builder_.Band(index, builder_.I32(3));
        builder_.BrTable(index, func_.dfg.MakeJumpTable(calls, last));
        break;
      }
    }
  }
  Value Condition() {
    switch (random_.Below(4)) {
      case 0:
        return Pick(random_.Chance(1, 2) ? Type::kI32 : Type::kI64);
      case 1:
        if (options_.floats) {
          const Type type = random_.Chance(1, 2) ? Type::kF32 : Type::kF64;
          return builder_.Fcmp(static_cast<FloatCC>(random_.Below(kNumFloatCCs)), Pick(type),
                               Pick(type));
        }
        [[fallthrough]];
      default: {
        const Type type = random_.Chance(1, 2) ? Type::kI32 : Type::kI64;
        return builder_.Icmp(static_cast<IntCC>(random_.Below(kNumIntCCs)), Pick(type), Pick(type));
      }
    }
  }
  bool TailCall() {
    if (!options_.tail_calls || options_.call_conv != CallConv::kWasm) return false;
    for (FuncRef callee : callees_) {
      const Signature& signature = func_.dfg.signature(func_.dfg.ext_func(callee).signature);
      if (!(signature.returns == func_.signature.returns) || !random_.Chance(1, 2)) continue;
      if (signature.call_conv != CallConv::kWasm) continue;
      const std::vector<Value> args = CallArgs(signature);
      if (random_.Chance(1, 2)) {
        builder_.ReturnCall(callee, args);
      } else {
        builder_.ReturnCallIndirect(func_.dfg.ext_func(callee).signature, builder_.FuncAddr(callee),
                                    args);
      }
      return true;
    }
    return false;
  }
  // The memory goes on to the callee as its first argument.
  std::vector<Value> CallArgs(const Signature& signature) {
    std::vector<Value> args;
    for (const AbiParam& param : signature.params) {
      args.push_back(args.empty() && use_memory_ ? memory_ : Pick(param.type));
    }
    return args;
  }

  // ---- Instructions.
  void AnyInst() {
    if (!callees_.empty() && random_.Chance(1, 12) && (options_.memory_bytes == 0 || use_memory_)) {
      Call();
      return;
    }
    // Of those that fit the options; a few draws are enough.
    for (int draw = 0; draw < 8; ++draw) {
      // Those behind it are of interrupts, which compute nothing.
      constexpr uint32_t kLast = static_cast<uint32_t>(Opcode::kNop);
      const Opcode opcode = static_cast<Opcode>(random_.Below(kLast + 1));
      // Most opcodes are about vectors, but not most of what is drawn.
      if (IsAboutVectors(opcode) && random_.Chance(1, 2)) continue;
      if (Try(opcode)) return;
    }
  }

  static bool IsAboutVectors(Opcode opcode) {
    return Contains(Info(opcode).types, Type::kI8X16) || Contains(Info(opcode).types, Type::kF64X2);
  }

  void Call() {
    const FuncRef callee = callees_[random_.Below(static_cast<uint32_t>(callees_.size()))];
    const SigRef sig = func_.dfg.ext_func(callee).signature;
    const std::vector<Value> args = CallArgs(func_.dfg.signature(sig));
    const Inst call = random_.Chance(2, 3)
                          ? builder_.Call(callee, args)
                          : builder_.CallIndirect(sig, builder_.FuncAddr(callee), args);
    for (Value v : func_.dfg.results(call)) Offer(v);
  }

  std::optional<Type> ControllingType(const OpcodeInfo& info) {
    std::vector<Type> types;
    for (Type type : kAllTypes) {
      if (Contains(info.types, type) && Allowed(type)) types.push_back(type);
    }
    if (types.empty()) return std::nullopt;
    return types[random_.Below(static_cast<uint32_t>(types.size()))];
  }
  std::optional<Type> TypeForLetter(char letter, Type t) {
    std::vector<Type> types;
    for (Type type : kTypes) {
      if (LetterAccepts(letter, t, type) && Allowed(type)) types.push_back(type);
    }
    if (types.empty()) return std::nullopt;
    return types[random_.Below(static_cast<uint32_t>(types.size()))];
  }

  // Adds an instruction of that opcode; false if it is none for here.
  bool Try(Opcode opcode) {
    const OpcodeInfo& info = Info(opcode);
    if ((info.effects & kTraps) != 0 && (!options_.traps || random_.Chance(2, 3))) return false;
    switch (info.format) {
      case Format::kIntConst:
      case Format::kF32Const:
      case Format::kF64Const:
      case Format::kV128Const: {
        const std::optional<Type> type = ControllingType(info);
        if (type.has_value()) Constant(*type);
        return type.has_value();
      }
      case Format::kUnary:
      case Format::kConvert:
      case Format::kTrappingConvert:
      case Format::kBinary:
      case Format::kBinaryPair:
      case Format::kTernaryPair:
      case Format::kDivision:
      case Format::kSignedDivision:
      case Format::kIntCompare:
      case Format::kFloatCompare:
      case Format::kSelect:
      case Format::kTernary:
        if (!options_.fused && (opcode == Opcode::kVfma || opcode == Opcode::kVfnma)) return false;
        return Compute(opcode, info);
      case Format::kLane:
      case Format::kLaneBinary:
      case Format::kShuffle:
        return Compute(opcode, info);
      case Format::kLoad:
      case Format::kStore:
        return Access(opcode, info);
      case Format::kAtomicLoad:
      case Format::kAtomicStore:
      case Format::kAtomicRmw:
      case Format::kAtomicCas:
        return options_.atomics && Atomic(opcode, info);
      case Format::kStackLoad: {
        const std::optional<Type> type = ControllingType(info);
        if (!type.has_value()) return false;
        Offer(builder_.StackLoad(*type, data_slot_, SlotOffset(*type)));
        return true;
      }
      case Format::kStackStore: {
        const std::optional<Type> type = ControllingType(info);
        if (!type.has_value()) return false;
        builder_.StackStore(Pick(*type), data_slot_, SlotOffset(*type));
        return true;
      }
      case Format::kCondTrap: {
        // A condition that seldom holds.
        const Value x = Pick(Type::kI32);
        const Value rare = builder_.Icmp(IntCC::kEq, x, builder_.I32(0x12345));
        if (opcode == Opcode::kTrapnz) {
          builder_.Trapnz(rare, static_cast<TrapCode>(8));
        } else {
          builder_.Trapz(builder_.Bxor(rare, builder_.I32(1)), static_cast<TrapCode>(9));
        }
        return true;
      }
      case Format::kEffect:
        if (opcode != Opcode::kNop && !options_.atomics) return false;
        builder_.Insert(InstData(opcode, Type::kInvalid));
        return true;
      default:
        return false;
    }
  }

  bool Compute(Opcode opcode, const OpcodeInfo& info) {
    const std::optional<Type> type = ControllingType(info);
    if (!type.has_value()) return false;
    InstData data(opcode, *type);
    for (size_t i = 0; i < info.num_args; ++i) {
      const std::optional<Type> arg_type = TypeForLetter(info.args[i], *type);
      if (!arg_type.has_value()) return false;
      data.set_arg(i, Pick(*arg_type));
    }
    switch (info.format) {
      case Format::kIntCompare:
        data.set_immediate(static_cast<uint16_t>(random_.Below(kNumIntCCs)));
        break;
      case Format::kFloatCompare:
        data.set_immediate(static_cast<uint16_t>(random_.Below(kNumFloatCCs)));
        break;
      case Format::kLane:
      case Format::kLaneBinary:
        data.set_immediate(static_cast<uint16_t>(random_.Below(LaneCount(*type))));
        break;
      case Format::kShuffle:
        data.set_shuffle_lanes(Lanes());
        break;
      case Format::kDivision:
        data.set_immediate(1);
        break;
      case Format::kSignedDivision:
        data.set_immediate(
            InstData::PackTrapCodes(static_cast<TrapCode>(1), static_cast<TrapCode>(2)));
        break;
      case Format::kTrappingConvert:
        data.set_immediate(
            InstData::PackTrapCodes(static_cast<TrapCode>(3), static_cast<TrapCode>(4)));
        break;
      default:
        break;
    }
    // Most divisors are odd, so that most runs go on.
    if ((info.format == Format::kDivision || info.format == Format::kSignedDivision) &&
        random_.Chance(7, 8)) {
      data.set_arg(1, builder_.Bor(data.arg(1), builder_.Iconst(*type, 1)));
    }
    const Inst inst = builder_.Insert(data);
    const Type nans = NansMadeBy(opcode, *type);
    for (Value v : func_.dfg.results(inst)) Offer(nans == Type::kInvalid ? v : Canonical(nans, v));
    return true;
  }
  // Bytes of two vectors: any, or a run, a repeated byte, or the lanes of both by turns.
  ShuffleLanes Lanes() {
    ShuffleLanes lanes;
    const uint32_t kind = random_.Below(4);
    const uint32_t start = random_.Below(32);
    const uint32_t width = 1u << random_.Below(4);
    for (uint32_t i = 0; i < 16; ++i) {
      uint32_t lane = random_.Below(32);
      if (kind == 1) lane = start + i;
      if (kind == 2) lane = start / width * width + i % width;
      if (kind == 3) lane = i / width / 2 * width + i % width + start % 2 * 8 + i / width % 2 * 16;
      lanes[i] = static_cast<uint8_t>(lane % 32);
    }
    return lanes;
  }
  Value Canonical(Type type, Value v) {
    if (IsShape(type)) {
      const uint64_t nan = type == Type::kF32X4 ? 0x7FC00000'7FC00000 : 0x7FF8000000000000;
      const Value is_nan = builder_.Vfcmp(type, FloatCC::kUnordered, v, v);
      return builder_.Vbitselect(is_nan, builder_.V128const(nan, nan), v);
    }
    const Value nan = func_.dfg.value_type(v) == Type::kF32 ? builder_.F32const(0x7FC00000)
                                                            : builder_.F64const(0x7FF8000000000000);
    return builder_.Select(builder_.Fcmp(FloatCC::kUnordered, v, v), nan, v);
  }

  int32_t SlotOffset(Type type) {
    return static_cast<int32_t>(random_.Below(kSlotBytes - TypeBytes(type) + 1));
  }
  // An index below half of the bytes, and an offset that keeps the place's room inside. Memory and
  // slot are regions of their own, if they are not region 0.
  Place NewPlace(bool aligned) {
    const bool in_memory = use_memory_ && random_.Chance(2, 3);
    const uint32_t bytes = in_memory ? options_.memory_bytes : kSlotBytes;
    Value index = Pick(Type::kI32);
    const uint32_t unaligned_bits = aligned ? 7 : 0;
    index =
        builder_.Band(index, builder_.I32(static_cast<int32_t>((bytes / 2 - 1) & ~unaligned_bits)));
    const Value base = in_memory ? memory_ : builder_.StackAddr(data_slot_, 0);
    Place place;
    place.address = builder_.Iadd(base, builder_.Uextend(Type::kI64, index));
    place.room = bytes >= 32 ? 16 : 8;
    place.offset =
        static_cast<int32_t>(random_.Below(bytes / 2 - place.room + 1) & ~unaligned_bits);
    if (random_.Chance(1, 2)) place.flags = MemFlags::Trapping(static_cast<TrapCode>(5));
    if (random_.Chance(1, 2)) place.flags = place.flags.WithRegion(in_memory ? 1 : 2);
    return place;
  }
  bool Access(Opcode opcode, const OpcodeInfo& info) {
    const std::optional<Type> type = ControllingType(info);
    if (!type.has_value()) return false;
    // Now and then the place of an access before, so that forwarding has something to do.
    if (recent_.empty() || !random_.Chance(1, 3)) recent_.push_back(NewPlace(false));
    const Place place = recent_[random_.Below(static_cast<uint32_t>(recent_.size()))];
    if (TypeBytes(*type) > place.room) return false;
    InstData data(opcode, *type);
    if (info.format == Format::kStore) {
      data.set_arg(0, Pick(*type));
      data.set_arg(1, place.address);
    } else {
      data.set_arg(0, place.address);
    }
    data.set_flags(place.flags);
    data.set_offset(place.offset);
    const Inst inst = builder_.Insert(data);
    for (Value v : func_.dfg.results(inst)) Offer(v);
    return true;
  }

  // At a multiple of 8 bytes; other accesses may come back to it.
  bool Atomic(Opcode opcode, const OpcodeInfo& info) {
    const std::optional<Type> type = ControllingType(info);
    if (!type.has_value()) return false;
    const Place place = NewPlace(true);
    recent_.push_back(place);
    InstData data(opcode, *type);
    for (size_t i = 0; i + 1 < info.num_args; ++i) data.set_arg(i, Pick(*type));
    data.set_flags(place.flags);
    if (info.format == Format::kAtomicCas) {
      data.set_arg(2, builder_.Iadd(place.address, builder_.I64(place.offset)));
      // What is expected is often there.
      if (random_.Chance(1, 2)) {
        data.set_arg(0, builder_.Load(*type, place.flags, place.address, place.offset));
      }
    } else {
      data.set_arg(info.num_args - 1u, place.address);
      data.set_offset(place.offset);
    }
    if (info.format == Format::kAtomicRmw) {
      data.set_immediate(static_cast<uint16_t>(random_.Below(kNumAtomicRmwOps)));
    }
    const Inst inst = builder_.Insert(data);
    for (Value v : func_.dfg.results(inst)) Offer(v);
    return true;
  }

  const GenerateOptions& options_;
  RandomSource& random_;
  Function& func_;
  InstBuilder builder_;
  std::vector<Plan> blocks_;
  ControlFlowGraph cfg_;
  DominatorTree dominators_;
  std::array<std::vector<Value>, kNumTypes> available_;
  std::vector<FuncRef> callees_;
  std::vector<Place> recent_;  // Of this block.
  StackSlot fuel_slot_, data_slot_;
  Block bail_out_;
  Value memory_;
  bool use_memory_ = false;
};

}  // namespace

void GenerateFunction(const GenerateOptions& options, RandomSource* random, Function* func,
                      const std::string& name) {
  Generator(options, random, func).Run(name);
}

std::vector<Function> GenerateModule(const GenerateOptions& options, uint32_t count,
                                     RandomSource* random) {
  std::vector<Function> functions(count);
  GenerateOptions own = options;
  for (uint32_t i = count; i-- > 0;) {
    const std::string name = absl::StrCat("f", i);
    GenerateFunction(own, random, &functions[i], name);
    own.callees.push_back({name, functions[i].signature});
    // Loops around calls multiply.
    own.fuel = std::min(options.fuel, 4u);
  }
  return functions;
}

std::vector<RawValue> GenerateArgs(const Signature& signature, RandomSource* random) {
  std::vector<RawValue> args;
  for (const AbiParam& param : signature.params) args.push_back(EdgeValue(param.type, random));
  return args;
}

}  // namespace gantry::codegen
