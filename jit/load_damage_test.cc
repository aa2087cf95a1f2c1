// A real artifact, each byte of its metadata changed and some of its text, and cut at every length:
// it is refused, or what changed is padding; never does loading crash.
#include <elf.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "gtest/gtest.h"
#include "jit/incremental_testing.h"
#include "jit/load.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::jit {
namespace {

using environ::Verification;
using wasm::Opcode;
using wasm::ValType;
using wasm::testing::CodeBuilder;

// Something in every section: traps, calls, a table with presets, data, names.
std::vector<uint8_t> SomeModule() {
  wasm::testing::ModuleBuilder builder;
  const wasm::TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
  const wasm::FuncIndex host = builder.ImportFunc("host", "function", type);
  builder.Memory(1);
  wasm::FuncIndex last = host;
  for (int i = 0; i < 40; ++i) {
    CodeBuilder code;
    code.LocalGet(0).Memory(Opcode::kI32Load, static_cast<uint64_t>(4 * i));
    code.LocalGet(0).Op(Opcode::kI32DivS).Call(last).Call(host);
    last = builder.Func(type, code);
    builder.FunctionName(last, "function" + std::to_string(i));
  }
  builder.ExportFunc("last", last);
  builder.ActiveData(wasm::MemoryIndex(0), CodeBuilder().I32Const(16), "some data");
  return builder.Build();
}

struct Section {
  std::string name;
  uint64_t begin, end;
};

std::vector<Section> SectionsOf(const std::vector<uint8_t>& file) {
  Elf64_Ehdr elf;
  std::memcpy(&elf, file.data(), sizeof elf);
  const auto header = [&](size_t i) {
    Elf64_Shdr section;
    std::memcpy(&section, file.data() + elf.e_shoff + i * sizeof section, sizeof section);
    return section;
  };
  const Elf64_Shdr names = header(elf.e_shstrndx);
  std::vector<Section> sections;
  for (size_t i = 1; i < elf.e_shnum; ++i) {
    const Elf64_Shdr section = header(i);
    sections.push_back(
        {reinterpret_cast<const char*>(file.data() + names.sh_offset + section.sh_name),
         section.sh_offset, section.sh_offset + section.sh_size});
  }
  return sections;
}

class LoadDamageTest : public testing::Test {
 protected:
  LoadDamageTest() : compiler_(MakeCompiler(nullptr)) {
    auto artifact = CompileWith(*compiler_, SomeModule());
    CHECK_OK(artifact.status());
    artifact_ = *std::move(artifact);
    sections_ = SectionsOf(artifact_);
  }

  bool Loads(absl::Span<const uint8_t> bytes, Verification verification) {
    LoadOptions options;
    options.tunables = &compiler_->tunables();
    options.verification = verification;
    return LoadArtifact(bytes, options).ok();
  }

  const Section* SectionAt(uint64_t offset) const {
    for (const Section& section : sections_) {
      if (offset >= section.begin && offset < section.end) return &section;
    }
    return nullptr;
  }

  const std::unique_ptr<environ::Compiler> compiler_;
  std::vector<uint8_t> artifact_;
  std::vector<Section> sections_;
};

TEST_F(LoadDamageTest, EveryByteOfTheMetadataAndSamplesOfTheText) {
  ASSERT_TRUE(Loads(artifact_, Verification::kFull));
  std::vector<uint8_t> changed = artifact_;
  size_t tried = 0, refused = 0;
  for (size_t at = 0; at < changed.size(); ++at) {
    const Section* section = SectionAt(at);
    const bool is_text = section != nullptr && section->name == ".text";
    if (is_text && at % 61 != 0) continue;
    const uint8_t before = changed[at];
    for (const uint8_t flip : {uint8_t{1}, uint8_t{0x80}, uint8_t{0xFF}}) {
      changed[at] = before ^ flip;
      ++tried;
      const bool loads = Loads(changed, Verification::kFull);
      refused += !loads;
      // All but the padding between sections.
      EXPECT_FALSE(loads && section != nullptr) << section->name << " at " << at;
    }
    changed[at] = before;
  }
  EXPECT_GT(refused, tried / 2);
}

// What is read at loading alone is checked then: nothing that is loaded is run here.
TEST_F(LoadDamageTest, TrustedFilesAreNotTrustedWithTheProcessWhileTheyLoad) {
  std::vector<uint8_t> changed = artifact_;
  size_t refused = 0;
  for (size_t at = 0; at < changed.size(); ++at) {
    const Section* section = SectionAt(at);
    if (section != nullptr && section->name == ".text") continue;
    changed[at] ^= 0xFF;
    const bool loads = Loads(changed, Verification::kTrusted);
    refused += !loads;
    EXPECT_FALSE(loads && section != nullptr &&
                 (section->name == ".gantry.meta" || section->name == ".gantry.modules"))
        << section->name << " at " << at;
    changed[at] ^= 0xFF;
  }
  EXPECT_GT(refused, 0u);
}

TEST_F(LoadDamageTest, EveryLength) {
  for (size_t length = 0; length < artifact_.size(); ++length) {
    const absl::Span<const uint8_t> cut = absl::MakeConstSpan(artifact_).subspan(0, length);
    ASSERT_FALSE(Loads(cut, Verification::kFull)) << length;
    ASSERT_FALSE(Loads(cut, Verification::kTrusted)) << length;
  }
}

}  // namespace
}  // namespace gantry::jit
