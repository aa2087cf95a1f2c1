#include "wasm_translate/testing/extreme_modules.h"

#include <string>

namespace gantry::wasm::testing {
namespace {

enum SectionNumber : uint8_t { kTypes = 1, kFunctions = 3, kExports = 7, kCode = 10 };
constexpr uint8_t kFuncType = 0x60;

void Code(ByteWriter& body, Opcode op) { body.U8(static_cast<uint8_t>(op)); }

ByteWriter ExportOfFunction(std::string_view name) {
  ByteWriter exports;
  exports.VarU32(1).Name({name.data(), name.size()}).U8(0).VarU32(0);
  return exports;
}

}  // namespace

SectionWriter::SectionWriter() { module_.Bytes(ModuleHeaderBytes()); }

SectionWriter& SectionWriter::Add(uint8_t id, const ByteWriter& contents) {
  module_.U8(id).VarU32(static_cast<uint32_t>(contents.size())).Bytes(contents.bytes());
  return *this;
}

std::vector<uint8_t> OneFunction(const ByteWriter& body) {
  ByteWriter types;
  types.VarU32(1).U8(kFuncType).VarU32(0).VarU32(0);
  ByteWriter functions;
  functions.VarU32(1).VarU32(0);
  ByteWriter code;
  code.VarU32(1).VarU32(static_cast<uint32_t>(body.size())).Bytes(body.bytes());
  return SectionWriter()
      .Add(kTypes, types)
      .Add(kFunctions, functions)
      .Add(kExports, ExportOfFunction("f"))
      .Add(kCode, code)
      .bytes();
}

std::vector<uint8_t> NestedBlocks(Opcode op, int depth) {
  ByteWriter body;
  body.VarU32(0);
  for (int i = 0; i < depth; ++i) {
    if (op == Opcode::kIf) {
      Code(body, Opcode::kI32Const);
      body.VarS64(1);
    }
    Code(body, op);
    body.U8(0x40);
    if (op == Opcode::kTryTable) body.VarU32(0);
  }
  for (int i = 0; i < depth; ++i) {
    if (op == Opcode::kIf) Code(body, Opcode::kElse);
    Code(body, Opcode::kEnd);
  }
  Code(body, Opcode::kEnd);
  return OneFunction(body);
}

std::vector<uint8_t> ManyLocals(uint32_t count) {
  ByteWriter body;
  body.VarU32(1).VarU32(count).Type(ValType::I64());
  Code(body, Opcode::kEnd);
  return OneFunction(body);
}

std::vector<uint8_t> ManyUsedLocals(uint32_t count) {
  ByteWriter body;
  body.VarU32(1).VarU32(count).Type(ValType::I64());
  for (uint32_t i = 0; i < count; ++i) {
    Code(body, Opcode::kI64Const);
    body.VarS64(i);
    Code(body, Opcode::kLocalSet);
    body.VarU32(i);
  }
  // A loop, so that all of them are live at once.
  Code(body, Opcode::kLoop);
  body.U8(0x40);
  Code(body, Opcode::kI64Const);
  body.VarS64(0);
  for (uint32_t i = 0; i < count; ++i) {
    Code(body, Opcode::kLocalGet);
    body.VarU32(i);
    Code(body, Opcode::kI64Add);
  }
  Code(body, Opcode::kI64Eqz);
  Code(body, Opcode::kBrIf);
  body.VarU32(0);
  Code(body, Opcode::kEnd);
  Code(body, Opcode::kEnd);
  return OneFunction(body);
}

std::vector<uint8_t> LargeBranchTable(uint32_t targets) {
  ByteWriter body;
  body.VarU32(0);
  Code(body, Opcode::kBlock);
  body.U8(0x40);
  Code(body, Opcode::kI32Const);
  body.VarS64(7);
  Code(body, Opcode::kBrTable);
  body.VarU32(targets);
  for (uint32_t i = 0; i <= targets; ++i) body.VarU32(i % 2);
  Code(body, Opcode::kEnd);
  Code(body, Opcode::kEnd);
  return OneFunction(body);
}

std::vector<uint8_t> LongName(size_t size) {
  ByteWriter types;
  types.VarU32(1).U8(kFuncType).VarU32(0).VarU32(0);
  ByteWriter functions;
  functions.VarU32(1).VarU32(0);
  ByteWriter code;
  code.VarU32(1).VarU32(2).VarU32(0);
  Code(code, Opcode::kEnd);
  return SectionWriter()
      .Add(kTypes, types)
      .Add(kFunctions, functions)
      .Add(kExports, ExportOfFunction(std::string(size, 'n')))
      .Add(kCode, code)
      .bytes();
}

std::vector<uint8_t> ManyTypes(uint32_t count) {
  ByteWriter types;
  types.VarU32(count);
  for (uint32_t i = 0; i < count; ++i) {
    // Ten parameters, each of four types, spell the number.
    types.U8(kFuncType).VarU32(10);
    for (int digit = 0; digit < 10; ++digit) {
      types.U8(static_cast<uint8_t>(0x7C + (i >> (2 * digit) & 3)));
    }
    types.VarU32(0);
  }
  return SectionWriter().Add(kTypes, types).bytes();
}

}  // namespace gantry::wasm::testing
