// Random programs through MachBuffer and through a naive two-pass assembler: the codes must
// behave alike on the toy machine.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "codegen/mach_buffer.h"
#include "codegen/mach_buffer_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto program = gantry::codegen::testing::MakeToyProgram({data, size});
  gantry::codegen::MachBuffer buffer(program.kinds, program.settings);
  const std::string difference = gantry::codegen::testing::CompareToyRuns(program, buffer);
  CHECK(difference.empty()) << difference;
  return 0;
}
