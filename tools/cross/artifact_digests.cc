// What compilation makes of modules, whatever machine it runs on: a line for each module, target
// and compiler, so that the output of this program built for two hosts can be compared
// (tools/cross/artifacts_test).
//
//   artifact_digests FILE...
//
// A file is a module in the binary format or a script. Its lines read
// FILE:LINE TARGET COMPILER BYTES DIGEST, or, where compilation fails, the error.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/module.h"
#include "wast/script_parser.h"
#include "wast/suite.h"

namespace gantry {
namespace {

struct Compiler {
  std::string name;
  Engine engine;
};

// Those of both targets, for one set of features.
absl::StatusOr<std::vector<Compiler>> NewCompilers(wasm::Features features) {
  std::vector<Compiler> compilers;
  for (const char* target : {"aarch64-linux", "x86_64-linux"}) {
    for (const auto& [name, strategy] :
         {std::pair("cranelift", Strategy::kOptimizing), std::pair("winch", Strategy::kWinch)}) {
      Config config;
      config.Target(target).Compiler(strategy).WasmFeatures(features).CompilationThreads(1);
      // What vectors need of x64.
      if (absl::StartsWith(target, "x86_64")) {
        for (const char* flag : {"has_sse3", "has_ssse3", "has_sse41", "has_sse42"}) {
          config.CompilerFlag(flag, "true");
        }
      }
      absl::StatusOr<Engine> engine = Engine::Create(config);
      if (!engine.ok()) return engine.status();
      compilers.push_back({absl::StrCat(target, " ", name), *std::move(engine)});
    }
  }
  return compilers;
}

// FNV-1a.
uint64_t Digest(absl::Span<const uint8_t> bytes) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001B3;
  return hash;
}

void Print(const std::string& place, const std::vector<Compiler>& compilers,
           absl::Span<const uint8_t> module) {
  for (const Compiler& compiler : compilers) {
    const absl::StatusOr<std::vector<uint8_t>> artifact =
        Module::Precompile(compiler.engine, module);
    if (artifact.ok()) {
      std::printf("%s %s %zu %016llx\n", place.c_str(), compiler.name.c_str(), artifact->size(),
                  static_cast<unsigned long long>(Digest(*artifact)));
    } else {
      std::printf("%s %s %s\n", place.c_str(), compiler.name.c_str(),
                  artifact.status().ToString().c_str());
    }
  }
}

absl::Status PrintFile(const std::string& path) {
  // Engines are kept: many scripts are for the same features.
  static std::map<uint64_t, std::vector<Compiler>>* const engines =
      new std::map<uint64_t, std::vector<Compiler>>;
  const wasm::Features features = wast::FeaturesOfScript(path);
  std::vector<Compiler>& compilers = (*engines)[features.bits()];
  if (compilers.empty()) {
    absl::StatusOr<std::vector<Compiler>> made = NewCompilers(features);
    if (!made.ok()) return made.status();
    compilers = *std::move(made);
  }
  std::ifstream file(path, std::ios::binary);
  const std::string contents{std::istreambuf_iterator<char>(file), {}};
  if (!file.good()) return absl::NotFoundError(absl::StrCat(path, " cannot be read"));
  if (!absl::EndsWith(path, ".wast")) {
    Print(path, compilers,
          absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(contents.data()), contents.size()));
    return absl::OkStatus();
  }
  for (const wast::Command& command : wast::ParseScript(path, contents).commands) {
    const bool is_valid = command.kind == wast::Command::Kind::kModule ||
                          command.kind == wast::Command::Kind::kDefinition;
    if (!is_valid || !command.module.has_value() || !command.module->bytes.ok()) continue;
    Print(absl::StrCat(path, ":", command.line), compilers, *command.module->bytes);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace gantry

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (const absl::Status status = gantry::PrintFile(argv[i]); !status.ok()) {
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
      return 1;
    }
  }
  return 0;
}
