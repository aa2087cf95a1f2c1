#include "wast/suite.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "wast/file.h"
#include "wast/script_parser.h"

namespace gantry::wast {
namespace {

using wasm::Feature;
using wasm::Features;

// The threads proposal is written on top of WebAssembly 1.0 with what later became part of 2.0,
// but for several tables and memories, which its scripts want to be refused.
Features ThreadsFeatures() {
  Features features;
  for (Feature feature :
       {Feature::kMutableGlobals, Feature::kSignExtension, Feature::kSaturatingFloatToInt,
        Feature::kMultiValue, Feature::kBulkMemory, Feature::kThreads}) {
    features.Set(feature, true);
  }
  return features;
}

}  // namespace

Features FeaturesOfScript(absl::string_view path) {
  Features features = Features::Default();
  if (absl::StrContains(path, "proposals/threads/")) return ThreadsFeatures();
  if (absl::StrContains(path, "proposals/wide-arithmetic/")) {
    features.Set(Feature::kWideArithmetic, true);
  } else if (absl::StrContains(path, "proposals/custom-page-sizes/")) {
    features.Set(Feature::kCustomPageSizes, true);
  }
  return features;
}

SuiteReport RunSuite(absl::Span<const std::string> files, const EngineFactory& make_engine,
                     const Lists& lists) {
  SuiteReport suite;
  for (const std::string& file : files) {
    Report report;
    const auto text = ReadFile(file);
    const auto engine = make_engine(file);
    for (const absl::Status& status : {text.status(), engine.status()}) {
      if (status.ok()) continue;
      ++report.failed;
      report.failures.push_back(absl::StrCat(file, ": ", status.message()));
      break;
    }
    if (report.failed == 0) report = RunScript(ParseScript(file, *text), **engine, lists);
    suite.files.push_back(absl::StrCat(file, ": ", report.Summary()));
    suite.report.Add(report);
  }
  return suite;
}

std::vector<std::string> DescribeSkips(const Report& report, const Lists& lists) {
  std::vector<std::string> lines;
  for (const auto& [feature, count] : report.skips) {
    std::string line = absl::StrCat(count, " skipped for ", feature);
    for (const SkippedFeature& listed : lists.features) {
      if (listed.name == feature) absl::StrAppend(&line, ": ", listed.why);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::string> UnusedFeatures(const Report& report, const Lists& lists) {
  std::vector<std::string> unused;
  for (const SkippedFeature& feature : lists.features) {
    if (report.skips.count(feature.name) == 0) unused.push_back(feature.name);
  }
  return unused;
}

std::vector<std::string> UnusedMessages(const Report& report, const Lists& lists) {
  std::vector<std::string> unused;
  for (const MessagePair& pair : lists.messages) {
    if (report.pairs_used.count(pair.ToString()) == 0) unused.push_back(pair.ToString());
  }
  return unused;
}

}  // namespace gantry::wast
