#include "wasm_translate/testing/module_generator.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "wasm_translate/function_validator.h"
#include "wasm_translate/module_validator.h"

namespace gantry::wasm::testing {
namespace {

using Bytes = std::vector<uint8_t>;

// Of sizes that differ, so that modules end early too.
Bytes ModuleOfSeed(uint64_t seed, const GeneratorOptions& options) {
  const Bytes random = RandomBytes(seed, 64 + seed * 37 % 4096);
  ByteSource source(random);
  return GenerateModule(source, options);
}

std::string Hex(const Bytes& bytes) {
  std::string hex;
  for (uint8_t byte : bytes) absl::StrAppend(&hex, absl::Hex(byte, absl::kZeroPad2));
  return hex;
}

absl::Status Validate(const Bytes& module, Features features) {
  ParseOptions options;
  options.features = features;
  return ValidateModule(module, options);
}

GeneratorOptions OptionsOf(Features features) {
  GeneratorOptions options;
  options.features = features;
  return options;
}

TEST(ModuleGeneratorTest, NoBytesGiveTheEmptyModule) {
  ByteSource source({});
  EXPECT_EQ(GenerateModule(source, GeneratorOptions()), (Bytes{0, 'a', 's', 'm', 1, 0, 0, 0}));
}

TEST(ModuleGeneratorTest, TheSameBytesGiveTheSameModule) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const GeneratorOptions options = OptionsOf(Features::All());
    EXPECT_EQ(ModuleOfSeed(seed, options), ModuleOfSeed(seed, options));
  }
}

TEST(ModuleGeneratorTest, TwentyThousandSeedsAreValid) {
  std::vector<size_t> sizes;
  for (uint64_t seed = 0; seed < 20'000; ++seed) {
    const Bytes module = ModuleOfSeed(seed, OptionsOf(Features::All()));
    const absl::Status status = Validate(module, Features::All());
    ASSERT_TRUE(status.ok()) << "seed " << seed << ": " << status << "\n" << Hex(module);
    sizes.push_back(module.size());
  }
  std::sort(sizes.begin(), sizes.end());
  std::printf("bytes of a module: least %zu, ", sizes.front());
  for (int percent : {10, 25, 50, 75, 90, 99}) {
    std::printf("%d%% %zu, ", percent, sizes[sizes.size() * percent / 100]);
  }
  std::printf("most %zu\n", sizes.back());
  EXPECT_GT(sizes[sizes.size() / 2], 300u);
  EXPECT_LT(sizes.back(), 200'000u);
}

TEST(ModuleGeneratorTest, EveryOptionGivesValidModules) {
  for (uint64_t seed = 0; seed < 2'000; ++seed) {
    GeneratorOptions options = OptionsOf(seed % 2 == 0 ? Features::All() : Features::Wasm2Scalar());
    options.profile = GeneratorOptions::Profile::kExecutable;
    options.canonicalize_nans = seed % 3 == 0;
    options.export_everything = seed % 5 == 0;
    options.custom_sections = seed % 7 == 0;
    options.max_imports = seed % 11 == 0 ? 0 : 5;
    const Bytes module = ModuleOfSeed(seed, options);
    const absl::Status status = Validate(module, options.features);
    ASSERT_TRUE(status.ok()) << "seed " << seed << ": " << status << "\n" << Hex(module);
  }
}

TEST(ModuleGeneratorTest, WhatIsTurnedOffIsNotNeeded) {
  for (Feature feature : AllFeatures()) {
    if (feature == Feature::kMvp) continue;
    for (const bool all_others : {true, false}) {
      Features features = all_others ? Features::All() : Features();
      features.Set(feature, !all_others);
      for (uint64_t seed = 0; seed < 500; ++seed) {
        const Bytes module = ModuleOfSeed(seed, OptionsOf(features));
        const absl::Status status = Validate(module, features);
        ASSERT_TRUE(status.ok()) << (all_others ? "all but " : "only ") << FeatureName(feature)
                                 << ", seed " << seed << ": " << status << "\n"
                                 << Hex(module);
      }
    }
  }
}

TEST(ModuleGeneratorTest, WithoutFeaturesModulesAreOfTheFirstVersion) {
  for (uint64_t seed = 0; seed < 1'000; ++seed) {
    const Bytes module = ModuleOfSeed(seed, OptionsOf(Features()));
    const absl::Status status = Validate(module, Features());
    ASSERT_TRUE(status.ok()) << "seed " << seed << ": " << status << "\n" << Hex(module);
  }
}

// Counts operators in live code, and what else there is of their forms.
class Census : public VisitorBase<Census> {
 public:
  explicit Census(const Bytes& module) : module_(module) {}

  void OnBegin(const FunctionState& state) { state_ = &state; }
  void OnUnsupported(Opcode op) { seen.insert(op); }
  void OnNop() { seen.insert(Opcode::kNop); }
  void OnElse(const ControlFrame&, bool) { seen.insert(Opcode::kElse); }
  void OnEnd(const ControlFrame&, bool) { seen.insert(Opcode::kEnd); }
  // Two operators come by one callback.
  void OnSelect(ValType) { seen.insert(static_cast<Opcode>(module_[state_->offset()])); }
  void OnBlock(const ControlFrame& frame) { Block(Opcode::kBlock, frame); }
  void OnLoop(const ControlFrame& frame) { Block(Opcode::kLoop, frame); }
  void OnIf(const ControlFrame& frame) { Block(Opcode::kIf, frame); }
  void OnTryTable(const ControlFrame& frame, absl::Span<const CatchClause> clauses) {
    Block(Opcode::kTryTable, frame);
    for (const CatchClause& clause : clauses) ++forms["catch " + std::to_string(int(clause.kind))];
  }

  std::set<Opcode> seen;
  std::map<std::string, int> forms;

 private:
  void Block(Opcode op, const ControlFrame& frame) {
    seen.insert(op);
    if (!frame.params().empty()) ++forms[absl::StrCat(OpcodeName(op), " with parameters")];
    if (frame.results().size() > 1) ++forms[absl::StrCat(OpcodeName(op), " with results")];
  }

  const Bytes& module_;
  const FunctionState* state_ = nullptr;
};

void CountFields(const Module& module, std::map<std::string, int>& forms) {
  for (const Import& import : module.imports) {
    ++forms[absl::StrCat("import ", ExternKindName(import.entity.kind))];
  }
  for (const Export& entry : module.exports) {
    ++forms[absl::StrCat("export ", ExternKindName(entry.entity.kind))];
  }
  static constexpr const char* kModes[] = {"active", "passive", "declared"};
  for (const ElementSegment& segment : module.elements.values()) {
    ++forms[absl::StrCat(kModes[static_cast<int>(segment.mode)],
                         segment.expressions.empty() ? " functions" : " expressions")];
  }
  for (const DataSegment& segment : module.data.values()) {
    ++forms[absl::StrCat(kModes[static_cast<int>(segment.mode)], " data")];
  }
  for (const MemoryType& memory : module.memories.values()) {
    if (memory.shared) ++forms["shared memory"];
    if (memory.index_type == IndexType::kI64) ++forms["memory64"];
    if (memory.page_size_log2 == 0) ++forms["small pages"];
  }
  for (const TableType& table : module.tables.values()) {
    if (table.index_type == IndexType::kI64) ++forms["table64"];
    if (!table.element.is_nullable()) ++forms["non-null table"];
  }
  for (const auto& initializer : module.table_initializers.values()) {
    if (initializer.has_value()) ++forms["table initialiser"];
  }
  for (size_t i = 0; i < module.types.size(); ++i) {
    const SubType& type = module.types[TypeIndex::FromIndex(i)];
    if (type.group_size > 1) ++forms["recursion group"];
    if (type.supertype.is_some()) ++forms["supertype"];
    if (!type.is_final) ++forms["open type"];
    if (module.canonical_types[TypeIndex::FromIndex(i)] != i) ++forms["equivalent types"];
    if (type.struct_type() != nullptr) ++forms["struct"];
    if (type.array() != nullptr) ++forms["array"];
  }
  if (module.start.has_value()) ++forms["start"];
  if (module.data_count.has_value()) ++forms["data count"];
  if (!module.names.functions.empty()) ++forms["names"];
  if (module.memories.size() > 1) ++forms["several memories"];
  if (module.tables.size() > 1) ++forms["several tables"];
  if (module.tags.size() > 0) ++forms["tags"];
  for (const CustomSection& section : module.custom_sections) {
    if (section.name == "metadata.code.branch_hint") ++forms["branch hints"];
    if (absl::StartsWith(section.name, "custom")) ++forms["custom section"];
  }
}

TEST(ModuleGeneratorTest, EveryOperatorAndFormComesInLiveCode) {
  std::set<Opcode> seen;
  std::map<std::string, int> forms;
  ParseOptions options;
  options.features = Features::All();
  for (uint64_t seed = 0; seed < 4'000; ++seed) {
    const Bytes bytes = ModuleOfSeed(seed, OptionsOf(Features::All()));
    const absl::StatusOr<Module> module = ParseModule(bytes, options);
    ASSERT_TRUE(module.ok()) << module.status();
    Census census(bytes);
    FunctionValidator<Census> validator(*module, options.features, options.limits);
    for (const FunctionBody& body : module->bodies.values()) {
      ASSERT_TRUE(validator.Run(body, census).ok());
    }
    seen.insert(census.seen.begin(), census.seen.end());
    for (const auto& [form, count] : census.forms) forms[form] += count;
    CountFields(*module, forms);
  }
  for (Opcode op : AllOpcodes()) {
    EXPECT_TRUE(seen.count(op) > 0) << op << " (" << EncodingOf(op).code << ") never comes";
  }
  for (const char* form : {"import function",
                           "import table",
                           "import memory",
                           "import global",
                           "import tag",
                           "export function",
                           "export table",
                           "export memory",
                           "export global",
                           "export tag",
                           "active functions",
                           "passive functions",
                           "declared functions",
                           "active expressions",
                           "passive expressions",
                           "declared expressions",
                           "active data",
                           "passive data",
                           "shared memory",
                           "memory64",
                           "small pages",
                           "table64",
                           "non-null table",
                           "table initialiser",
                           "recursion group",
                           "supertype",
                           "open type",
                           "equivalent types",
                           "struct",
                           "array",
                           "start",
                           "data count",
                           "names",
                           "several memories",
                           "several tables",
                           "tags",
                           "branch hints",
                           "custom section",
                           "catch 0",
                           "catch 1",
                           "catch 2",
                           "catch 3",
                           "block with parameters",
                           "loop with parameters",
                           "if with parameters",
                           "try_table with parameters",
                           "block with results",
                           "loop with results",
                           "if with results",
                           "try_table with results"}) {
    EXPECT_GT(forms[form], 0) << form << " never comes";
  }
  for (const auto& [form, count] : forms) std::printf("%6d %s\n", count, form.c_str());
}

}  // namespace
}  // namespace gantry::wasm::testing
