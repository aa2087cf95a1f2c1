#include <vector>

#include "bench/pathological/shape_builder.h"

namespace gantry::bench {

Bytes ManyBlocks(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    code.Open(Opcode::kBlock).LocalGet(i % 2).BrIf(0);
    code.LocalGet(0).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Add).LocalSet(1).End();
  }
  return OneFunction(code.LocalGet(1));
}

Bytes TinyBlocksLongLives(uint32_t size) {
  CodeBuilder code;
  code.Locals(64, ValType::I32());
  for (uint32_t i = 0; i < 64; ++i) LoadAt(code, 4 * i).LocalSet(2 + i);
  for (uint32_t i = 0; i < size; ++i) {
    LoadAt(code, 256 + 4 * (i % 1024)).Open(Opcode::kIf);
    code.LocalGet(0).LocalGet(1).Op(Opcode::kI32Add).LocalSet(0).End();
  }
  code.LocalGet(0);
  for (uint32_t i = 0; i < 64; ++i) code.LocalGet(2 + i).Op(Opcode::kI32Xor);
  return OneFunction(code);
}

Bytes TableOfTwoTargets(uint32_t size) {
  CodeBuilder code;
  std::vector<uint32_t> depths;
  for (uint32_t i = 0; i <= size; ++i) depths.push_back(Scrambled(i) & 1);
  code.Open(Opcode::kBlock).Open(Opcode::kBlock).LocalGet(0);
  BrTable(code, depths);
  code.End().I32Const(1).Op(Opcode::kReturn).End();
  return OneFunction(code.LocalGet(1));
}

Bytes TableOfDistinctTargets(uint32_t size) {
  CodeBuilder code;
  std::vector<uint32_t> depths;
  for (uint32_t i = 0; i <= size; ++i) depths.push_back(i);
  for (uint32_t i = 0; i <= size; ++i) code.Open(Opcode::kBlock);
  code.LocalGet(0);
  BrTable(code, depths);
  for (uint32_t i = 0; i <= size; ++i) {
    code.End().LocalGet(1).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Mul).LocalSet(1);
  }
  return OneFunction(code.LocalGet(1));
}

Bytes TablesInARow(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    for (int k = 0; k < 5; ++k) code.Open(Opcode::kBlock);
    LoadAt(code, 4 * (i % 1024));
    BrTable(code, {0, 4, 1, 3, 2, 2, 4, 1, 0, 3, 4});
    for (int k = 0; k < 5; ++k) {
      code.End().LocalGet(1).I32Const(k + 3).Op(Opcode::kI32Mul).LocalSet(1);
    }
  }
  return OneFunction(code.LocalGet(1));
}

Bytes ManyPredecessors(uint32_t size) {
  CodeBuilder code;
  code.Open(Opcode::kBlock, ValType::I32());
  for (uint32_t i = 0; i < size; ++i) {
    const int32_t number = static_cast<int32_t>(i);
    code.LocalGet(1).I32Const(number).Op(Opcode::kI32Mul);
    code.LocalGet(0).I32Const(number).Op(Opcode::kI32Eq).BrIf(0).LocalSet(1);
  }
  return OneFunction(code.LocalGet(1).End());
}

Bytes ManyPredecessorsManyLocals(uint32_t size) {
  constexpr uint32_t kLocals = 20;
  CodeBuilder code;
  code.Locals(kLocals, ValType::I32());
  code.Open(Opcode::kBlock);
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(0).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Eq).BrIf(0);
    code.LocalGet(1).LocalGet(2 + i % kLocals).Op(Opcode::kI32Add).LocalSet(2 + (i + 7) % kLocals);
  }
  code.End().LocalGet(0);
  for (uint32_t i = 0; i < kLocals; ++i) code.LocalGet(2 + i).Op(Opcode::kI32Xor);
  return OneFunction(code);
}

Bytes NestedBlocks(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    code.Open(Opcode::kBlock);
    code.LocalGet(0).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Eq).BrIf(i);
  }
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(1).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Xor).LocalSet(1).End();
  }
  return OneFunction(code.LocalGet(1));
}

Bytes NestedIfs(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) LoadAt(code, 4 * (i % 1024)).Open(Opcode::kIf);
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(0).I32Const(3).Op(Opcode::kI32Mul).LocalSet(0);
    code.Else().LocalGet(1).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Xor).LocalSet(1);
    code.End();
  }
  return OneFunction(code.LocalGet(0).LocalGet(1).Op(Opcode::kI32Add));
}

Bytes NestedElses(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    const int32_t number = static_cast<int32_t>(i);
    code.LocalGet(0).I32Const(2 * number).Op(Opcode::kI32Eq).Open(Opcode::kIf, ValType::I32());
    code.LocalGet(1).I32Const(number).Op(Opcode::kI32Mul).Else();
  }
  code.LocalGet(1);
  for (uint32_t i = 0; i < size; ++i) code.End();
  return OneFunction(code);
}

Bytes IfElsesInARow(uint32_t size) {
  CodeBuilder code;
  code.Locals(2, ValType::I32());
  for (uint32_t i = 0; i < size; ++i) {
    LoadAt(code, 4 * (i % 1024)).Open(Opcode::kIf);
    code.LocalGet(2).LocalGet(0).Op(Opcode::kI32Mul).LocalSet(2).Else();
    code.LocalGet(3).LocalGet(1).Op(Opcode::kI32Sub).LocalSet(3).End();
  }
  return OneFunction(code.LocalGet(2).LocalGet(3).Op(Opcode::kI32Xor));
}

Bytes SameConditions(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(0).I32Const(i % 2 == 0 ? 7 : 70).Op(Opcode::kI32LtU).Open(Opcode::kIf);
    code.LocalGet(1).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Mul).LocalSet(1).Else();
    code.LocalGet(1).I32Const(1).Op(Opcode::kI32Add).LocalSet(1).End();
  }
  return OneFunction(code.LocalGet(1));
}

Bytes BoundsChecks(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    // Bounds that go up and down, so that now the one and now the other says more.
    const int32_t bound = static_cast<int32_t>(Scrambled(i) & 0xFFFF) + 1;
    code.LocalGet(0).I32Const(bound).Op(Opcode::kI32GeU).Open(Opcode::kIf);
    code.Op(Opcode::kUnreachable).End();
    code.LocalGet(0).Memory(Opcode::kI32Load8U, i % 64);
    code.LocalGet(1).Op(Opcode::kI32Add).LocalSet(1);
  }
  return OneFunction(code.LocalGet(1));
}

// Many branches to a condition that they decide, behind which as many locals meet other values.
Bytes ThreadedArguments(uint32_t size) {
  CodeBuilder code;
  code.Locals(size, ValType::I32());
  for (uint32_t i = 0; i < size; ++i) LoadAt(code, 4 * (i % 4096)).LocalSet(2 + i);
  code.Open(Opcode::kBlock).Open(Opcode::kBlock, ValType::I32());
  for (uint32_t i = 0; i < size; ++i) {
    code.I32Const(1);
    code.LocalGet(0).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Eq).BrIf(0);
    code.Op(Opcode::kDrop);
  }
  code.LocalGet(1).End().BrIf(0);
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(2 + i).I32Const(3).Op(Opcode::kI32Mul).LocalSet(2 + i);
  }
  code.End().LocalGet(0);
  for (uint32_t i = 0; i < size; ++i) code.LocalGet(2 + i).Op(Opcode::kI32Xor);
  return OneFunction(code);
}

Bytes EarlyReturns(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    LoadAt(code, 4 * (i % 1024)).LocalGet(1).Op(Opcode::kI32Add).LocalTee(1).Open(Opcode::kIf);
    code.LocalGet(1).Op(Opcode::kReturn).End();
  }
  return OneFunction(code.LocalGet(0));
}

}  // namespace gantry::bench
