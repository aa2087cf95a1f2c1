// What operators cost in fuel, and how a body is charged for: the one definition for all compilers
// (docs/abi.md, "Fuel").
//
//   ASSIGN_OR_RETURN(const OperatorCosts costs, OperatorCosts::Parse("call=10,f64.sqrt=4"));
//   costs.of(Opcode::kCall)   // 10
//
// A FuelMeter follows a body operator by operator. Where a line begins the compiler makes a charge
// whose amount it learns when the line ends:
//
//   meter.Start();
//   if (!meter.is_open() && costs.of(op) != 0) { charge = ...; meter.Open(); }
//   meter.Add(op, offset);
//   if (EndsLine(op)) charge.set_amount(meter.Close());
//   ...
//   for (const FuelRefund& refund : meter.TakeRefunds()) ...
#ifndef GANTRY_WASM_TRANSLATE_OPERATOR_COSTS_H_
#define GANTRY_WASM_TRANSLATE_OPERATOR_COSTS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/operators.h"

namespace gantry::wasm {

class OperatorCosts {
 public:
  static constexpr uint32_t kMaxCost = 0xFFFF;

  // Nothing for operators that only give structure, 1 for all others.
  OperatorCosts();

  // "name=units" joined by commas, over the defaults. kInvalidArgument naming the part that is wrong.
  static absl::StatusOr<OperatorCosts> Parse(absl::string_view text);
  // What Parse takes, with those that differ from the defaults alone, in order of their opcodes.
  std::string ToString() const;

  // All operators of that name. kInvalidArgument where there is none, or the cost is over kMaxCost.
  absl::Status Set(absl::string_view name, uint64_t cost);
  uint32_t of(Opcode op) const { return costs_[static_cast<uint32_t>(op)]; }

  friend bool operator==(const OperatorCosts&, const OperatorCosts&) = default;

 private:
  std::array<uint16_t, kNumOpcodes> costs_;
};

// Whether a line ends behind the operator, whatever stands around it: control may leave, or the
// runtime be entered.
bool EndsLine(Opcode op);

// What a trap at the operator at `offset` of the module gives back.
struct FuelRefund {
  uint32_t offset = 0;
  uint32_t units = 0;
  friend bool operator==(const FuelRefund&, const FuelRefund&) = default;
};

class FuelMeter {
 public:
  // A line is not longer than this.
  static constexpr uint32_t kMaxLine = uint32_t{1} << 30;

  explicit FuelMeter(OperatorCosts costs) : costs_(costs) {}

  const OperatorCosts& costs() const { return costs_; }
  // A new body.
  void Start();
  bool is_open() const { return open_; }
  void Open() { open_ = true; }
  // An operator of the open line, or, where none is open, one that costs nothing.
  void Add(Opcode op, uint32_t offset);
  // Whether the line has to end before the operator, for its length.
  bool IsFull(Opcode op) const { return total_ + costs_.of(op) > kMaxLine; }
  // Ends the open line: what it costs.
  uint32_t Close();
  // Those of all lines since Start, by offset, each once.
  std::vector<FuelRefund> TakeRefunds();

 private:
  const OperatorCosts costs_;
  bool open_ = false;
  uint32_t total_ = 0;
  // Operators of the open line, with what was charged for up to them.
  std::vector<FuelRefund> line_;
  std::vector<FuelRefund> refunds_;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_OPERATOR_COSTS_H_
