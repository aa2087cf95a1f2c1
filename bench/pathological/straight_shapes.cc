#include <string>
#include <vector>

#include "bench/pathological/shape_builder.h"

namespace gantry::bench {

Bytes EmptyFunctions(uint32_t size) {
  ModuleBuilder module;
  const TypeIndex type = module.Type({}, {});
  const std::vector<uint8_t> body = CodeBuilder().Body();
  for (uint32_t i = 0; i < size; ++i) module.RawFunc(type, body);
  module.ExportFunc("f", FuncIndex(size - 1));
  return module.Build();
}

Bytes DataSegment(uint32_t size) {
  ModuleBuilder module;
  module.Memory(size / 65'536 + 1);
  std::string bytes(size, '\0');
  for (uint32_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(Scrambled(i));
  module.ActiveData(wasm::MemoryIndex(0), CodeBuilder().I32Const(0), bytes);
  return module.Build();
}

Bytes DataSegments(uint32_t size) {
  ModuleBuilder module;
  module.Memory(16);
  for (uint32_t i = 0; i < size; ++i) {
    module.ActiveData(wasm::MemoryIndex(0),
                      CodeBuilder().I32Const(static_cast<int32_t>(Scrambled(i) & 0x7FFFF)),
                      std::string(100, static_cast<char>('a' + i % 26)));
  }
  return module.Build();
}

Bytes Globals(uint32_t size) {
  ModuleBuilder module;
  const TypeIndex type = module.Type({}, {});
  for (uint32_t i = 0; i < size; ++i) {
    module.Global(wasm::GlobalType{ValType::I32(), true}, CodeBuilder().I32Const(0));
  }
  for (uint32_t i = 0; i < size; ++i) {
    CodeBuilder code;
    code.GlobalGet(i).I32Const(1).Op(Opcode::kI32Add).GlobalSet(i);
    module.ExportFunc("f" + std::to_string(i), module.Func(type, code));
  }
  return module.Build();
}

Bytes ConstantsInCode(uint32_t size) {
  CodeBuilder code;
  code.Locals(1, ValType::I64());
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(2).I64Const(static_cast<int64_t>(Scrambled(i))).Op(Opcode::kI64Xor);
    // Multiplied, or the constants would be folded into one.
    code.LocalGet(2).Op(Opcode::kI64Mul).LocalSet(2);
  }
  return OneFunction(code.LocalGet(2).Op(Opcode::kI32WrapI64));
}

Bytes FloatConstantsInCode(uint32_t size) {
  CodeBuilder code;
  code.Locals(1, ValType::F64());
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(2).F64Const(1.0 / static_cast<double>(i + 3)).Op(Opcode::kF64Add).LocalSet(2);
  }
  return OneFunction(code.LocalGet(2).Op(Opcode::kI32TruncSatF64S));
}

Bytes Locals(uint32_t size) {
  CodeBuilder code;
  code.Locals(size, ValType::I32());
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(i).LocalGet(0).Op(Opcode::kI32Xor).LocalSet(i + 2);
  }
  code.LocalGet(1);
  for (uint32_t i = 0; i < size; ++i) code.LocalGet(i + 2).Op(Opcode::kI32Add);
  return OneFunction(code);
}

Bytes LiveLocals(uint32_t size) {
  CodeBuilder code;
  code.Locals(size, ValType::I32());
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(0).I32Const(static_cast<int32_t>(Scrambled(i))).Op(Opcode::kI32Mul);
    code.LocalSet(i + 2);
  }
  // Everything is read and changed each time round.
  code.Open(Opcode::kLoop);
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(i + 2).LocalGet(1).Op(Opcode::kI32Add).LocalSet(i + 2);
  }
  code.LocalGet(1).I32Const(1).Op(Opcode::kI32Sub).LocalTee(1).BrIf(0).End();
  code.LocalGet(1);
  for (uint32_t i = 0; i < size; ++i) code.LocalGet(i + 2).Op(Opcode::kI32Xor);
  return OneFunction(code);
}

Bytes ChainOfAdds(uint32_t size) {
  CodeBuilder code;
  code.LocalGet(0);
  for (uint32_t i = 0; i < size; ++i) {
    // Constants, the two arguments in turn.
    if (i % 3 == 0) code.I32Const(static_cast<int32_t>(i));
    if (i % 3 != 0) code.LocalGet(i % 3 - 1);
    code.Op(Opcode::kI32Add);
  }
  return OneFunction(code);
}

Bytes ChainOfLoads(uint32_t size) {
  CodeBuilder code;
  code.LocalGet(0);
  for (uint32_t i = 0; i < size; ++i) {
    code.I32Const(0xFF).Op(Opcode::kI32And).I32Const(2).Op(Opcode::kI32Shl);
    code.Memory(Opcode::kI32Load, i % 4096);
  }
  return OneFunction(code);
}

Bytes TreeOfAdds(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(0).I32Const(static_cast<int32_t>(i * 4)).Op(Opcode::kI32Xor);
    code.Memory(Opcode::kI32Load);
    for (uint32_t bits = i + 1; bits % 2 == 0; bits /= 2) code.Op(Opcode::kI32Add);
  }
  for (uint32_t rest = size & (size - 1); rest != 0; rest &= rest - 1) code.Op(Opcode::kI32Add);
  return OneFunction(code);
}

Bytes DeepOperandStack(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(0).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Mul);
  }
  for (uint32_t i = 1; i < size; ++i) code.Op(i % 2 == 0 ? Opcode::kI32Sub : Opcode::kI32Xor);
  return OneFunction(code);
}

Bytes MemoryAccesses(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t offset = 4 * (Scrambled(i) % 64);
    code.LocalGet(i % 2);
    if (i % 2 == 0) {
      code.LocalGet(1).Memory(Opcode::kI32Store, offset);
    } else {
      code.Memory(Opcode::kI32Load, offset).LocalSet(1);
    }
  }
  return OneFunction(code.LocalGet(1));
}

Bytes StoresAndLoads(uint32_t size) {
  CodeBuilder code;
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(0).LocalGet(1).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32Mul);
    code.Memory(Opcode::kI32Store, 4 * i);
  }
  code.LocalGet(1);
  for (uint32_t i = 0; i < size; ++i) {
    code.LocalGet(0).Memory(Opcode::kI32Load, 4 * i).Op(Opcode::kI32Xor);
  }
  return OneFunction(code);
}

Bytes SelectsOfEarlyValues(uint32_t size) {
  CodeBuilder code;
  code.Locals(32, ValType::I32());
  for (uint32_t i = 0; i < 32; ++i) LoadAt(code, 4 * i).LocalSet(2 + i);
  for (uint32_t i = 0; i < size; ++i) {
    const uint64_t random = Scrambled(i);
    code.LocalGet(2 + random % 32).LocalGet(2 + random / 32 % 32);
    code.LocalGet(0).I32Const(static_cast<int32_t>(i)).Op(Opcode::kI32LtU);
    code.Op(Opcode::kSelect).LocalSet(2 + random / 1024 % 32);
  }
  code.LocalGet(2);
  for (uint32_t i = 1; i < 32; ++i) code.LocalGet(2 + i).Op(Opcode::kI32Xor);
  return OneFunction(code);
}

Bytes Divisions(uint32_t size) {
  CodeBuilder code;
  code.LocalGet(0);
  for (uint32_t i = 0; i < size; ++i) {
    if (i % 4 == 3) {
      code.LocalGet(1).Op(i % 8 == 3 ? Opcode::kI32DivU : Opcode::kI32RemS);
    } else {
      code.I32Const(static_cast<int32_t>(i + 3));
      code.Op(i % 2 == 0 ? Opcode::kI32DivS : Opcode::kI32RemU);
    }
    code.LocalGet(0).Op(Opcode::kI32Add);
  }
  return OneFunction(code);
}

}  // namespace gantry::bench
