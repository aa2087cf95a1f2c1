// Operators one by one: each that the table gives a signature is translated under every choice
// that is left to its surroundings; then what relaxed operations, tail calls and branch hints
// become.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "gtest/gtest.h"
#include "wasm_translate/inline_plan.h"
#include "wasm_translate/limits.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/testing/plain_environment.h"
#include "wasm_translate/translator.h"

namespace gantry::wasm {
namespace {

using testing::CodeBuilder;
using testing::ModuleBuilder;

// A module and what its functions become.
class Translation {
 public:
  explicit Translation(const ModuleBuilder& builder) : bytes_(builder.Build()) {
    ParseOptions options;
    options.features = Features::All();
    absl::StatusOr<Module> module = ParseModule(bytes_, options);
    CHECK_OK(module.status());
    module_ = *std::move(module);
  }

  Module& module() { return module_; }
  TranslationChoices& choices() { return choices_; }
  void set_inlining(bool inlining) { inlining_ = inlining; }

  codegen::Function Function(uint32_t index) {
    testing::PlainEnvironment environment(module_);
    environment.set_choices(choices_);
    const ValidatorLimits limits;
    FunctionTranslator translator(module_, Features::All(), limits);
    std::optional<InlinePlan> plan;
    if (inlining_) {
      plan.emplace(module_, Features::All(), limits, InlineLimits());
      translator.set_inline_plan(&*plan);
    }
    codegen::Function func;
    const absl::Status status =
        translator.Translate(module_.bodies[DefinedFuncIndex(index)], environment, &func);
    EXPECT_TRUE(status.ok()) << status;
    const absl::Status verified = codegen::VerifyFunction(func);
    EXPECT_TRUE(verified.ok()) << verified << "\n" << codegen::PrintFunction(func);
    return func;
  }
  std::string Text(uint32_t index) {
    return codegen::PrintFunction(Function(index), {.renumber = true, .locations = false});
  }

 private:
  std::vector<uint8_t> bytes_;
  Module module_;
  TranslationChoices choices_;
  bool inlining_ = false;
};

codegen::RelaxedChoices AllChoices() {
  return {.fused_multiply_add = true,
          .masked_swizzle = true,
          .blend_by_top_bit = true,
          .indefinite_conversions = true,
          .pseudo_min_max = true,
          .unsigned_dot = true,
          .unsigned_dot_add = true};
}

ValType TypeOfKind(uint8_t kind) {
  if (kind == OperatorInfo::kAddressKind) return ValType::I32();
  return ValType::OfSimpleKind(static_cast<ValType::Kind>(kind));
}

// A function of the operator's own type; nothing where its type is not in the table.
bool AddFunctionOf(Opcode op, ModuleBuilder& builder) {
  const OperatorInfo& info = GetOperatorInfo(op);
  std::vector<ValType> params, results;
  for (size_t i = 0; i < info.num_params; ++i) params.push_back(TypeOfKind(info.params[i]));
  for (size_t i = 0; i < info.num_results; ++i) results.push_back(TypeOfKind(info.results[i]));
  CodeBuilder code;
  for (size_t i = 0; i < params.size(); ++i) code.LocalGet(static_cast<uint32_t>(i));
  switch (info.op_class) {
    case OperatorClass::kSimple:
      code.Op(op);
      break;
    case OperatorClass::kLane:
      code.Op(op, {static_cast<uint64_t>(info.align_or_lanes) - 1});
      break;
    case OperatorClass::kMemory:
      if (info.immediates == Immediates::kMemArgLane) {
        code.Op(op, {info.align_or_lanes, 7, uint64_t{16} >> info.align_or_lanes >> 1});
      } else {
        code.Memory(op, 7);
      }
      break;
    default:
      return false;
  }
  builder.Func(FuncType(absl::MakeConstSpan(params), absl::MakeConstSpan(results)), code);
  return true;
}

TEST(TranslatorOperatorsTest, EveryOperatorOfFixedTypeUnderEveryChoice) {
  std::vector<Opcode> operators;
  ModuleBuilder builder;
  builder.Memory(1);
  for (const Opcode op : AllOpcodes()) {
    if (AddFunctionOf(op, builder)) operators.push_back(op);
  }
  Translation translation(builder);
  size_t vectors = 0;
  for (uint32_t i = 0; i < operators.size(); ++i) {
    SCOPED_TRACE(std::string(OpcodeName(operators[i])));
    const Feature feature = GetOperatorInfo(operators[i]).feature;
    vectors += feature == Feature::kSimd;
    translation.choices() = {};
    const std::string plain = translation.Text(i);
    EXPECT_FALSE(absl::StrContains(plain, "indefinite")) << plain;
    // Choices about relaxed operations are seen by nothing else.
    translation.choices().relaxed = AllChoices();
    const std::string relaxed = translation.Text(i);
    if (feature != Feature::kRelaxedSimd) {
      EXPECT_EQ(relaxed, plain);
    }
    translation.choices() = {.canonical_nans = true, .relaxed = {}};
    translation.Text(i);
  }
  // All but the constant and the shuffle.
  EXPECT_EQ(vectors, 236u - 2u);
  EXPECT_GE(operators.size(), 417u);
}

TEST(TranslatorOperatorsTest, RelaxedOperationsAreWhatIsChosen) {
  struct Case {
    Opcode op;
    const char* deterministic;
    const char* chosen;
  };
  for (const Case& c : {
           Case{Opcode::kI8x16RelaxedSwizzle, "vswizzle v1, v2", "vswizzle_masked v1, v2"},
           Case{Opcode::kI32x4RelaxedTruncF32x4U, "vfcvt_to_uint_sat.f32x4 v1",
                "vfcvt_to_uint_indefinite.f32x4 v1"},
           Case{Opcode::kI32x4RelaxedTruncF64x2SZero, "vfcvt_to_sint_sat.f64x2 v1",
                "vfcvt_to_sint_indefinite.f64x2 v1"},
           Case{Opcode::kF32x4RelaxedMadd, "vfmul.f32x4 v1, v2", "vfma.f32x4 v1, v2, v3"},
           Case{Opcode::kF64x2RelaxedNmadd, "vfsub.f64x2 v3, v4", "vfnma.f64x2 v1, v2, v3"},
           Case{Opcode::kI8x16RelaxedLaneselect, "vbitselect v3, v1, v2",
                "vblend.i8x16 v3, v1, v2"},
           Case{Opcode::kI16x8RelaxedLaneselect, "vbitselect v3, v1, v2", "vbitselect v3, v1, v2"},
           Case{Opcode::kI64x2RelaxedLaneselect, "vbitselect v3, v1, v2",
                "vblend.i64x2 v3, v1, v2"},
           Case{Opcode::kF32x4RelaxedMin, "vfmin.f32x4 v1, v2", "vfpmin.f32x4 v2, v1"},
           Case{Opcode::kF64x2RelaxedMax, "vfmax.f64x2 v1, v2", "vfpmax.f64x2 v2, v1"},
           Case{Opcode::kI16x8RelaxedQ15mulrS, "vq15mulr_sat v1, v2", "vq15mulr_sat v1, v2"},
           Case{Opcode::kI16x8RelaxedDotI8x16I7x16S, "vdot_s.i16x8 v1, v2", "vdot_us_sat v2, v1"},
           Case{Opcode::kI32x4RelaxedDotI8x16I7x16AddS, "vextadd_pairwise_s.i32x4",
                "vdot_us_add v2, v1, v3"},
       }) {
    ModuleBuilder builder;
    ASSERT_TRUE(AddFunctionOf(c.op, builder));
    Translation translation(builder);
    const std::string deterministic = translation.Text(0);
    EXPECT_TRUE(absl::StrContains(deterministic, c.deterministic)) << deterministic;
    translation.choices().relaxed = AllChoices();
    const std::string chosen = translation.Text(0);
    EXPECT_TRUE(absl::StrContains(chosen, c.chosen)) << chosen;
  }
}

TEST(TranslatorOperatorsTest, OnlyNansThatAreMadeBecomeCanonical) {
  for (const auto& [op, times] :
       {std::pair(Opcode::kF32Add, 1), std::pair(Opcode::kF64Sqrt, 1),
        std::pair(Opcode::kF32DemoteF64, 1), std::pair(Opcode::kF64PromoteF32, 1),
        std::pair(Opcode::kF64Nearest, 1), std::pair(Opcode::kF32x4Div, 1),
        std::pair(Opcode::kF64x2Ceil, 1), std::pair(Opcode::kF64x2PromoteLowF32x4, 1),
        std::pair(Opcode::kF32x4RelaxedMadd, 2), std::pair(Opcode::kF32Neg, 0),
        std::pair(Opcode::kF64Copysign, 0), std::pair(Opcode::kF32x4Abs, 0),
        std::pair(Opcode::kF64x2Pmin, 0), std::pair(Opcode::kF32ReinterpretI32, 0),
        std::pair(Opcode::kF64ConvertI64U, 0), std::pair(Opcode::kF32x4ConvertI32x4S, 0),
        std::pair(Opcode::kI32TruncSatF32S, 0), std::pair(Opcode::kF32Lt, 0)}) {
    ModuleBuilder builder;
    ASSERT_TRUE(AddFunctionOf(op, builder));
    Translation translation(builder);
    translation.choices().canonical_nans = true;
    const std::string text = translation.Text(0);
    int found = 0;
    for (const char* compare : {"fcmp.f32 eq", "fcmp.f64 eq", "vfcmp.f32x4 eq", "vfcmp.f64x2 eq"}) {
      for (size_t at = text.find(compare); at != std::string::npos;
           at = text.find(compare, at + 1)) {
        // fcmp is found within vfcmp only with another type behind it.
        ++found;
      }
    }
    EXPECT_EQ(found, times) << OpcodeName(op) << "\n" << text;
  }
}

TEST(TranslatorOperatorsTest, WideArithmetic) {
  struct Case {
    Opcode op;
    std::vector<uint64_t> operands;
    uint64_t low, high;
  };
  constexpr uint64_t kAll = ~uint64_t{0};
  for (const Case& c : {Case{Opcode::kI64Add128, {kAll, 0, 1, 0}, 0, 1},
                        Case{Opcode::kI64Add128, {kAll, kAll, kAll, kAll}, kAll - 1, kAll},
                        Case{Opcode::kI64Sub128, {0, 5, 1, 2}, kAll, 2},
                        Case{Opcode::kI64Sub128, {0, 0, 0, 1}, 0, kAll},
                        Case{Opcode::kI64MulWideS, {kAll, 2}, kAll - 1, kAll},
                        Case{Opcode::kI64MulWideU, {kAll, kAll}, 1, kAll - 1}}) {
    ModuleBuilder builder;
    ASSERT_TRUE(AddFunctionOf(c.op, builder));
    const codegen::Function func = Translation(builder).Function(0);
    std::vector<codegen::RawValue> arguments = {0};
    arguments.insert(arguments.end(), c.operands.begin(), c.operands.end());
    codegen::Interpreter interpreter;
    const absl::StatusOr<codegen::Outcome> outcome = interpreter.Run(func, arguments);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ(outcome->values, (std::vector<codegen::RawValue>{c.low, c.high})) << OpcodeName(c.op);
  }
}

TEST(TranslatorOperatorsTest, TailCallsEndTheFunction) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
  TableType table;
  table.limits = {1, 1};
  builder.Table(table);
  const FuncIndex direct =
      builder.Func(type, CodeBuilder().LocalGet(0).Op(Opcode::kReturnCall, {0}));
  builder.Func(
      type, CodeBuilder().LocalGet(0).I32Const(0).Op(Opcode::kReturnCallIndirect, {type.raw(), 0}));
  builder.Func(type, CodeBuilder().LocalGet(0).Call(direct).I32Const(1).Op(Opcode::kI32Add));
  Translation translation(builder);
  translation.set_inlining(true);
  EXPECT_TRUE(absl::StrContains(translation.Text(0), "return_call fn"));
  EXPECT_TRUE(absl::StrContains(translation.Text(1), "return_call_indirect sig"));
  // In code that stands in place of a call: a call.
  const codegen::Function caller = translation.Function(2);
  EXPECT_GE(caller.inline_sites.size(), 1u);
  const std::string text = codegen::PrintFunction(caller, {.locations = false});
  EXPECT_TRUE(absl::StrContains(text, " call fn")) << text;
  EXPECT_FALSE(absl::StrContains(text, "return_call")) << text;
}

// The custom section gives offsets in bodies: behind the declarations of locals.
TEST(TranslatorOperatorsTest, BranchesThatAreNotExpectedAreCold) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
  // Body: 1 byte of locals, local.get (2), if (2) ... else ... end.
  builder.Func(type, CodeBuilder()
                         .LocalGet(0)
                         .Open(Opcode::kIf, ValType::I32())
                         .I32Const(1)
                         .Else()
                         .I32Const(2)
                         .End());
  // Block (2), local.get (2), br_if.
  builder.Func(type, CodeBuilder()
                         .Open(Opcode::kBlock)
                         .LocalGet(0)
                         .BrIf(0)
                         .I32Const(7)
                         .Op(Opcode::kReturn)
                         .End()
                         .I32Const(9));
  // A loop: how it goes on is not for hints to say.
  builder.Func(type, CodeBuilder().Open(Opcode::kLoop).LocalGet(0).BrIf(0).End().LocalGet(0));
  Translation translation(builder);
  const auto cold_blocks = [&](uint32_t function, std::optional<bool> likely) {
    const uint32_t offset = function == 0 ? 3 : 5;
    BranchHints& hints = translation.module().branch_hints;
    hints = {};
    if (likely.has_value()) {
      hints.functions.push_back({FuncIndex(function), 0, 1});
      hints.hints.push_back({offset, *likely});
    }
    const std::string text = translation.Text(function);
    std::vector<std::string> cold;
    for (size_t at = text.find(" cold:"); at != std::string::npos;
         at = text.find(" cold:", at + 1)) {
      const size_t line = text.rfind('\n', at) + 1;
      cold.push_back(text.substr(line, at - line));
    }
    return cold;
  };
  EXPECT_TRUE(cold_blocks(0, std::nullopt).empty());
  EXPECT_EQ(cold_blocks(0, false), std::vector<std::string>{"block1"});
  EXPECT_EQ(cold_blocks(0, true), std::vector<std::string>{"block2"});
  EXPECT_TRUE(cold_blocks(1, std::nullopt).empty());
  EXPECT_EQ(cold_blocks(1, true).size(), 1u);
  EXPECT_EQ(cold_blocks(1, false).size(), 1u);
  EXPECT_TRUE(cold_blocks(2, true).empty());
  EXPECT_TRUE(cold_blocks(2, false).empty());
}

}  // namespace
}  // namespace gantry::wasm
