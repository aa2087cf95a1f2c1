// Small functions as C compilers and people write them, and what the compilers make of each: of
// those in testdata/winch the baseline compiler's machine code, of the others the optimizing
// compiler's IR as it is lowered, and its machine code. What changes is to be read before it is
// accepted with
//
//   tools/rewrite_goldens //tests/goldens:all
//
// For testdata/NAME.wat the expectation is testdata/NAME.golden. The target is x86-64 with the
// extensions of its third level, whatever the machine that runs the test.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "environ/core/tunables.h"
#include "environ/translation/compiler.h"
#include "jit/compile.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry::testing {
namespace {

constexpr const char* kFeatures[] = {
    "has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt", "has_avx",
    "has_avx2", "has_fma",   "has_bmi1",  "has_bmi2",  "has_lzcnt",
};

// A function's name and what is made of it.
using Section = std::pair<std::string, std::string>;

// How one file is compiled.
struct Setting {
  jit::Strategy strategy = jit::Strategy::kOptimizing;
  std::vector<environ::Form> forms = {environ::Form::kIr, environ::Form::kAssembly};
  environ::Tunables tunables;
};

Setting SettingOf(absl::string_view path) {
  Setting setting;
  if (!absl::StrContains(path, "/winch/")) return setting;
  setting.strategy = jit::Strategy::kWinch;
  setting.forms = {environ::Form::kAssembly};
  if (absl::EndsWith(path, "/interrupts.wat")) {
    setting.tunables.consume_fuel = true;
    setting.tunables.epoch_interruption = environ::EpochInterruption::kCounter;
  }
  return setting;
}

absl::StatusOr<std::unique_ptr<environ::Compiler>> MakeCompiler(const Setting& setting) {
  ASSIGN_OR_RETURN(std::unique_ptr<environ::CompilerBuilder> builder,
                   jit::NewCompilerBuilder(setting.strategy));
  RETURN_IF_ERROR(builder->SetTunables(setting.tunables));
  RETURN_IF_ERROR(builder->Target("x86_64-unknown-linux-gnu"));
  RETURN_IF_ERROR(builder->Enable("enable_verifier"));
  RETURN_IF_ERROR(builder->Enable("regalloc_checker"));
  for (const char* feature : kFeatures) RETURN_IF_ERROR(builder->Enable(feature));
  return builder->Build();
}

std::string Indented(absl::string_view text) {
  std::string out;
  for (absl::string_view line : absl::StrSplit(absl::StripTrailingAsciiWhitespace(text), '\n')) {
    // Offsets in the module ("    @1f v2 = ...") would change with every function in front.
    const size_t at = line.find_first_not_of(' ');
    if (at != absl::string_view::npos && line[at] == '@') {
      const size_t rest = std::min(line.find(' ', at), line.size() - 1) + 1;
      absl::StrAppend(&out, "    ", line.substr(0, at), line.substr(rest), "\n");
      continue;
    }
    absl::StrAppend(&out, line.empty() ? "" : "    ", absl::StripTrailingAsciiWhitespace(line),
                    "\n");
  }
  return out;
}

absl::StatusOr<std::vector<Section>> Compile(const std::string& path, const std::string& text) {
  ASSIGN_OR_RETURN(const wasm::text::TextModule binary,
                   wasm::text::ParseText(wasm::text::SourceText(path, text)));
  ASSIGN_OR_RETURN(const wasm::Module module, wasm::ParseModule(binary.bytes, {}));
  const Setting setting = SettingOf(path);
  ASSIGN_OR_RETURN(const std::unique_ptr<environ::Compiler> compiler, MakeCompiler(setting));
  std::map<uint32_t, std::string> names;
  for (const auto& [function, name] : module.names.functions) {
    names.emplace(function.raw(), std::string(name));
  }
  std::vector<Section> sections;
  std::optional<environ::FuncKey> last;
  jit::CompileOptions options;
  options.translation.tunables = compiler->tunables();
  options.explain = setting.forms;
  options.explain_sink = [&](environ::Form, const environ::FuncKey& key, absl::string_view dump) {
    if (last != key) {
      const uint32_t index = module.num_imported_functions + key.defined_function().raw();
      sections.emplace_back(absl::StrCat("$", names[index]), "");
    }
    last = key;
    std::string& section = sections.back().second;
    absl::StrAppend(&section, section.empty() ? "" : "    ----\n", Indented(dump));
  };
  RETURN_IF_ERROR(jit::CompileModule(*compiler, binary.bytes, options).status());
  return sections;
}

std::string Printed(const std::vector<Section>& sections) {
  std::string out;
  for (const auto& [name, text] : sections) {
    absl::StrAppend(&out, out.empty() ? "" : "\n", name, "\n", text);
  }
  return out;
}

// The first line in which two texts differ, with the function it belongs to.
std::string Difference(absl::string_view expected, absl::string_view found) {
  const std::vector<absl::string_view> a = absl::StrSplit(expected, '\n');
  const std::vector<absl::string_view> b = absl::StrSplit(found, '\n');
  absl::string_view function;
  for (size_t i = 0; i < a.size() || i < b.size(); ++i) {
    const absl::string_view x = i < a.size() ? a[i] : "(the end)";
    const absl::string_view y = i < b.size() ? b[i] : "(the end)";
    if (x != y) {
      return absl::StrCat(i + 1, ": in ", function, "\n  expected ", x, "\n  found    ", y);
    }
    if (!x.empty() && x[0] == '$') function = x;
  }
  return "nowhere";
}

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

int Main(int argc, char** argv) {
  const char* root = std::getenv("GANTRY_REWRITE_GOLDENS");
  size_t failures = 0, functions = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string path = root != nullptr ? absl::StrCat(root, "/", argv[i]) : argv[i];
    const std::optional<std::string> text = ReadFile(path);
    if (!text.has_value()) {
      std::cout << path << ": can't be read\n";
      return 2;
    }
    const absl::StatusOr<std::vector<Section>> sections = Compile(path, *text);
    if (!sections.ok()) {
      std::cout << path << ": " << sections.status() << "\n";
      ++failures;
      continue;
    }
    functions += sections->size();
    absl::string_view stem = path;
    absl::ConsumeSuffix(&stem, ".wat");
    const std::string golden = absl::StrCat(stem, ".golden");
    const std::string found = Printed(*sections);
    const std::string expected = ReadFile(golden).value_or("");
    if (expected == found) continue;
    if (root != nullptr) {
      std::ofstream out(golden, std::ios::binary);
      out << found;
      std::cout << golden << (out.good() ? ": rewritten\n" : ": can't be written\n");
      continue;
    }
    ++failures;
    std::cout << golden << ":" << Difference(expected, found)
              << "\n  to accept what was found: tools/rewrite_goldens //tests/goldens:all\n";
  }
  std::cout << argc - 1 << " files, " << functions << " functions, " << failures << " failures\n";
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gantry::testing

int main(int argc, char** argv) { return gantry::testing::Main(argc, argv); }
