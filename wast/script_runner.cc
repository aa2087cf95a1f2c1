#include "wast/script_runner.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "wast/file.h"

namespace gantry::wast {
namespace {

using InstanceId = ScriptEngine::InstanceId;

std::string Join(const std::vector<Value>& values) {
  std::string out = "[";
  for (const Value& value : values)
    absl::StrAppend(&out, out.size() > 1 ? " " : "", value.ToString());
  return out + "]";
}

std::string Join(const std::vector<Pattern>& patterns) {
  std::string out = "[";
  for (const Pattern& pattern : patterns) {
    absl::StrAppend(&out, out.size() > 1 ? " " : "", pattern.ToString());
  }
  return out + "]";
}

class ScriptRunner {
 public:
  ScriptRunner(const Script& script, ScriptEngine& engine, const KnownFailures& known)
      : script_(script),
        file_(script.source.substr(script.source.rfind('/') + 1)),
        engine_(engine),
        known_(known),
        unregistered_(script.unregistered.begin(), script.unregistered.end()) {}

  Report Run() {
    for (const Command& command : script_.commands) {
      command_ = &command;
      const uint64_t passed = report_.passed;
      Execute();
      if (report_.passed > passed && IsKnown() != nullptr) {
        report_.passed = passed;
        ++report_.failed;
        report_.failures.push_back(absl::StrCat(Place(), ": passes, but is listed as failing"));
      }
    }
    return std::move(report_);
  }

 private:
  std::string Place() const {
    return absl::StrCat(script_.source, ":", command_->line, ": ", CommandName(command_->kind));
  }
  void Pass() { ++report_.passed; }
  void Skip(absl::string_view why) {
    ++report_.skipped;
    report_.skips.push_back(absl::StrCat(Place(), ": ", why));
  }
  const std::string* IsKnown() const {
    const auto found = known_.find(absl::StrCat(file_, ":", command_->line));
    return found == known_.end() ? nullptr : &found->second;
  }
  void Fail(absl::string_view what) {
    if (const std::string* reason = IsKnown()) return Skip(*reason);
    ++report_.failed;
    report_.failures.push_back(absl::StrCat(Place(), ": ", what));
  }
  // An answer that is no success where success was asked for.
  void FailOrSkip(absl::string_view expected, const absl::Status& status) {
    if (status.code() == absl::StatusCode::kUnimplemented) {
      Skip(status.message());
    } else {
      Fail(absl::StrCat("expected ", expected, ", came: ", absl::StatusCodeToString(status.code()),
                        ": ", status.message()));
    }
  }

  void Execute() {
    switch (command_->kind) {
      case Command::Kind::kModule:
        return RunModule();
      case Command::Kind::kRegister:
        return RunRegister();
      case Command::Kind::kAction: {
        const auto results = RunAction();
        if (!results.has_value()) return;
        return results->ok() ? Pass() : FailOrSkip("success", results->status());
      }
      case Command::Kind::kAssertReturn:
        return RunAssertReturn();
      case Command::Kind::kAssertTrap:
        // Scripts of old have modules in here too.
        if (!command_->file.empty()) return RunAssertUninstantiable();
        return RunAssertTrap({absl::StatusCode::kAborted});
      case Command::Kind::kAssertExhaustion:
        return RunAssertTrap({absl::StatusCode::kAborted, absl::StatusCode::kResourceExhausted});
      case Command::Kind::kAssertInvalid:
      case Command::Kind::kAssertMalformed:
        return RunAssertInvalid();
      case Command::Kind::kAssertUnlinkable:
        return RunAssertUnlinkable();
      case Command::Kind::kAssertUninstantiable:
        return RunAssertUninstantiable();
      case Command::Kind::kUnknown:
        return Skip(absl::StrCat("no such command: ", command_->text));
    }
  }

  // The bytes of the command's module; nothing (and the command is done with) where it is
  // text or cannot be read.
  std::optional<std::string> ModuleBytes() {
    if (command_->is_text) {
      Skip("the module is text");
      return std::nullopt;
    }
    auto bytes = ReadFile(absl::StrCat(script_.directory, "/", command_->file));
    if (!bytes.ok()) {
      Fail(bytes.status().message());
      return std::nullopt;
    }
    return *std::move(bytes);
  }
  static absl::Span<const uint8_t> AsBytes(const std::string& text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }

  void RunModule() {
    // Until it is there, commands about it have nothing to work on.
    last_ = std::nullopt;
    if (!command_->name.empty()) named_.erase(command_->name);
    const auto bytes = ModuleBytes();
    if (!bytes.has_value()) return;
    if (!engine_.executes()) {
      const absl::Status status = engine_.Validate(AsBytes(*bytes));
      return status.ok() ? Pass() : FailOrSkip("a valid module", status);
    }
    const auto instance = engine_.Instantiate(AsBytes(*bytes));
    if (!instance.ok()) {
      if (ImportsFromUnregistered(instance.status())) {
        return Skip("it imports from a module that was skipped");
      }
      return FailOrSkip("an instance", instance.status());
    }
    last_ = *instance;
    if (!command_->name.empty()) named_[command_->name] = *instance;
    Pass();
  }

  std::optional<InstanceId> Find(const std::string& name) const {
    if (name.empty()) return last_;
    const auto found = named_.find(name);
    if (found == named_.end()) return std::nullopt;
    return found->second;
  }

  bool ImportsFromUnregistered(const absl::Status& status) const {
    if (!absl::IsFailedPrecondition(status)) return false;
    for (const std::string& name : unregistered_) {
      if (absl::StrContains(status.message(), absl::StrCat("\"", name, "\""))) return true;
    }
    return false;
  }

  void RunRegister() {
    const auto instance = Find(command_->name);
    if (!instance.has_value()) {
      unregistered_.insert(command_->as);
      return Skip("there is no instance to register");
    }
    unregistered_.erase(command_->as);
    const absl::Status status = engine_.Register(*instance, command_->as);
    return status.ok() ? Pass() : FailOrSkip("success", status);
  }

  // Nothing where there is no instance: then the command has been skipped.
  std::optional<absl::StatusOr<std::vector<Value>>> RunAction() {
    const Action& action = command_->action;
    const auto instance = Find(action.module);
    if (!instance.has_value()) {
      Skip("there is no instance to act on");
      return std::nullopt;
    }
    if (action.kind == Action::Kind::kInvoke) {
      return engine_.Invoke(*instance, action.field, action.arguments);
    }
    const auto value = engine_.Get(*instance, action.field);
    if (!value.ok()) return value.status();
    return std::vector<Value>{*value};
  }

  void RunAssertReturn() {
    const auto results = RunAction();
    if (!results.has_value()) return;
    const std::string expected = Join(command_->expected);
    if (!results->ok()) return FailOrSkip(expected, results->status());
    bool matches = (*results)->size() == command_->expected.size();
    for (size_t i = 0; matches && i < command_->expected.size(); ++i) {
      matches = command_->expected[i].Matches((**results)[i]);
    }
    if (matches) return Pass();
    Fail(absl::StrCat(command_->action.field, ": expected ", expected, ", came ", Join(**results)));
  }

  // A right outcome whose message may differ from the script's.
  void PassWithMessage(absl::string_view message) {
    Pass();
    if (absl::StartsWith(message, command_->text)) return;
    report_.messages.push_back(
        absl::StrCat(Place(), ": \"", command_->text, "\" was said as \"", message, "\""));
  }

  void RunAssertTrap(std::initializer_list<absl::StatusCode> codes) {
    const auto results = RunAction();
    if (!results.has_value()) return;
    if (results->ok()) {
      return Fail(absl::StrCat(command_->action.field, ": expected a trap (", command_->text,
                               "), came ", Join(**results)));
    }
    for (absl::StatusCode code : codes) {
      if (results->status().code() != code) continue;
      // Of a trap, the reason counts.
      const absl::string_view message = results->status().message();
      if (absl::StartsWith(message, command_->text)) return Pass();
      // The script may add details, such as the index of an element.
      if (!message.empty() && absl::StartsWith(command_->text, message)) {
        return PassWithMessage(message);
      }
    }
    FailOrSkip(absl::StrCat("a trap (", command_->text, ")"), results->status());
  }

  void RunAssertInvalid() {
    const auto bytes = ModuleBytes();
    if (!bytes.has_value()) return;
    const absl::Status status = engine_.Validate(AsBytes(*bytes));
    if (status.code() == absl::StatusCode::kInvalidArgument) {
      return PassWithMessage(status.message());
    }
    if (status.ok()) {
      return Fail(absl::StrCat("expected \"", command_->text, "\", but the module is valid"));
    }
    FailOrSkip(command_->text, status);
  }

  void RunAssertUnlinkable() { RunFailingModule(absl::StatusCode::kFailedPrecondition); }
  void RunAssertUninstantiable() { RunFailingModule(absl::StatusCode::kAborted); }

  void RunFailingModule(absl::StatusCode code) {
    const auto bytes = ModuleBytes();
    if (!bytes.has_value()) return;
    if (!engine_.executes()) {
      // Such a module is valid all the same.
      const absl::Status status = engine_.Validate(AsBytes(*bytes));
      return status.ok() ? Skip("this engine only validates")
                         : FailOrSkip("a valid module", status);
    }
    const absl::Status status = engine_.Instantiate(AsBytes(*bytes)).status();
    if (status.code() == code) return PassWithMessage(status.message());
    if (status.ok()) {
      return Fail(absl::StrCat("expected \"", command_->text, "\", but the module instantiates"));
    }
    FailOrSkip(command_->text, status);
  }

  const Script& script_;
  const std::string file_;
  ScriptEngine& engine_;
  const KnownFailures& known_;
  Report report_;
  const Command* command_ = nullptr;
  std::optional<InstanceId> last_;
  std::map<std::string, InstanceId> named_;
  // Names under which nothing stands, since the module was skipped.
  std::set<std::string> unregistered_;
};

}  // namespace

std::string Report::Summary() const {
  return absl::StrCat(passed, " passed, ", failed, " failed, ", skipped, " skipped");
}

void Report::Add(const Report& other) {
  passed += other.passed;
  failed += other.failed;
  skipped += other.skipped;
  failures.insert(failures.end(), other.failures.begin(), other.failures.end());
  skips.insert(skips.end(), other.skips.begin(), other.skips.end());
  messages.insert(messages.end(), other.messages.begin(), other.messages.end());
}

Report RunScript(const Script& script, ScriptEngine& engine, const KnownFailures& known) {
  return ScriptRunner(script, engine, known).Run();
}

KnownFailures ParseKnownFailures(absl::string_view text) {
  KnownFailures known;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    if (line[0] == '#') continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    known.emplace(std::string(parts.first), std::string(parts.second));
  }
  return known;
}

}  // namespace gantry::wast
