// Every allocation, mapping and file call of loading an artifact fails once, from memory and from a
// file: each comes back as a Status (an allocation's at the boundary of the API, which stands in
// `load` here), nothing leaks, and the same call succeeds then.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/testing/failures.h"
#include "gtest/gtest.h"
#include "jit/incremental_testing.h"
#include "jit/load.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::jit {
namespace {

using wasm::ValType;
using wasm::testing::CodeBuilder;

std::vector<uint8_t> Artifact(const environ::Compiler& compiler) {
  wasm::testing::ModuleBuilder builder;
  const wasm::TypeIndex type = builder.Type({ValType::I64()}, {ValType::I64()});
  builder.Memory(1);
  const wasm::FuncIndex f = builder.Func(type, CodeBuilder().LocalGet(0));
  builder.ExportFunc("f", f);
  builder.ActiveData(wasm::MemoryIndex(0), CodeBuilder().I32Const(0), "data");
  builder.FunctionName(f, "f");
  auto artifact = CompileWith(compiler, builder.Build());
  CHECK_OK(artifact.status());
  return *std::move(artifact);
}

class LoadFailuresTest : public testing::TestWithParam<FailureKinds> {};

TEST_P(LoadFailuresTest, EachComesBackAndNothingLeaks) {
  const std::unique_ptr<environ::Compiler> compiler = MakeCompiler(nullptr);
  const std::vector<uint8_t> artifact = Artifact(*compiler);
  std::string path = testing::TempDir() + "/load_failures.XXXXXX";
  const int file = mkstemp(path.data());
  CHECK(file >= 0);
  CHECK(write(file, artifact.data(), artifact.size()) == static_cast<ssize_t>(artifact.size()));
  CHECK(close(file) == 0);
  LoadOptions options;
  options.tunables = &compiler->tunables();
  options.register_debugger = true;
  const auto load = [&](bool from_file) -> absl::Status {
    try {
      return from_file ? LoadArtifactFile(path, options).status()
                       : LoadArtifact(artifact, options).status();
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError("out of memory");
    }
  };
  for (const bool from_file : {false, true}) {
    // What is made once for the process.
    ASSERT_TRUE(load(from_file).ok());
    ASSERT_TRUE(load(from_file).ok());
    const int64_t mapped = CurrentHoldings().mapped_bytes;
    uint64_t succeeded = 0;
    const uint64_t failures = WithEachFailure(GetParam(), [&] {
      const absl::Status status = load(from_file);
      succeeded += status.ok();
      EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status) || GetParam() == kFiles)
          << status;
    });
    EXPECT_GE(succeeded, 1u);
    EXPECT_TRUE(failures > 0 || (GetParam() == kFiles && !from_file));
    EXPECT_EQ(CurrentHoldings().mapped_bytes, mapped);
  }
  CHECK(unlink(path.c_str()) == 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, LoadFailuresTest, testing::Values(kAllocations, kMappings, kFiles));

}  // namespace
}  // namespace gantry::jit
