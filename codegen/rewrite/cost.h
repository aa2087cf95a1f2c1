// What an instruction costs in rules: a latency class, and within it a rank, lower for the form
// that is preferred. A rule's right side may not cost more than what goes with its left side, and
// each use of a rule lowers the weight of the term it is used on.
#ifndef GANTRY_CODEGEN_REWRITE_COST_H_
#define GANTRY_CODEGEN_REWRITE_COST_H_

#include <cstdint>

#include "codegen/ir/opcodes.h"

namespace gantry::codegen::rewrite {

// Latency in cycles, roughly, of what the opcode becomes on a current machine.
constexpr uint32_t Latency(Opcode opcode) {
  switch (opcode) {
    case Opcode::kIconst:
    case Opcode::kF32const:
    case Opcode::kF64const:
    // Its user reads fewer bits of the same register.
    case Opcode::kIreduce:
      return 0;
    case Opcode::kImul:
    case Opcode::kPopcnt:
    case Opcode::kClz:
    case Opcode::kCtz:
      return 3;
    case Opcode::kUmulhi:
    case Opcode::kSmulhi:
    case Opcode::kUmulWide:
    case Opcode::kSmulWide:
      return 4;
    case Opcode::kUdiv:
    case Opcode::kSdiv:
      return 20;
    // A remainder by a constant takes a multiplication and a subtraction more.
    case Opcode::kUrem:
    case Opcode::kSrem:
      return 26;
    case Opcode::kFadd:
    case Opcode::kFsub:
      return 4;
    case Opcode::kFmul:
      return 4;
    case Opcode::kFdiv:
      return 13;
    case Opcode::kSqrt:
      return 15;
    case Opcode::kFcmp:
      return 3;
    case Opcode::kFmin:
    case Opcode::kFmax:
      return 8;
    case Opcode::kCeil:
    case Opcode::kFloor:
    case Opcode::kTrunc:
    case Opcode::kNearest:
      return 8;
    case Opcode::kFpromote:
    case Opcode::kFdemote:
      return 4;
    case Opcode::kFcvtFromSint:
      return 5;
    case Opcode::kFcvtFromUint:
    case Opcode::kFcvtToSint:
    case Opcode::kFcvtToSintSat:
      return 7;
    case Opcode::kFcvtToUint:
    case Opcode::kFcvtToUintSat:
      return 10;
    case Opcode::kUaddCarry:
    case Opcode::kUsubBorrow:
    case Opcode::kUaddOverflow:
    case Opcode::kUsubOverflow:
    case Opcode::kSaddOverflow:
    case Opcode::kSsubOverflow:
    case Opcode::kFcopysign:
      return 2;
    default:
      return 1;
  }
}

// Within a class of latency: which of two forms of the same is the canonical one.
constexpr uint32_t Rank(Opcode opcode) {
  switch (opcode) {
    case Opcode::kIconst:
    case Opcode::kF32const:
    case Opcode::kF64const:
      return 0;
    // What other rules look through most easily.
    case Opcode::kUextend:
    case Opcode::kIreduce:
    case Opcode::kBand:
      return 1;
    case Opcode::kIshl:
    case Opcode::kIcmp:
    case Opcode::kFneg:
    case Opcode::kFabs:
      return 2;
    case Opcode::kIadd:
    case Opcode::kBnot:
    case Opcode::kFadd:
    case Opcode::kStore:
      return 3;
    case Opcode::kBor:
    case Opcode::kUshr:
      return 4;
    case Opcode::kBxor:
    case Opcode::kIneg:
    case Opcode::kBandNot:
    case Opcode::kTrapz:
    case Opcode::kTrapnz:
      return 5;
    case Opcode::kSshr:
    case Opcode::kSextend:
    case Opcode::kRotl:
    case Opcode::kUaddCarry:
    case Opcode::kUsubBorrow:
    case Opcode::kSdiv:
    case Opcode::kSrem:
      return 8;
    case Opcode::kRotr:
      return 9;
    case Opcode::kSelect:
    case Opcode::kFmul:
    case Opcode::kFsub:
      return 10;
    default:
      return 6;
  }
}

// What termination is counted in.
constexpr uint32_t Weight(Opcode opcode) { return Latency(opcode) * 64 + Rank(opcode); }

}  // namespace gantry::codegen::rewrite

#endif  // GANTRY_CODEGEN_REWRITE_COST_H_
