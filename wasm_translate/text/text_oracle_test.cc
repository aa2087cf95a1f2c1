// The parser against Debian's wat2wasm, an independent implementation: the same bytes for the
// same text, as far as that one knows the language, and the same names.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry::wasm::text {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in("wasm_translate/" + path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::vector<uint8_t> Bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::vector<uint8_t> Parse(const std::string& path, bool names) {
  const std::string text = ReadFile(path);
  const auto module = ParseText(SourceText(path, text), {names, false});
  EXPECT_TRUE(module.ok()) << module.status().message();
  return module.ok() ? module->bytes : std::vector<uint8_t>();
}

TEST(TextOracleTest, SameBytes) {
  EXPECT_EQ(Parse("text/testing/operators.wat", false),
            Bytes(ReadFile("text/testing/operators.wasm")));
  EXPECT_EQ(Parse("text/testdata/wabt.wat", false), Bytes(ReadFile("text/testdata/wabt.wasm")));
  EXPECT_EQ(Parse("testdata/translator.wat", false), Bytes(ReadFile("text/translator.wasm")));
}

TEST(TextOracleTest, SameNames) {
  ParseOptions options;
  options.features = Features::All();
  const std::vector<uint8_t> ours = Parse("text/testdata/wabt.wat", true);
  const std::vector<uint8_t> theirs = Bytes(ReadFile("text/testdata/wabt_names.wasm"));
  const auto our_module = ParseModule(ours, options);
  const auto their_module = ParseModule(theirs, options);
  ASSERT_TRUE(our_module.ok()) << our_module.status();
  ASSERT_TRUE(their_module.ok()) << their_module.status();
  EXPECT_EQ(our_module->names.functions, their_module->names.functions);
  ASSERT_EQ(our_module->names.locals.size(), their_module->names.locals.size());
  for (size_t i = 0; i < our_module->names.locals.size(); ++i) {
    EXPECT_EQ(our_module->names.locals[i].func, their_module->names.locals[i].func);
    EXPECT_EQ(our_module->names.locals[i].local, their_module->names.locals[i].local);
    EXPECT_EQ(our_module->names.locals[i].name, their_module->names.locals[i].name);
  }
}

}  // namespace
}  // namespace gantry::wasm::text
