// Comparison: generated modules run five ways, by the interpreter of IR, compiled without
// optimization, with it, by the baseline compiler, and by both compilers in one module. Every
// export is called; results, traps, memories, globals and tables have to be equal after each call.
//
// Compiled code counts fuel by lines of operators, the interpreter operator by operator, at costs
// that differ with the kind of module: what was consumed has to be equal, at returns, at traps, and
// each time that the host is asked for growth. Running out of fuel or of stack is one outcome,
// after which a module is left, since where it happens depends on the compiler (and the interpreter
// counts otherwise).
//
// Tested by differential_test, which runs it.
//
//   Comparison comparison;
//   if (const auto error = comparison.Run(random_bytes, mode, seed)) std::puts(error->c_str());
#ifndef GANTRY_TESTS_DIFFERENTIAL_COMPARISON_H_
#define GANTRY_TESTS_DIFFERENTIAL_COMPARISON_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "api/engine.h"
#include "codegen/ir/opcodes.h"
#include "codegen/relaxed_choices.h"
#include "wasm_translate/features.h"
#include "wasm_translate/module.h"

namespace gantry::testing {

class InterpretedGuest;
class CompiledGuest;

// What operators cost that differ from the default, by kind of module.
struct ComparisonCosts {
  std::vector<std::pair<const char*, uint32_t>> operators;
  uint32_t bulk_bytes = 64;
};

struct ComparisonCounts {
  uint64_t modules = 0;
  uint64_t calls = 0;
  uint64_t returned = 0;
  uint64_t trapped = 0;
  // Within kEarly units of fuel.
  uint64_t trapped_early = 0;
  uint64_t exhausted = 0;
  uint64_t growths = 0;
  // Executed by the interpreter, by opcode of the IR.
  std::vector<uint64_t> opcodes = std::vector<uint64_t>(codegen::kNumOpcodes);
};

class Comparison {
 public:
  // How modules are made and compiled: WebAssembly 2.0 without vectors, where NaNs are canonical by
  // the generator's doing; all that is compiled with NaNs canonical by the compiler's, with relaxed
  // operations of the deterministic profile, or those of the host.
  static constexpr size_t kModes = 3;
  // A trap within so many units of fuel of the call's beginning shows little.
  static constexpr uint64_t kEarly = 10;

  Comparison();

  // Makes a module from the bytes, whatever they are, and compares. `seed` is of the arguments.
  // What disagreed; nothing where all agreed.
  std::optional<std::string> Run(absl::Span<const uint8_t> random, size_t mode, uint64_t seed);

  const ComparisonCounts& counts() const { return counts_; }
  // The module of the last Run.
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  struct Mode {
    wasm::Features features;
    bool canonicalize_nans = false;  // by the compiler
    bool deterministic = false;
    ComparisonCosts costs;
  };
  struct NamedGuest {
    absl::string_view name;
    CompiledGuest& guest;
  };

  static std::vector<Mode> Modes();
  static Engine MakeEngine(Strategy strategy, OptLevel level, const Mode& mode);
  std::optional<std::string> Compare(const wasm::Module& module, uint64_t seed,
                                     InterpretedGuest& interpreted,
                                     const std::vector<NamedGuest>& compiled);

  const std::vector<Mode> modes_;
  const codegen::RelaxedChoices host_choices_;
  // By mode.
  std::vector<Engine> none_;
  std::vector<Engine> speed_;
  std::vector<Engine> baseline_;
  std::vector<Engine> mixed_;
  std::vector<uint8_t> bytes_;
  ComparisonCounts counts_;
  // Of what was compared last.
  std::string outcome_;
  bool ended_ = false;
};

}  // namespace gantry::testing

#endif  // GANTRY_TESTS_DIFFERENTIAL_COMPARISON_H_
