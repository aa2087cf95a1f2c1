// What people see of guests: source positions, core dumps, profiles.
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/perf.h"
#include "api/profiler.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "environ/core/dwarf_lines_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

using testing::HasSubstr;

std::vector<uint8_t> Binary(const char* text) {
  return wasm::text::ParseText(wasm::text::SourceText("test", text)).value().bytes;
}

class DebuggingTest : public testing::Test {
 protected:
  void Start(Config config = Config()) {
    AddTestCompilerFlags(config);
    engine_ = Engine::Create(config).value();
    linker_.emplace(*engine_);
  }
  absl::StatusOr<std::vector<Val>> Call(Store& store, const Module& module, const char* name,
                                        std::vector<Val> arguments = {}) {
    absl::StatusOr<Instance> instance = linker_->Instantiate(store, module);
    if (!instance.ok()) return instance.status();
    return instance->GetFunc(store, name)->Call(store, arguments);
  }

  std::optional<Engine> engine_;
  std::optional<Linker> linker_;
};

// Of the code section's contents and of the first byte after it, in a module whose sizes are of a
// byte each.
size_t CodeSection(const std::vector<uint8_t>& module) {
  for (size_t at = 8; at < module.size(); at += 2 + module[at + 1]) {
    if (module[at] == 10) return at + 2;
  }
  return 0;
}

void AddCustomSection(std::vector<uint8_t>& module, absl::string_view name,
                      const std::vector<uint8_t>& contents) {
  std::vector<uint8_t> section = {static_cast<uint8_t>(name.size())};
  section.insert(section.end(), name.begin(), name.end());
  section.insert(section.end(), contents.begin(), contents.end());
  module.push_back(0);
  for (size_t size = section.size();;) {
    const uint8_t low = size & 0x7F;
    size >>= 7;
    module.push_back(size == 0 ? low : low | 0x80);
    if (size == 0) break;
  }
  module.insert(module.end(), section.begin(), section.end());
}

// A module with line tables: `unreachable` of inner is line 22 of main.c, the call of it in outer
// line 43 of lib/util.c.
std::vector<uint8_t> ModuleWithLines() {
  using environ::LineRow;
  std::vector<uint8_t> module = Binary(R"(
      (module
        (func $inner (unreachable))
        (func $outer (export "run") (nop) (nop) (call $inner))))");
  // Bodies: a count of locals, then `unreachable`; `nop nop call`.
  const size_t code = CodeSection(module);
  EXPECT_NE(code, 0u);
  EXPECT_EQ(module[code + 3], 0x00);  // unreachable, at 3
  EXPECT_EQ(module[code + 7], 0x01);  // nop, at 7; the call is at 9
  environ::ByteWriter program = environ::LineSequence({{2, 1, 20, 4}, {3, 1, 1, 9}}, 5);
  program.Append(environ::LineSequence({{6, 2, 40, 1}, {9, 2, 2, 5}}, 12));
  const environ::ByteWriter unit =
      environ::LineUnit(4, environ::NamesBefore5("lib", "main.c", "util.c"), program);
  AddCustomSection(module, ".debug_line", unit.bytes);
  return module;
}

TEST_F(DebuggingTest, BacktracesHaveSourcePositions) {
  Start();
  const std::vector<uint8_t> module = ModuleWithLines();
  const Module compiled = Module::Compile(*engine_, module).value();
  // The same from an artifact.
  const Module loaded = Module::Deserialize(*engine_, compiled.Serialize().value()).value();
  for (const Module& m : {compiled, loaded}) {
    Store store(*engine_);
    const absl::Status status = Call(store, m, "run").status();
    const std::optional<Trap> trap = GetTrap(status);
    ASSERT_TRUE(trap.has_value()) << status;
    ASSERT_EQ(trap->backtrace.size(), 2u);
    EXPECT_EQ(trap->backtrace[0].source_file, "main.c");
    EXPECT_EQ(trap->backtrace[0].source_line, 22u);
    EXPECT_EQ(trap->backtrace[0].source_column, 9u);
    EXPECT_EQ(trap->backtrace[1].source_file, "lib/util.c");
    EXPECT_EQ(trap->backtrace[1].source_line, 43u);
    EXPECT_THAT(trap->ToString(), HasSubstr("inner\n       at main.c:22:9\n"));
  }
}

// A core dump is a module itself: what it holds can be asked of the engine.
TEST_F(DebuggingTest, TrapsCarryCoreDumps) {
  Config config;
  config.CoredumpOnTrap(true);
  Start(config);
  const Module module = Module::Compile(*engine_, Binary(R"(
      (module $guest
        (import "host" "again" (func $again))
        (memory (export "memory") 2 5)
        (global $g (mut i64) (i64.const 0x1122334455667788))
        (func $trap (i32.store (i32.const 70000) (i32.const 0x78563412)) (unreachable))
        (func $mid (nop) (call $trap))
        (func (export "trap") (call $mid))
        (func (export "run") (call $again))))"))
                            .value();
  Store store(*engine_);
  std::optional<Func> trap;
  ASSERT_TRUE(linker_
                  ->Func("host", "again",
                         [&](Caller& caller) { return trap->Call(caller.store(), {}).status(); })
                  .ok());
  const Instance instance = linker_->Instantiate(store, module).value();
  trap = instance.GetFunc(store, "trap").value();
  const absl::Status status = instance.GetFunc(store, "run")->Call(store, {}).status();
  const std::optional<std::string> dump = GetCoredump(status);
  ASSERT_TRUE(dump.has_value());
  const absl::Span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(dump->data()),
                                        dump->size());
  EXPECT_EQ(Module::Validate(*engine_, bytes), absl::OkStatus());
  EXPECT_THAT(*dump, HasSubstr(std::string("coremodules\x01\0\x05guest", 19)));
  EXPECT_THAT(*dump, HasSubstr(std::string("coreinstances\x01\0\0\x01\0\x01\0", 20)));
  // trap and mid at their offsets in their bodies, the export, and by way of the host "run".
  EXPECT_THAT(*dump, HasSubstr(std::string("corestack\0\x04main\x04"
                                           "\0\0\x01\x0e\0\0"
                                           "\0\0\x02\x02\0\0"
                                           "\0\0\x03\x01\0\0"
                                           "\0\0\x04\x01\0\0",
                                           40)));
  EXPECT_THAT(*dump, HasSubstr("\x12\x34\x56\x78"));
  EXPECT_LT(dump->size(), 5000u);
  // Errors of the host and exits carry none.
  trap.reset();
  ASSERT_EQ(GetCoredump(absl::OkStatus()), std::nullopt);
}

TEST_F(DebuggingTest, WithoutTheSettingThereIsNoCoreDump) {
  Start();
  const Module module =
      Module::Compile(*engine_, Binary(R"((module (func (export "run") (unreachable))))")).value();
  Store store(*engine_);
  EXPECT_EQ(GetCoredump(Call(store, module, "run").status()), std::nullopt);
}

// Whether a text is one JSON value, by the grammar.
class JsonChecker {
 public:
  explicit JsonChecker(absl::string_view text) : text_(text) {}
  bool Check() {
    const bool ok = Value(0);
    Space();
    return ok && at_ == text_.size();
  }

 private:
  void Space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool Take(char c) {
    Space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool Word(absl::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  bool Text() {
    if (!Take('"')) return false;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    return Take('"');
  }
  bool Value(int depth) {
    Space();
    if (depth > 20 || at_ >= text_.size()) return false;
    if (Take('{')) {
      if (Take('}')) return true;
      do {
        Space();
        if (!Text() || !Take(':') || !Value(depth + 1)) return false;
      } while (Take(','));
      return Take('}');
    }
    if (Take('[')) {
      if (Take(']')) return true;
      do {
        if (!Value(depth + 1)) return false;
      } while (Take(','));
      return Take(']');
    }
    if (text_[at_] == '"') return Text();
    if (Word("true") || Word("false") || Word("null")) return true;
    const size_t begin = at_;
    while (at_ < text_.size() && (std::isdigit(static_cast<unsigned char>(text_[at_])) ||
                                  absl::StrContains("+-.eE", text_.substr(at_, 1)))) {
      ++at_;
    }
    return at_ > begin;
  }

  absl::string_view text_;
  size_t at_ = 0;
};

constexpr char kBusy[] = R"(
  (module $busy
    (import "host" "work" (func $work))
    (func $leaf (param $n i32) (result i32)
      (local $i i32)
      (loop $again
        (local.set $i (i32.add (i32.mul (local.get $i) (i32.const 7)) (i32.const 1)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_if $again (local.get $n)))
      (local.get $i))
    (func (export "compute") (result i32) (call $leaf (i32.const 3000000)))
    (func (export "call_out") (call $work))))";

TEST_F(DebuggingTest, AProfileNamesWhoIsBusy) {
  Start();
  const Module module = Module::Compile(*engine_, Binary(kBusy)).value();
  Store store(*engine_);
  uint64_t wanted = 0;
  std::optional<GuestProfiler> profiler;
  // The host's own work, until it has been seen, too.
  ASSERT_TRUE(linker_
                  ->Func("host", "work",
                         [&] {
                           while (profiler->num_samples() < wanted) getpid();
                         })
                  .ok());
  const Instance instance = linker_->Instantiate(store, module).value();
  const Func compute = instance.GetFunc(store, "compute").value();
  const Func call_out = instance.GetFunc(store, "call_out").value();
  profiler.emplace(GuestProfiler::Start(std::chrono::microseconds(500)).value());
  EXPECT_EQ(GuestProfiler::Start().status().code(), absl::StatusCode::kFailedPrecondition);
  wanted = profiler->num_samples() + 20;
  while (profiler->num_samples() < wanted) ASSERT_TRUE(compute.Call(store, {}).ok());
  wanted = profiler->num_samples() + 20;
  ASSERT_TRUE(call_out.Call(store, {}).ok());
  const std::string json = profiler->Stop("a \"program\"\n");
  EXPECT_TRUE(JsonChecker(json).Check()) << json.substr(0, 2000);
  EXPECT_THAT(json, HasSubstr("\"busy!leaf\""));
  EXPECT_THAT(json, HasSubstr("\"host\""));
  EXPECT_THAT(json, HasSubstr("\"preprocessedProfileVersion\":"));
  EXPECT_THAT(json, HasSubstr("a \\\"program\\\"\\u000a"));
  // Another one can begin, and see nothing but the host.
  profiler.emplace(GuestProfiler::Start().value());
  while (profiler->num_samples() < 3) getpid();
  EXPECT_THAT(profiler->Stop("x"), testing::Not(HasSubstr("leaf")));
  EXPECT_FALSE(GuestProfiler::Start(std::chrono::microseconds(0)).ok());
}

// Samples come in the middle of everything that a guest does: calls, traps, growth, returns.
TEST_F(DebuggingTest, SamplesDisturbNothing) {
  Start();
  const Module module = Module::Compile(*engine_, Binary(R"(
      (module
        (memory 1)
        (func $fib (export "fib") (param i32) (result i32)
          (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
            (then (local.get 0))
            (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                           (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
        (func $deep (export "deep") (param i32) (result i32)
          (if (i32.eqz (local.get 0)) (then (unreachable)))
          (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1)))
                   (memory.grow (i32.const 0))))))"))
                            .value();
  Store store(*engine_);
  const Instance instance = linker_->Instantiate(store, module).value();
  const Func fib = instance.GetFunc(store, "fib").value();
  const Func deep = instance.GetFunc(store, "deep").value();
  GuestProfiler profiler = GuestProfiler::Start(std::chrono::microseconds(50)).value();
  while (profiler.num_samples() < 500) {
    ASSERT_EQ(fib.Call(store, {Val::I32(15)})->at(0).i32(), 610);
    ASSERT_EQ(GetTrap(deep.Call(store, {Val::I32(50)}).status())->backtrace.size(), 51u);
  }
  EXPECT_THAT(profiler.Stop("x"), HasSubstr("fib"));
}

TEST_F(DebuggingTest, PerfIsToldTheNames) {
  Start();
  const Module module = Module::Compile(*engine_, Binary(kBusy)).value();
  ASSERT_EQ(AppendPerfMap(module), absl::OkStatus());
  const std::string path = absl::StrCat("/tmp/perf-", getpid(), ".map");
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_THAT(text, HasSubstr(" busy!leaf\n"));
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    EXPECT_EQ(std::vector<std::string>(absl::StrSplit(line, absl::MaxSplits(' ', 2))).size(), 3u);
  }
  unlink(path.c_str());
}

// The parts of a jitdump.
class DumpReader {
 public:
  explicit DumpReader(std::string bytes) : bytes_(std::move(bytes)) {}
  template <typename T>
  T Take() {
    T value = {};
    EXPECT_LE(at_ + sizeof value, bytes_.size());
    if (at_ + sizeof value <= bytes_.size()) std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string TakeText() {
    const std::string text = bytes_.c_str() + at_;
    at_ += text.size() + 1;
    return text;
  }
  std::string TakeBytes(size_t size) {
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  bool done() const { return at_ >= bytes_.size(); }
  size_t at() const { return at_; }

 private:
  const std::string bytes_;
  size_t at_ = 0;
};

TEST_F(DebuggingTest, AJitDumpHasCodeNamesAndLines) {
  Config config;
  config.CompilerFlag("inlining", "false");
  Start(config);
  const Module module = Module::Compile(*engine_, ModuleWithLines()).value();
  std::string path;
  {
    auto dump = JitDump::Create(testing::TempDir());
    ASSERT_TRUE(dump.ok()) << dump.status();
    path = (*dump)->path();
    ASSERT_EQ((*dump)->Append(module), absl::OkStatus());
  }
  std::ifstream file(path, std::ios::binary);
  DumpReader in(
      std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>()));
  unlink(path.c_str());
  EXPECT_EQ(in.Take<uint32_t>(), 0x4A695444u);
  EXPECT_EQ(in.Take<uint32_t>(), 1u);
  EXPECT_EQ(in.Take<uint32_t>(), 40u);
  in.Take<uint64_t>();
  EXPECT_EQ(in.Take<uint32_t>(), static_cast<uint32_t>(getpid()));
  in.Take<uint64_t>();
  in.Take<uint64_t>();
  std::map<std::string, std::string> code;                // by name
  std::map<uint64_t, std::vector<std::string>> lines_of;  // by address of the function
  std::map<std::string, uint64_t> addresses;
  uint64_t last_time = 0, index = 0;
  bool closed = false;
  while (!in.done()) {
    ASSERT_FALSE(closed);
    const size_t start = in.at();
    const uint32_t kind = in.Take<uint32_t>();
    const uint32_t size = in.Take<uint32_t>();
    const uint64_t time = in.Take<uint64_t>();
    EXPECT_GE(time, last_time);
    last_time = time;
    if (kind == 0) {
      EXPECT_EQ(in.Take<uint32_t>(), static_cast<uint32_t>(getpid()));
      in.Take<uint32_t>();
      const uint64_t address = in.Take<uint64_t>();
      EXPECT_EQ(in.Take<uint64_t>(), address);
      const uint64_t bytes = in.Take<uint64_t>();
      EXPECT_EQ(in.Take<uint64_t>(), index++);
      const std::string name = in.TakeText();
      code[name] = in.TakeBytes(bytes);
      addresses[name] = address;
      EXPECT_EQ(std::memcmp(code[name].data(), reinterpret_cast<const void*>(address), bytes), 0);
    } else if (kind == 2) {
      const uint64_t address = in.Take<uint64_t>();
      const uint64_t count = in.Take<uint64_t>();
      for (uint64_t i = 0; i < count; ++i) {
        EXPECT_GE(in.Take<uint64_t>(), address);
        const uint32_t line = in.Take<uint32_t>();
        in.Take<uint32_t>();
        lines_of[address].push_back(absl::StrCat(in.TakeText(), ":", line));
      }
    } else {
      ASSERT_EQ(kind, 3u);
      closed = true;
    }
    ASSERT_EQ(in.at(), start + size);
  }
  EXPECT_TRUE(closed);
  ASSERT_EQ(code.count("inner"), 1u);
  EXPECT_GT(code["inner"].size(), 1u);
  EXPECT_THAT(lines_of[addresses["inner"]], testing::Contains("main.c:22"));
  EXPECT_THAT(lines_of[addresses["outer"]], testing::Contains("lib/util.c:43"));
  EXPECT_EQ(JitDump::Create("/no/such/directory").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace gantry
