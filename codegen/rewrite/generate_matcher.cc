// generate_matcher OUTPUT RULES...: writes the matcher for files of rules.

#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "codegen/rewrite/matcher_generator.h"
#include "codegen/rewrite/rule.h"

namespace gantry::codegen::rewrite {
namespace {

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: generate_matcher OUTPUT RULES...\n";
    return 2;
  }
  std::vector<Rule> rules;
  std::set<std::string> names;
  bool good = true;
  for (int i = 2; i < argc; ++i) {
    std::ifstream in(argv[i]);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    absl::StatusOr<std::vector<Rule>> read = ParseRules(argv[i], text);
    if (!read.ok()) {
      std::cerr << read.status().message() << "\n";
      good = false;
      continue;
    }
    for (Rule& rule : *read) {
      if (!names.insert(rule.name).second) {
        std::cerr << rule.file << ":" << rule.line << ": a second rule " << rule.name << "\n";
        good = false;
      }
      rules.push_back(std::move(rule));
    }
  }
  if (!good) return 1;
  std::ofstream out(argv[1]);
  out << GenerateMatcher(rules);
  return out.good() ? 0 : 1;
}

}  // namespace
}  // namespace gantry::codegen::rewrite

int main(int argc, char** argv) { return gantry::codegen::rewrite::Main(argc, argv); }
