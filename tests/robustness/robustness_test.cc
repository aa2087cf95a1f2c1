// Modules cut at every byte, and with every byte changed: refused with an offset, or compiled
// and stopped by fuel. The same modules unchanged run, in the same program.
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "gtest/gtest.h"
#include "tests/robustness/hostile.h"
#include "wasm_translate/testing/sample_modules.h"

namespace gantry::testing {
namespace {

using Bytes = std::vector<uint8_t>;

std::vector<std::string> example_paths;

std::vector<wasm::testing::SampleModule> AllModules() {
  std::vector<wasm::testing::SampleModule> modules = wasm::testing::SampleModules();
  for (const std::string& path : example_paths) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path;
    modules.push_back({path, Bytes(std::istreambuf_iterator<char>(file), {})});
  }
  return modules;
}

// Debug builds and sanitizers slow compilation down twenty times: fewer positions then.
constexpr size_t kSlowness = GANTRY_DCHECK_IS_ON() ? 8 : 1;

// Positions to try in a module: all of a small one, a seeded sample of a large one.
std::vector<size_t> Positions(const Bytes& bytes, size_t most, uint64_t seed) {
  std::vector<size_t> positions;
  if (bytes.size() <= most) {
    for (size_t i = 0; i < bytes.size(); i += kSlowness) positions.push_back(i);
    return positions;
  }
  std::mt19937_64 random(seed);
  for (size_t i = 0; i < most / kSlowness; ++i) positions.push_back(random() % bytes.size());
  return positions;
}

TEST(RobustnessTest, UnchangedModulesRun) {
  const Engine engine = HostileEngine();
  for (const auto& module : AllModules()) {
    const HostileOutcome outcome = RunHostile(engine, module.bytes);
    EXPECT_TRUE(outcome.compiled.ok()) << module.name << ": " << outcome.compiled;
  }
}

TEST(RobustnessTest, CutModulesAreRefusedWithAnOffset) {
  const Engine engine = HostileEngine();
  for (const auto& module : AllModules()) {
    for (const size_t length : Positions(module.bytes, 600, 1)) {
      const HostileOutcome outcome =
          RunHostile(engine, absl::MakeConstSpan(module.bytes).first(length));
      if (outcome.compiled.ok()) continue;
      EXPECT_TRUE(IsProperRefusal(outcome.compiled))
          << module.name << " cut at " << length << ": " << outcome.compiled;
    }
  }
}

TEST(RobustnessTest, ChangedModulesAreRefusedOrRun) {
  const Engine engine = HostileEngine();
  std::mt19937_64 random(2);
  for (const auto& module : AllModules()) {
    const bool small = module.bytes.size() <= 600;
    for (const size_t position : Positions(module.bytes, small ? 600 : 120, 3)) {
      for (int variant = 0; variant < (small ? 3 : 1); ++variant) {
        Bytes changed = module.bytes;
        const uint8_t old = changed[position];
        changed[position] = variant == 0   ? static_cast<uint8_t>(random())
                            : variant == 1 ? old ^ (1 << (random() % 8))
                                           : old + 1;
        const HostileOutcome outcome = RunHostile(engine, changed);
        if (outcome.compiled.ok()) continue;
        EXPECT_TRUE(IsProperRefusal(outcome.compiled))
            << module.name << " byte " << position << " from " << int{old} << " to "
            << int{changed[position]} << ": " << outcome.compiled;
      }
    }
  }
}

}  // namespace
}  // namespace gantry::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) gantry::testing::example_paths.push_back(argv[i]);
  return RUN_ALL_TESTS();
}
