// Modules at a limit are valid and one past it they are refused by the limit's name; what is
// deep or large takes memory in proportion to its bytes.
#include "wasm_translate/limits.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "wasm_translate/error.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/extreme_modules.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/testing/peak_memory.h"

namespace gantry::wasm {
namespace {

using testing::ByteWriter;
using testing::CodeBuilder;
using testing::ModuleBuilder;
using testing::PeakMemory;
using testing::SectionWriter;

constexpr size_t kMegabyte = 1'000'000;
// Bytes of memory for each byte of a module, and besides.
constexpr size_t kMemoryFactor = 100;

// "ok", or the message. Memory is held against the size of the module.
std::string Outcome(const std::vector<uint8_t>& bytes, const ParseOptions& options = {},
                    size_t memory_besides = kMegabyte) {
  const PeakMemory peak;
  const absl::Status status = ValidateModule(bytes, options);
  EXPECT_LE(peak.bytes(), kMemoryFactor * bytes.size() + memory_besides);
  if (status.ok()) return "ok";
  EXPECT_TRUE(ErrorOffset(status).has_value()) << status;
  EXPECT_LE(status.message().size(), 1000u);
  return std::string(status.message());
}

void ExpectRefused(const std::vector<uint8_t>& bytes, absl::string_view start,
                   absl::string_view limit, const ParseOptions& options = {}) {
  const std::string outcome = Outcome(bytes, options);
  EXPECT_TRUE(absl::StartsWith(outcome, start)) << outcome;
  EXPECT_TRUE(absl::StrContains(outcome, limit)) << outcome;
}

enum SectionNumber : uint8_t {
  kTypes = 1,
  kImports = 2,
  kFunctions = 3,
  kTables = 4,
  kMemories = 5,
  kGlobals = 6,
  kExports = 7,
  kElements = 9,
  kCode = 10,
  kData = 11,
  kTags = 13,
};

// (module of the section, `count` times the same entry)
ByteWriter Repeated(uint32_t count, const std::vector<uint8_t>& entry) {
  ByteWriter contents;
  contents.VarU32(count);
  for (uint32_t i = 0; i < count; ++i) contents.Bytes(entry);
  return contents;
}

const std::vector<uint8_t> kNothingToNothing = {0x60, 0, 0};
const std::vector<uint8_t> kEmptyBody = {2, 0, 0x0B};
const std::vector<uint8_t> kTable = {0x70, 0, 0};
const std::vector<uint8_t> kMemory = {0, 0};
const std::vector<uint8_t> kGlobal = {0x7F, 0, 0x41, 0, 0x0B};

// Types of the three kinds, with `count` members in all but arrays.
ByteWriter FuncOf(uint32_t params, uint32_t results) {
  ByteWriter type;
  type.U8(0x60).VarU32(params);
  for (uint32_t i = 0; i < params; ++i) type.U8(0x7F);
  type.VarU32(results);
  for (uint32_t i = 0; i < results; ++i) type.U8(0x7F);
  return type;
}
ByteWriter StructOf(uint32_t fields) {
  ByteWriter type;
  type.U8(0x5F).VarU32(fields);
  for (uint32_t i = 0; i < fields; ++i) type.U8(0x7F).U8(0);
  return type;
}

std::vector<uint8_t> OneType(const ByteWriter& type) {
  return SectionWriter().Add(kTypes, Repeated(1, type.bytes())).bytes();
}

// Type 0 and `depth` types below it, each a subtype of the one before.
std::vector<uint8_t> SubtypeChain(uint32_t depth) {
  ByteWriter types;
  types.VarU32(depth + 1);
  for (uint32_t i = 0; i <= depth; ++i) {
    types.U8(0x50).VarU32(i == 0 ? 0 : 1);
    if (i > 0) types.VarU32(i - 1);
    types.U8(0x5F).VarU32(0);
  }
  return SectionWriter().Add(kTypes, types).bytes();
}

// One field of ValidatorLimits, how its message begins, and modules that have `n` of what it
// bounds.
struct LimitCase {
  const char* name;
  std::function<void(ValidatorLimits&, uint32_t)> set;
  const char* message;
  std::function<std::vector<uint8_t>(uint32_t)> make;
  uint32_t value = 3;
};

std::vector<uint8_t> Functions(uint32_t count) {
  return SectionWriter()
      .Add(kTypes, Repeated(1, kNothingToNothing))
      .Add(kFunctions, Repeated(count, {0}))
      .Add(kCode, Repeated(count, kEmptyBody))
      .bytes();
}

std::vector<uint8_t> BodyOfSize(uint32_t size) {
  ByteWriter body;
  body.VarU32(0);
  for (uint32_t i = 2; i < size; ++i) body.U8(0x01);
  body.U8(0x0B);
  return testing::OneFunction(body);
}

std::vector<LimitCase> Cases() {
  std::vector<LimitCase> cases;
#define LIMIT(field, message, make, ...) \
  cases.push_back(                       \
      {#field, [](ValidatorLimits& l, uint32_t n) { l.field = n; }, message, make, ##__VA_ARGS__})
  LIMIT(
      module_size, "module too large",
      [](uint32_t n) {
        // A custom section of no name fills the rest.
        ByteWriter contents;
        contents.Name("");
        for (uint32_t i = 11; i < n; ++i) contents.U8(0);
        return SectionWriter().Add(0, contents).bytes();
      },
      40);
  LIMIT(types, "too many types", [](uint32_t n) {
    ByteWriter group;
    group.VarU32(1).U8(0x4E).Bytes(Repeated(n, kNothingToNothing).bytes());
    return SectionWriter().Add(kTypes, group).bytes();
  });
  LIMIT(recursion_groups, "too many recursion groups", [](uint32_t n) {
    return SectionWriter().Add(kTypes, Repeated(n, kNothingToNothing)).bytes();
  });
  LIMIT(functions, "too many functions", Functions);
  LIMIT(imports, "too many imports", [](uint32_t n) {
    return SectionWriter().Add(kImports, Repeated(n, {0, 0, 3, 0x7F, 0})).bytes();
  });
  LIMIT(exports, "too many exports", [](uint32_t n) {
    ByteWriter exports;
    exports.VarU32(n);
    for (uint32_t i = 0; i < n; ++i) exports.Name(absl::StrCat(i)).U8(3).VarU32(0);
    return SectionWriter().Add(kGlobals, Repeated(1, kGlobal)).Add(kExports, exports).bytes();
  });
  LIMIT(globals, "too many globals",
        [](uint32_t n) { return SectionWriter().Add(kGlobals, Repeated(n, kGlobal)).bytes(); });
  LIMIT(tags, "too many tags", [](uint32_t n) {
    return SectionWriter()
        .Add(kTypes, Repeated(1, kNothingToNothing))
        .Add(kTags, Repeated(n, {0, 0}))
        .bytes();
  });
  LIMIT(tables, "too many tables",
        [](uint32_t n) { return SectionWriter().Add(kTables, Repeated(n, kTable)).bytes(); });
  LIMIT(memories, "too many memories",
        [](uint32_t n) { return SectionWriter().Add(kMemories, Repeated(n, kMemory)).bytes(); });
  LIMIT(data_segments, "too many data segments", [](uint32_t n) {
    return SectionWriter().Add(kData, Repeated(n, {1, 0})).bytes();
  });
  LIMIT(element_segments, "too many element segments", [](uint32_t n) {
    return SectionWriter().Add(kElements, Repeated(n, {1, 0, 0})).bytes();
  });
  LIMIT(element_segment_entries, "too many elements of a segment", [](uint32_t n) {
    ByteWriter segment;
    segment.VarU32(1).U8(5).U8(0x70).Bytes(Repeated(n, {0xD0, 0x70, 0x0B}).bytes());
    return SectionWriter().Add(kElements, segment).bytes();
  });
  LIMIT(function_params, "too many parameters", [](uint32_t n) { return OneType(FuncOf(n, 0)); });
  LIMIT(function_results, "too many results", [](uint32_t n) { return OneType(FuncOf(0, n)); });
  LIMIT(function_size, "function too large", BodyOfSize);
  LIMIT(function_locals, "too many locals", [](uint32_t n) {
    // A parameter and the rest.
    ModuleBuilder builder;
    builder.Func(FuncType({ValType::I32()}, {}), CodeBuilder().Locals(n - 1, ValType::I64()));
    return builder.Build();
  });
  LIMIT(struct_fields, "too many fields", [](uint32_t n) { return OneType(StructOf(n)); });
  LIMIT(subtyping_depth, "subtyping too deep", SubtypeChain);
  LIMIT(array_new_fixed_operands, "too many operands of array.new_fixed", [](uint32_t n) {
    ByteWriter types;
    types.VarU32(2).Bytes(kNothingToNothing).Bytes({0x5E, 0x7F, 0});
    ByteWriter body;
    body.VarU32(0);
    for (uint32_t i = 0; i < n; ++i) body.U8(0x41).U8(0);
    body.U8(0xFB).VarU32(8).VarU32(1).VarU32(n).U8(0x1A).U8(0x0B);
    ByteWriter code;
    code.VarU32(1).VarU32(static_cast<uint32_t>(body.size())).Bytes(body.bytes());
    return SectionWriter()
        .Add(kTypes, types)
        .Add(kFunctions, Repeated(1, {0}))
        .Add(kCode, code)
        .bytes();
  });
#undef LIMIT
  return cases;
}

TEST(Limits, EachIsAllowedAndOneMoreIsRefusedByName) {
  const std::vector<LimitCase> cases = Cases();
  // One of 64 bits, the others of 32: a new one belongs into the list.
  EXPECT_EQ(sizeof(ValidatorLimits), (8 + 4 * (cases.size() - 1) + 7) / 8 * 8);
  for (const LimitCase& each : cases) {
    ParseOptions options;
    each.set(options.limits, each.value);
    EXPECT_EQ(Outcome(each.make(each.value), options), "ok") << each.name;
    ExpectRefused(each.make(each.value + 1), each.message,
                  absl::StrCat("the limit is ", each.value), options);
  }
}

// Imports count too.
TEST(Limits, OfIndexSpaces) {
  ParseOptions options;
  options.limits.functions = options.limits.tables = options.limits.memories =
      options.limits.globals = options.limits.tags = 1;
  const auto module = [](uint8_t kind, const std::vector<uint8_t>& type, SectionNumber section,
                         const std::vector<uint8_t>& entry) {
    ByteWriter imports;
    imports.VarU32(1).Name("").Name("").U8(kind).Bytes(type);
    return SectionWriter()
        .Add(kTypes, Repeated(1, kNothingToNothing))
        .Add(kImports, imports)
        .Add(section, Repeated(1, entry))
        .bytes();
  };
  const absl::string_view limit = "the limit is 1";
  ExpectRefused(module(0, {0}, kFunctions, {0}), "too many functions", limit, options);
  ExpectRefused(module(1, kTable, kTables, kTable), "too many tables", limit, options);
  ExpectRefused(module(2, kMemory, kMemories, kMemory), "too many memories", limit, options);
  ExpectRefused(module(3, {0x7F, 0}, kGlobals, kGlobal), "too many globals", limit, options);
  ExpectRefused(module(4, {0, 0}, kTags, {0, 0}), "too many tags", limit, options);
}

TEST(Limits, DeepNesting) {
  for (Opcode op : {Opcode::kBlock, Opcode::kLoop, Opcode::kIf, Opcode::kTryTable}) {
    EXPECT_EQ(Outcome(testing::NestedBlocks(op, 100'000)), "ok") << op;
  }
}

TEST(Limits, Locals) {
  EXPECT_EQ(Outcome(testing::ManyLocals(50'000)), "ok");
  EXPECT_EQ(Outcome(testing::ManyUsedLocals(50'000)), "ok");
  ExpectRefused(testing::ManyLocals(50'001), "too many locals", "the limit is 50000");
  ExpectRefused(testing::ManyLocals(0xFFFFFFFF), "too many locals", "the limit is 50000");
}

TEST(Limits, BranchTables) {
  EXPECT_EQ(Outcome(testing::LargeBranchTable(1'000'000)), "ok");
  // One that says it goes on.
  ByteWriter body;
  body.VarU32(0).U8(0x41).VarS64(0).U8(0x0E).VarU32(0xFFFFFFFF).U8(0).U8(0x0B);
  ExpectRefused(testing::OneFunction(body), "unexpected end", "");
}

TEST(Limits, LongNames) {
  constexpr size_t kLong = 10'000'000;
  EXPECT_EQ(Outcome(testing::LongName(kLong)), "ok");
  const std::string name(kLong, 'x');
  ByteWriter import;
  import.VarU32(1).Name(name).Name(name).U8(3).U8(0x7F).U8(0);
  EXPECT_EQ(Outcome(SectionWriter().Add(kImports, import).bytes()), "ok");
  EXPECT_EQ(Outcome(SectionWriter().Add(0, ByteWriter().Name(name)).bytes()), "ok");
  ModuleBuilder builder;
  builder.FunctionName(builder.Func(FuncType(), CodeBuilder()), name);
  EXPECT_EQ(Outcome(builder.Build()), "ok");
  // A message about one is not as long.
  ByteWriter twice;
  twice.VarU32(2);
  for (int i = 0; i < 2; ++i) twice.Name(name).U8(3).VarU32(0);
  ExpectRefused(SectionWriter().Add(kGlobals, Repeated(1, kGlobal)).Add(kExports, twice).bytes(),
                "duplicate export name", "");
}

TEST(Limits, Types) {
  EXPECT_EQ(Outcome(testing::ManyTypes(1'000'000)), "ok");
  ExpectRefused(testing::ManyTypes(1'000'001), "too many recursion groups", "the limit is 1000000");
  auto one_group = [](uint32_t count) {
    ByteWriter types;
    types.VarU32(1).U8(0x4E).Bytes(Repeated(count, kNothingToNothing).bytes());
    return SectionWriter().Add(kTypes, types).bytes();
  };
  EXPECT_EQ(Outcome(one_group(1'000'000)), "ok");
  ExpectRefused(one_group(1'000'001), "too many types", "the limit is 1000000");
}

TEST(Limits, ChainsOfTypes) {
  EXPECT_EQ(Outcome(SubtypeChain(63)), "ok");
  ExpectRefused(SubtypeChain(64), "subtyping too deep", "the limit is 63");
  ExpectRefused(SubtypeChain(100'000), "subtyping too deep", "the limit is 63");

  // Each type holds a reference to the one before; in groups of their own and in one.
  constexpr uint32_t kLength = 300'000;
  for (bool one_group : {false, true}) {
    ByteWriter types;
    if (one_group) types.VarU32(1).U8(0x4E);
    types.VarU32(kLength);
    for (uint32_t i = 0; i < kLength; ++i) {
      types.U8(0x5F).VarU32(i == 0 ? 0 : 1);
      if (i > 0) types.U8(0x63).VarS64(i - 1).U8(0);
    }
    EXPECT_EQ(Outcome(SectionWriter().Add(kTypes, types).bytes()), "ok");
  }
  // Groups of two that are all the same, and refer to themselves.
  ByteWriter pairs;
  pairs.VarU32(kLength);
  for (uint32_t i = 0; i < kLength; ++i) {
    pairs.U8(0x4E).VarU32(2);
    pairs.U8(0x5F).VarU32(1).U8(0x63).VarS64(2 * i + 1).U8(0);
    pairs.U8(0x5F).VarU32(1).U8(0x63).VarS64(2 * i).U8(0);
  }
  EXPECT_EQ(Outcome(SectionWriter().Add(kTypes, pairs).bytes()), "ok");
}

TEST(Limits, OperandsOfABody) {
  // Each call puts a thousand there, in two bytes.
  ModuleBuilder builder;
  const std::vector<ValType> many(1000, ValType::I32());
  builder.ImportFunc("m", "f", builder.Type(FuncType({}, many)));
  CodeBuilder calls;
  for (int i = 0; i < 20'000; ++i) calls.Call(FuncIndex(0));
  builder.Func(FuncType(), calls);
  const std::string outcome = Outcome(builder.Build(), {}, 80 * kMegabyte);
  EXPECT_TRUE(absl::StartsWith(outcome, "function too large: more than 10000000 operands"))
      << outcome;
}

// Operators of few bytes whose types are large: what they do is not their types' size times
// their number.
TEST(Limits, LargeTypesOfManyOperators) {
  ByteWriter types;
  types.VarU32(3).Bytes(kNothingToNothing).Bytes(StructOf(10'000).bytes()).Bytes({0x5E, 0x7F, 0});
  ByteWriter body;
  body.VarU32(0);
  // Made with default fields and dropped.
  for (int i = 0; i < 400'000; ++i) body.U8(0xFB).VarU32(1).VarU32(1).U8(0x1A);
  // Made of operands that are not there, in code that is never reached.
  body.U8(0x00);
  for (int i = 0; i < 400'000; ++i) body.U8(0xFB).VarU32(0).VarU32(1).U8(0x1A);
  for (int i = 0; i < 400'000; ++i) body.U8(0xFB).VarU32(8).VarU32(2).VarU32(10'000).U8(0x1A);
  body.U8(0x0B);
  ByteWriter code;
  code.VarU32(1).VarU32(static_cast<uint32_t>(body.size())).Bytes(body.bytes());
  EXPECT_EQ(Outcome(SectionWriter()
                        .Add(kTypes, types)
                        .Add(kFunctions, Repeated(1, {0}))
                        .Add(kCode, code)
                        .bytes()),
            "ok");
}

}  // namespace
}  // namespace gantry::wasm
