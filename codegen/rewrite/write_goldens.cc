// write_goldens FOLDER RULES...: writes FOLDER/NAME.ir for each NAME.rules, with a function for
// each rule that has its left side and run lines that say what it does. What value numbering
// makes of them is filled in by `bazel run //codegen/filetest -- --rewrite FILE`.

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "codegen/generate/generate.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/print.h"
#include "codegen/pass/passes.h"
#include "codegen/rewrite/sampler.h"

namespace gantry::codegen::rewrite {
namespace {

std::string RunValue(Type type, uint64_t bits) {
  if (IsFloat(type)) return PrintFloat(type, bits);
  const uint32_t unused = 64 - TypeBits(type);
  return absl::StrCat(static_cast<int64_t>(bits << unused) >> unused);
}

// `any_nan`: a NaN that is returned may be another one. `access`: the addresses among the
// arguments are not canonical on x64 (57 bits at most), so that no process can map them, nor any
// sanitizer its shadow memory.
std::string RunLine(const Function& func, bool any_nan, bool access, RandomSource* random) {
  std::vector<RawValue> args = GenerateArgs(func.signature, random);
  for (size_t i = 0; access && i < args.size(); ++i) {
    if (func.signature.params[i].type != Type::kI64) continue;
    args[i].lo = (args[i].lo & ~(uint64_t{1} << 63)) | uint64_t{1} << 61;
  }
  Interpreter interpreter;
  absl::StatusOr<Outcome> outcome = interpreter.Run(func, args);
  CHECK_OK(outcome.status());
  std::vector<std::string> texts;
  for (size_t i = 0; i < args.size(); ++i) {
    texts.push_back(RunValue(func.signature.params[i].type, args[i].lo));
  }
  std::string line =
      absl::StrCat("; run: %", func.params.name.text, "(", absl::StrJoin(texts, ", "), ")");
  if (outcome->kind == Outcome::Kind::kTrapped) {
    return absl::StrCat(line, " traps tc", static_cast<int>(outcome->trap), "\n");
  }
  texts.clear();
  for (size_t i = 0; i < outcome->values.size(); ++i) {
    const std::string text = RunValue(func.signature.returns[i].type, outcome->values[i].lo);
    texts.push_back(any_nan && absl::StrContains(text, "nan") ? "nan" : text);
  }
  if (texts.empty()) return line + "\n";
  return absl::StrCat(line, " == ", absl::StrJoin(texts, ", "), "\n");
}

// The plainest choice of types: as many i32 as there are, then i64.
std::vector<Type> PlainTypes(const Rule& rule) {
  const auto rank = [](const std::vector<Type>& types) {
    int sum = 0;
    for (Type type : types)
      sum += type == Type::kI32 ? 0 : type == Type::kI64 ? 1 : IsFloat(type) ? 1 : 9;
    return sum;
  };
  std::vector<Type> best = rule.instances[0];
  for (const std::vector<Type>& types : rule.instances) {
    if (rank(types) < rank(best)) best = types;
  }
  return best;
}

// The rule's function, or "" if the rule is not applied to any that was tried.
std::string Golden(const Rule& rule, size_t number) {
  std::vector<std::vector<Type>> choices = {PlainTypes(rule)};
  for (const std::vector<Type>& types : rule.instances) choices.push_back(types);
  for (const std::vector<Type>& types : choices) {
    RandomSource random(number + 1);
    for (int tries = 0; tries < 60; ++tries) {
      const std::optional<Sample> sample = DrawSample(rule, types, &random);
      if (!sample.has_value()) {
        std::cerr << rule.name << ": no constants fit\n";
        return "";
      }
      const Function func = MakeExample(rule, types, *sample, rule.name);
      Function after = func;
      GvnPass pass;
      PassAnalyses analyses;
      pass.Run(&after, &analyses);
      if (pass.rewriter().counts()[number] == 0) continue;
      std::string out =
          absl::StrCat("; ", rule.text, "\n", PrintFunction(func, {.renumber = true}));
      const bool access = rule.nodes[rule.left].offset != Node::kNoType;
      for (int i = 0; i < (access ? 1 : 3); ++i)
        absl::StrAppend(&out, RunLine(func, NanBitsAreFree(rule), access, &random));
      return out + "\n";
    }
  }
  return "";
}

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: write_goldens FOLDER RULES...\n";
    return 2;
  }
  size_t number = 0;
  int failures = 0;
  for (int i = 2; i < argc; ++i) {
    const std::string path = argv[i];
    std::string name = path.substr(path.rfind('/') + 1);
    name.resize(name.size() - 6);
    std::string out = absl::StrCat(
        "; test pass gvn\n; test run\n\n; Written by write_goldens from ", name, ".rules.\n\n");
    for (const Rule& rule : ReadRuleFiles({path})) {
      const std::string golden = Golden(rule, number++);
      if (golden.empty()) {
        std::cerr << rule.file << ":" << rule.line << ": " << rule.name << " is never applied\n";
        ++failures;
      }
      out += golden;
    }
    while (out.size() > 1 && out[out.size() - 1] == '\n' && out[out.size() - 2] == '\n') {
      out.pop_back();
    }
    std::ofstream(absl::StrCat(argv[1], "/", name, ".ir")) << out;
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gantry::codegen::rewrite

int main(int argc, char** argv) { return gantry::codegen::rewrite::Main(argc, argv); }
