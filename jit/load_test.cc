#include "jit/load.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "environ/artifact/artifact.h"
#include "gtest/gtest.h"
#include "jit/host_features.h"
#include "runtime/host_arch.h"

namespace gantry::jit {
namespace {

using environ::FuncKey;
using environ::LinkedText;
using environ::ModuleId;
using environ::ModuleInfo;
using environ::Tunables;

// A C function that returns 42, in the host's machine code.
std::vector<uint8_t> ReturnFortyTwo() {
  if (std::string(runtime::host_arch::Name()) == "aarch64") {
    return {0x40, 0x05, 0x80, 0x52, 0xC0, 0x03, 0x5F, 0xD6};
  }
  return {0xB8, 42, 0, 0, 0, 0xC3};
}

struct Sample {
  LinkedText text;
  ModuleInfo info;
  std::vector<uint8_t> data = {1, 2, 3, 4};
  Tunables tunables;
  environ::ArtifactContents contents;

  Sample() {
    text.text = ReturnFortyTwo();
    environ::TextFunction function;
    function.key = FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(0));
    function.size = static_cast<uint32_t>(text.text.size());
    text.functions = {function};
    text.trap_offsets = {0};
    text.trap_codes = {1};
    info.types.Push({wasm::FuncType()});
    info.functions.Push({wasm::TypeIndex(0)});
    environ::DataSegment segment;
    segment.data_length = 4;
    info.data_segments.Push(segment);
    contents.compiler = "by hand";
    contents.target = std::string(HostTriple());
    contents.tunables = tunables;
    contents.page_alignment = 65536;
    contents.text = &text;
    contents.modules = {{&info, data}};
  }
  std::vector<uint8_t> Write() const {
    absl::StatusOr<std::vector<uint8_t>> bytes = environ::WriteArtifact(contents);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    return *std::move(bytes);
  }
};

TEST(LoadTest, CodeRunsWhereItWasLoaded) {
  Sample sample;
  std::vector<uint8_t> bytes = sample.Write();
  const auto code = LoadArtifact(bytes, {&sample.tunables});
  ASSERT_TRUE(code.ok()) << code.status();
  // What was loaded does not depend on the bytes any more.
  std::fill(bytes.begin(), bytes.end(), 0);
  const void* function =
      (*code)->FunctionByKey(FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(0)));
  ASSERT_NE(function, nullptr);
  const uintptr_t pc = reinterpret_cast<uintptr_t>(function);
  EXPECT_EQ(reinterpret_cast<int (*)()>(pc)(), 42);
  EXPECT_EQ(runtime::CodeObject::Find(pc), code->get());
  EXPECT_EQ((*code)->FindTrap(pc), 1);
  EXPECT_EQ((*code)->data(ModuleId(0)).size(), 4u);
  EXPECT_EQ((*code)->data(ModuleId(0))[3], 4);
}

TEST(LoadDeathTest, CodeIsNotWritable) {
  Sample sample;
  const auto code = LoadArtifact(sample.Write(), {&sample.tunables});
  ASSERT_TRUE(code.ok());
  EXPECT_DEATH(*const_cast<volatile uint8_t*>((*code)->text().data()) = 0, "");
  EXPECT_DEATH(*const_cast<volatile uint8_t*>((*code)->data(ModuleId(0)).data()) = 0, "");
}

TEST(LoadTest, AnArtifactForOtherSettingsNamesThem) {
  Sample sample;
  const std::vector<uint8_t> bytes = sample.Write();
  Tunables other = sample.tunables;
  other.consume_fuel = true;
  absl::Status status = LoadArtifact(bytes, {&other}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("consume_fuel"), absl::string_view::npos) << status;
  const std::string foreign = std::string(runtime::host_arch::Name()) == "aarch64"
                                  ? "x86_64-unknown-linux-gnu"
                                  : "aarch64-unknown-linux-gnu";
  sample.contents.target = foreign;
  status = LoadArtifact(sample.Write(), {&sample.tunables}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find(foreign), absl::string_view::npos) << status;
}

// A changed byte of the text is found when the text is verified; anywhere, nothing crashes.
TEST(LoadTest, DamageIsRefused) {
  Sample sample;
  const std::vector<uint8_t> bytes = sample.Write();
  const auto code = LoadArtifact(bytes, {&sample.tunables});
  ASSERT_TRUE(code.ok());
  std::vector<uint8_t> changed = bytes;
  const std::vector<uint8_t> text = ReturnFortyTwo();
  const auto at = std::search(changed.begin(), changed.end(), text.begin(), text.end());
  ASSERT_NE(at, changed.end());
  *at ^= 1;
  EXPECT_EQ(LoadArtifact(changed, {&sample.tunables}).status().code(),
            absl::StatusCode::kInvalidArgument);
  for (size_t size : {size_t{0}, size_t{1}, size_t{63}, size_t{64}, bytes.size() - 1}) {
    EXPECT_FALSE(
        LoadArtifact(absl::MakeConstSpan(bytes.data(), size), {&sample.tunables}).ok())
        << size;
  }
}

}  // namespace
}  // namespace gantry::jit
