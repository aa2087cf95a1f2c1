#include "codegen/filetest/runner.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "codegen/filetest/file.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

constexpr char kAdd[] =
    "function %add(i32, i32) -> i32 {\nblock0(v0: i32, v1: i32):\n    v2 = iadd.i32 v0, v1\n"
    "    return v2\n}\n";

FiletestResult RunText(const std::string& text, const FiletestBackends& backends = {}) {
  return RunFiletest("file.ir", text, backends);
}
std::string Failures(const FiletestResult& result) { return absl::StrJoin(result.failures, "\n"); }

// A backend whose code always gives a NaN with a payload, or whose listing is one line.
class FakeBackend : public FiletestBackend {
 public:
  std::string name() const override { return "fake"; }
  absl::StatusOr<std::string> Compile(const Function&, const FiletestTarget& target) override {
    return std::string("listing with ") + absl::StrJoin(target.settings, " ") + "\n\nend\n";
  }
  absl::StatusOr<std::unique_ptr<FiletestProgram>> Load(absl::Span<const Function* const>,
                                                        const FiletestTarget&) override {
    class Program : public FiletestProgram {
      absl::StatusOr<Outcome> Run(size_t, absl::Span<const RawValue>) override {
        return Outcome::Returned({RawValue(0x7FF8000000000001)});
      }
    };
    return std::make_unique<Program>();
  }
};

FiletestBackends WithFake() {
  FiletestBackends backends;
  backends.push_back(std::make_unique<FakeBackend>());
  return backends;
}

TEST(RunnerTest, RunLinesAreRunAndCompared) {
  const FiletestResult good =
      RunText(std::string("; test run\n") + kAdd + "; run: %add(1, -2) == -1\n");
  EXPECT_EQ(Failures(good), "");
  EXPECT_EQ(good.runs, 1u);
  const FiletestResult bad =
      RunText(std::string("; test run\n") + kAdd + "; run: %add(1, 2) == 4\n");
  EXPECT_EQ(Failures(bad), "file.ir:7: %add(1, 2) == 4\n    interpreter: returns 3");
}

TEST(RunnerTest, MistakesInTheFileAreNamed) {
  EXPECT_TRUE(absl::StrContains(Failures(RunText(kAdd)), "starts with ; test COMMAND"));
  EXPECT_TRUE(
      absl::StrContains(Failures(RunText(std::string("; test run\n") + kAdd + "; run: add(1)\n")),
                        "file.ir:7: a run line"));
  EXPECT_TRUE(absl::StrContains(
      Failures(RunText(std::string("; test run\n") + kAdd + "; run: %add(1) == 1\n")),
      "1 arguments, must be 2"));
  EXPECT_TRUE(absl::StrContains(
      Failures(RunText(std::string("; test run\n") + kAdd + "; run: %add(1, 0x100000000) == 1\n")),
      "'0x100000000' is not i32"));
  EXPECT_TRUE(
      absl::StrContains(Failures(RunText(std::string("; test run\n") + kAdd + "; check: x\n")),
                        "looks at check lines"));
}

TEST(RunnerTest, CheckLinesAreComparedAndRewritten) {
  const std::string head = std::string("; test print\n") + kAdd;
  const FiletestResult missing = RunText(head);
  EXPECT_EQ(missing.failures.size(), 1u);
  const FiletestResult good = RunText(missing.rewritten);
  EXPECT_EQ(Failures(good), "");
  EXPECT_EQ(good.rewritten, missing.rewritten);
  EXPECT_TRUE(absl::StrContains(missing.rewritten, "; check:     v2 = iadd.i32 v0, v1\n"));
  const FiletestResult wrong = RunText(head + "; check: nonsense\n; check: more\n; a remark\n");
  EXPECT_EQ(wrong.failures.size(), 1u);
  EXPECT_EQ(wrong.rewritten, missing.rewritten + "; a remark\n");
}

TEST(RunnerTest, BackendsCompileAndRun) {
  const FiletestBackends backends = WithFake();
  const std::string compile = std::string("; test compile\n; target fake fast\n") + kAdd;
  const FiletestResult result = RunText(compile, backends);
  EXPECT_EQ(result.rewritten, compile + "; check: listing with fast\n; check:\n; check: end\n");
  EXPECT_EQ(Failures(RunText(result.rewritten, backends)), "");
  // Without the backend the file is skipped.
  EXPECT_EQ(Failures(RunText(compile)), "");
}

TEST(RunnerTest, CompiledCodeMayGiveAnyArithmeticNan) {
  const FiletestBackends backends = WithFake();
  const std::string text =
      "; test run\nfunction %f(f64) -> f64 {\nblock0(v0: f64):\n  v1 = fadd.f64 v0, v0\n  return "
      "v1\n}\n; run: %f(nan) == nan\n";
  EXPECT_EQ(Failures(RunText(text, backends)), "");
  EXPECT_EQ(RunText(text, backends).runs, 2u);
  EXPECT_TRUE(absl::StrContains(Failures(RunText(text + "; run: %f(1.0) == 2.0\n", backends)),
                                "fake: returns nan:0x8000000000001"));
}

}  // namespace
}  // namespace gantry::codegen
