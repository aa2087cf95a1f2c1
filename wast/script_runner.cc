#include "wast/script_runner.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "wasm_translate/text/source.h"

namespace gantry::wast {
namespace {

using ModuleId = ScriptEngine::ModuleId;
using InstanceId = ScriptEngine::InstanceId;

constexpr char kExecution[] = "execution";
// How many threads of a script may run at once.
constexpr size_t kMaxThreads = 64;

template <typename T>
std::string Join(const std::vector<T>& values) {
  std::string out = "[";
  for (const T& value : values) absl::StrAppend(&out, out.size() > 1 ? " " : "", value.ToString());
  return out + "]";
}

// Why something that commands are about is not there.
struct Missing {
  // The feature that the engine lacks; empty where it is a failure.
  std::string feature;
  std::string why;
};

// A module or an instance, or why it is missing.
using Slot = std::variant<Missing, uint32_t>;

class ScriptRunner {
 public:
  ScriptRunner(const std::string& source, ScriptEngine& engine, const Lists& lists)
      : source_(source), engine_(engine), lists_(lists) {}

  // Only before anything has run.
  void NameInstance(const std::string& name, InstanceId instance) { instances_[name] = instance; }

  Report Run(const std::vector<Command>& commands) {
    for (const Command& command : commands) {
      command_ = &command;
      Execute();
    }
    // What nobody waited for counts all the same.
    for (auto& [name, thread] : threads_) Finish(thread);
    return std::move(report_);
  }

 private:
  // What runs beside this one.
  struct Thread {
    std::unique_ptr<ScriptEngine> engine;
    std::unique_ptr<ScriptRunner> runner;
    Report report;
    std::thread thread;
    // Set where it never began.
    std::optional<Missing> missing;
  };

  std::string Place() const {
    return absl::StrCat(source_, ":", command_->line, ": ", CommandName(command_->kind));
  }
  void Pass() { ++report_.passed; }
  void Fail(absl::string_view what) {
    ++report_.failed;
    report_.failures.push_back(absl::StrCat(Place(), ": ", what));
  }
  void Skip(const std::string& feature) {
    ++report_.skipped;
    ++report_.skips[feature];
  }
  bool MaySkip(const std::string& feature) const {
    if (feature == kExecution) return true;
    for (const SkippedFeature& listed : lists_.features) {
      if (listed.name == feature) return true;
    }
    return false;
  }
  // An answer that is no success where success was asked for.
  void FailOrSkip(absl::string_view expected, const absl::Status& status) {
    const std::string feature = LackingFeature(status);
    if (MaySkip(feature)) return Skip(feature);
    Fail(absl::StrCat("expected ", expected, ", came: ", Came(status),
                      feature.empty() ? ""
                                      : absl::StrCat(" (the engine lacks ", feature,
                                                     ", which is not in the list of features "
                                                     "that are skipped)")));
  }
  void FailOrSkip(const Missing& missing) {
    if (MaySkip(missing.feature)) return Skip(missing.feature);
    Fail(missing.why);
  }
  // What follows from a command that failed or was skipped with this status.
  Missing MissingAfter(const absl::Status& status) const {
    return {LackingFeature(status),
            absl::StrCat("what it is about is missing since line ", command_->line)};
  }

  static std::string Came(const absl::Status& status) {
    return absl::StrCat(absl::StatusCodeToString(status.code()), ": ",
                        wasm::text::BareMessage(status));
  }

  // Whether the message says what the script expects.
  bool Says(absl::string_view message) {
    if (absl::StartsWith(message, command_->text)) return true;
    for (const MessagePair& pair : lists_.messages) {
      if (pair.script != command_->text || !absl::StartsWith(message, pair.ours)) continue;
      report_.pairs_used.insert(pair.ToString());
      return true;
    }
    return false;
  }

  void Execute() {
    switch (command_->kind) {
      case Command::Kind::kModule:
      case Command::Kind::kDefinition:
        return RunModule();
      case Command::Kind::kInstance:
        return RunInstance();
      case Command::Kind::kRegister:
        return RunRegister();
      case Command::Kind::kAction:
        return RunBareAction();
      case Command::Kind::kAssertReturn:
        return RunAssertReturn();
      case Command::Kind::kAssertTrap:
        if (command_->module.has_value()) return RunFailingModule(absl::StatusCode::kAborted);
        return RunFailingAction({absl::StatusCode::kAborted}, "a trap");
      case Command::Kind::kAssertException:
        return RunFailingAction({absl::StatusCode::kUnknown}, "an exception");
      case Command::Kind::kAssertExhaustion:
        return RunFailingAction({absl::StatusCode::kAborted, absl::StatusCode::kResourceExhausted},
                                "exhaustion");
      case Command::Kind::kAssertInvalid:
      case Command::Kind::kAssertMalformed:
      case Command::Kind::kAssertInvalidCustom:
      case Command::Kind::kAssertMalformedCustom:
        return RunAssertInvalid();
      case Command::Kind::kAssertUnlinkable:
        return RunFailingModule(absl::StatusCode::kFailedPrecondition);
      case Command::Kind::kThread:
        return RunThread();
      case Command::Kind::kWait:
        return RunWait();
      case Command::Kind::kUnreadable:
        return Fail(
            absl::StrCat("expected a command, came: ", wasm::text::BareMessage(command_->error)));
    }
  }

  // What a command makes; the last one of its kind, and by its name if it has one.
  static void Set(std::map<std::string, Slot>& slots, const std::string& name, Slot slot) {
    slots[""] = slot;
    if (!name.empty()) slots[name] = std::move(slot);
  }
  static Slot Find(const std::map<std::string, Slot>& slots, const std::string& name) {
    const auto found = slots.find(name);
    if (found != slots.end()) return found->second;
    return Missing{"", name.empty() ? "there is none yet" : absl::StrCat("there is no $", name)};
  }

  void RunModule() {
    const bool instantiates = command_->kind == Command::Kind::kModule;
    const absl::StatusOr<ModuleId> module = MakeModule();
    if (!module.ok()) {
      Set(modules_, command_->name, MissingAfter(module.status()));
      if (instantiates) Set(instances_, command_->name, MissingAfter(module.status()));
      // An engine that does not execute has validated it.
      if (LackingFeature(module.status()) == kExecution) return Pass();
      return FailOrSkip("a module", module.status());
    }
    Set(modules_, command_->name, *module);
    return instantiates ? Instantiate(*module) : Pass();
  }

  absl::StatusOr<ModuleId> MakeModule() {
    const auto& bytes = command_->module->bytes;
    if (!bytes.ok()) return bytes.status();
    if (engine_.executes()) return engine_.Compile(*bytes);
    const absl::Status status = engine_.Validate(*bytes);
    if (!status.ok()) return status;
    return LacksFeature(kExecution, "");
  }

  void RunInstance() {
    const Slot module = Find(modules_, command_->definition);
    if (const auto* missing = std::get_if<Missing>(&module)) {
      Set(instances_, command_->name, *missing);
      return FailOrSkip(*missing);
    }
    Instantiate(std::get<ModuleId>(module));
  }

  void Instantiate(ModuleId module) {
    const auto instance = engine_.Instantiate(module);
    if (instance.ok()) {
      Set(instances_, command_->name, *instance);
      return Pass();
    }
    if (const Missing* import = MissingImport(instance.status())) {
      Set(instances_, command_->name, *import);
      return FailOrSkip(*import);
    }
    Set(instances_, command_->name, MissingAfter(instance.status()));
    FailOrSkip("an instance", instance.status());
  }

  // Why an import is missing, if it is from a module that was not registered.
  const Missing* MissingImport(const absl::Status& status) const {
    if (!absl::IsFailedPrecondition(status)) return nullptr;
    for (const auto& [name, missing] : unregistered_) {
      if (absl::StrContains(status.message(), absl::StrCat("\"", name, "\""))) return &missing;
    }
    return nullptr;
  }

  void RunRegister() {
    const Slot instance = Find(instances_, command_->name);
    if (const auto* missing = std::get_if<Missing>(&instance)) {
      unregistered_[command_->as] = *missing;
      return FailOrSkip(*missing);
    }
    unregistered_.erase(command_->as);
    const absl::Status status = engine_.Register(std::get<InstanceId>(instance), command_->as);
    return status.ok() ? Pass() : FailOrSkip("success", status);
  }

  // What an action outside of assertions is for is its effect: without it, the instance is
  // not what the script takes it for.
  void RunBareAction() {
    const auto results = RunAction();
    if (!results.has_value()) return;
    if (results->ok()) return Pass();
    const std::string feature = LackingFeature(results->status());
    const Slot instance = Find(instances_, command_->action.instance);
    if (MaySkip(feature)) lacking_effects_.emplace(std::get<InstanceId>(instance), feature);
    FailOrSkip("success", results->status());
  }

  // An action did not come out as expected.
  void FailAction(absl::string_view what) {
    const Slot instance = Find(instances_, command_->action.instance);
    const auto lacking = lacking_effects_.find(std::get<InstanceId>(instance));
    if (lacking != lacking_effects_.end()) return Skip(lacking->second);
    Fail(absl::StrCat(command_->action.field, ": ", what));
  }

  // Nothing where there is no instance: then the command has been counted.
  std::optional<absl::StatusOr<std::vector<Value>>> RunAction() {
    const Action& action = command_->action;
    const Slot instance = Find(instances_, action.instance);
    if (const auto* missing = std::get_if<Missing>(&instance)) {
      FailOrSkip(*missing);
      return std::nullopt;
    }
    const InstanceId id = std::get<InstanceId>(instance);
    if (action.kind == Action::Kind::kInvoke) {
      return engine_.Invoke(id, action.field, action.arguments);
    }
    const auto value = engine_.Get(id, action.field);
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
    FailAction(absl::StrCat("expected ", expected, ", came ", Join(**results)));
  }

  // What had to fail with the script's message has failed like this.
  void Judge(const absl::Status& status) {
    const std::string message = wasm::text::BareMessage(status);
    if (Says(message)) return Pass();
    Fail(absl::StrCat("expected \"", command_->text, "\", came \"", message, "\""));
  }

  void RunFailingAction(std::initializer_list<absl::StatusCode> codes, absl::string_view what) {
    const auto results = RunAction();
    if (!results.has_value()) return;
    const std::string expected =
        absl::StrCat(what, command_->text.empty() ? "" : absl::StrCat(" (", command_->text, ")"));
    if (results->ok()) {
      return FailAction(absl::StrCat("expected ", expected, ", came ", Join(**results)));
    }
    for (absl::StatusCode code : codes) {
      if (results->status().code() == code) return Judge(results->status());
    }
    FailOrSkip(expected, results->status());
  }

  void RunAssertInvalid() {
    const bool malformed = command_->kind == Command::Kind::kAssertMalformed ||
                           command_->kind == Command::Kind::kAssertMalformedCustom ||
                           command_->kind == Command::Kind::kAssertInvalidCustom;
    const auto& bytes = command_->module->bytes;
    if (!bytes.ok()) {
      if (malformed) return Judge(bytes.status());
      return Fail(
          absl::StrCat("expected a module that is invalid (", command_->text,
                       "), came one that is malformed: ", wasm::text::BareMessage(bytes.status())));
    }
    const absl::Status status = engine_.Validate(*bytes);
    if (status.ok()) {
      return Fail(absl::StrCat("expected \"", command_->text, "\", but the module is valid"));
    }
    // A refusal for a feature that is off, too, may be what the script means.
    if (absl::IsInvalidArgument(status) || Says(status.message())) return Judge(status);
    FailOrSkip(command_->text, status);
  }

  // A module that is valid, but cannot be instantiated.
  void RunFailingModule(absl::StatusCode code) {
    const absl::StatusOr<ModuleId> module = MakeModule();
    if (!module.ok()) {
      if (LackingFeature(module.status()) == kExecution) return Pass();
      return FailOrSkip("a valid module", module.status());
    }
    const absl::Status status = engine_.Instantiate(*module).status();
    if (status.ok()) {
      return Fail(absl::StrCat("expected \"", command_->text, "\", but the module instantiates"));
    }
    if (const Missing* import = MissingImport(status); import != nullptr && !Says(status.message()))
      return FailOrSkip(*import);
    if (status.code() == code) return Judge(status);
    FailOrSkip(command_->text, status);
  }

  void RunThread() {
    Thread& thread = threads_[command_->name];
    Finish(thread);
    thread = Thread();
    size_t running = 0;
    for (const auto& [name, other] : threads_) running += other.thread.joinable() ? 1 : 0;
    if (running == kMaxThreads) {
      const Missing missing = {"", absl::StrCat("more than ", kMaxThreads, " threads")};
      FailOrSkip(missing);
      return NeverBegin(thread, missing);
    }
    std::vector<InstanceId> shared;
    for (const std::string& name : command_->shared) {
      const Slot instance = Find(instances_, name);
      if (const auto* missing = std::get_if<Missing>(&instance)) {
        FailOrSkip(*missing);
        return NeverBegin(thread, *missing);
      }
      shared.push_back(std::get<InstanceId>(instance));
    }
    auto engine = engine_.Fork(shared);
    if (!engine.ok()) {
      FailOrSkip("a thread", engine.status());
      return NeverBegin(thread, MissingAfter(engine.status()));
    }
    thread.engine = *std::move(engine);
    thread.runner = std::make_unique<ScriptRunner>(source_, *thread.engine, lists_);
    for (size_t i = 0; i < shared.size(); ++i) {
      thread.runner->NameInstance(command_->shared[i], static_cast<InstanceId>(i));
    }
    thread.thread = std::thread([&thread, commands = &command_->commands] {
      thread.report = thread.runner->Run(*commands);
    });
    Pass();
  }

  // The commands of a thread that cannot run go the way of the thread.
  void NeverBegin(Thread& thread, const Missing& missing) {
    thread.missing = missing;
    std::vector<const std::vector<Command>*> blocks = {&command_->commands};
    while (!blocks.empty()) {
      const std::vector<Command>& block = *blocks.back();
      blocks.pop_back();
      for (const Command& command : block) {
        const Command* const outer = std::exchange(command_, &command);
        FailOrSkip(missing);
        command_ = outer;
        blocks.push_back(&command.commands);
      }
    }
  }

  void RunWait() {
    const auto found = threads_.find(command_->name);
    if (found == threads_.end()) return Fail(absl::StrCat("there is no thread $", command_->name));
    if (found->second.missing.has_value()) return FailOrSkip(*found->second.missing);
    Finish(found->second);
    Pass();
  }

  // Waits for a thread that runs and takes over what it found.
  void Finish(Thread& thread) {
    if (!thread.thread.joinable()) return;
    thread.thread.join();
    report_.Add(thread.report);
  }

  const std::string source_;
  ScriptEngine& engine_;
  const Lists& lists_;
  Report report_;
  const Command* command_ = nullptr;
  // By name; the last one under the empty name.
  std::map<std::string, Slot> modules_;
  std::map<std::string, Slot> instances_;
  // Instances of which a bare action was skipped, and the first feature for lack of which.
  std::map<InstanceId, std::string> lacking_effects_;
  // Names under which nothing stands, since the instance is missing.
  std::map<std::string, Missing> unregistered_;
  // Those that run, ran, or could not.
  std::map<std::string, Thread> threads_;
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
  for (const auto& [feature, count] : other.skips) skips[feature] += count;
  pairs_used.insert(other.pairs_used.begin(), other.pairs_used.end());
}

Report RunScript(const Script& script, ScriptEngine& engine, const Lists& lists) {
  return ScriptRunner(script.source, engine, lists).Run(script.commands);
}

}  // namespace gantry::wast
