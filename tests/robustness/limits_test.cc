// What is as deep or as large as a module may be compiles, or is refused with a reason: no
// pass recurses over it, and memory is in proportion to its bytes.
#include <string>
#include <vector>

#include "api/config.h"
#include "api/engine.h"
#include "api/module.h"
#include "gtest/gtest.h"
#include "wasm_translate/testing/extreme_modules.h"
#include "wasm_translate/testing/peak_memory.h"

namespace gantry::testing {
namespace {

namespace extreme = wasm::testing;

// Bytes of memory for each byte of a module, and besides.
constexpr size_t kMemoryFactor = 600;
constexpr size_t kMemoryBesides = 10'000'000;

// "ok", or the message.
std::string Compile(const std::vector<uint8_t>& bytes) {
  Config config;
  config.CompilationThreads(1);
  const absl::StatusOr<Engine> engine = Engine::Create(config);
  if (!engine.ok()) return std::string(engine.status().message());
  const extreme::PeakMemory peak;
  const absl::StatusOr<Module> module = Module::Compile(*engine, bytes);
  EXPECT_LE(peak.bytes(), kMemoryFactor * bytes.size() + kMemoryBesides);
  if (module.ok()) return "ok";
  EXPECT_LE(module.status().message().size(), 1000u);
  return std::string(module.status().message());
}

TEST(LimitsTest, NestedBlocks) {
  for (wasm::Opcode op : {wasm::Opcode::kBlock, wasm::Opcode::kLoop, wasm::Opcode::kIf}) {
    EXPECT_EQ(Compile(extreme::NestedBlocks(op, 100'000)), "ok") << op;
  }
}

TEST(LimitsTest, Locals) {
  EXPECT_EQ(Compile(extreme::ManyLocals(50'000)), "ok");
  EXPECT_EQ(Compile(extreme::ManyLocals(50'001)).substr(0, 15), "too many locals");
}

TEST(LimitsTest, LocalsThatAreAllLive) {
  EXPECT_EQ(Compile(extreme::ManyUsedLocals(50'000)), "ok");
}

TEST(LimitsTest, BranchTable) { EXPECT_EQ(Compile(extreme::LargeBranchTable(1'000'000)), "ok"); }

TEST(LimitsTest, LongName) { EXPECT_EQ(Compile(extreme::LongName(10'000'000)), "ok"); }

TEST(LimitsTest, Types) { EXPECT_EQ(Compile(extreme::ManyTypes(1'000'000)), "ok"); }

}  // namespace
}  // namespace gantry::testing
