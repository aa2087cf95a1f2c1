#include "environ/artifact/artifact.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "environ/artifact/module_info_codec.h"
#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

ModuleInfo SampleInfo() {
  ModuleInfo info;
  info.name = "sample";
  wasm::SubType type;
  type.composite = wasm::FuncType({wasm::ValType::I32(), wasm::ValType::ExternRef()},
                                  {wasm::ValType::F64(), wasm::ValType::FuncRef()});
  info.types.Push(type);
  wasm::SubType second;
  second.composite = wasm::FuncType({}, {});
  second.group_start = wasm::TypeIndex(1);
  info.types.Push(second);
  info.functions.Push({.type = wasm::TypeIndex(1)});
  info.functions.Push({.type = wasm::TypeIndex(0), .func_ref = FuncRefIndex(0)});
  info.num_imported_functions = 1;
  info.num_func_refs = 1;
  wasm::TableType table;
  table.limits = {.min = 2, .max = 10};
  info.tables.Push(table);
  info.table_inits.Push(ConstExpr());
  MemoryInfo memory;
  memory.type.limits.min = 1;
  memory.plan = MemoryPlan::For(memory.type, Tunables());
  info.memories.Push(memory);
  info.globals.Push({.content = wasm::ValType::I64(), .is_mutable = true});
  info.global_inits.Push(ConstExpr({ConstOp::I64Const(7)}));
  info.imports.push_back({"env", "f", EntityRef::Func(wasm::FuncIndex(0))});
  info.exports.push_back({"run", EntityRef::Func(wasm::FuncIndex(1))});
  info.exports.push_back({"memory", EntityRef::Memory(wasm::MemoryIndex(0))});
  ElemSegment elem;
  elem.mode = SegmentMode::kActive;
  elem.table = wasm::TableIndex(0);
  elem.offset = ConstExpr({ConstOp::I32Const(1)});
  elem.functions = {wasm::FuncIndex(1), wasm::FuncIndex::None()};
  info.elem_segments.Push(elem);
  ElemSegment preset;
  preset.mode = SegmentMode::kPreset;
  preset.table = wasm::TableIndex(0);
  preset.offset = elem.offset;
  info.elem_segments.Push(preset);
  info.preset_tables.Push({wasm::FuncIndex::None(), wasm::FuncIndex(1)});
  DataSegment data;
  data.mode = SegmentMode::kActive;
  data.memory = wasm::MemoryIndex(0);
  data.offset = ConstExpr({ConstOp::I32Const(16)});
  data.data_offset = 1;
  data.data_length = 4;
  info.data_segments.Push(data);
  info.start = wasm::FuncIndex(0);
  info.func_names.push_back({wasm::FuncIndex(1), "run"});
  info.uncompiled.push_back({wasm::DefinedFuncIndex(0), 1});
  info.missing = {{wasm::Feature::kGc, "struct.new"}, {wasm::Feature::kSimd, "i32x4.add"}};
  return info;
}

LinkedText SampleText() {
  LinkedText text;
  text.text.assign(64, 0xC3);
  const ModuleId module(0);
  text.functions = {
      {.key = FuncKey::WasmFunction(module, wasm::DefinedFuncIndex(0)), .offset = 0, .size = 20},
      {.key = FuncKey::ExitTrampoline(module, wasm::TypeIndex(1)), .offset = 32, .size = 16},
      {.key = FuncKey::EntryTrampoline(module, wasm::TypeIndex(0)), .offset = 48, .size = 16}};
  text.trap_offsets = {3, 9};
  text.trap_codes = {1, 2};
  text.trap_refunds = {0, 7};
  text.address_offsets = {0, 20};
  text.address_wasm_offsets = {100, kNoWasmOffset};
  text.inline_offsets = {4, 12};
  text.inline_range_sites = {1, kNoInlineSite};
  text.inline_sites = {{kNoInlineSite, 1, 7}, {0, 0, 9}};
  text.stack_map_offsets = {8};
  text.stack_map_lists = {0};
  text.slot_lists = {{0, 1}};
  text.stack_map_slots = {16};
  return text;
}

// Aligned as a mapped file is.
class File {
 public:
  explicit File(const std::vector<uint8_t>& bytes)
      : words_(bytes.size() / 8 + 1), size_(bytes.size()) {
    // No byte at all may be at no address.
    if (!bytes.empty()) std::memcpy(words_.data(), bytes.data(), bytes.size());
  }
  absl::Span<const uint8_t> span() const { return {bytes(), size_}; }
  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(words_.data()); }
  const uint8_t* bytes() const { return reinterpret_cast<const uint8_t*>(words_.data()); }

 private:
  std::vector<uint64_t> words_;
  size_t size_;
};

class ArtifactTest : public testing::Test {
 protected:
  ArtifactTest() {
    contents_.compiler = "cranelift";
    contents_.target = "x86_64-unknown-linux-gnu";
    contents_.isa_flags = {{"has_avx2", "true"}, {"has_bmi2", "false"}};
    contents_.text = &text_;
    contents_.modules = {{.info = &info_, .data = data_, .wasm = wasm_}};
    native_debug_.sections[NativeDebug::kInfo].assign(20, 7);
    native_debug_.sections[NativeDebug::kStr] = {'s', 0};
    native_debug_.addresses = {{NativeDebug::kInfo, 4}};
    contents_.native_debug = &native_debug_;
  }
  std::vector<uint8_t> Write() {
    absl::StatusOr<std::vector<uint8_t>> file = WriteArtifact(contents_);
    EXPECT_TRUE(file.ok()) << file.status();
    return *file;
  }

  const ModuleInfo info_ = SampleInfo();
  const LinkedText text_ = SampleText();
  const std::vector<uint8_t> data_ = {1, 2, 3, 4, 5};
  const std::vector<uint8_t> wasm_ = {0, 'a', 's', 'm'};
  NativeDebug native_debug_;
  ArtifactContents contents_;
};

TEST_F(ArtifactTest, ReadsWhatWasWritten) {
  const File file(Write());
  const absl::StatusOr<ArtifactView> view = ArtifactView::Parse(file.span());
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->compiler(), "cranelift");
  EXPECT_EQ(view->text(), absl::MakeConstSpan(text_.text));
  EXPECT_EQ(view->text_offset() % 4096, 0u);
  ASSERT_EQ(view->modules().size(), 1u);
  EXPECT_EQ(view->modules()[0].info, info_);
  EXPECT_EQ(view->modules()[0].data, absl::MakeConstSpan(data_));
  EXPECT_EQ(view->modules()[0].wasm, absl::MakeConstSpan(wasm_));
  EXPECT_EQ(view->debug_addresses(), absl::MakeConstSpan(native_debug_.addresses));
  ASSERT_EQ(view->debug_sections().size(), NativeDebug::kNumSections);
  std::vector<uint8_t> placed = native_debug_.sections[NativeDebug::kInfo];
  PlaceAddress(absl::MakeSpan(placed), 4, view->text_offset());
  EXPECT_EQ(view->debug_sections()[NativeDebug::kInfo], absl::MakeConstSpan(placed));
  EXPECT_EQ(view->tables().FindTrap(9), 2);
  EXPECT_EQ(view->tables().FindWasmOffset(5), 100u);
  EXPECT_EQ(view->tables().FindInlineSite(5), 1u);
  EXPECT_EQ(view->tables().FindInlineSite(12), std::nullopt);
  EXPECT_EQ(view->tables().inline_sites, absl::MakeConstSpan(text_.inline_sites));
  const FunctionRecord* entry =
      view->tables().FindKey(FuncKey::EntryTrampoline(ModuleId(0), wasm::TypeIndex(0)));
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->offset, 48u);
  EXPECT_EQ(view->tables().FindKey(FuncKey::BuiltinShim(1)), nullptr);
}

TEST_F(ArtifactTest, PartsOfSeveralModulesStayApart) {
  const std::vector<uint8_t> other_data = {9, 8, 7, 6, 5, 4};
  const std::vector<uint8_t> other_debug = {'d'};
  contents_.modules.push_back({.info = &info_, .data = other_data, .debug = other_debug});
  const File file(Write());
  const absl::StatusOr<ArtifactView> view = ArtifactView::Parse(file.span());
  ASSERT_TRUE(view.ok()) << view.status();
  ASSERT_EQ(view->modules().size(), 2u);
  EXPECT_EQ(view->modules()[0].data, absl::MakeConstSpan(data_));
  EXPECT_EQ(view->modules()[0].wasm, absl::MakeConstSpan(wasm_));
  EXPECT_TRUE(view->modules()[0].debug.empty());
  EXPECT_EQ(view->modules()[1].data, absl::MakeConstSpan(other_data));
  EXPECT_EQ(view->modules()[1].debug, absl::MakeConstSpan(other_debug));
  EXPECT_TRUE(view->modules()[1].wasm.empty());
}

TEST_F(ArtifactTest, TheSameContentsGiveTheSameBytes) { EXPECT_EQ(Write(), Write()); }

TEST_F(ArtifactTest, DifferencesAreNamed) {
  const File file(Write());
  const absl::StatusOr<ArtifactView> view = ArtifactView::Parse(file.span());
  ASSERT_TRUE(view.ok()) << view.status();
  Tunables tunables;
  ArtifactExpectation expected = {.target = contents_.target, .tunables = &tunables};
  expected.host_has_feature = [](absl::string_view name) { return name != "has_bmi2"; };
  EXPECT_TRUE(view->CheckCompatible(expected).ok());

  tunables.consume_fuel = true;
  expected.target = "aarch64-unknown-linux-gnu";
  expected.host_has_feature = [](absl::string_view) { return false; };
  const absl::Status status = view->CheckCompatible(expected);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  for (const char* part : {"x86_64-unknown-linux-gnu, not aarch64", "consume_fuel",
                           "again for aarch64-unknown-linux-gnu, with these settings"}) {
    EXPECT_NE(status.message().find(part), absl::string_view::npos) << status;
  }
  // Features of another target say nothing.
  EXPECT_EQ(status.message().find("has_"), absl::string_view::npos) << status;

  tunables.consume_fuel = false;
  expected.target = contents_.target;
  const absl::Status features = view->CheckCompatible(expected);
  EXPECT_EQ(features.code(), absl::StatusCode::kFailedPrecondition);
  for (const char* part : {"needs the CPU feature has_avx2", "again on this machine"}) {
    EXPECT_NE(features.message().find(part), absl::string_view::npos) << features;
  }
  EXPECT_EQ(features.message().find("has_bmi2"), absl::string_view::npos) << features;
}

// Flags that are no features of processors say how code was made, for any processor; what has to be
// known to map it is kept apart.
TEST_F(ArtifactTest, MarkedBranchTargets) {
  contents_.isa_flags = {{"use_bti", "true"}};
  for (const bool marks : {false, true}) {
    contents_.marks_branch_targets = marks;
    const File file(Write());
    const absl::StatusOr<ArtifactView> view = ArtifactView::Parse(file.span());
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->marks_branch_targets(), marks);
    ArtifactExpectation expected = {.target = contents_.target};
    expected.host_has_feature = [](absl::string_view) { return false; };
    EXPECT_TRUE(view->CheckCompatible(expected).ok());
  }
}

TEST_F(ArtifactTest, EveryTruncationIsRefused) {
  const std::vector<uint8_t> bytes = Write();
  for (const Verification verification : {Verification::kTrusted, Verification::kFull}) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      const File file(std::vector<uint8_t>(bytes.begin(), bytes.begin() + size));
      EXPECT_FALSE(ArtifactView::Parse(file.span(), verification).ok()) << size;
    }
  }
}

// Of a file that is verified fully, padding alone may change unnoticed; of one that is
// trusted, also symbols, text, tables and data, but nothing that says where and how large they are.
TEST_F(ArtifactTest, EveryChangedByteIsRefusedOrHarmless) {
  const std::vector<uint8_t> bytes = Write();
  const File unchanged(bytes);
  const absl::StatusOr<ArtifactView> original = ArtifactView::Parse(unchanged.span());
  ASSERT_TRUE(original.ok()) << original.status();
  size_t accepted[2] = {};
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const uint8_t change : {0x01, 0x80, 0xFF}) {
      File file(bytes);
      file.bytes()[i] ^= change;
      for (const Verification verification : {Verification::kTrusted, Verification::kFull}) {
        const absl::StatusOr<ArtifactView> view = ArtifactView::Parse(file.span(), verification);
        if (!view.ok()) {
          EXPECT_EQ(view.status().code(), absl::StatusCode::kInvalidArgument) << i;
          continue;
        }
        ++accepted[verification == Verification::kFull];
        EXPECT_TRUE(view->CheckCompatible({.target = contents_.target}).ok()) << i;
        ASSERT_EQ(view->modules().size(), 1u);
        EXPECT_EQ(view->modules()[0].info, info_) << i;
        ASSERT_EQ(view->tables().functions.size(), text_.functions.size()) << i;
        ASSERT_EQ(view->text().size(), text_.text.size()) << i;
        if (verification == Verification::kTrusted) continue;
        EXPECT_EQ(view->text(), absl::MakeConstSpan(text_.text)) << i;
        EXPECT_EQ(view->modules()[0].data, absl::MakeConstSpan(data_)) << i;
        EXPECT_EQ(view->tables().trap_offsets, absl::MakeConstSpan(text_.trap_offsets)) << i;
        EXPECT_EQ(view->tables().inline_sites, absl::MakeConstSpan(text_.inline_sites)) << i;
        EXPECT_EQ(view->eh_frame(), absl::MakeConstSpan(text_.eh_frame)) << i;
        EXPECT_EQ(view->debug_addresses(), absl::MakeConstSpan(native_debug_.addresses)) << i;
        for (size_t s = 0; s < NativeDebug::kNumSections; ++s) {
          EXPECT_EQ(view->debug_sections()[s], original->debug_sections()[s]) << i;
        }
      }
    }
  }
  EXPECT_GT(accepted[0], accepted[1]);
}

// A module with a recursion group of a struct and an array, a tag, and `init` for its last
// global, of two.
ModuleInfo GcInfo(ConstExpr init) {
  ModuleInfo info;
  wasm::SubType type;
  type.group_size = 2;
  type.composite = wasm::StructType{{{wasm::ValType::ConcreteRef(wasm::TypeIndex(1), true), true},
                                     {wasm::ValType::I32(), false}}};
  info.types.Push(type);
  type.composite = wasm::ArrayType{{wasm::StorageType::I8(), true}};
  info.types.Push(type);
  wasm::SubType func;
  func.composite = wasm::FuncType({wasm::ValType::ConcreteRef(wasm::TypeIndex(0), false)}, {});
  func.group_start = wasm::TypeIndex(2);
  func.is_final = false;
  info.types.Push(func);
  info.tags.Push({wasm::TypeIndex(2)});
  info.exports.push_back({"tag", EntityRef::Tag(wasm::TagIndex(0))});
  const wasm::ValType any =
      wasm::ValType::Ref(wasm::HeapType::Abstract(wasm::AbstractHeapType::kAny), true);
  info.globals.Push({any, false, false});
  info.globals.Push({any, false, false});
  info.global_inits.Push(ConstExpr({ConstOp::RefNull(any)}));
  info.global_inits.Push(std::move(init));
  MemoryInfo memory;
  memory.type.index_type = wasm::IndexType::kI64;
  memory.type.page_size_log2 = 0;
  memory.type.shared = true;
  memory.type.limits = {1, uint64_t{1} << 40};
  memory.plan = MemoryPlan::For(memory.type, Tunables());
  info.memories.Push(memory);
  return info;
}

TEST(ModuleInfoCodecTest, EveryConstantOperation) {
  using Kind = ConstOp::Kind;
  const ConstOp i32 = ConstOp::I32Const(3);
  const ConstOp i31 = ConstOp::Simple(Kind::kRefI31);
  const auto typed = [](Kind kind, uint32_t type, uint64_t count = 0) {
    return ConstOp{kind, {type, count}};
  };
  const std::vector<std::vector<ConstOp>> good = {
      {i32, i31},
      {ConstOp::GlobalGet(wasm::GlobalIndex(0)), ConstOp::Simple(Kind::kExternConvertAny),
       ConstOp::Simple(Kind::kAnyConvertExtern)},
      {ConstOp::RefNull(wasm::ValType::ExternRef()), i32, typed(Kind::kStructNew, 0)},
      {typed(Kind::kStructNewDefault, 0)},
      {i32, i32, typed(Kind::kArrayNew, 1)},
      {i32, typed(Kind::kArrayNewDefault, 1)},
      {i32, i32, i32, typed(Kind::kArrayNewFixed, 1, 3)},
      {typed(Kind::kArrayNewFixed, 1, 0)},
  };
  for (const std::vector<ConstOp>& ops : good) {
    const ModuleInfo info = GcInfo(ConstExpr(ops));
    const absl::StatusOr<ModuleInfo> read = DecodeModuleInfo(EncodeModuleInfo(info), 0);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, info);
  }
  const std::vector<std::vector<ConstOp>> bad = {
      {i31},
      {i32, typed(Kind::kStructNew, 0)},
      {typed(Kind::kStructNewDefault, 1)},
      {typed(Kind::kStructNewDefault, 9)},
      {i32, i32, typed(Kind::kArrayNew, 0)},
      {i32, typed(Kind::kArrayNewFixed, 1, ~uint64_t{0})},
      {typed(Kind::kArrayNewDefault, 1)},
      // Not before it is made.
      {ConstOp::GlobalGet(wasm::GlobalIndex(1))},
  };
  for (const std::vector<ConstOp>& ops : bad) {
    EXPECT_FALSE(DecodeModuleInfo(EncodeModuleInfo(GcInfo(ConstExpr(ops))), 0).ok());
  }
}

TEST(ModuleInfoCodecTest, TypesNameTheirGroupOrEarlierOnes) {
  const ConstExpr null({ConstOp::RefNull(wasm::ValType::FuncRef())});
  ModuleInfo forward = GcInfo(null);
  forward.types[wasm::TypeIndex(1)].composite =
      wasm::ArrayType{{wasm::ValType::ConcreteRef(wasm::TypeIndex(2), true), true}};
  EXPECT_FALSE(DecodeModuleInfo(EncodeModuleInfo(forward), 0).ok());
  for (const uint32_t size : {0u, 1u, 3u, 4u, 0xFFFFFFFFu}) {
    ModuleInfo group = GcInfo(null);
    group.types[wasm::TypeIndex(0)].group_size = size;
    EXPECT_FALSE(DecodeModuleInfo(EncodeModuleInfo(group), 0).ok()) << size;
  }
  ModuleInfo reasons = SampleInfo();
  reasons.uncompiled[0].reason = 2;
  EXPECT_FALSE(DecodeModuleInfo(EncodeModuleInfo(reasons), 5).ok());
}

TEST(ModuleInfoTest, WhatIsMissingIsFound) {
  const ModuleInfo info = SampleInfo();
  EXPECT_EQ(info.WhyUncompiled(wasm::DefinedFuncIndex(0))->feature, wasm::Feature::kSimd);
  EXPECT_EQ(info.WhyUncompiled(wasm::DefinedFuncIndex(1)), nullptr);
  EXPECT_EQ(info.MissingAtInstantiation(), std::nullopt);
  const ModuleInfo gc = GcInfo(ConstExpr({ConstOp{ConstOp::Kind::kStructNewDefault, {0, 0}}}));
  EXPECT_EQ(gc.MissingAtInstantiation()->what, "struct.new_default");
}

TEST(ModuleInfoTest, ShapesForgetWhatReferencesReferTo) {
  const ModuleInfo info = GcInfo(ConstExpr({ConstOp::RefNull(wasm::ValType::FuncRef())}));
  const auto any = [](bool nullable) {
    return wasm::ValType::Ref(wasm::HeapType::Abstract(wasm::AbstractHeapType::kAny), nullable);
  };
  const wasm::FuncType type(
      {wasm::ValType::ConcreteRef(wasm::TypeIndex(2), true),
       wasm::ValType::ConcreteRef(wasm::TypeIndex(0), false), wasm::ValType::I64()},
      {wasm::ValType::ConcreteRef(wasm::TypeIndex(1), true)});
  EXPECT_EQ(
      info.ShapeOf(type),
      wasm::FuncType({wasm::ValType::FuncRef(), any(false), wasm::ValType::I64()}, {any(true)}));
}

TEST(ModuleInfoCodecTest, DamagedBytesNeverCrash) {
  const std::vector<uint8_t> bytes = EncodeModuleInfo(SampleInfo());
  ASSERT_TRUE(DecodeModuleInfo(bytes, 5).ok());
  EXPECT_FALSE(DecodeModuleInfo(bytes, 4).ok());
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> damaged = bytes;
    for (uint32_t changes = 1 + random() % 3; changes > 0; --changes) {
      damaged[random() % damaged.size()] = static_cast<uint8_t>(random());
    }
    if (random() % 4 == 0) damaged.resize(random() % damaged.size());
    const absl::StatusOr<ModuleInfo> info = DecodeModuleInfo(damaged, 5);
    if (info.ok()) EncodeModuleInfo(*info);
  }
}

TEST_F(ArtifactTest, BinutilsUnderstandsIt) {
  const std::string path = std::string(testing::TempDir()) + "/artifact.elf";
  const std::vector<uint8_t> bytes = Write();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (std::system("objdump --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no objdump";
  const std::string command = "objdump -d " + path + " | grep -q 'wasm.0.::function.0.>:' && " +
                              "test -z \"$(readelf -aW " + path + " 2>&1 >/dev/null)\"";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
}

}  // namespace
}  // namespace gantry::environ
