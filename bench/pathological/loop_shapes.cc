#include <string>
#include <vector>

#include "bench/pathological/shape_builder.h"

namespace gantry::bench {
namespace {

// local = local - 1; branches to `depth` while that is not 0.
void CountDown(CodeBuilder& code, uint32_t local, uint32_t depth) {
  code.LocalGet(local).I32Const(1).Op(Opcode::kI32Sub).LocalTee(local).BrIf(depth);
}

// local = local op number.
void Change(CodeBuilder& code, uint32_t local, Opcode op, int32_t number) {
  code.LocalGet(local).I32Const(number).Op(op).LocalSet(local);
}

}  // namespace

Bytes NestedLoops(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) code.Open(Opcode::kLoop);
  for (uint32_t i = 0; i < size; ++i) {
    Change(code, 1, Opcode::kI32Xor, static_cast<int32_t>(i));
    LoadAt(code, 4 * (i % 1024)).BrIf(0).End();
  }
  return OneFunction(code.LocalGet(1));
}

Bytes NestedLoopsWithVariables(uint32_t size) {
  CodeBuilder code;
  code.Locals(size, ValType::I32());
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(0).LocalSet(2 + i).Open(Opcode::kLoop);
  }
  code.LocalGet(1).LocalGet(0).Op(Opcode::kI32Mul).LocalSet(1);
  for (uint32_t i = size; i-- > 0;) {
    CountDown(code, 2 + i, 0);
    code.End();
  }
  return OneFunction(code.LocalGet(1));
}

Bytes NestedLatches(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    code.Open(Opcode::kLoop);
    LoadAt(code, 4 * (i % 1024)).LocalGet(0).Op(Opcode::kI32Eq).BrIf(i);
  }
  for (uint32_t i = 0; i < size; ++i) {
    Change(code, 1, Opcode::kI32Xor, static_cast<int32_t>(i));
    LoadAt(code, 4096 + 4 * (i % 1024)).BrIf(0).End();
  }
  return OneFunction(code.LocalGet(1));
}

Bytes HeadTestedLoop(uint32_t size) {
  CodeBuilder code;
  code.Locals(size, ValType::I32());
  code.Open(Opcode::kBlock).LocalGet(1).Op(Opcode::kI32Eqz).BrIf(0);
  code.Open(Opcode::kLoop).LocalGet(0).Op(Opcode::kI32Eqz).BrIf(1);
  for (uint32_t i = 0; i < size; ++i) LoadAt(code, 4 * (i % 4096)).LocalSet(2 + i);
  Change(code, 0, Opcode::kI32Sub, 1);
  code.Br(0).End().End().LocalGet(1);
  for (uint32_t i = 0; i < size; ++i) code.LocalGet(2 + i).Op(Opcode::kI32Xor);
  return OneFunction(code);
}

Bytes TableIntoLoop(uint32_t size) {
  CodeBuilder code;
  std::vector<uint32_t> depths;
  for (uint32_t i = 0; i <= size; ++i) depths.push_back(Scrambled(i) % 3);
  for (int i = 0; i < 3; ++i) code.Open(Opcode::kBlock);
  code.LocalGet(0);
  BrTable(code, depths);
  code.End().LocalGet(1).Op(Opcode::kReturn).End().I32Const(1).Op(Opcode::kReturn).End();
  // Something to be hoisted, so that a block in front of the loop is wanted.
  code.Open(Opcode::kLoop);
  code.LocalGet(1).LocalGet(0).I32Const(1000).Op(Opcode::kI32DivU).Op(Opcode::kI32Add).LocalSet(1);
  LoadAt(code, 4).LocalGet(1).Op(Opcode::kI32LtU).BrIf(0);
  return OneFunction(code.End().LocalGet(1));
}

Bytes LoopsInARow(uint32_t size) {
  CodeBuilder code;
  code.Locals(1, ValType::I32());
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(0).LocalSet(2).Open(Opcode::kLoop);
    Change(code, 1, Opcode::kI32Mul, static_cast<int32_t>(i) + 3);
    CountDown(code, 2, 0);
    code.End();
  }
  return OneFunction(code.LocalGet(1));
}

Bytes LoopsThatShareVariables(uint32_t size) {
  constexpr uint32_t kVariables = 24;
  CodeBuilder code;
  code.Locals(kVariables, ValType::I32());
  for (uint32_t i = 0; i < kVariables; ++i) LoadAt(code, 4 * i).LocalSet(2 + i);
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t variable = 2 + i % kVariables;
    code.Open(Opcode::kLoop);
    code.LocalGet(variable).LocalGet(2 + (i + 5) % kVariables).Op(Opcode::kI32Add);
    code.LocalSet(variable);
    code.LocalGet(variable).LocalGet(0).Op(Opcode::kI32LtU).BrIf(0).End();
  }
  code.LocalGet(1);
  for (uint32_t i = 0; i < kVariables; ++i) code.LocalGet(2 + i).Op(Opcode::kI32Xor);
  return OneFunction(code);
}

Bytes LoopOfManyBlocks(uint32_t size) {
  CodeBuilder code;
  code.Open(Opcode::kLoop);
  for (uint32_t i = 0; i < size; ++i) {
    LoadAt(code, 4 * (i % 1024)).Open(Opcode::kIf);
    Change(code, 1, Opcode::kI32Mul, static_cast<int32_t>(i) + 3);
    code.End();
  }
  CountDown(code, 0, 0);
  return OneFunction(code.End().LocalGet(1));
}

Bytes SwitchInALoop(uint32_t size) {
  CodeBuilder code;
  code.Locals(4, ValType::I32());
  std::vector<uint32_t> depths;
  for (uint32_t i = 0; i <= size; ++i) depths.push_back(i);
  code.Open(Opcode::kLoop);
  for (uint32_t i = 0; i <= size; ++i) code.Open(Opcode::kBlock);
  code.LocalGet(0).I32Const(1).Op(Opcode::kI32Add).LocalTee(0).Memory(Opcode::kI32Load8U);
  BrTable(code, depths);
  for (uint32_t i = 0; i < size; ++i) {
    // Registers of an interpreter, of which each case changes one.
    code.End();
    code.LocalGet(2 + i % 4).LocalGet(2 + (i + 1) % 4).Op(Opcode::kI32Add);
    code.I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Xor).LocalSet(2 + i % 4);
    code.Br(size - i);
  }
  code.End().End();
  code.LocalGet(2).LocalGet(3).Op(Opcode::kI32Add).LocalGet(4).Op(Opcode::kI32Xor);
  return OneFunction(code.LocalGet(5).Op(Opcode::kI32Add));
}

// Each loop's head asks for what half of its entries know: threading makes them enter behind it.
Bytes ThreadedLoops(uint32_t size) {
  CodeBuilder code;
  code.Locals(1, ValType::I32());
  for (uint32_t i = 0; i < size; ++i) {
    LoadAt(code, 4 * (i % 1024)).Open(Opcode::kIf);
    code.I32Const(1).LocalSet(2).Else();
    LoadAt(code, 4096 + 4 * (i % 1024)).LocalSet(2).End();
    code.Open(Opcode::kLoop).LocalGet(2).Open(Opcode::kIf);
    Change(code, 1, Opcode::kI32Mul, static_cast<int32_t>(i) + 3);
    code.I32Const(0).LocalSet(2).Else();
    Change(code, 1, Opcode::kI32Xor, static_cast<int32_t>(i));
    code.I32Const(1).LocalSet(2).End();
    CountDown(code, 0, 0);
    code.End();
  }
  return OneFunction(code.LocalGet(1));
}

// loop { switch (state) { case i: ...; state = constant; } }: every edge back knows where it goes.
Bytes ThreadedStates(uint32_t size) {
  CodeBuilder code;
  code.Locals(1, ValType::I32());
  std::vector<uint32_t> depths;
  for (uint32_t i = 0; i <= size; ++i) depths.push_back(i);
  code.Open(Opcode::kLoop);
  for (uint32_t i = 0; i <= size; ++i) code.Open(Opcode::kBlock);
  code.LocalGet(2);
  BrTable(code, depths);
  for (uint32_t i = 0; i < size; ++i) {
    code.End();
    Change(code, 1, Opcode::kI32Mul, static_cast<int32_t>(i) + 3);
    const int32_t one = static_cast<int32_t>(Scrambled(i) % (size + 1));
    const int32_t other = static_cast<int32_t>(Scrambled(i + size) % (size + 1));
    code.LocalGet(1).I32Const(100).Op(Opcode::kI32LtU).Open(Opcode::kIf);
    code.I32Const(one).LocalSet(2).Else().I32Const(other).LocalSet(2).End();
    code.Br(size - i);
  }
  return OneFunction(code.End().End().LocalGet(1));
}

Bytes InvariantLoads(uint32_t size) {
  ModuleBuilder module;
  module.Memory(1, 1);
  constexpr uint32_t kGlobals = 1000;
  for (uint32_t i = 0; i < kGlobals; ++i) {
    module.Global(wasm::GlobalType{ValType::I32(), true}, CodeBuilder().I32Const(1));
  }
  CodeBuilder code;
  code.Open(Opcode::kLoop);
  for (uint32_t i = 0; i < size; ++i) {
    if (i % 2 == 0) {
      code.GlobalGet(i % kGlobals);
    } else {
      LoadAt(code, 4 * (i % 8192));
    }
    code.LocalGet(1).Op(Opcode::kI32Add).LocalSet(1);
  }
  CountDown(code, 0, 0);
  module.ExportFunc("f", module.Func(FunctionOfTwo(), code.End().LocalGet(1)));
  return module.Build();
}

Bytes InlinedCalls(uint32_t size) {
  ModuleBuilder module;
  module.Memory(1, 1);
  const FuncIndex sum =
      module.Func(FunctionOfTwo(), CodeBuilder().LocalGet(0).LocalGet(1).Op(Opcode::kI32Add));
  CodeBuilder choose;
  choose.LocalGet(0).Open(Opcode::kIf).LocalGet(1).Op(Opcode::kReturn).End();
  choose.LocalGet(1).I32Const(3).Op(Opcode::kI32Mul);
  const FuncIndex choice = module.Func(FunctionOfTwo(), choose);
  CodeBuilder code;
  code.LocalGet(0);
  for (uint32_t i = 0; i < size; ++i) code.LocalGet(1).Call(i % 2 == 0 ? sum : choice);
  module.ExportFunc("f", module.Func(FunctionOfTwo(), code));
  return module.Build();
}

Bytes InlinedChain(uint32_t size) {
  ModuleBuilder module;
  module.Memory(1, 1);
  FuncIndex last =
      module.Func(FunctionOfTwo(), CodeBuilder().LocalGet(0).LocalGet(1).Op(Opcode::kI32Add));
  for (uint32_t i = 0; i < size; ++i) {
    CodeBuilder code;
    code.LocalGet(0).LocalGet(1).Call(last).LocalGet(0).LocalGet(1).Call(last);
    last = module.Func(FunctionOfTwo(), code.Op(Opcode::kI32Xor));
  }
  module.ExportFunc("f", last);
  return module.Build();
}

Bytes CallsWithLiveValues(uint32_t size) {
  constexpr uint32_t kValues = 24;
  ModuleBuilder module;
  const FuncIndex callee = module.ImportFunc("host", "f", module.Type(FunctionOfTwo()));
  module.Memory(1, 1);
  CodeBuilder code;
  code.Locals(kValues, ValType::I32());
  for (uint32_t i = 0; i < kValues; ++i) LoadAt(code, 4 * i).LocalSet(2 + i);
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(2 + i % kValues).LocalGet(2 + (i + 9) % kValues).Call(callee);
    code.LocalSet(2 + (i + 3) % kValues);
  }
  code.LocalGet(0);
  for (uint32_t i = 0; i < kValues; ++i) code.LocalGet(2 + i).Op(Opcode::kI32Xor);
  module.ExportFunc("f", module.Func(FunctionOfTwo(), code));
  return module.Build();
}

Bytes IndirectCalls(uint32_t size) {
  ModuleBuilder module;
  const TypeIndex type = module.Type(FunctionOfTwo());
  module.Memory(1, 1);
  const wasm::TableIndex table = module.Table(wasm::TableType{ValType::FuncRef(), {16, 16}});
  CodeBuilder code;
  code.LocalGet(0);
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(1).LocalGet(0).I32Const(static_cast<int32_t>(i % 16)).Op(Opcode::kI32Xor);
    code.CallIndirect(type);
  }
  const FuncIndex f = module.Func(type, code);
  module.ExportFunc("f", f);
  const std::vector<FuncIndex> elements(16, f);
  module.ActiveElements(table, CodeBuilder().I32Const(0), elements);
  return module.Build();
}

Bytes ReferencesOverCalls(uint32_t size) {
  constexpr uint32_t kReferences = 16;
  ModuleBuilder module;
  const TypeIndex type = module.Type({ValType::ExternRef()}, {ValType::ExternRef()});
  const FuncIndex callee = module.ImportFunc("host", "f", type);
  CodeBuilder code;
  code.Locals(kReferences, ValType::ExternRef());
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(1 + i % kReferences).Call(callee).LocalSet(1 + (i + 3) % kReferences);
  }
  code.LocalGet(0);
  for (uint32_t i = 0; i < kReferences; ++i) code.Call(callee).Op(Opcode::kDrop).LocalGet(1 + i);
  module.ExportFunc("f", module.Func(type, code));
  return module.Build();
}

}  // namespace gantry::bench
