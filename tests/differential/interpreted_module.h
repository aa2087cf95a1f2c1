// InterpretedModule: a whole module run by the interpreter of IR, on memories, tables and
// globals of its own. What compiled modules are compared with: of the product it shares
// parser, translator and IR, but neither runtime nor layout of contexts nor built-ins.
//
//   ASSIGN_OR_RETURN(auto guest, InterpretedModule::Create(module, features, choices));
//   ASSIGN_OR_RETURN(Outcome started, guest->Instantiate());
//   ASSIGN_OR_RETURN(Outcome outcome, guest->Call(FuncIndex(0), {1, 2}));
//
// It counts fuel by the definition alone: each operator that is executed is charged for by itself,
// and each bulk operator for what it moves; there are no lines, nothing is given back.
//
// Modules import nothing, their memories have a maximum, and they use what translation knows
// (no exceptions, no objects). A Status is a fault of the product, as is IR that does not verify.
#ifndef GANTRY_TESTS_DIFFERENTIAL_INTERPRETED_MODULE_H_
#define GANTRY_TESTS_DIFFERENTIAL_INTERPRETED_MODULE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/function.h"
#include "wasm_translate/features.h"
#include "wasm_translate/module.h"
#include "wasm_translate/operator_costs.h"
#include "wasm_translate/translator_environment.h"

namespace gantry::testing {

class InterpretedModule {
 public:
  struct FuelCosts {
    wasm::OperatorCosts operators;
    uint64_t bulk_bytes = 64;  // that cost one unit; 0: they cost nothing
  };
  // The module has to outlive the result.
  static absl::StatusOr<std::unique_ptr<InterpretedModule>> Create(
      const wasm::Module& module, wasm::Features features, const wasm::TranslationChoices& choices,
      const FuelCosts& costs);
  ~InterpretedModule();

  // Fills tables and memories and runs the start function. Trap codes are the numbers of
  // environ::TrapCode, here and below.
  absl::StatusOr<codegen::Outcome> Instantiate();
  // A value per parameter; references are null.
  absl::StatusOr<codegen::Outcome> Call(wasm::FuncIndex func,
                                        absl::Span<const codegen::RawValue> arguments);

  // IR instructions that one call may execute.
  void set_fuel(uint64_t fuel) { interpreter_.set_fuel(fuel); }

  // Units that the last call (or the start function) consumed, and that had been when the call
  // asked for growth of a memory or table, each time that it did.
  uint64_t used_fuel() const { return static_cast<uint64_t>(kEndless - interpreter_.guest_fuel()); }
  const std::vector<uint64_t>& fuel_at_growths() const { return fuel_at_growths_; }

  // How often each opcode of the IR was executed.
  absl::Span<const uint64_t> opcode_counts() const { return interpreter_.opcode_counts(); }

  absl::Span<const uint8_t> memory(wasm::MemoryIndex memory) const;
  // The bits; of a reference whether it is null is what counts.
  codegen::RawValue global(wasm::GlobalIndex global) const;
  absl::Span<const uint64_t> table(wasm::TableIndex table) const {
    return tables_[table.index()].elements;
  }

 private:
  class Environment;
  enum class Host : uint32_t;
  struct Table {
    std::vector<uint64_t> elements;  // 0 is null
    uint64_t max = 0;
  };
  using Arguments = absl::Span<const codegen::RawValue>;

  InterpretedModule(const wasm::Module& module, const wasm::TranslationChoices& choices,
                    const FuelCosts& costs)
      : module_(module), choices_(choices), costs_(costs) {}

  static constexpr int64_t kEndless = int64_t{1} << 62;
  static constexpr uint64_t kElementBytes = 8;

  absl::Status Translate(wasm::Features features);
  absl::Status FindAddresses();
  void AddHostFunctions();
  codegen::RawValue Evaluate(const wasm::ConstExpr& expression) const;
  uint64_t& memory_length(size_t memory) { return context_[2 * memory + 1]; }
  uint64_t& global_slot(size_t global) { return context_[2 * (memories_.size() + global)]; }

  void ChargeBytes(uint64_t bytes);
  void ChargeElements(uint64_t elements);

  // Host functions.
  codegen::Outcome MemoryGrow(Arguments args);
  codegen::Outcome MemoryFill(Arguments args);
  codegen::Outcome MemoryCopy(Arguments args);
  codegen::Outcome MemoryInit(Arguments args);
  codegen::Outcome AtomicWait(Arguments args);
  codegen::Outcome AtomicNotify(Arguments args);
  codegen::Outcome TableGet(Arguments args);
  codegen::Outcome TableSet(Arguments args);
  codegen::Outcome TableGrow(Arguments args);
  codegen::Outcome TableFill(Arguments args);
  codegen::Outcome TableCopy(Arguments args);
  codegen::Outcome TableInit(Arguments args);
  codegen::Outcome Callee(Arguments args);

  const wasm::Module& module_;
  const wasm::TranslationChoices choices_;
  const FuelCosts costs_;
  std::vector<uint64_t> fuel_at_growths_;
  codegen::Interpreter interpreter_;
  std::vector<std::unique_ptr<codegen::Function>> functions_;
  // Of each function, as the interpreter has them, and back.
  std::vector<uint64_t> addresses_;
  std::unordered_map<uint64_t, wasm::FuncIndex> function_at_;
  // Base and length of each memory, then the globals: 16 bytes each.
  std::vector<uint64_t> context_;
  // As large as they may become.
  std::vector<std::vector<uint8_t>> memories_;
  std::vector<Table> tables_;
  std::vector<bool> dropped_data_;
  std::vector<bool> dropped_elements_;
};

}  // namespace gantry::testing

#endif  // GANTRY_TESTS_DIFFERENTIAL_INTERPRETED_MODULE_H_
