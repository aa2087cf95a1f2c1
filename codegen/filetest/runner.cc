#include "codegen/filetest/runner.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "codegen/filetest/file.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "codegen/pass/passes.h"

namespace gantry::codegen {
namespace {

class Runner {
 public:
  Runner(absl::string_view name, absl::string_view text, const FiletestBackends& backends)
      : name_(name), text_(text), backends_(backends) {}

  FiletestResult Go() {
    result_.rewritten = std::string(text_);
    absl::StatusOr<Filetest> file = ReadFiletest(text_);
    if (!file.ok()) {
      result_.failures.push_back(absl::StrCat(name_, ":", file.status().message()));
      return std::move(result_);
    }
    file_ = &*file;
    int with_checks = 0;
    for (const FiletestCommand& command : file_->commands) {
      if (command.name == "run") {
        TestRun();
      } else if (++with_checks > 1) {
        Fail(1, "only one of the commands of a file can have check lines");
      } else {
        TestChecks(command);
      }
    }
    if (with_checks == 0) {
      for (const FiletestFunction& func : file_->functions) {
        if (func.first_check_line != 0) {
          Fail(func.first_check_line, "no command of this file looks at check lines");
        }
      }
    }
    Rewrite();
    return std::move(result_);
  }

 private:
  void Fail(int line, absl::string_view message) {
    result_.failures.push_back(absl::StrCat(name_, ":", line, ": ", message));
  }

  FiletestBackend* BackendNamed(absl::string_view isa) const {
    for (const std::unique_ptr<FiletestBackend>& backend : backends_) {
      if (backend->name() == isa) return backend.get();
    }
    return nullptr;
  }

  // ---- Check lines.
  void TestChecks(const FiletestCommand& command) {
    if (command.name == "compile") {
      if (file_->targets.size() != 1) {
        Fail(1, "test compile needs one target line");
        return;
      }
      // Not every test binary has every backend.
      if (BackendNamed(file_->targets[0].isa) == nullptr) return;
    }
    for (FiletestFunction& func : file_->functions) {
      absl::StatusOr<std::string> found = Produce(command, func.parsed.func);
      if (!found.ok()) {
        Fail(func.parsed.first_line, found.status().message());
        continue;
      }
      std::vector<std::string> lines;
      for (absl::string_view line : absl::StrSplit(absl::StripAsciiWhitespace(*found), '\n')) {
        lines.emplace_back(absl::StripTrailingAsciiWhitespace(line));
      }
      Compare(func, lines);
      golden_.emplace(func.parsed.last_line, std::move(lines));
    }
  }

  absl::StatusOr<std::string> Produce(const FiletestCommand& command, const Function& func) {
    const absl::Status verified = VerifyFunction(func);
    if (command.name == "verifier") {
      return verified.ok() ? "ok" : std::string(verified.message());
    }
    RETURN_IF_ERROR(verified);
    if (command.name == "print") return PrintFunction(func, {.renumber = true});
    if (command.name == "pass") return AfterPass(command.argument, func);
    if (command.name == "compile") {
      return BackendNamed(file_->targets[0].isa)->Compile(func, file_->targets[0]);
    }
    return absl::InvalidArgumentError(absl::StrCat("there is no command 'test ", command.name,
                                                   "'; see codegen/filetest/runner.h"));
  }

  static absl::StatusOr<std::string> AfterPass(absl::string_view name, Function func) {
    RETURN_IF_ERROR(RunPass(name, &func));
    return PrintFunction(func, {.renumber = true});
  }
  static absl::Status RunPass(absl::string_view name, Function* func) {
    PassPipeline pipeline;
    pipeline.options().verify = true;
    if (name == "default") {
      AddDefaultPasses(&pipeline);
    } else if (std::unique_ptr<Pass> pass = MakePass(name)) {
      pipeline.Add(std::move(pass));
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "there is no pass '", name, "', only default, ", absl::StrJoin(PassNames(), ", ")));
    }
    return pipeline.Run(func);
  }

  void Compare(const FiletestFunction& func, const std::vector<std::string>& lines) {
    const size_t common = std::min(lines.size(), func.checks.size());
    for (size_t i = 0; i < common; ++i) {
      if (absl::StripTrailingAsciiWhitespace(func.checks[i]) != lines[i]) {
        Fail(func.first_check_line + static_cast<int>(i),
             absl::StrCat("expected ", func.checks[i], "\n    found    ", lines[i], "\n",
                          Everything(lines)));
        return;
      }
    }
    if (lines.size() != func.checks.size()) {
      Fail(func.parsed.last_line, absl::StrCat("expected ", func.checks.size(), " lines, found ",
                                               lines.size(), "\n", Everything(lines)));
    }
  }
  static std::string Everything(const std::vector<std::string>& lines) {
    return absl::StrCat("  all that was found:\n    ", absl::StrJoin(lines, "\n    "));
  }

  // Puts golden_ in the place of the check lines.
  void Rewrite() {
    if (golden_.empty()) return;
    std::map<int, const FiletestFunction*> by_last_line;
    for (const FiletestFunction& func : file_->functions) {
      by_last_line.emplace(func.parsed.last_line, &func);
    }
    std::string out;
    int number = 0;
    int skip_to = 0;
    const auto append_checks = [&](const std::vector<std::string>& lines) {
      for (const std::string& line : lines) {
        absl::StrAppend(&out, line.empty() ? "; check:" : "; check: ", line, "\n");
      }
    };
    absl::string_view text = text_;
    while (!text.empty()) {
      const size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
      const absl::string_view line = text.substr(0, length);
      text.remove_prefix(length);
      ++number;
      if (number <= skip_to) continue;
      for (const auto& [last, func] : by_last_line) {
        if (func->first_check_line == number && golden_.contains(last)) {
          append_checks(golden_[last]);
          skip_to = func->last_check_line;
        }
      }
      if (number <= skip_to) continue;
      absl::StrAppend(&out, line);
      if (line.back() != '\n') out += "\n";
      if (const auto it = by_last_line.find(number); it != by_last_line.end() &&
                                                     it->second->first_check_line == 0 &&
                                                     golden_.contains(number)) {
        append_checks(golden_[number]);
      }
    }
    result_.rewritten = out;
  }

  // ---- Run lines.
  void TestRun() {
    std::vector<const Function*> functions;
    for (const FiletestFunction& func : file_->functions) {
      const absl::Status verified = VerifyFunction(func.parsed.func);
      if (!verified.ok()) {
        Fail(func.parsed.first_line, verified.message());
        return;
      }
      functions.push_back(&func.parsed.func);
    }
    RunEverywhere("", functions);
    // What a pass of the file makes of the functions has to do the same.
    for (const FiletestCommand& command : file_->commands) {
      if (command.name != "pass") continue;
      std::vector<Function> changed;
      for (const Function* func : functions) {
        changed.push_back(*func);
        const absl::Status status = RunPass(command.argument, &changed.back());
        if (!status.ok()) {
          Fail(1, status.message());
          return;
        }
      }
      functions.clear();
      for (const Function& func : changed) functions.push_back(&func);
      RunEverywhere(absl::StrCat("after ", command.argument, ", "), functions);
    }
  }
  // `when` stands before the place in messages.
  void RunEverywhere(const std::string& when, const std::vector<const Function*>& functions) {
    when_ = when;
    RunInInterpreter(functions);
    if (file_->targets.empty()) {
      for (const std::unique_ptr<FiletestBackend>& backend : backends_) {
        RunOnBackend(backend.get(), {backend->name(), {}}, functions);
      }
    }
    for (const FiletestTarget& target : file_->targets) {
      if (FiletestBackend* backend = BackendNamed(target.isa)) {
        RunOnBackend(backend, target, functions);
      }
    }
  }

  // Calls run(index of function, args) for each run line, of function `only` if that is
  // given, and compares.
  template <typename Run>
  void ForEachRun(absl::string_view where, bool interpreter, std::optional<size_t> only, Run run) {
    for (const FiletestFunction& func : file_->functions) {
      for (const RunLine& line : func.runs) {
        if (line.interpreter_only && !interpreter) continue;
        const std::optional<size_t> index = FunctionNamed(line.function);
        if (!index.has_value()) {
          Fail(line.line, absl::StrCat("there is no function %", line.function));
        } else if (!only.has_value() || index == only) {
          const absl::Status status = CheckRun(line, *index, run);
          if (!status.ok()) {
            Fail(line.line,
                 absl::StrCat(line.text, "\n    ", when_, where, ": ", status.message()));
          }
        }
      }
    }
  }
  std::optional<size_t> FunctionNamed(absl::string_view name) const {
    for (size_t i = 0; i < file_->functions.size(); ++i) {
      if (file_->functions[i].parsed.func.params.name.text == name) return i;
    }
    return std::nullopt;
  }
  template <typename Run>
  absl::Status CheckRun(const RunLine& line, size_t index, Run run) {
    const Function& func = file_->functions[index].parsed.func;
    std::vector<RawValue> args;
    RETURN_IF_ERROR(ReadValues(line.args, func.signature.params, "arguments", &args));
    Outcome expected = line.expected;
    if (expected.kind == Outcome::Kind::kReturned) {
      RETURN_IF_ERROR(ReadValues(line.values, func.signature.returns, "results", &expected.values));
    }
    ++result_.runs;
    ASSIGN_OR_RETURN(const Outcome actual, run(index, args));
    if (OutcomesAgree(expected, actual, func.signature)) return absl::OkStatus();
    return absl::FailedPreconditionError(DescribeOutcome(actual, func.signature));
  }
  static absl::Status ReadValues(const std::vector<std::string>& texts,
                                 const Signature::ParamList& types, absl::string_view what,
                                 std::vector<RawValue>* values) {
    if (texts.size() != types.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(texts.size(), " ", what, ", must be ", types.size()));
    }
    for (size_t i = 0; i < texts.size(); ++i) {
      ASSIGN_OR_RETURN(const RawValue value, ParseRunValue(types[i].type, texts[i]));
      values->push_back(value);
    }
    return absl::OkStatus();
  }

  void RunInInterpreter(const std::vector<const Function*>& functions) {
    Interpreter interpreter;
    interpreter.set_fuel(1'000'000);
    for (const Function* func : functions) interpreter.AddFunction(func);
    UserExternalName throw_name;
    throw_name.text = "throw";
    interpreter.AddHostFunction(throw_name, [](absl::Span<const RawValue> args) {
      return args.size() == 2 ? Outcome::Threw(static_cast<uint32_t>(args[0].lo),
                                               static_cast<uint32_t>(args[1].lo))
                              : Outcome();
    });
    ForEachRun("interpreter", true, std::nullopt,
               [&](size_t index, absl::Span<const RawValue> args) {
                 return interpreter.Run(*functions[index], args);
               });
    result_.opcode_counts.resize(interpreter.opcode_counts().size(), 0);
    for (size_t i = 0; i < result_.opcode_counts.size(); ++i) {
      result_.opcode_counts[i] += interpreter.opcode_counts()[i];
    }
  }

  void RunOnBackend(FiletestBackend* backend, const FiletestTarget& target,
                    const std::vector<const Function*>& functions) {
    absl::StatusOr<std::unique_ptr<FiletestProgram>> program = backend->Load(functions, target);
    if (!absl::IsUnimplemented(program.status())) {
      RunProgram(backend, program, std::nullopt);
      return;
    }
    // Something in the file is refused; what stands alone may still be run.
    const absl::Status refusal = program.status();
    for (size_t i = 0; i < functions.size(); ++i) {
      program =
          functions[i]->dfg.ext_funcs().empty() ? backend->Load({functions[i]}, target) : refusal;
      if (absl::IsUnimplemented(program.status())) {
        result_.refused.push_back(absl::StrCat(name_, ": ", PrintName(functions[i]->params.name),
                                               ": ", program.status().message()));
      } else {
        RunProgram(backend, program, i);
      }
    }
  }
  // `only`: the one function of the file that the program consists of.
  void RunProgram(FiletestBackend* backend,
                  const absl::StatusOr<std::unique_ptr<FiletestProgram>>& program,
                  std::optional<size_t> only) {
    if (!program.ok()) {
      Fail(1, absl::StrCat(backend->name(), ": ", program.status().message()));
      return;
    }
    if (*program == nullptr) return;
    ForEachRun(backend->name(), false, only, [&](size_t index, absl::Span<const RawValue> args) {
      return (*program)->Run(only.has_value() ? 0 : index, args);
    });
  }

  std::string name_;
  absl::string_view text_;
  const FiletestBackends& backends_;
  Filetest* file_ = nullptr;
  FiletestResult result_;
  std::string when_;
  // What was found, by the last line of the function.
  std::map<int, std::vector<std::string>> golden_;
};

}  // namespace

FiletestResult RunFiletest(absl::string_view name, absl::string_view text,
                           const FiletestBackends& backends) {
  return Runner(name, text, backends).Go();
}

}  // namespace gantry::codegen
