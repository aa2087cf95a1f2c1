// Tested from outside, by tests/cli.
#include "cli/bench_command.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "api/engine.h"
#include "base/status_macros.h"
#include "cli/options.h"
#include "cli/program.h"

namespace gantry::cli {
namespace {

struct BenchOptions {
  EngineOptions engine;
  GuestOptions guest;
  bool json = false;
  int repeat = 1;
};

// What one process measured. Plain data: it crosses a pipe.
struct Sample {
  double compile_ms = 0;
  double instantiate_ms = 0;
  double run_ms = 0;
  double bench_ms = 0;
  bool has_bench = false;
  int exit_code = 0;
  long peak_kib = 0;
};

absl::StatusOr<Sample> Measure(const BenchOptions& options, const std::vector<std::string>& words) {
  ASSIGN_OR_RETURN(const Config config, options.engine.ToConfig());
  ProgramSetup setup;
  setup.guest = options.guest;
  setup.arguments.assign(words.begin() + 1, words.end());
  ASSIGN_OR_RETURN(setup.fuel, options.engine.Fuel());
  ASSIGN_OR_RETURN(setup.async, options.engine.Async());
  ASSIGN_OR_RETURN(const Engine engine, Engine::Create(config));
  ASSIGN_OR_RETURN(const std::vector<uint8_t> bytes, ReadFile(words.front()));

  Sample sample;
  const absl::Time start = absl::Now();
  ASSIGN_OR_RETURN(Module module, Module::IsArtifact(bytes) ? Module::Deserialize(engine, bytes)
                                                            : Module::Compile(engine, bytes));
  const absl::Time compiled = absl::Now();
  Program program(engine, std::move(module), words.front());
  RETURN_IF_ERROR(program.Instantiate(setup));
  const absl::Time instantiated = absl::Now();
  ASSIGN_OR_RETURN(sample.exit_code, program.RunStart());
  const absl::Time finished = absl::Now();

  sample.compile_ms = absl::ToDoubleMilliseconds(compiled - start);
  sample.instantiate_ms = absl::ToDoubleMilliseconds(instantiated - compiled);
  sample.run_ms = absl::ToDoubleMilliseconds(finished - instantiated);
  if (program.host().bench_time) {
    sample.has_bench = true;
    sample.bench_ms = absl::ToDoubleMilliseconds(*program.host().bench_time);
  }
  return sample;
}

// Measures in a child process, which starts with nothing but what exec leaves of this one.
absl::StatusOr<Sample> MeasureInFreshProcess(const BenchOptions& options,
                                             const std::vector<std::string>& words) {
  int channel[2];
  if (pipe2(channel, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) {
    const int error = errno;
    close(channel[0]);
    close(channel[1]);
    return absl::ErrnoToStatus(error, "fork");
  }
  if (child == 0) {
    const absl::StatusOr<Sample> sample = Measure(options, words);
    if (!sample.ok()) _exit(ReportFailure(sample.status()));
    std::fflush(nullptr);
    const ssize_t written = write(channel[1], &*sample, sizeof(Sample));
    _exit(written == sizeof(Sample) ? 0 : 1);
  }
  close(channel[1]);
  Sample sample;
  ssize_t count;
  do {
    count = read(channel[0], &sample, sizeof(sample));
  } while (count < 0 && errno == EINTR);
  close(channel[0]);
  int wait_status = 0;
  struct rusage usage;
  while (wait4(child, &wait_status, 0, &usage) < 0 && errno == EINTR) {
  }
  if (count != sizeof(sample)) {
    // The child has said why on standard error.
    const int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : kTrapExitCode;
    return absl::AbortedError(absl::StrCat("the measured process ended with code ", code));
  }
  sample.peak_kib = usage.ru_maxrss;
  return sample;
}

struct Figure {
  const char* name;
  double minimum;
  double median;
};

Figure Summarize(const char* name, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {name, values.front(), median};
}

void Print(const std::vector<Sample>& samples, bool json) {
  auto column = [&](auto field) {
    std::vector<double> values;
    for (const Sample& sample : samples) values.push_back(field(sample));
    return values;
  };
  std::vector<Figure> figures = {
      Summarize("compile_ms", column([](const Sample& s) { return s.compile_ms; })),
      Summarize("instantiate_ms", column([](const Sample& s) { return s.instantiate_ms; })),
      Summarize("run_ms", column([](const Sample& s) { return s.run_ms; })),
      Summarize("peak_kib",
                column([](const Sample& s) { return static_cast<double>(s.peak_kib); })),
  };
  if (samples.front().has_bench) {
    figures.push_back(Summarize("bench_ms", column([](const Sample& s) { return s.bench_ms; })));
  }
  if (!json) {
    for (const Figure& figure : figures) {
      if (samples.size() == 1) {
        std::fprintf(stderr, "%s %.3f\n", figure.name, figure.minimum);
      } else {
        std::fprintf(stderr, "%s min %.3f median %.3f\n", figure.name, figure.minimum,
                     figure.median);
      }
    }
    return;
  }
  std::string line = absl::StrCat("{\"repeat\":", samples.size());
  for (const Figure& figure : figures) {
    if (samples.size() == 1) {
      absl::StrAppend(&line, ",\"", figure.name, "\":", figure.minimum);
    } else {
      absl::StrAppend(&line, ",\"", figure.name, "\":{\"min\":", figure.minimum,
                      ",\"median\":", figure.median, "}");
    }
  }
  std::fprintf(stderr, "%s}\n", line.c_str());
}

absl::StatusOr<int> Bench(const BenchOptions& options, const CLI::App& command) {
  ASSIGN_OR_RETURN(const std::vector<std::string> words, ProgramAndArguments(command));
  if (options.repeat < 1) return absl::InvalidArgumentError("--repeat needs a number from 1 on");
  std::vector<Sample> samples;
  for (int i = 0; i < options.repeat; ++i) {
    ASSIGN_OR_RETURN(const Sample sample, MeasureInFreshProcess(options, words));
    samples.push_back(sample);
  }
  Print(samples, options.json);
  return samples.back().exit_code;
}

}  // namespace

void AddBenchCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand(
      "bench", "Compile, instantiate and run a program in a fresh process, and print the times");
  command->footer(
      "Prints compile_ms, instantiate_ms, run_ms and peak_kib on standard error, and bench_ms\n"
      "(between the guest's calls of bench.start and bench.end) where it makes them.\n"
      "Examples:\n"
      "  gantry bench program.wasm 1000\n"
      "  gantry bench --json --repeat 5 program.wasm\n");
  options->engine.AddTo(*command);
  options->guest.AddTo(*command);
  command->add_flag("--json", options->json, "One JSON object on one line");
  command->add_option("--repeat", options->repeat,
                      "So many processes, one after the other: minimum and median");
  TakeProgramAndArguments(*command);
  command->callback([options, command, exit_code] {
    const absl::StatusOr<int> result = Bench(*options, *command);
    *exit_code = result.ok() ? *result : ReportFailure(result.status());
  });
}

}  // namespace gantry::cli
