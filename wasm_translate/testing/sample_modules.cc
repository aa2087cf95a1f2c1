#include "wasm_translate/testing/sample_modules.h"

#include "wasm_translate/operators.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/types.h"

namespace gantry::wasm::testing {
namespace {

constexpr ValType kI32 = ValType::I32();
constexpr ValType kI64 = ValType::I64();

std::vector<uint8_t> Factorial() {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({kI64}, {kI64});
  const FuncIndex self(0);
  builder.Func(type, CodeBuilder()
                         .LocalGet(0)
                         .Op(Opcode::kI64Eqz)
                         .Open(Opcode::kIf, kI64)
                         .I64Const(1)
                         .Else()
                         .LocalGet(0)
                         .LocalGet(0)
                         .I64Const(1)
                         .Op(Opcode::kI64Sub)
                         .Call(self)
                         .Op(Opcode::kI64Mul)
                         .End());
  builder.ExportFunc("fac", self);
  builder.FunctionName(self, "fac");
  return builder.Build();
}

std::vector<uint8_t> SumOfMemory() {
  ModuleBuilder builder;
  const MemoryIndex memory = builder.Memory(1, 3);
  builder.ActiveData(memory, CodeBuilder().I32Const(8), "some bytes to add up");
  const TypeIndex type = builder.Type({kI32, kI32}, {kI32});
  const FuncIndex sum = builder.Func(type, CodeBuilder()
                                               .Locals(2, kI32)
                                               .Open(Opcode::kBlock)
                                               .Open(Opcode::kLoop)
                                               .LocalGet(3)
                                               .LocalGet(1)
                                               .Op(Opcode::kI32GeU)
                                               .BrIf(1)
                                               .LocalGet(2)
                                               .LocalGet(0)
                                               .LocalGet(3)
                                               .Op(Opcode::kI32Add)
                                               .Memory(Opcode::kI32Load8U, 4)
                                               .Op(Opcode::kI32Add)
                                               .LocalSet(2)
                                               .LocalGet(3)
                                               .I32Const(1)
                                               .Op(Opcode::kI32Add)
                                               .LocalSet(3)
                                               .Br(0)
                                               .End()
                                               .End()
                                               .LocalGet(2));
  builder.ExportFunc("sum", sum);
  builder.Export("memory", ExternKind::kMemory, memory.raw());
  return builder.Build();
}

std::vector<uint8_t> Everything() {
  ModuleBuilder builder;
  const TypeIndex nothing = builder.Type({}, {});
  const TypeIndex unary = builder.Type({kI32}, {kI32});
  const TypeIndex pair = builder.Type({kI32}, {kI32, kI64});
  const TypeIndex swap = builder.Type({kI32, kI64}, {kI64, kI32});
  const FuncIndex print = builder.ImportFunc("env", "print", unary);
  builder.ImportGlobal("env", "base", {kI32, false});
  builder.ImportGlobal("env", "counter", {kI64, true});
  builder.ImportTable("env", "table", {ValType::ExternRef(), {1, {}}});
  const TableIndex table = builder.Table({ValType::FuncRef(), {4, 10}});
  const MemoryIndex memory = builder.Memory(1);
  builder.Global({kI32, true}, CodeBuilder().GlobalGet(0));
  builder.Global({ValType::FuncRef(), false}, CodeBuilder().Op(Opcode::kRefFunc, {print.raw()}));
  builder.Global({ValType::F64(), true}, CodeBuilder().F64Const(0.5));

  const FuncIndex start = builder.Func(nothing, CodeBuilder().I64Const(-7).GlobalSet(1));
  builder.Start(start);
  const FuncIndex two =
      builder.Func(pair, CodeBuilder().LocalGet(0).LocalGet(0).Op(Opcode::kI64ExtendI32S));
  builder.Func(unary, CodeBuilder()
                          .Locals(1, kI64)
                          .LocalGet(0)
                          .Call(two)
                          .Open(Opcode::kBlock, swap)
                          .LocalSet(1)
                          .Call(print)
                          .Op(Opcode::kDrop)
                          .LocalGet(1)
                          .LocalTee(1)
                          .LocalGet(0)
                          .End()
                          .LocalGet(0)
                          .CallIndirect(unary, table.raw())
                          .Op(Opcode::kDrop)
                          .Op(Opcode::kI32WrapI64)
                          .I32Const(3)
                          .LocalGet(0)
                          .Op(Opcode::kSelect)
                          .Op(Opcode::kReturn)
                          .Op(Opcode::kI32Add));
  builder.Func(unary, CodeBuilder()
                          .Open(Opcode::kBlock)
                          .Open(Opcode::kBlock)
                          .Open(Opcode::kBlock)
                          .LocalGet(0)
                          .BrTable({0, 1, 2, 1})
                          .End()
                          .I32Const(10)
                          .Op(Opcode::kReturn)
                          .End()
                          .Op(Opcode::kUnreachable)
                          .End()
                          .F64Const(2.5)
                          .Op(Opcode::kI32TruncSatF64U)
                          .F32Const(1.0f)
                          .Op(Opcode::kF64PromoteF32)
                          .Op(Opcode::kI32TruncF64S)
                          .Op(Opcode::kI32Rotl)
                          .Op(Opcode::kI32Extend8S));
  const DataIndex data = builder.PassiveData("passive");
  const ElemIndex elem = builder.PassiveElements({print, start, two});
  builder.ActiveElements(table, CodeBuilder().I32Const(1), {two, print});
  builder.WithDataCount();
  builder.Func(nothing, CodeBuilder()
                            .I32Const(0)
                            .I32Const(0)
                            .I32Const(4)
                            .Op(Opcode::kMemoryInit, {data.raw(), memory.raw()})
                            .Op(Opcode::kDataDrop, {data.raw()})
                            .I32Const(0)
                            .I32Const(1)
                            .I32Const(2)
                            .Op(Opcode::kTableInit, {elem.raw(), table.raw()})
                            .Op(Opcode::kElemDrop, {elem.raw()})
                            .I32Const(16)
                            .I32Const(0)
                            .Op(Opcode::kMemorySize, {0})
                            .Op(Opcode::kMemoryCopy, {0, 0})
                            .I32Const(16)
                            .I32Const(0)
                            .I32Const(1)
                            .Op(Opcode::kMemoryGrow, {0})
                            .Op(Opcode::kMemoryFill, {0})
                            .I32Const(0)
                            .I32Const(1)
                            .Op(Opcode::kTableGet, {table.raw()})
                            .Op(Opcode::kTableSet, {table.raw()})
                            .Op(Opcode::kRefNull, {0x70})
                            .Op(Opcode::kTableSize, {table.raw()})
                            .Op(Opcode::kTableGrow, {table.raw()})
                            .Op(Opcode::kRefFunc, {two.raw()})
                            .Op(Opcode::kRefIsNull)
                            .Op(Opcode::kI32Store, {2, 1'000'000})
                            .GlobalGet(4)
                            .GlobalSet(4));
  builder.ExportFunc("start", start);
  builder.Export("table", ExternKind::kTable, table.raw());
  builder.Export("counter", ExternKind::kGlobal, 1);
  builder.FunctionName(two, "two");
  builder.FunctionName(start, "initialise");
  builder.CustomSection("producers", "by hand");
  return builder.Build();
}

}  // namespace

std::vector<SampleModule> SampleModules() {
  return {{"empty", ModuleHeaderBytes()},
          {"factorial", Factorial()},
          {"sum", SumOfMemory()},
          {"everything", Everything()}};
}

}  // namespace gantry::wasm::testing
