// Time, memory and steps of compiling each case at a quarter, half and all of its size, and by how
// much each doubling multiplies them:
//
//   pathological [--scale=F] [--instructions] [--phases] [--winch] [CASE...]
//   pathological --write=FOLDER [--scale=F] [CASE...]
//
// --scale makes all cases larger or smaller; --instructions counts executed instructions with
// valgrind's callgrind instead of steps, which takes fifty times as long; --phases shows the
// phases that grow faster than the module; --winch compiles by the baseline compiler; --write makes
// FOLDER/CASE.wasm and compiles nothing.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "bench/pathological/cases.h"
#include "bench/pathological/measure.h"

namespace gantry::bench {
namespace {

struct Options {
  double scale = 1;
  bool instructions = false;
  bool phases = false;
  Strategy strategy = Strategy::kOptimizing;
  std::string folder;
  std::vector<std::string> cases;
  // Of a process that callgrind watches: compile one case of this size.
  std::optional<uint32_t> only_size;
  std::string self;
};

constexpr char kUsage[] =
    "usage: pathological [--scale=F] [--instructions] [--phases] [--winch] [--write=FOLDER] "
    "[CASE...]\n";

bool ParseOptions(int argc, char** argv, Options* options) {
  options->self = argv[0];
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    uint32_t size = 0;
    if (argument == "--instructions") {
      options->instructions = true;
    } else if (argument == "--phases") {
      options->phases = true;
    } else if (argument == "--winch") {
      options->strategy = Strategy::kWinch;
    } else if (absl::ConsumePrefix(&argument, "--scale=")) {
      if (!absl::SimpleAtod(argument, &options->scale) || options->scale <= 0) return false;
    } else if (absl::ConsumePrefix(&argument, "--write=")) {
      options->folder = std::string(argument);
    } else if (absl::ConsumePrefix(&argument, "--only-size=")) {
      if (!absl::SimpleAtoi(argument, &size)) return false;
      options->only_size = size;
    } else if (absl::StartsWith(argument, "-")) {
      return false;
    } else {
      options->cases.emplace_back(argument);
    }
  }
  return true;
}

bool IsAsked(const Options& options, const Case& c) {
  if (options.cases.empty()) return true;
  for (const std::string& name : options.cases) {
    if (name == c.name) return true;
  }
  return false;
}

// Executed by a process of its own that does nothing but compile; 0 where that did not work.
uint64_t CountInstructions(const Options& options, const Case& c, uint32_t size) {
  const std::string command =
      absl::StrCat("valgrind --tool=callgrind --callgrind-out-file=/dev/null ", options.self,
                   options.strategy == Strategy::kWinch ? " --winch" : "", " --only-size=", size,
                   " ", c.name, " 2>&1");
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return 0;
  std::string output;
  char buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, count);
  if (pclose(pipe) != 0) return 0;
  const size_t at = output.find("Collected : ");
  uint64_t instructions = 0;
  if (at != std::string::npos) {
    const absl::string_view rest = absl::string_view(output).substr(at + 12);
    static_cast<void>(absl::SimpleAtoi(rest.substr(0, rest.find('\n')), &instructions));
  }
  return instructions;
}

std::string Ratio(double now, double before) {
  return before > 0 ? absl::StrFormat("%.2f", now / before) : "";
}

struct Row {
  double milliseconds = 0;
  double megabytes = 0;
  uint64_t work = 0;
};

// Prints the line of one case; false if it could not be compiled.
bool Show(const Options& options, const Case& c) {
  const uint32_t size = static_cast<uint32_t>(c.size * options.scale);
  std::vector<Row> rows;
  std::vector<CompileTiming> timings;
  for (const uint32_t number : {size / 4, size / 2, size}) {
    const absl::StatusOr<Measurement> measured = Measure(c.make(number), 1, options.strategy);
    if (!measured.ok()) {
      absl::PrintF("| %s | %d | %s |\n", c.name, number, measured.status().ToString());
      return false;
    }
    Row row;
    row.milliseconds = absl::ToDoubleMilliseconds(measured->timing.wall);
    row.megabytes = static_cast<double>(measured->peak_bytes) / 1e6;
    row.work = options.instructions ? CountInstructions(options, c, number) : measured->work();
    rows.push_back(row);
    timings.push_back(measured->timing);
  }
  std::string line = absl::StrFormat("| %s | %d", c.name, size);
  const auto add = [&](auto value_of) {
    absl::StrAppendFormat(&line, " | %.1f", value_of(rows[2]));
    for (const size_t i : {1, 2}) {
      absl::StrAppend(&line, " | ", Ratio(value_of(rows[i]), value_of(rows[i - 1])));
    }
  };
  add([](const Row& row) { return row.milliseconds; });
  add([](const Row& row) { return row.megabytes; });
  add([](const Row& row) { return static_cast<double>(row.work) / 1e6; });
  absl::PrintF("%s |\n", line);
  if (options.phases) {
    for (size_t i = 0; i < timings[2].phases.size(); ++i) {
      const CompileTiming::Phase &now = timings[2].phases[i], &before = timings[1].phases[i];
      const bool grows =
          now.work > size && static_cast<double>(now.work) > 2.1 * static_cast<double>(before.work);
      if (grows) absl::PrintF("    %s: %d after %d steps\n", now.name, now.work, before.work);
    }
  }
  std::fflush(stdout);
  return true;
}

bool Write(const Options& options, const Case& c) {
  const std::vector<uint8_t> bytes = c.make(static_cast<uint32_t>(c.size * options.scale));
  const std::string path = absl::StrCat(options.folder, "/", c.name, ".wasm");
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  if (!out.good()) std::fprintf(stderr, "%s: can't be written\n", path.c_str());
  return out.good();
}

int Main(int argc, char** argv) {
  Options options;
  if (!ParseOptions(argc, argv, &options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const bool tables = options.folder.empty() && !options.only_size.has_value();
  if (tables) {
    std::printf(
        "| case | size | ms | x2 | x2 | MB | x2 | x2 | million %s | x2 | x2 |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|\n",
        options.instructions ? "instructions" : "steps");
  }
  bool good = true;
  size_t found = 0;
  for (const Case& c : Cases()) {
    if (!IsAsked(options, c)) continue;
    ++found;
    if (options.only_size.has_value()) {
      good &= Measure(c.make(*options.only_size), 1, options.strategy).ok();
    } else {
      good &= tables ? Show(options, c) : Write(options, c);
    }
  }
  if (found < options.cases.size()) {
    std::fprintf(stderr, "there are these cases:\n");
    for (const Case& c : Cases()) std::fprintf(stderr, "  %-22s %s\n", c.name, c.what);
    return 2;
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace gantry::bench

int main(int argc, char** argv) { return gantry::bench::Main(argc, argv); }
