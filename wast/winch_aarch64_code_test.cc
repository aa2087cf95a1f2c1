// The baseline compiler's code for AArch64 of all modules of the official scripts, on any host: sp
// is a multiple of 16 behind every instruction.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "environ/translation/module_translation.h"
#include "gtest/gtest.h"
#include "isa_aarch64/backend/isa.h"
#include "isa_aarch64/stack_pointer_testing.h"
#include "wast/lists.h"
#include "wast/suite.h"
#include "wast/testsuite.h"
#include "wast/validate_engine.h"
#include "winch/function_compiler.h"

namespace gantry::wast {
namespace {

class ScanningEngine final : public ValidateEngine {
 public:
  ScanningEngine(const wasm::ParseOptions& options, const codegen::TargetIsa& isa,
                 aarch64::testing::StackPointerReport* report)
      : ValidateEngine(options), features_(options.features), isa_(isa), report_(*report) {}

  absl::Status Validate(absl::Span<const uint8_t> bytes) override {
    const absl::Status status = ValidateEngine::Validate(bytes);
    if (status.ok()) Scan(bytes);
    return status;
  }

 private:
  void Scan(absl::Span<const uint8_t> bytes) {
    environ::TranslationOptions options;
    options.features = features_;
    const auto module = environ::ModuleTranslation::Parse(bytes, environ::ModuleId(0), options);
    // What the runtime has no features for.
    if (!module.ok()) return;
    const auto compiler = winch::NewAArch64FunctionCompiler(**module, isa_, /*loop_frames=*/false);
    for (const wasm::FunctionBody& body : (*module)->parsed.bodies) {
      if (!compiler->Compile(body).ok()) continue;
      const codegen::CompiledCode& code = compiler->code();
      aarch64::testing::ScanStackPointer(code.bytes.first(code.code_end).subspan(compiler->skip()),
                                         &report_);
    }
  }

  const wasm::Features features_;
  const codegen::TargetIsa& isa_;
  aarch64::testing::StackPointerReport& report_;
};

TEST(WinchAArch64Code, StackPointerStaysAligned) {
  const auto folder = TestsuiteFolder();
  if (!folder.has_value()) {
    std::cout << "the official scripts are not here: set GANTRY_TESTSUITE to their folder\n";
    GTEST_SKIP();
  }
  const std::unique_ptr<codegen::IsaBuilder> builder = aarch64::MakeIsaBuilder();
  CHECK_OK(builder->Enable("sign_return_address"));
  const auto isa = builder->Build();
  CHECK_OK(isa.status());
  aarch64::testing::StackPointerReport scanned;
  RunSuite(
      WastFiles(*folder),
      [&](const std::string& path) -> absl::StatusOr<std::unique_ptr<ScriptEngine>> {
        wasm::ParseOptions options;
        options.features = FeaturesOfScript(path);
        return std::make_unique<ScanningEngine>(options, **isa, &scanned);
      },
      BuiltInLists());
  EXPECT_EQ(scanned.broken, "");
  // Some 35,000: the scripts were looked at.
  EXPECT_GT(scanned.changes, 30'000u);
  std::cout << scanned.changes << " changes of sp\n";
}

}  // namespace
}  // namespace gantry::wast
