// Interpreter: runs IR as docs/ir_semantics.md says, slowly and without a compiler. It is
// what compiled code is compared with.
//
//   Interpreter interpreter;
//   interpreter.AddFunction(&callee);            // found by name
//   interpreter.AddMemory(absl::MakeSpan(bytes));
//   absl::StatusOr<Outcome> outcome = interpreter.Run(func, {3, 4});
//
// An Outcome is what a guest can bring about: results, a trap, an exception, running out of
// fuel or of stack. A Status instead says that the function did what has no meaning (an access
// out of all memories that was declared not to trap, a call to an address that is no
// function, wrong arguments) and where. Functions must have passed the verifier. Calls
// nest on a stack of the interpreter's own.
//
// Results are determined to the bit: arithmetic gives the canonical NaN, where compiled code
// may give any arithmetic NaN (quiet bit set). OutcomesAgree compares with that freedom.
#ifndef GANTRY_CODEGEN_INTERP_INTERPRETER_H_
#define GANTRY_CODEGEN_INTERP_INTERPRETER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

// The bits of a value of any type, zero above the type's width.
struct RawValue {
  uint64_t lo = 0;
  uint64_t hi = 0;  // For vectors.

  RawValue() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): scalars are written as numbers.
  RawValue(uint64_t lo, uint64_t hi = 0) : lo(lo), hi(hi) {}
  friend bool operator==(const RawValue&, const RawValue&) = default;
};

struct Outcome {
  enum class Kind {
    kReturned,
    kTrapped,
    kThrew,
    kOutOfFuel,
    kStackOverflow,
  };
  Kind kind = Kind::kReturned;
  std::vector<RawValue> values;  // kReturned.
  TrapCode trap = {};            // kTrapped.
  uint32_t tag = 0;              // kThrew: which exception,
  uint32_t exception = 0;        // and its handle.

  static Outcome Returned(std::vector<RawValue> values) {
    return {Kind::kReturned, std::move(values), {}, 0, 0};
  }
  static Outcome Trapped(TrapCode code) { return {Kind::kTrapped, {}, code, 0, 0}; }
  static Outcome Threw(uint32_t tag, uint32_t exception) {
    return {Kind::kThrew, {}, {}, tag, exception};
  }
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// "returns 1, 0x1.8p+1", "traps tc3", "runs out of fuel".
std::string DescribeOutcome(const Outcome& outcome, const Signature& signature);

// True if vectors are the same as lanes of `shape`; float lanes with OutcomesAgree's freedom.
bool LanesAgree(Type shape, const RawValue& expected, const RawValue& actual);

// True if `actual`, of compiled code, is allowed where the interpreter gives `expected`: the
// same, but that an arithmetic NaN may stand where `expected` has the canonical one, in a vector
// in lanes of either float type.
bool OutcomesAgree(const Outcome& expected, const Outcome& actual, const Signature& signature);

class Interpreter {
 public:
  // What a call to a host function brings about: kReturned, kTrapped or kThrew.
  using HostFunction = std::function<Outcome(absl::Span<const RawValue> args)>;

  Interpreter();
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Makes a function known under its name (space, index and text all count). It has to
  // outlive the interpreter.
  void AddFunction(const Function* func);
  void AddHostFunction(const UserExternalName& name, HostFunction function);
  // Bytes that loads and stores may touch, at the addresses where they lie. They have to
  // outlive the interpreter.
  void AddMemory(absl::Span<uint8_t> bytes);

  // Instructions that a run may execute; the default is a hundred million.
  void set_fuel(uint64_t fuel) { fuel_ = fuel; }
  // The counter of fuel_charge and fuel_check, which outlives runs. As good as endless at first.
  void set_guest_fuel(int64_t fuel) { guest_fuel_ = fuel; }
  int64_t guest_fuel() const { return guest_fuel_; }
  // Calls that may be nested; the default is 1000.
  void set_max_depth(size_t depth) { max_depth_ = depth; }
  // Instructions that the last run executed.
  uint64_t executed() const { return executed_; }
  // How often each opcode was executed, over all runs.
  absl::Span<const uint64_t> opcode_counts() const { return opcode_counts_; }

  // Runs `func` with a value per parameter of its signature.
  absl::StatusOr<Outcome> Run(const Function& func, absl::Span<const RawValue> args);

 private:
  class Execution;
  struct Callee {
    const Function* func = nullptr;
    HostFunction host;
  };

  uint32_t CalleeOf(const std::string& key);
  // The callees of a function's FuncRefs, looked up once.
  const std::vector<uint32_t>& Links(const Function& func);

  std::vector<Callee> callees_;
  std::map<std::string, uint32_t> callee_by_key_;
  std::map<const Function*, std::vector<uint32_t>> links_;
  std::vector<absl::Span<uint8_t>> memories_;
  uint64_t fuel_ = 100'000'000;
  int64_t guest_fuel_ = int64_t{1} << 62;
  size_t max_depth_ = 1000;
  uint64_t executed_ = 0;
  std::vector<uint64_t> opcode_counts_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_INTERP_INTERPRETER_H_
