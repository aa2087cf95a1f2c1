#include "codegen/mach_buffer_testing.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gantry::codegen::testing {
namespace {

// Opcodes of the machine. Branches have three lengths of displacement; xor with
// kInvert turns a condition around.
enum Opcode : uint8_t {
  kOpWork = 0x01,    // u16 number, u8 padding, padding bytes.
  kOpJump = 0x10,    // +0, +1, +2: 1, 2, 4-byte displacement.
  kOpBranch = 0x20,  // The same, after a u16 condition number.
  kOpReturn = 0x30,
  kOpTrap = 0x31,
  kOpConstant = 0x32,     // 2-byte displacement to 8 bytes.
  kOpSwitch = 0x33,       // u16 number, u8 count, 4-byte displacement to the table.
  kOpCall = 0x34,         // u16 number.
  kOpConstantFar = 0x35,  // The naive assembler's form: 4-byte displacement.
};
constexpr uint8_t kInvert = 0x40;

template <typename T>
T Load(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <typename T>
void AddTo(uint8_t* at, int32_t delta) {
  const T value = static_cast<T>(Load<T>(at) + delta);
  std::memcpy(at, &value, sizeof value);
}

int FormLength(LabelKind form) { return form == kShort ? 1 : form == kMiddle ? 2 : 4; }
uint8_t FormIndex(LabelKind form) { return form == kShort ? 0 : form == kMiddle ? 1 : 2; }

bool Condition(uint32_t number, uint32_t visit) {
  uint64_t hash = (uint64_t{number} << 32 | visit) * 0x9E3779B97F4A7C15u;
  hash = (hash ^ (hash >> 31)) * 0xD6E8FEB86659FD93u;
  return (hash >> 40) & 1;
}

uint64_t ConstantValue(uint32_t value) { return value * 0x0101010101010101u + 7; }

std::vector<uint32_t> SlotsOf(const ToyOp& op) {
  std::vector<uint32_t> slots;
  for (uint32_t i = 0; i < op.value; ++i) slots.push_back(op.number * 16 + i * 8);
  return slots;
}

// Choices from the input, then from a generator seeded with it.
class Choices {
 public:
  explicit Choices(absl::Span<const uint8_t> data) : data_(data) {
    for (uint8_t byte : data) state_ = (state_ ^ byte) * 0x100000001B3u;
  }
  uint32_t Below(uint32_t bound) {
    if (at_ < data_.size()) return data_[at_++] % bound;
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<uint32_t>((state_ >> 11) % bound);
  }

 private:
  absl::Span<const uint8_t> data_;
  size_t at_ = 0;
  uint64_t state_ = 0xCBF29CE484222325u;
};

}  // namespace

LabelKindTable ToyKinds(int32_t short_reach, int32_t middle_reach, int32_t load_reach) {
  LabelKindTable table{};
  table.kinds[0] = {"short",
                    -short_reach,
                    short_reach,
                    1,
                    [](uint8_t* use, int32_t delta) { AddTo<int8_t>(use, delta); },
                    3,
                    1,
                    kMiddle,
                    [](uint8_t* at) {
                      const uint8_t veneer[] = {kOpJump + 1, 0, 0};
                      std::memcpy(at, veneer, sizeof veneer);
                    }};
  table.kinds[1] = {"middle",
                    -middle_reach,
                    middle_reach,
                    2,
                    [](uint8_t* use, int32_t delta) { AddTo<int16_t>(use, delta); },
                    5,
                    1,
                    kLong,
                    [](uint8_t* at) {
                      const uint8_t veneer[] = {kOpJump + 2, 0, 0, 0, 0};
                      std::memcpy(at, veneer, sizeof veneer);
                    }};
  table.kinds[2] = {"load",
                    -load_reach,
                    load_reach,
                    2,
                    [](uint8_t* use, int32_t delta) { AddTo<int16_t>(use, delta); },
                    0,
                    0,
                    LabelKind{0},
                    nullptr};
  table.kinds[3] = {"long",
                    INT32_MIN,
                    INT32_MAX,
                    4,
                    [](uint8_t* use, int32_t delta) { AddTo<int32_t>(use, delta); },
                    0,
                    0,
                    LabelKind{0},
                    nullptr};
  table.kind_count = 4;
  table.instruction_alignment = 1;
  table.trap_size = 1;
  table.trap_bytes[0] = kOpTrap;
  table.constant_reach = load_reach;
  return table;
}

ToyProgram MakeToyProgram(absl::Span<const uint8_t> data) {
  Choices choices(data);
  ToyProgram program;
  static constexpr int32_t kShortReach[] = {127, 100, 64, 127};
  static constexpr int32_t kMiddleReach[] = {300, 1000, 32767, 500};
  static constexpr int32_t kLoadReach[] = {400, 32767, 700, 1000};
  const uint32_t reach = choices.Below(4);
  program.kinds =
      ToyKinds(kShortReach[reach], kMiddleReach[choices.Below(4)], kLoadReach[choices.Below(4)]);
  program.settings.force_veneers = choices.Below(4) == 0;
  program.settings.force_island_period = choices.Below(4) == 0 ? 1 + choices.Below(50) : 0;
  // Of few labels many meet in one place; without padding, branches meet each other.
  program.label_count = 1 + choices.Below(24);
  const uint32_t op_count = program.label_count + choices.Below(250);
  const uint32_t density = choices.Below(4);
  const uint32_t max_padding = choices.Below(3) == 0 ? 60 : 1 + choices.Below(3);
  std::vector<uint32_t> unbound;
  for (uint32_t i = 0; i < program.label_count; ++i) unbound.push_back(i);
  uint32_t bound = 0;
  const auto any_label = [&] { return choices.Below(program.label_count); };
  for (uint32_t i = 0; i < op_count; ++i) {
    ToyOp op;
    op.number = i;
    op.label = any_label();
    // Every label gets its turn, the last ones at the end.
    const bool must_bind = op_count - i <= unbound.size();
    if (must_bind || (!unbound.empty() && choices.Below(op_count) < 2 * program.label_count)) {
      op.kind = ToyOpKind::kBind;
      const uint32_t which = choices.Below(static_cast<uint32_t>(unbound.size()));
      op.label = unbound[which];
      unbound.erase(unbound.begin() + which);
      ++bound;
      program.ops.push_back(op);
      continue;
    }
    const uint32_t die = choices.Below(16);
    const bool branchy = density < 2 ? die < 10 : die < 5;
    if (branchy) {
      op.kind = choices.Below(2) == 0 ? ToyOpKind::kJump : ToyOpKind::kBranch;
      const uint32_t form = choices.Below(3);
      op.form = form == 0 ? kShort : form == 1 ? kMiddle : kLong;
      if (op.kind == ToyOpKind::kBranch && choices.Below(2) == 0) op.form = kShort;
    } else if (die < 13 || density == 3) {
      op.kind = ToyOpKind::kWork;
      op.value = choices.Below(max_padding);
    } else {
      switch (choices.Below(7)) {
        case 0:
          op.kind = ToyOpKind::kSwitch;
          for (uint32_t n = 1 + choices.Below(5); n > 0; --n) op.labels.push_back(any_label());
          break;
        case 1:
          op.kind = ToyOpKind::kConstant;
          op.value = choices.Below(12);
          break;
        case 2:
          op.kind = ToyOpKind::kCall;
          op.value = choices.Below(3);
          for (uint32_t n = choices.Below(3); n > 0; --n) op.labels.push_back(any_label());
          break;
        case 3:
          op.kind = ToyOpKind::kTrapBranch;
          op.value = choices.Below(200);
          op.form = choices.Below(2) == 0 ? kShort : kMiddle;
          break;
        case 4:
          op.kind = ToyOpKind::kTrap;
          op.value = choices.Below(200);
          break;
        case 5:
          op.kind = ToyOpKind::kReturn;
          break;
        default:
          op.kind = ToyOpKind::kSourceLoc;
          op.value = choices.Below(8) == 0 ? ToyOp::kNoLoc : choices.Below(100);
          break;
      }
    }
    program.ops.push_back(op);
  }
  ToyOp end;
  end.kind = ToyOpKind::kReturn;
  program.ops.push_back(end);
  return program;
}

ToyCode AssembleWithBuffer(const ToyProgram& program, MachBuffer& buffer) {
  buffer.Reset(program.settings);
  const MachLabel first = buffer.NewLabels(program.label_count);
  const auto label = [&](uint32_t n) { return MachLabel(first.raw() + n); };
  // What the operation may write and ask for, with a jump around an island.
  const auto distance_of = [](const ToyOp& op) -> uint32_t {
    if (op.kind == ToyOpKind::kWork) return 5 + 4 + op.value;
    return 5 + 8 + 32 + 4 * (op.kind == ToyOpKind::kSwitch ? op.labels.size() : 0);
  };
  for (const ToyOp& op : program.ops) {
    const uint32_t distance = distance_of(op);
    if (buffer.NeedsIsland(distance)) {
      // Control comes this way, so it is led around.
      const MachLabel around = buffer.NewLabel();
      const CodeOffset start = buffer.offset();
      uint8_t* p = buffer.BeginInstruction();
      std::memset(p, 0, 5);
      *p = kOpJump + 2;
      buffer.EndInstruction(p + 5);
      buffer.AddJump(start, start + 1, around, kLong);
      buffer.EmitIsland(distance);
      buffer.Bind(around);
    }
    const CodeOffset start = buffer.offset();
    uint8_t* p = buffer.BeginInstruction();
    const auto branch = [&](MachLabel target) {
      const int length = FormLength(op.form);
      const bool conditional = op.kind != ToyOpKind::kJump;
      uint8_t* q = p;
      *q++ = (conditional ? kOpBranch : kOpJump) + FormIndex(op.form);
      if (conditional) {
        std::memcpy(q, &op.number, 2);
        q += 2;
      }
      const CodeOffset use = start + static_cast<CodeOffset>(q - p);
      std::memset(q, 0, length);
      buffer.EndInstruction(q + length);
      if (conditional) {
        buffer.AddConditionalJump(start, use, target, op.form, kInvert);
      } else {
        buffer.AddJump(start, use, target, op.form);
      }
    };
    switch (op.kind) {
      case ToyOpKind::kWork: {
        const std::vector<uint8_t> padding(op.value, 0xEE);
        *p = kOpWork;
        std::memcpy(p + 1, &op.number, 2);
        p[3] = static_cast<uint8_t>(op.value);
        buffer.EndInstruction(p + 4);
        buffer.PutBytes(padding);
        break;
      }
      case ToyOpKind::kBind:
        buffer.Bind(label(op.label));
        break;
      case ToyOpKind::kJump:
      case ToyOpKind::kBranch:
        branch(label(op.label));
        break;
      case ToyOpKind::kTrapBranch:
        branch(buffer.OutOfLineTrap(static_cast<TrapCode>(op.value)));
        break;
      case ToyOpKind::kSwitch: {
        std::vector<MachLabel> targets;
        for (uint32_t n : op.labels) targets.push_back(label(n));
        const MachLabel table = buffer.JumpTable(targets, kLong);
        std::memset(p, 0, 8);
        *p = kOpSwitch;
        std::memcpy(p + 1, &op.number, 2);
        p[3] = static_cast<uint8_t>(op.labels.size());
        buffer.EndInstruction(p + 8);
        buffer.UseLabel(start + 4, table, kLong);
        buffer.EndFlow();
        break;
      }
      case ToyOpKind::kConstant:
        *p = kOpConstant;
        std::memset(p + 1, 0, 2);
        buffer.EndInstruction(p + 3);
        buffer.UseLabel(start + 1, buffer.Constant8(ConstantValue(op.value)), kLoad);
        break;
      case ToyOpKind::kCall: {
        *p = kOpCall;
        std::memcpy(p + 1, &op.number, 2);
        buffer.EndInstruction(p + 3);
        std::vector<HandlerLabel> handlers;
        for (uint32_t n : op.labels) handlers.push_back({n, label(n)});
        buffer.AddCallSite(handlers);
        buffer.AddStackMap(SlotsOf(op));
        break;
      }
      case ToyOpKind::kTrap:
        buffer.AddTrap(static_cast<TrapCode>(op.value));
        *p = kOpTrap;
        buffer.EndInstruction(p + 1);
        buffer.EndFlow();
        break;
      case ToyOpKind::kReturn:
        *p = kOpReturn;
        buffer.EndInstruction(p + 1);
        buffer.EndFlow();
        break;
      case ToyOpKind::kSourceLoc:
        buffer.SetSourceLoc(SourceLoc(op.value));
        break;
    }
  }
  CHECK_OK(buffer.Finish());
  const auto copy = [](const auto& span) {
    return std::vector<std::decay_t<decltype(span[0])>>(span.begin(), span.end());
  };
  return {copy(buffer.bytes()),         copy(buffer.traps()),      copy(buffer.call_sites()),
          copy(buffer.call_handlers()), copy(buffer.stack_maps()), copy(buffer.stack_map_slots()),
          copy(buffer.source_locs())};
}

ToyCode AssembleNaively(const ToyProgram& program) {
  ToyCode code;
  std::vector<uint32_t> offsets(program.label_count);
  // The first pass finds the labels; out-of-line pieces stand behind the code.
  for (int pass = 0; pass < 2; ++pass) {
    code = ToyCode();
    std::vector<std::pair<uint32_t, uint32_t>> constants;   // Field, value.
    std::vector<std::pair<uint32_t, const ToyOp*>> tables;  // Field, operation.
    struct Stub {
      uint32_t field, value, loc;
    };
    std::vector<Stub> stubs;
    std::vector<uint8_t>& out = code.bytes;
    const auto put4 = [&](uint32_t value) {
      for (int i = 0; i < 4; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
    };
    const auto put2 = [&](uint32_t value) {
      for (int i = 0; i < 2; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
    };
    const auto fix = [&](uint32_t field) { AddTo<int32_t>(&out[field], out.size() - field); };
    uint32_t loc = ToyOp::kNoLoc;
    const auto set_loc = [&](uint32_t value) {
      loc = value;
      code.source_locs.push_back({static_cast<CodeOffset>(out.size()), SourceLoc(value)});
    };
    for (const ToyOp& op : program.ops) {
      switch (op.kind) {
        case ToyOpKind::kWork:
          out.push_back(kOpWork);
          put2(op.number);
          out.push_back(static_cast<uint8_t>(op.value));
          out.insert(out.end(), op.value, 0xEE);
          break;
        case ToyOpKind::kBind:
          offsets[op.label] = out.size();
          break;
        case ToyOpKind::kJump:
          out.push_back(kOpJump + 2);
          put4(offsets[op.label] - out.size());
          break;
        case ToyOpKind::kBranch:
          out.push_back(kOpBranch + 2);
          put2(op.number);
          put4(offsets[op.label] - out.size());
          break;
        case ToyOpKind::kTrapBranch:
          out.push_back(kOpBranch + 2);
          put2(op.number);
          stubs.push_back({static_cast<uint32_t>(out.size()), op.value, loc});
          put4(0);
          break;
        case ToyOpKind::kSwitch:
          out.push_back(kOpSwitch);
          put2(op.number);
          out.push_back(static_cast<uint8_t>(op.labels.size()));
          tables.push_back({static_cast<uint32_t>(out.size()), &op});
          put4(0);
          break;
        case ToyOpKind::kConstant:
          out.push_back(kOpConstantFar);
          constants.push_back({static_cast<uint32_t>(out.size()), op.value});
          put4(0);
          break;
        case ToyOpKind::kCall: {
          out.push_back(kOpCall);
          put2(op.number);
          const CodeOffset at = out.size();
          const uint32_t slots = code.stack_map_slots.size();
          code.call_sites.push_back({at, static_cast<uint32_t>(code.handlers.size()),
                                     static_cast<uint32_t>(op.labels.size())});
          for (uint32_t n : op.labels) code.handlers.push_back({n, offsets[n]});
          for (uint32_t slot : SlotsOf(op)) code.stack_map_slots.push_back(slot);
          code.stack_maps.push_back({at, slots, op.value});
          break;
        }
        case ToyOpKind::kTrap:
          code.traps.push_back(
              {static_cast<CodeOffset>(out.size()), static_cast<TrapCode>(op.value)});
          out.push_back(kOpTrap);
          break;
        case ToyOpKind::kReturn:
          out.push_back(kOpReturn);
          break;
        case ToyOpKind::kSourceLoc:
          set_loc(op.value);
          break;
      }
    }
    for (const Stub& stub : stubs) {
      fix(stub.field);
      set_loc(stub.loc);
      code.traps.push_back(
          {static_cast<CodeOffset>(out.size()), static_cast<TrapCode>(stub.value)});
      out.push_back(kOpTrap);
    }
    for (const auto& [field, op] : tables) {
      fix(field);
      const uint32_t table = out.size();
      for (uint32_t n : op->labels) put4(offsets[n] - table);
    }
    for (const auto& [field, value] : constants) {
      fix(field);
      const uint64_t bits = ConstantValue(value);
      put4(static_cast<uint32_t>(bits));
      put4(static_cast<uint32_t>(bits >> 32));
    }
  }
  return code;
}

std::vector<std::string> RunToy(const ToyCode& code, int max_steps) {
  std::vector<std::string> trace;
  std::map<uint32_t, uint32_t> visits;
  uint32_t pc = 0;
  const auto loc_at = [&](uint32_t at) {
    std::string text = "none";
    for (const SourceLocEntry& entry : code.source_locs) {
      if (entry.offset > at) break;
      text = entry.loc.is_none() ? "none" : absl::StrCat(entry.loc.raw());
    }
    return text;
  };
  // Jumps are not steps (one code has more of them than the other) but cannot go on forever:
  // a program may consist of a loop of them.
  int jumps = 0;
  for (int steps = 0; steps < max_steps && jumps < 10000;) {
    if (pc >= code.bytes.size()) {
      trace.push_back("ran off the code");
      return trace;
    }
    const uint8_t* at = &code.bytes[pc];
    const uint8_t opcode = *at & ~kInvert;
    const auto displacement = [&](int field, uint8_t form) -> int32_t {
      const int32_t value = form == 0   ? Load<int8_t>(at + field)
                            : form == 1 ? Load<int16_t>(at + field)
                                        : Load<int32_t>(at + field);
      return static_cast<int32_t>(pc) + field + value;
    };
    switch (opcode) {
      case kOpWork:
        trace.push_back(absl::StrCat("work ", Load<uint16_t>(at + 1), " @", loc_at(pc)));
        pc += 4 + at[3];
        ++steps;
        break;
      case kOpJump:
      case kOpJump + 1:
      case kOpJump + 2:
        pc = displacement(1, opcode - kOpJump);
        ++jumps;
        continue;
      case kOpBranch:
      case kOpBranch + 1:
      case kOpBranch + 2: {
        const uint16_t number = Load<uint16_t>(at + 1);
        const bool taken = Condition(number, visits[number]++);
        const bool inverted = (*at & kInvert) != 0;
        const uint8_t form = opcode - kOpBranch;
        pc = taken != inverted ? displacement(3, form) : pc + 3 + (1 << form);
        ++jumps;
        break;
      }
      case kOpReturn:
        trace.push_back("return");
        return trace;
      case kOpTrap: {
        for (const TrapRecord& trap : code.traps) {
          if (trap.offset == pc) {
            trace.push_back(absl::StrCat("trap ", static_cast<int>(trap.code), " @", loc_at(pc)));
            return trace;
          }
        }
        trace.push_back("trap without record");
        return trace;
      }
      case kOpConstant:
      case kOpConstantFar: {
        const int32_t address = displacement(1, opcode == kOpConstant ? 1 : 2);
        if (address < 0 || address + 8 > static_cast<int32_t>(code.bytes.size())) {
          trace.push_back("constant outside");
          return trace;
        }
        trace.push_back(absl::StrCat("constant ", Load<uint64_t>(&code.bytes[address])));
        pc += opcode == kOpConstant ? 3 : 5;
        ++steps;
        break;
      }
      case kOpSwitch: {
        const uint16_t number = Load<uint16_t>(at + 1);
        const uint32_t which = visits[number]++ % at[3];
        const int32_t table = displacement(4, 2);
        pc = table + Load<int32_t>(&code.bytes[table + 4 * which]);
        trace.push_back(absl::StrCat("switch ", number, " ", which));
        ++steps;
        break;
      }
      case kOpCall: {
        std::string line = absl::StrCat("call ", Load<uint16_t>(at + 1), " @", loc_at(pc));
        pc += 3;
        for (const CallSite& site : code.call_sites) {
          if (site.return_offset != pc) continue;
          absl::StrAppend(&line, " site");
          for (uint32_t i = 0; i < site.handler_count; ++i) {
            absl::StrAppend(&line, " ", code.handlers[site.first_handler + i].tag);
          }
          // Some calls leave by a handler.
          const uint32_t number = Load<uint16_t>(at + 1);
          if (site.handler_count != 0 && Condition(number, visits[number]++)) {
            pc = code.handlers[site.first_handler].target;
          }
          break;
        }
        const uint32_t returned = static_cast<uint32_t>(at - code.bytes.data()) + 3;
        for (const StackMap& map : code.stack_maps) {
          if (map.return_offset != returned) continue;
          absl::StrAppend(
              &line, " map ",
              absl::StrJoin(
                  absl::MakeSpan(code.stack_map_slots).subspan(map.first_slot, map.slot_count),
                  ","));
        }
        trace.push_back(line);
        ++steps;
        break;
      }
      default:
        trace.push_back(absl::StrCat("no instruction ", *at, " at ", pc));
        return trace;
    }
  }
  // A loop of jumps ends the trace at a point that depends on how many jumps there are; the
  // traces are comparable up to the last step.
  trace.push_back(jumps >= 10000 ? "endless" : "stopped");
  return trace;
}

std::string CompareToyRuns(const ToyProgram& program, MachBuffer& buffer) {
  const ToyCode mine = AssembleWithBuffer(program, buffer);
  const ToyCode reference = AssembleNaively(program);
  std::vector<std::string> trace = RunToy(mine, 500);
  std::vector<std::string> expected = RunToy(reference, 500);
  // Jumps threaded away change where an endless run is cut.
  if (expected.back() == "endless" || trace.back() == "endless") {
    const size_t common = std::min(trace.size(), expected.size()) - 1;
    trace.resize(common);
    expected.resize(common);
  }
  if (trace == expected) return "";
  size_t i = 0;
  while (i < trace.size() && i < expected.size() && trace[i] == expected[i]) ++i;
  return absl::StrCat("step ", i, ": got ", i < trace.size() ? trace[i] : "nothing",
                      ", the two-pass reference has ",
                      i < expected.size() ? expected[i] : "nothing");
}

}  // namespace gantry::codegen::testing
