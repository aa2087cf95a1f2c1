#include "wasm_translate/module_validator.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "wasm_translate/error.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/testing/sample_modules.h"

namespace gantry::wasm {
namespace {

using testing::ByteWriter;
using testing::CodeBuilder;
using testing::ModuleBuilder;

constexpr ValType kI32 = ValType::I32();
constexpr ValType kI64 = ValType::I64();

ParseOptions Wasm2() {
  ParseOptions options;
  options.features = Features::Wasm2Scalar();
  return options;
}

// "ok", or the message.
std::string Outcome(const std::vector<uint8_t>& bytes, const ParseOptions& options = {}) {
  const absl::Status status = ValidateModule(bytes, options);
  return status.ok() ? "ok" : std::string(status.message());
}

void ExpectError(const std::vector<uint8_t>& bytes, absl::string_view prefix,
                 const ParseOptions& options = {}) {
  EXPECT_TRUE(absl::StartsWith(Outcome(bytes, options), prefix))
      << Outcome(bytes, options) << "\nshould start with: " << prefix;
}

TEST(ModuleValidator, TablesOfAModule) {
  for (const auto& sample : testing::SampleModules()) {
    if (sample.name != "everything") continue;
    const auto parsed = ParseModule(sample.bytes, Wasm2());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    const Module& module = *parsed;
    EXPECT_EQ(module.types.size(), 4u);
    EXPECT_EQ(module.num_imported_functions, 1u);
    EXPECT_EQ(module.num_imported_globals, 2u);
    EXPECT_EQ(module.num_imported_tables, 1u);
    EXPECT_EQ(module.imports[0].module, "env");
    EXPECT_EQ(module.imports[0].name, "print");
    EXPECT_EQ(module.functions.size(), module.bodies.size() + 1);
    EXPECT_EQ(module.tables[TableIndex(1)].limits, (Limits{4, 10}));
    EXPECT_EQ(module.global_initializers[DefinedGlobalIndex(0)].ops[0].kind,
              ConstOp::Kind::kGlobalGet);
    EXPECT_EQ(module.global_initializers[DefinedGlobalIndex(1)].ops[0].func(), FuncIndex(0));
    EXPECT_EQ(module.start, FuncIndex(1));
    EXPECT_EQ(module.elements.size(), 2u);
    EXPECT_EQ(module.elements[ElemIndex(0)].mode, SegmentMode::kPassive);
    EXPECT_EQ(module.elements[ElemIndex(1)].functions,
              (std::vector<FuncIndex>{FuncIndex(2), FuncIndex(0)}));
    EXPECT_EQ(module.elements[ElemIndex(1)].offset.AsInteger(), 1u);
    EXPECT_EQ(module.data_count, 1u);
    EXPECT_EQ(module.names.function(FuncIndex(2)), "two");
    EXPECT_EQ(module.names.function(FuncIndex(0)), "");
    EXPECT_EQ(module.custom_sections.back().name, "producers");
    EXPECT_TRUE(module.referenced_functions.contains(FuncIndex(0)));
    EXPECT_FALSE(module.referenced_functions.contains(FuncIndex(3)));
    for (const FunctionBody& body : module.bodies) {
      EXPECT_EQ(body.bytes.data(), sample.bytes.data() + body.offset);
    }
  }
}

TEST(ModuleValidator, SamplesAreValid) {
  for (const auto& sample : testing::SampleModules()) {
    EXPECT_EQ(Outcome(sample.bytes, Wasm2()), "ok") << sample.name;
    EXPECT_EQ(Outcome(sample.bytes), "ok") << sample.name;
  }
}

TEST(ModuleValidator, Header) {
  ExpectError({}, "unexpected end");
  ExpectError({0, 'a', 's'}, "unexpected end");
  ExpectError({0, 'b', 's', 'm', 1, 0, 0, 0}, "magic header not detected");
  ExpectError({0, 'a', 's', 'm', 2, 0, 0, 0}, "unknown binary version");
}

TEST(ModuleValidator, TypeForms) {
  ModuleBuilder unknown;
  unknown.RawSection(1, {1, 0x5C, 0, 0});
  ExpectError(unknown.Build(), "malformed type form 0x5c");
  // -0x20 in two bytes.
  ModuleBuilder long_form;
  long_form.RawSection(1, {1, 0xE0, 0x7F, 0, 0});
  ExpectError(long_form.Build(), "integer representation too long");
}

TEST(ModuleValidator, Sections) {
  ModuleBuilder unknown;
  unknown.RawSection(14, {});
  ExpectError(unknown.Build(), "malformed section id");
  ModuleBuilder twice;
  twice.RawSection(1, {0});
  twice.RawSection(1, {0});
  ExpectError(twice.Build(), "unexpected content after last section");
  ModuleBuilder junk;
  junk.RawSection(1, {0, 7});
  ExpectError(junk.Build(), "section size mismatch");
  ModuleBuilder functions_only;
  functions_only.Type({}, {});
  functions_only.RawSection(0, {3, 'a', 'b', 'c'});
  std::vector<uint8_t> bytes = functions_only.Build();
  const uint8_t function_section[] = {3, 2, 1, 0};
  bytes.insert(bytes.end(), std::begin(function_section), std::end(function_section));
  ExpectError(bytes, "function and code section have inconsistent lengths");
}

TEST(ModuleValidator, CountsOverTheLimitAreRefusedBeforeAllocation) {
  for (uint8_t section : {1, 2, 3, 4, 5, 6, 7, 9, 11}) {
    ModuleBuilder builder;
    builder.RawSection(section, ByteWriter().VarU32(0xFFFFFFFF).bytes());
    ExpectError(builder.Build(), "too many");
  }
  ParseOptions options;
  options.limits.types = 2;
  ModuleBuilder three;
  for (int i = 0; i < 3; ++i) three.Type({}, {});
  ExpectError(three.Build(), "too many types", options);
}

TEST(ModuleValidator, LimitsOfMemoriesAndTables) {
  ModuleBuilder reversed;
  reversed.Memory(2, 1);
  ExpectError(reversed.Build(), "size minimum must not be greater than maximum");
  ModuleBuilder large;
  large.Memory(65537);
  ExpectError(large.Build(), "memory size must be at most 65536 pages (4GiB)");
  ModuleBuilder two;
  two.Memory(1);
  two.Memory(1);
  ExpectError(two.Build(), "multiple memories", Wasm2());
  EXPECT_EQ(Outcome(two.Build()), "ok");
  ModuleBuilder wide;
  wide.Memory({{1, {}}, IndexType::kI64});
  EXPECT_EQ(Outcome(wide.Build()), "ok");
  ExpectError(wide.Build(), "malformed limits flags", Wasm2());
}

TEST(ModuleValidator, ADisabledFeatureIsNamed) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({}, {});
  builder.Func(type, CodeBuilder().I32Const(0).Op(Opcode::kI8x16Splat).Op(Opcode::kDrop));
  EXPECT_EQ(Outcome(builder.Build()), "ok");
  const std::string message = Outcome(builder.Build(), Wasm2());
  EXPECT_TRUE(absl::StrContains(message, "i8x16.splat needs the feature simd")) << message;
}

TEST(ModuleValidator, ConstantExpressions) {
  auto global = [](ValType type, const CodeBuilder& initializer) {
    ModuleBuilder builder;
    builder.ImportGlobal("m", "constant", {kI32, false});
    builder.ImportGlobal("m", "variable", {kI32, true});
    builder.Global({type, false}, initializer);
    return builder.Build();
  };
  EXPECT_EQ(Outcome(global(kI32, CodeBuilder().I32Const(1))), "ok");
  EXPECT_EQ(Outcome(global(kI32, CodeBuilder().GlobalGet(0))), "ok");
  ExpectError(global(kI32, CodeBuilder()), "type mismatch");
  ExpectError(global(kI64, CodeBuilder().I32Const(1)), "type mismatch");
  ExpectError(global(kI32, CodeBuilder().I32Const(1).I32Const(1)), "type mismatch");
  ExpectError(global(kI32, CodeBuilder().GlobalGet(1)), "constant expression required");
  ExpectError(global(kI32, CodeBuilder().GlobalGet(2)), "unknown global");
  ExpectError(global(kI32, CodeBuilder().I32Const(1).Op(Opcode::kI32Clz)),
              "constant expression required");
  const auto sum = global(kI32, CodeBuilder().GlobalGet(0).I32Const(1).Op(Opcode::kI32Add));
  EXPECT_EQ(Outcome(sum), "ok");
  ExpectError(sum, "constant expression required", Wasm2());
}

TEST(ModuleValidator, TheFirstOfSeveralBadBodiesIsReported) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({}, {});
  builder.Func(type, CodeBuilder());
  builder.Func(type, CodeBuilder().LocalGet(7));
  builder.Func(type, CodeBuilder().Op(Opcode::kDrop));
  const auto bytes = builder.Build();
  const absl::Status status = ValidateModule(bytes, {});
  EXPECT_TRUE(absl::StartsWith(status.message(), "unknown local 7")) << status;
  const auto module = ParseModule(bytes, {});
  ASSERT_TRUE(module.ok());
  // One byte in: the count of runs of locals.
  EXPECT_EQ(ErrorOffset(status), module->bodies[DefinedFuncIndex(1)].offset + 1);
}

TEST(ModuleValidator, ExportsAndStart) {
  ModuleBuilder twice;
  const FuncIndex func = twice.Func(FuncType(), CodeBuilder());
  twice.ExportFunc("a", func);
  twice.ExportFunc("a", func);
  ExpectError(twice.Build(), "duplicate export name");
  ModuleBuilder missing;
  missing.Export("m", ExternKind::kMemory, 0);
  ExpectError(missing.Build(), "unknown memory 0");
  ModuleBuilder start;
  start.Start(start.Func(FuncType({kI32}, {}), CodeBuilder()));
  ExpectError(start.Build(), "start function");
}

TEST(ModuleValidator, EquivalentTypesHaveOneCanonicalId) {
  ModuleBuilder builder;
  builder.Type({kI32}, {});
  builder.Type({kI64}, {});
  builder.Type({kI32}, {});
  const auto bytes = builder.Build();
  const auto module = ParseModule(bytes, {});
  ASSERT_TRUE(module.ok());
  EXPECT_EQ(module->canonical_types[TypeIndex(0)], module->canonical_types[TypeIndex(2)]);
  EXPECT_NE(module->canonical_types[TypeIndex(0)], module->canonical_types[TypeIndex(1)]);
}

// A valid module cut anywhere is refused, except where a section or nothing ends there.
TEST(ModuleValidator, EveryPrefixIsRefusedOrValid) {
  for (const auto& sample : testing::SampleModules()) {
    for (size_t size = 0; size < sample.bytes.size(); ++size) {
      const std::vector<uint8_t> cut(sample.bytes.begin(), sample.bytes.begin() + size);
      const absl::Status status = ValidateModule(cut, Wasm2());
      if (!status.ok()) {
        ASSERT_TRUE(ErrorOffset(status).has_value()) << status;
        ASSERT_LE(*ErrorOffset(status), size);
      }
    }
  }
}

TEST(ModuleValidator, EveryByteChangedIsRefusedOrValid) {
  for (const auto& sample : testing::SampleModules()) {
    std::vector<uint8_t> bytes = sample.bytes;
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        bytes[at] = static_cast<uint8_t>(value);
        const absl::Status status = ValidateModule(bytes, {});
        if (!status.ok()) {
          ASSERT_TRUE(ErrorOffset(status).has_value()) << status;
        }
      }
      bytes[at] = sample.bytes[at];
    }
  }
}

}  // namespace
}  // namespace gantry::wasm
