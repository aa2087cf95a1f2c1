#include "wasm_translate/operator_costs.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::wasm {
namespace {

uint16_t DefaultCost(Opcode op) {
  switch (op) {
    case Opcode::kNop:
    case Opcode::kDrop:
    case Opcode::kBlock:
    case Opcode::kLoop:
    case Opcode::kElse:
    case Opcode::kEnd:
      return 0;
    default:
      return 1;
  }
}

// Those that cannot trap, and are most of what bodies are made of.
bool NeverTraps(Opcode op) {
  switch (op) {
    case Opcode::kLocalGet:
    case Opcode::kLocalSet:
    case Opcode::kLocalTee:
    case Opcode::kGlobalGet:
    case Opcode::kGlobalSet:
    case Opcode::kI32Const:
    case Opcode::kI64Const:
    case Opcode::kF32Const:
    case Opcode::kF64Const:
    case Opcode::kNop:
    case Opcode::kDrop:
    case Opcode::kSelect:
    case Opcode::kBlock:
    case Opcode::kI32Add:
    case Opcode::kI32Sub:
    case Opcode::kI32Mul:
    case Opcode::kI32And:
    case Opcode::kI32Or:
    case Opcode::kI32Xor:
    case Opcode::kI32Shl:
    case Opcode::kI32ShrS:
    case Opcode::kI32ShrU:
    case Opcode::kI32Eqz:
    case Opcode::kI32Eq:
    case Opcode::kI32Ne:
      return true;
    default:
      return false;
  }
}

}  // namespace

OperatorCosts::OperatorCosts() {
  for (uint32_t i = 0; i < kNumOpcodes; ++i) costs_[i] = DefaultCost(static_cast<Opcode>(i));
}

absl::Status OperatorCosts::Set(absl::string_view name, uint64_t cost) {
  if (cost > kMaxCost) {
    return absl::InvalidArgumentError(
        absl::StrCat("operator ", name, " costs at most ", kMaxCost, " units of fuel, not ", cost));
  }
  bool found = false;
  for (const Opcode op : AllOpcodes()) {
    if (OpcodeName(op) != name) continue;
    costs_[static_cast<uint32_t>(op)] = static_cast<uint16_t>(cost);
    found = true;
  }
  if (!found) return absl::InvalidArgumentError(absl::StrCat("there is no operator \"", name, "\""));
  return absl::OkStatus();
}

absl::StatusOr<OperatorCosts> OperatorCosts::Parse(absl::string_view text) {
  OperatorCosts costs;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    uint64_t cost = 0;
    if (!absl::SimpleAtoi(halves.second, &cost)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", part, "\" is not an operator's name, =, and its cost in fuel"));
    }
    RETURN_IF_ERROR(costs.Set(halves.first, cost));
  }
  return costs;
}

std::string OperatorCosts::ToString() const {
  std::string text;
  absl::string_view last;
  for (const Opcode op : AllOpcodes()) {
    // Two operators are called select; both cost the same.
    if (of(op) == DefaultCost(op) || OpcodeName(op) == last) continue;
    last = OpcodeName(op);
    absl::StrAppend(&text, text.empty() ? "" : ",", last, "=", of(op));
  }
  return text;
}

bool EndsLine(Opcode op) {
  switch (op) {
    case Opcode::kUnreachable:
    case Opcode::kLoop:
    case Opcode::kIf:
    case Opcode::kElse:
    case Opcode::kBr:
    case Opcode::kBrIf:
    case Opcode::kBrTable:
    case Opcode::kBrOnNull:
    case Opcode::kBrOnNonNull:
    case Opcode::kBrOnCast:
    case Opcode::kBrOnCastFail:
    case Opcode::kReturn:
    case Opcode::kCall:
    case Opcode::kCallIndirect:
    case Opcode::kCallRef:
    case Opcode::kReturnCall:
    case Opcode::kReturnCallIndirect:
    case Opcode::kReturnCallRef:
    case Opcode::kThrow:
    case Opcode::kThrowRef:
    case Opcode::kTryTable:
    case Opcode::kMemoryGrow:
    case Opcode::kMemoryFill:
    case Opcode::kMemoryCopy:
    case Opcode::kMemoryInit:
    case Opcode::kDataDrop:
    case Opcode::kTableGrow:
    case Opcode::kTableFill:
    case Opcode::kTableCopy:
    case Opcode::kTableInit:
    case Opcode::kTableSet:
    case Opcode::kElemDrop:
    case Opcode::kMemoryAtomicNotify:
    case Opcode::kMemoryAtomicWait32:
    case Opcode::kMemoryAtomicWait64:
      return true;
    default:
      return false;
  }
}

void FuelMeter::Start() {
  open_ = false;
  total_ = 0;
  line_.clear();
  refunds_.clear();
}

void FuelMeter::Add(Opcode op, uint32_t offset) {
  const uint32_t cost = costs_.of(op);
  if (!open_) {
    DCHECK(cost == 0);
    return;
  }
  total_ += cost;
  if (!NeverTraps(op)) line_.push_back({offset, total_});
}

uint32_t FuelMeter::Close() {
  DCHECK(open_);
  open_ = false;
  for (const FuelRefund& op : line_) {
    if (op.units != total_) refunds_.push_back({op.offset, total_ - op.units});
  }
  line_.clear();
  const uint32_t total = total_;
  total_ = 0;
  return total;
}

std::vector<FuelRefund> FuelMeter::TakeRefunds() {
  DCHECK(!open_);
  const auto before = [](const FuelRefund& a, const FuelRefund& b) { return a.offset < b.offset; };
  std::sort(refunds_.begin(), refunds_.end(), before);
  // A body that was inlined more than once has the same lines each time.
  refunds_.erase(std::unique(refunds_.begin(), refunds_.end()), refunds_.end());
  return std::move(refunds_);
}

}  // namespace gantry::wasm
