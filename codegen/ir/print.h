// The text form of IR, out. parse.h reads it back; codegen/ir/README.md describes it.
//
//   std::cout << PrintFunction(func);
//
// Values and blocks are printed by their ids, so that a dump can be followed from pass to
// pass. With `renumber` they are numbered by where they stand, which is how the parser
// numbers them: then print(parse(print(f))) is print(f).
#ifndef GANTRY_CODEGEN_IR_PRINT_H_
#define GANTRY_CODEGEN_IR_PRINT_H_

#include <string>

#include "codegen/ir/function.h"

namespace gantry::codegen {

struct PrintOptions {
  bool renumber = false;
  // Source locations, as "@hex" before the instruction.
  bool locations = true;
};

std::string PrintFunction(const Function& func, const PrintOptions& options = {});

// One instruction on one line, by ids: "v3 = iadd.i32 v1, v2".
std::string PrintInst(const Function& func, Inst inst);

// "(i64 vmctx, i32) -> i32 wasm".
std::string PrintSignature(const Signature& signature);

// A float constant's exact text: hexadecimal, "inf", "nan:0x400000", with a sign.
std::string PrintFloat(Type type, uint64_t bits);

// A name as it stands in text: "u0:7", "%text" or both.
std::string PrintName(const UserExternalName& name);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_PRINT_H_
