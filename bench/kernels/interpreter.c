// A virtual machine with a big switch, running a program that computes Collatz lengths and a
// checksum.
//
//   interpreter [LIMIT]        default 3000
#include "examples/bench.h"
#include "examples/support.h"

enum op {
  kHalt,
  kConst,
  kLoad,
  kStore,
  kAdd,
  kSub,
  kMul,
  kAnd,
  kOr,
  kXor,
  kShl,
  kShr,
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kJump,
  kJumpIf,
  kJumpUnless,
  kDup,
  kDrop,
  kSwap,
  kOver,
  kInc,
  kDec,
  kNegate,
  kNot,
  kMod3,
  kHalf,
  kRotl,
  kMax,
  kMin,
  kCall,
  kReturn,
  kGlobalAdd,
};

struct instruction {
  enum op op;
  int32_t operand;
};

struct machine {
  uint64_t stack[64], calls[16], locals[8], global, steps;
};

static uint64_t run(struct machine* m, const struct instruction* program) {
  uint64_t* sp = m->stack;
  const struct instruction* pc = program;
  int call = 0;
  for (;;) {
    const struct instruction i = *pc++;
    ++m->steps;
    switch (i.op) {
      case kHalt:
        return sp[0];
      case kConst:
        *++sp = (uint64_t)(int64_t)i.operand;
        break;
      case kLoad:
        *++sp = m->locals[i.operand & 7];
        break;
      case kStore:
        m->locals[i.operand & 7] = *sp--;
        break;
      case kAdd:
        --sp;
        sp[0] += sp[1];
        break;
      case kSub:
        --sp;
        sp[0] -= sp[1];
        break;
      case kMul:
        --sp;
        sp[0] *= sp[1];
        break;
      case kAnd:
        --sp;
        sp[0] &= sp[1];
        break;
      case kOr:
        --sp;
        sp[0] |= sp[1];
        break;
      case kXor:
        --sp;
        sp[0] ^= sp[1];
        break;
      case kShl:
        --sp;
        sp[0] <<= sp[1] & 63;
        break;
      case kShr:
        --sp;
        sp[0] >>= sp[1] & 63;
        break;
      case kEq:
        --sp;
        sp[0] = sp[0] == sp[1];
        break;
      case kNe:
        --sp;
        sp[0] = sp[0] != sp[1];
        break;
      case kLt:
        --sp;
        sp[0] = sp[0] < sp[1];
        break;
      case kLe:
        --sp;
        sp[0] = sp[0] <= sp[1];
        break;
      case kGt:
        --sp;
        sp[0] = sp[0] > sp[1];
        break;
      case kGe:
        --sp;
        sp[0] = sp[0] >= sp[1];
        break;
      case kJump:
        pc = program + i.operand;
        break;
      case kJumpIf:
        if (*sp-- != 0) pc = program + i.operand;
        break;
      case kJumpUnless:
        if (*sp-- == 0) pc = program + i.operand;
        break;
      case kDup:
        sp[1] = sp[0];
        ++sp;
        break;
      case kDrop:
        --sp;
        break;
      case kSwap: {
        const uint64_t t = sp[0];
        sp[0] = sp[-1];
        sp[-1] = t;
        break;
      }
      case kOver:
        sp[1] = sp[-1];
        ++sp;
        break;
      case kInc:
        ++sp[0];
        break;
      case kDec:
        --sp[0];
        break;
      case kNegate:
        sp[0] = 0 - sp[0];
        break;
      case kNot:
        sp[0] = ~sp[0];
        break;
      case kMod3:
        sp[0] %= 3;
        break;
      case kHalf:
        sp[0] /= 2;
        break;
      case kRotl:
        sp[0] = sp[0] << (i.operand & 63) | sp[0] >> (-i.operand & 63);
        break;
      case kMax:
        --sp;
        if (sp[1] > sp[0]) sp[0] = sp[1];
        break;
      case kMin:
        --sp;
        if (sp[1] < sp[0]) sp[0] = sp[1];
        break;
      case kCall:
        m->calls[call++ & 15] = (uint64_t)(pc - program);
        pc = program + i.operand;
        break;
      case kReturn:
        pc = program + m->calls[--call & 15];
        break;
      case kGlobalAdd:
        m->global += *sp--;
        break;
    }
  }
}

// Local 0 counts down from the limit; local 1 is the longest chain; the routine at 13 takes a
// number and leaves the length of its chain.
static const struct instruction program[] = {
    {kConst, 0},
    {kStore, 1},  // longest = 0
    {kLoad, 0},
    {kCall, 13},
    {kDup, 0},
    {kGlobalAdd, 0},
    {kLoad, 1},
    {kMax, 0},
    {kStore, 1},
    {kLoad, 0},
    {kCall, 33},
    {kJumpIf, 2},
    {kJump, 37},
    /* 13: */ {kStore, 2},
    {kConst, 0},
    {kStore, 3},
    /* 16: */ {kLoad, 2},
    {kConst, 1},
    {kLe, 0},
    {kJumpIf, 31},
    {kLoad, 2},
    {kConst, 1},
    {kAnd, 0},
    {kJumpIf, 39},
    /* 24: */ {kLoad, 2},
    {kHalf, 0},
    {kStore, 2},
    /* 27: */ {kLoad, 3},
    {kInc, 0},
    {kStore, 3},
    {kJump, 16},
    /* 31: */ {kLoad, 3},
    {kReturn, 0},
    /* 33: */ {kDec, 0},
    {kDup, 0},
    {kStore, 0},
    {kReturn, 0},
    /* 37: */ {kLoad, 1},
    {kJump, 47},
    /* 39: */ {kLoad, 2},
    {kConst, 3},
    {kMul, 0},
    {kInc, 0},
    {kDup, 0},
    {kStore, 2},
    {kDrop, 0},
    {kJump, 27},
    /* 47: */ {kSwap, 0},
    {kDrop, 0},
    {kHalt, 0},
};

int main(int argc, char** argv) {
  struct machine m;
  memset(&m, 0, sizeof m);
  m.locals[0] = argc > 1 ? parse_size(argv[1], 1000000000) : 3000;
  bench_start();
  const uint64_t longest = run(&m, program);
  bench_end();
  printf("longest %llu, all %llu, %llu steps\n", (unsigned long long)longest,
         (unsigned long long)m.global, (unsigned long long)m.steps);
  return 0;
}
