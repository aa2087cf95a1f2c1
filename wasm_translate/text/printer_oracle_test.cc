// What is printed means the same to Debian's wat2wasm, an independent implementation: the bytes
// that were printed come back from it, as far as it knows the language.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/printer.h"

namespace gantry::wasm::text {
namespace {

constexpr char kWabtFeatures[] =
    "--enable-exceptions --enable-tail-call --enable-memory64 "
    "--enable-multi-memory --enable-extended-const --enable-threads "
    "--enable-relaxed-simd";

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void ExpectSame(const std::string& path, const std::string& flags) {
  const std::string bytes = ReadFile("wasm_translate/" + path);
  PrintOptions options;
  options.parse.features = Features::All();
  const auto text = PrintModule(
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()), options);
  ASSERT_TRUE(text.ok()) << path << ": " << text.status();
  const std::string printed = ::testing::TempDir() + "/printed.wat";
  const std::string output = ::testing::TempDir() + "/printed.wasm";
  std::ofstream(printed) << *text;
  const std::string command =
      absl::StrCat("wat2wasm ", kWabtFeatures, " ", flags, " ", printed, " -o ", output);
  ASSERT_EQ(std::system(command.c_str()), 0) << command << "\n" << *text;
  EXPECT_TRUE(ReadFile(output) == bytes) << path << "\n" << *text;
}

TEST(PrinterOracleTest, SameBytes) {
  ExpectSame("text/testing/operators.wasm", "--no-check");
  ExpectSame("text/testdata/wabt.wasm", "");
  ExpectSame("text/translator.wasm", "");
  ExpectSame("testing/sum.wasm", "");
}

TEST(PrinterOracleTest, SameNames) { ExpectSame("testdata/translator.wasm", "--debug-names"); }

}  // namespace
}  // namespace gantry::wasm::text
