// Holds the dependency table of ARCHITECTURE.md: reads the graph of libraries that Bazel
// reports and fails on any edge that the table does not allow.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "re2/re2.h"

namespace gantry {
namespace {

std::string graph_path;
std::string workspace_path;

// A row: libraries whose label matches `from` may depend on libraries matching `to`. The
// first row whose `from` matches counts. Labels are without the leading slashes; external
// libraries other than Abseil are listed where they are allowed.
struct Row {
  const char* from;
  const char* to;
};

constexpr char kExternal[] = "@com_google_absl//.*|@bazel_tools//.*|base:.*|";

// Types and features of WebAssembly, and nothing else of wasm_translate.
#define WASM_VOCABULARY "wasm_translate:(types|features|unimplemented)"

const Row kTable[] = {
    {"base:.*", ""},
    {"entity:.*", "entity:.*"},
    // The code buffer and the assemblers over it stand alone, for Winch.
    {"codegen:(mach_buffer|label_kind|code_records|abi_places|unwind)",
     "entity:.*|codegen:(mach_buffer|label_kind|code_records|abi_places|unwind)"},
    {"codegen[:/].*",
     "entity:.*|codegen[:/].*|@debian//:(cpu_features|zydis|crypto)|@com_googlesource_code_re2//"
     ":.*|"
     // The build setting --//codegen:isas links backends behind the one registry target.
     ""},
    {"isa_(x64|aarch64)(/asm)?:(registers|operands|encoder|assembler|asm|wasm_abi|trampolines).*|"
     "isa_(x64|aarch64)/asm:.*",
     "entity:.*|codegen:(mach_buffer|label_kind|code_records|abi_places|unwind)|isa_x64:.*|isa_x64/"
     "asm:.*|isa_aarch64:.*|"
     "isa_aarch64/asm:.*"},
    {"isa_x64[:/].*", "entity:.*|codegen[:/].*|isa_x64[:/].*|@debian//:(cpu_features|zydis)"},
    {"isa_aarch64[:/].*",
     "entity:.*|codegen[:/].*|isa_aarch64[:/].*|@debian//:(cpu_features|capstone)"},
    {"wasm_translate:translat.*", "entity:.*|wasm_translate[:/].*|codegen[:/].*"},
    {"wasm_translate[:/].*", "entity:.*|wasm_translate[:/].*"},
    {"environ/core:.*", "entity:.*|environ/core:.*|" WASM_VOCABULARY},
    {"environ/translation:.*", "entity:.*|environ/(core|translation):.*|wasm_translate[:/].*"},
    {"environ/cache:.*",
     "entity:.*|environ/cache:.*|environ/translation:compilation_cache|@debian//:(crypto|xxhash)"},
    {"environ/artifact:.*",
     "entity:.*|environ/(core|artifact):.*|" WASM_VOCABULARY "|@com_google_protobuf//:.*|"
     "@debian//:crypto"},
    {"cranelift_shared[:/].*",
     "entity:.*|environ[:/].*|codegen[:/].*|isa_(x64|aarch64)[:/].*|wasm_translate[:/].*|"
     "cranelift_shared[:/].*"},
    {"winch[:/].*",
     // Never the IR, nor what is made with it.
     "entity:.*|environ[:/].*|"
     "codegen:(mach_buffer|label_kind|code_records|compiled_code|unwind|isa|relaxed_choices|"
     "abi_places)|"
     "isa_(x64|aarch64)/asm:.*|isa_(x64|aarch64):wasm_abi|"
     "wasm_translate:(types|features|unimplemented|limits|operators|operator_costs|error|module|"
     "visitor|function_state|function_validator)|winch[:/].*|"
     "cranelift_shared:(isa_flags|make_compiled_function|support_code|wasm_values)"},
    {"runtime[:/].*",
     "entity:.*|environ[:/].*|" WASM_VOCABULARY "|runtime[:/].*|@debian//:boost_context"},
    {"jit:(load|host_features).*",
     "entity:.*|environ[:/].*|runtime[:/].*|jit:(load|host_features).*|" WASM_VOCABULARY "|"
     "@debian//:cpu_features"},
    // The code generator for other languages: no WebAssembly.
    {"jit:module",
     "entity:.*|codegen[:/].*|runtime:(mmap|host_arch|branch_targets)|jit:host_features"},
    {"jit[:/].*",
     "entity:.*|environ[:/].*|runtime[:/].*|jit[:/].*|wasm_translate[:/].*|cranelift_shared[:/].*|"
     "winch[:/].*"},
    // The C interface is over WASI too, which is over the C++ one.
    {"api/c:.*", "environ[:/].*|runtime[:/].*|wasm_translate:.*|api[:/].*|wasi:.*"},
    {"api[:/].*", "entity:.*|environ[:/].*|runtime[:/].*|jit[:/].*|wasm_translate[:/].*|api[:/].*"},
    {"(wasi|wast|component)[:/].*",
     "entity:.*|environ[:/].*|wasm_translate[:/].*|api[:/].*|wasi[:/].*|wast[:/].*|"
     "component[:/].*|@com_google_protobuf//:.*|@debian//:.*"},
    {"cli[:/].*", ".*"},
};

// What may not be reached at all, through however many edges.
const Row kNeverReached[] = {
    {"runtime[:/].*",
     "(codegen|isa_x64|isa_aarch64|cranelift_shared|winch|jit|api)[:/].*|"
     "wasm_translate:(translat|validat|parse|module).*"},
    {"jit:module", "(wasm_translate|environ|cranelift_shared|winch|isa_x64|isa_aarch64)[:/].*"},
    {"jit:load.*", "(codegen|isa_x64|isa_aarch64|cranelift_shared|winch)[:/].*"},
    {"api:runtime_only", "(codegen|isa_x64|isa_aarch64|cranelift_shared|winch)[:/].*"},
    {"winch[:/].*", "cranelift_shared:compiler.*|wasm_translate:translat.*"},
    // What makes code for bodies; the registry of ISAs holds their IR back ends, too.
    {"winch:(machine|parallel_moves|signatures|.*_masm|generator|function_compiler.*)",
     "cranelift_shared:isa_registry|codegen/ir[:/].*"},
    {"environ[:/].*", "(cranelift_shared|winch|jit|runtime|isa_x64|isa_aarch64|codegen)[:/].*"},
    {"codegen[:/].*", "(cranelift_shared|winch|jit|runtime|environ|wasm_translate)[:/].*"},
    {"wasm_translate:(types|parse|valid|module).*", "codegen[:/].*"},
};

using Graph = std::map<std::string, std::set<std::string>>;

std::string WithoutSlashes(const std::string& label) {
  return absl::StartsWith(label, "//") ? label.substr(2) : label;
}

Graph ReadGraph() {
  std::ifstream file(graph_path);
  EXPECT_TRUE(file) << graph_path;
  Graph graph;
  std::string line, from, to;
  while (std::getline(file, line)) {
    if (RE2::FullMatch(line, R"re(\s*"([^"]+)" -> "([^"]+)"\s*)re", &from, &to)) {
      graph[WithoutSlashes(from)].insert(WithoutSlashes(to));
    }
  }
  return graph;
}

bool IsLayerTarget(const std::string& label) { return absl::EndsWith(label, ":layer"); }

TEST(LayersTest, EveryEdgeIsAllowedByTheTable) {
  const Graph graph = ReadGraph();
  EXPECT_GT(graph.size(), 2u);
  for (const auto& [from, targets] : graph) {
    if (IsLayerTarget(from) || absl::StartsWith(from, "@")) continue;
    const Row* row = nullptr;
    for (const Row& candidate : kTable) {
      if (RE2::FullMatch(from, candidate.from)) {
        row = &candidate;
        break;
      }
    }
    ASSERT_NE(row, nullptr) << from << " is in no row of the table";
    for (const std::string& to : targets) {
      EXPECT_TRUE(RE2::FullMatch(to, absl::StrCat(kExternal, row->to)))
          << from << " may not depend on " << to << "; its row allows: " << row->to;
    }
  }
}

TEST(LayersTest, WhatMustStayFreeIsFree) {
  const Graph graph = ReadGraph();
  for (const Row& rule : kNeverReached) {
    for (const auto& [start, unused] : graph) {
      if (!RE2::FullMatch(start, rule.from) || IsLayerTarget(start)) continue;
      std::set<std::string> seen = {start};
      std::vector<std::string> work = {start};
      while (!work.empty()) {
        const std::string label = work.back();
        work.pop_back();
        EXPECT_FALSE(RE2::FullMatch(label, rule.to)) << start << " reaches " << label;
        const auto edges = graph.find(label);
        if (edges == graph.end()) continue;
        for (const std::string& next : edges->second) {
          if (seen.insert(next).second) work.push_back(next);
        }
      }
    }
  }
}

// A folder that is added but not listed would escape the two tests above.
TEST(LayersTest, EveryPackageIsListed) {
  const std::filesystem::path workspace = std::filesystem::canonical(workspace_path).parent_path();
  std::ifstream list(workspace / "tests/layers/layers.bzl");
  ASSERT_TRUE(list) << workspace;
  std::stringstream listed;
  listed << list.rdbuf();
  const std::set<std::string> governed = {
      "base",        "entity",         "codegen",   "isa_x64",
      "isa_aarch64", "wasm_translate", "environ",   "cranelift_shared",
      "winch",       "runtime",        "jit",       "api",
      "wasi",        "wast",           "component", "cli"};
  for (const std::string& folder : governed) {
    if (!std::filesystem::exists(workspace / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(workspace / folder)) {
      if (entry.path().filename() != "BUILD") continue;
      std::ifstream build(entry.path());
      std::stringstream text;
      text << build.rdbuf();
      if (!RE2::PartialMatch(text.str(), R"((?m)^cc_library\()")) continue;
      const std::string package =
          std::filesystem::relative(entry.path().parent_path(), workspace).string();
      if (absl::EndsWith(package, "/testing")) continue;
      EXPECT_TRUE(RE2::PartialMatch(text.str(), R"((?m)^layer\(\))"))
          << package << "/BUILD does not end with layer()";
      EXPECT_NE(listed.str().find(absl::StrCat("\"", package, "\"")), std::string::npos)
          << package << " is missing in tests/layers/layers.bzl";
    }
  }
}

}  // namespace
}  // namespace gantry

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 3) return 1;
  gantry::graph_path = argv[1];
  gantry::workspace_path = argv[2];
  return RUN_ALL_TESTS();
}
