#include "wasm_translate/function_validator.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "wasm_translate/error.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/testing/sample_modules.h"

namespace gantry::wasm {
namespace {

using testing::CodeBuilder;
using testing::ModuleBuilder;

constexpr ValType kI32 = ValType::I32();
constexpr ValType kI64 = ValType::I64();

// Writes down what it is told, with the height of the operand stack, and checks what the
// contract says of frames.
class Recorder : public VisitorBase<Recorder> {
 public:
  void OnBegin(const FunctionState& state) { state_ = &state; }
  void OnUnsupported(Opcode op) { Add(std::string(OpcodeName(op))); }
  void OnSimple(Opcode op) { Add(std::string(OpcodeName(op))); }
  void OnLocalGet(LocalIndex local, ValType) { Add(absl::StrCat("get", local.raw())); }
  void OnI32Const(int32_t value) { Add(absl::StrCat(value)); }
  void OnBlock(const ControlFrame& frame) { Open("block", frame); }
  void OnLoop(const ControlFrame& frame) { Open("loop", frame); }
  void OnIf(const ControlFrame& frame) { Open("if", frame); }
  void OnElse(const ControlFrame& frame, bool fallthrough) {
    EXPECT_EQ(&frame, &state_->frame(0));
    EXPECT_EQ(state_->operand_height(), frame.height + frame.params().size());
    Add(fallthrough ? "else" : "else(dead)");
  }
  void OnEnd(const ControlFrame& frame, bool fallthrough) {
    if (frame.kind != FrameKind::kFunction) {
      ASSERT_FALSE(heights_.empty());
      EXPECT_EQ(heights_.back(), frame.height);
      heights_.pop_back();
    }
    EXPECT_EQ(state_->num_frames(), heights_.size() + (frame.kind != FrameKind::kFunction ? 1 : 0));
    EXPECT_EQ(state_->operand_height(), frame.height + frame.results().size());
    if (fallthrough) {
      EXPECT_TRUE(frame.end_live);
    }
    Add(absl::StrCat(frame.kind == FrameKind::kFunction ? "return" : "end", fallthrough ? ""
                                                                            : frame.end_live
                                                                                ? "(by branch)"
                                                                                : "(dead)"));
  }
  void OnBr(uint32_t depth) { Add(absl::StrCat("br", depth)); }
  void OnBrIf(uint32_t depth) { Add(absl::StrCat("br_if", depth)); }
  void OnBrTable(absl::Span<const uint32_t> depths) {
    Add(absl::StrCat("br_table[", absl::StrJoin(depths, " "), "]"));
  }
  bool failed() const { return lines_.size() >= fail_after_; }

  void FailAfter(size_t callbacks) { fail_after_ = callbacks; }
  std::string Text() const { return absl::StrJoin(lines_, " "); }

 private:
  void Open(const char* what, const ControlFrame& frame) {
    EXPECT_EQ(&frame, &state_->frame(0));
    EXPECT_TRUE(frame.live);
    EXPECT_EQ(state_->operand_height(), frame.height + frame.params().size());
    heights_.push_back(frame.height);
    EXPECT_EQ(state_->num_frames(), heights_.size() + 1);
    Add(what);
  }
  void Add(const std::string& line) {
    lines_.push_back(absl::StrCat(line, ":", state_->operand_height()));
  }

  const FunctionState* state_ = nullptr;
  std::vector<uint32_t> heights_;
  std::vector<std::string> lines_;
  size_t fail_after_ = ~size_t{0};
};

struct Result {
  std::string trace;
  std::string error;  // empty where valid
};

Result Trace(const FuncType& type, const CodeBuilder& code, size_t fail_after = ~size_t{0}) {
  ModuleBuilder builder;
  builder.Memory(1);
  builder.Func(type, code);
  const auto bytes = builder.Build();
  const auto module = ParseModule(bytes, {});
  EXPECT_TRUE(module.ok()) << module.status();
  const ValidatorLimits limits;
  Recorder recorder;
  recorder.FailAfter(fail_after);
  FunctionValidator<Recorder> validator(*module, Features::Default(), limits);
  const absl::Status status = validator.Run(module->bodies[DefinedFuncIndex(0)], recorder);
  // The typing rules do not depend on who listens.
  NoVisitor none;
  FunctionValidator<NoVisitor> alone(*module, Features::Default(), limits);
  EXPECT_EQ(alone.Run(module->bodies[DefinedFuncIndex(0)], none), status);
  return {recorder.Text(), std::string(status.message())};
}

std::string ValidTrace(const FuncType& type, const CodeBuilder& code) {
  const Result result = Trace(type, code);
  EXPECT_EQ(result.error, "");
  return result.trace;
}

void ExpectError(const FuncType& type, const CodeBuilder& code, absl::string_view prefix) {
  const Result result = Trace(type, code);
  EXPECT_TRUE(absl::StartsWith(result.error, prefix)) << "\"" << result.error << "\"";
}

TEST(FunctionValidator, CallbacksComeAfterTheOperator) {
  EXPECT_EQ(ValidTrace(FuncType({kI32}, {kI32}),
                       CodeBuilder().LocalGet(0).I32Const(1).Op(Opcode::kI32Add)),
            "get0:1 1:2 i32.add:1 return:1");
}

TEST(FunctionValidator, DeadCodeIsNotShown) {
  EXPECT_EQ(ValidTrace(FuncType({}, {kI32}), CodeBuilder()
                                                 .I32Const(1)
                                                 .Op(Opcode::kReturn)
                                                 .Open(Opcode::kBlock)
                                                 .I32Const(2)
                                                 .Op(Opcode::kDrop)
                                                 .End()
                                                 .Op(Opcode::kI32Clz)),
            "1:1 return:1 return(dead):1");
}

TEST(FunctionValidator, CodeAfterABlockThatNothingLeavesIsDead) {
  EXPECT_EQ(ValidTrace(FuncType(), CodeBuilder()
                                       .Open(Opcode::kBlock)
                                       .Op(Opcode::kUnreachable)
                                       .End()
                                       .I32Const(1)
                                       .Op(Opcode::kDrop)),
            "block:0 unreachable:0 end(dead):0 return(dead):0");
  EXPECT_EQ(
      ValidTrace(FuncType(),
                 CodeBuilder().Open(Opcode::kBlock).Br(0).End().I32Const(1).Op(Opcode::kDrop)),
      "block:0 br0:0 end(by branch):0 1:1 drop:0 return:0");
  // A branch back does not make the end of a loop reachable.
  EXPECT_EQ(ValidTrace(FuncType(),
                       CodeBuilder().Open(Opcode::kLoop).Br(0).End().Op(Opcode::kUnreachable)),
            "loop:0 br0:0 end(dead):0 return(dead):0");
}

TEST(FunctionValidator, IfAndElse) {
  EXPECT_EQ(
      ValidTrace(
          FuncType({kI32}, {kI32}),
          CodeBuilder().LocalGet(0).Open(Opcode::kIf, kI32).I32Const(1).Else().I32Const(2).End()),
      "get0:1 if:0 1:1 else:0 2:1 end:1 return:1");
  EXPECT_EQ(ValidTrace(FuncType({kI32}, {}), CodeBuilder()
                                                 .LocalGet(0)
                                                 .Open(Opcode::kIf)
                                                 .Op(Opcode::kReturn)
                                                 .Else()
                                                 .Op(Opcode::kUnreachable)
                                                 .End()
                                                 .I32Const(1)
                                                 .Op(Opcode::kDrop)),
            "get0:1 if:0 return:0 else(dead):0 unreachable:0 end(dead):0 return(dead):0");
  // Without else the end can always be reached.
  EXPECT_EQ(ValidTrace(FuncType({kI32}, {}), CodeBuilder()
                                                 .LocalGet(0)
                                                 .Open(Opcode::kIf)
                                                 .Op(Opcode::kReturn)
                                                 .End()
                                                 .I32Const(1)
                                                 .Op(Opcode::kDrop)),
            "get0:1 if:0 return:0 end(by branch):0 1:1 drop:0 return:0");
}

TEST(FunctionValidator, Branches) {
  EXPECT_EQ(ValidTrace(FuncType({kI32}, {kI32}), CodeBuilder()
                                                     .Open(Opcode::kBlock, kI32)
                                                     .I32Const(7)
                                                     .LocalGet(0)
                                                     .BrIf(0)
                                                     .LocalGet(0)
                                                     .BrTable({0, 1, 1})
                                                     .End()),
            "block:0 7:1 get0:2 br_if0:1 get0:2 br_table[0 1 1]:1 end(by branch):1 return:1");
}

TEST(FunctionValidator, AFailedVisitorIsLeftAloneButValidationGoesOn) {
  const CodeBuilder good = CodeBuilder().I32Const(1).I32Const(2).Op(Opcode::kI32Add);
  const Result stopped = Trace(FuncType({}, {kI32}), good, 2);
  EXPECT_EQ(stopped.trace, "1:1 2:2");
  EXPECT_EQ(stopped.error, "");
  const Result bad = Trace(FuncType({}, {kI64}), good, 1);
  EXPECT_EQ(bad.trace, "1:1");
  EXPECT_TRUE(absl::StartsWith(bad.error, "type mismatch")) << bad.error;
}

TEST(FunctionValidator, TypeErrors) {
  ExpectError(FuncType({}, {kI32}), CodeBuilder(), "type mismatch: expected i32, found nothing");
  ExpectError(FuncType(), CodeBuilder().I32Const(1), "type mismatch");
  ExpectError(FuncType({}, {kI32}), CodeBuilder().I64Const(1),
              "type mismatch: expected i32, found i64");
  ExpectError(FuncType(), CodeBuilder().LocalGet(0), "unknown local 0");
  ExpectError(FuncType(), CodeBuilder().GlobalGet(3), "unknown global 3");
  ExpectError(FuncType(), CodeBuilder().Call(FuncIndex(9)), "unknown function 9");
  ExpectError(FuncType(), CodeBuilder().Br(0).Br(2), "unknown label 2");
  ExpectError(FuncType(), CodeBuilder().Else(), "unexpected else");
  ExpectError(FuncType(), CodeBuilder().End().End(), "END opcode expected");
  ExpectError(FuncType(), CodeBuilder().Open(Opcode::kBlock), "unexpected end");
  ExpectError(FuncType({kI32}, {kI32}),
              CodeBuilder().LocalGet(0).Open(Opcode::kIf, kI32).I32Const(1).End(), "type mismatch");
  ExpectError(FuncType(), CodeBuilder().I32Const(0).Op(Opcode::kI32Load, {3, 0}).Op(Opcode::kDrop),
              "alignment must not be larger than natural");
  ExpectError(FuncType({}, {kI32}),
              CodeBuilder().I32Const(1).I64Const(1).I32Const(0).Op(Opcode::kSelect),
              "type mismatch");
}

TEST(FunctionValidator, ABodyWithoutEndIsRefusedAtItsLastByteWhoeverRidesAlong) {
  ModuleBuilder builder;
  builder.RawFunc(builder.Type({}, {}), {0x00, 0x41, 0x01, 0x1A, 0x41, 0x02});
  const std::vector<uint8_t> bytes = builder.Build();
  const auto module = ParseModule(bytes, {});
  ASSERT_TRUE(module.ok()) << module.status();
  const FunctionBody& body = module->bodies[DefinedFuncIndex(0)];
  const ParseOptions options;
  FunctionValidator<Recorder> watched(*module, options.features, options.limits);
  FunctionValidator<NoVisitor> alone(*module, options.features, options.limits);
  Recorder recorder;
  NoVisitor none;
  const absl::Status status = alone.Run(body, none);
  EXPECT_EQ(ErrorOffset(status), body.offset + body.bytes.size()) << status;
  EXPECT_EQ(watched.Run(body, recorder), status);
}

TEST(FunctionValidator, UnreachableCodeIsPolymorphicButChecked) {
  const FuncType to_i32({}, {kI32});
  EXPECT_EQ(Trace(to_i32, CodeBuilder().Op(Opcode::kUnreachable).Op(Opcode::kI32Add)).error, "");
  EXPECT_EQ(Trace(to_i32, CodeBuilder().Op(Opcode::kUnreachable).Op(Opcode::kSelect)).error, "");
  ExpectError(to_i32, CodeBuilder().Op(Opcode::kUnreachable).I64Const(1).Op(Opcode::kI32Clz),
              "type mismatch");
  // What stands behind a dead end is dead, yet not polymorphic.
  ExpectError(to_i32,
              CodeBuilder().Open(Opcode::kBlock).Op(Opcode::kUnreachable).End().Op(Opcode::kI32Add),
              "type mismatch");
}

TEST(FunctionValidator, EveryOperatorHasAName) {
  for (Opcode op : AllOpcodes()) {
    const OpcodeEncoding encoding = EncodingOf(op);
    EXPECT_EQ(OpcodeFromEncoding(encoding.prefix, encoding.code), op) << op;
    EXPECT_FALSE(OpcodeName(op).empty());
  }
  EXPECT_EQ(OpcodeFromEncoding(0, 0x06), std::nullopt);
  EXPECT_EQ(OpcodeFromEncoding(0xFC, 0xFFFF), std::nullopt);
}

// Every simple operator takes what its row says and nothing else.
TEST(FunctionValidator, SimpleOperatorsFollowTheTable) {
  for (Opcode op : AllOpcodes()) {
    const OperatorInfo& info = GetOperatorInfo(op);
    if (info.op_class != OperatorClass::kSimple) continue;
    std::vector<ValType> params;
    std::vector<ValType> results;
    for (int i = 0; i < info.num_params; ++i) {
      params.push_back(ValType::OfSimpleKind(static_cast<ValType::Kind>(info.params[i])));
    }
    for (int i = 0; i < info.num_results; ++i) {
      results.push_back(ValType::OfSimpleKind(static_cast<ValType::Kind>(info.results[i])));
    }
    for (size_t wrong = 0; wrong <= params.size(); ++wrong) {
      std::vector<ValType> given = params;
      if (wrong < params.size()) given[wrong] = given[wrong] == kI32 ? kI64 : kI32;
      CodeBuilder code;
      for (uint32_t i = 0; i < params.size(); ++i) code.LocalGet(i);
      code.Op(op);
      ModuleBuilder builder;
      builder.Func(FuncType(absl::MakeConstSpan(given), absl::MakeConstSpan(results)), code);
      ParseOptions options;
      options.features = Features::All();
      EXPECT_EQ(ValidateModule(builder.Build(), options).ok(), wrong == params.size())
          << op << " with operand " << wrong << " wrong";
    }
  }
}

// Every access to memory, at addresses of either type, with offsets and alignments on both
// sides of what is allowed.
TEST(FunctionValidator, MemoryOperatorsFollowTheTable) {
  auto valid = [](const OperatorInfo& info, Opcode op, IndexType index_type, uint32_t align,
                  uint64_t offset, int wrong) {
    auto types = [&](const uint8_t* kinds, int count) {
      std::vector<ValType> list;
      for (int i = 0; i < count; ++i) {
        list.push_back(kinds[i] == OperatorInfo::kAddressKind
                           ? ToValType(index_type)
                           : ValType::OfSimpleKind(static_cast<ValType::Kind>(kinds[i])));
      }
      return list;
    };
    std::vector<ValType> params = types(info.params, info.num_params);
    const std::vector<ValType> results = types(info.results, info.num_results);
    CodeBuilder code;
    for (size_t i = 0; i < params.size(); ++i) code.LocalGet(static_cast<uint32_t>(i));
    testing::ByteWriter immediates;
    immediates.VarU32(align).VarU64(offset);
    if (info.immediates == Immediates::kMemArgLane) immediates.U8(0);
    code.Op(op, immediates.bytes());
    if (wrong < info.num_params) params[wrong] = params[wrong] == kI32 ? kI64 : kI32;
    ModuleBuilder builder;
    MemoryType memory;
    memory.index_type = index_type;
    builder.Memory(memory);
    builder.Func(FuncType(absl::MakeConstSpan(params), absl::MakeConstSpan(results)), code);
    ParseOptions options;
    options.features = Features::All();
    return ValidateModule(builder.Build(), options).ok();
  };
  for (Opcode op : AllOpcodes()) {
    const OperatorInfo& info = GetOperatorInfo(op);
    if (info.op_class != OperatorClass::kMemory) continue;
    const uint32_t natural = info.align_or_lanes;
    for (IndexType index_type : {IndexType::kI32, IndexType::kI64}) {
      const bool wide = index_type == IndexType::kI64;
      for (uint64_t offset : {uint64_t{0}, uint64_t{0x80}, uint64_t{0xFFFFFFFF},
                              uint64_t{0x100000000}, ~uint64_t{0}}) {
        EXPECT_EQ(valid(info, op, index_type, natural, offset, info.num_params),
                  wide || offset <= 0xFFFFFFFF)
            << op << " at " << offset;
      }
      EXPECT_FALSE(valid(info, op, index_type, natural + 1, 0, info.num_params)) << op;
      if (natural > 0) {
        EXPECT_EQ(valid(info, op, index_type, natural - 1, 0, info.num_params),
                  info.feature != Feature::kThreads)
            << op;
      }
      for (int wrong = 0; wrong < info.num_params; ++wrong) {
        EXPECT_FALSE(valid(info, op, index_type, natural, 0, wrong)) << op << " " << wrong;
      }
    }
  }
}

TEST(FunctionValidator, SampleModulesKeepTheContract) {
  for (const auto& sample : testing::SampleModules()) {
    const auto module = ParseModule(sample.bytes, {});
    ASSERT_TRUE(module.ok());
    const ValidatorLimits limits;
    FunctionValidator<Recorder> validator(*module, Features::Default(), limits);
    for (const FunctionBody& body : module->bodies) {
      Recorder recorder;
      EXPECT_TRUE(validator.Run(body, recorder).ok());
    }
  }
}

}  // namespace
}  // namespace gantry::wasm
