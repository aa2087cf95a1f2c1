// Litmus tests of the memory model: small programs on several threads, with the outcomes that no
// order of their accesses allows. Compiled code runs each many times, on cells of its own each
// time; a forbidden outcome fails the test. (Sewell et al., "x86-TSO", 2010; Watt et al.,
// "Weakening WebAssembly", 2019; names after Alglave et al., "Herding Cats", 2014.)
//
//   litmus_test [--rounds=N]       N * 2048 runs of each program; it prints what came how often
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "api/config.h"
#include "gtest/gtest.h"
#include "tests/threads/threaded_guest.h"

namespace gantry::testing {
namespace {

constexpr int kCellBytes = 512;
constexpr int kCells = 2048;
// Threads come together here, in the page behind the cells.
constexpr int kStart = kCells * kCellBytes;
constexpr int kPages = kStart / 65536 + 1;

int rounds = 10;

// x and y, and what was seen of them: r0 to r3 where threads put them, then x and y at the end.
struct Outcome {
  int64_t r[4];
  int64_t x, y;
};

struct Program {
  const char* name;
  // A thread each, of: x y (places), r0 to r3 (places), $store, $load, $add (accesses of the
  // model's kind), $plain_store, $plain_load.
  std::vector<const char*> threads;
  std::function<bool(const Outcome&)> forbidden;
};

// How accesses are made.
struct Accesses {
  const char* name;
  const char* store;
  const char* load;
  const char* exchange;
  const char* type;
};

constexpr Accesses kAccesses[] = {
    {"I32", "i32.atomic.store", "i32.atomic.load", "i32.atomic.rmw.xchg", "i32"},
    {"I64", "i64.atomic.store", "i64.atomic.load", "i64.atomic.rmw.xchg", "i64"},
    {"I32Bytes", "i32.atomic.store8", "i32.atomic.load8_u", "i32.atomic.rmw8.xchg_u", "i32"},
    {"I64Halves", "i64.atomic.store16", "i64.atomic.load16_u", "i64.atomic.rmw16.xchg_u", "i64"},
};

const std::vector<Program>& Programs() {
  static const std::vector<Program>& programs = *new std::vector<Program>{
      {"StoreBuffering",
       {"($store $x 1) ($put $r0 ($load $y))", "($store $y 1) ($put $r1 ($load $x))"},
       [](const Outcome& o) { return o.r[0] == 0 && o.r[1] == 0; }},
      // Everything is allowed; r0 = r1 = 0 shows that the threads meet.
      {"StoreBufferingPlain",
       {"($plain_store $x 1) ($put $r0 ($plain_load $y))",
        "($plain_store $y 1) ($put $r1 ($plain_load $x))"},
       [](const Outcome&) { return false; }},
      {"StoreBufferingPlainWithFences",
       {"($plain_store $x 1) (atomic.fence) ($put $r0 ($plain_load $y))",
        "($plain_store $y 1) (atomic.fence) ($put $r1 ($plain_load $x))"},
       [](const Outcome& o) { return o.r[0] == 0 && o.r[1] == 0; }},
      {"StoreBufferingByExchange",
       {"(drop ($exchange $x 1)) ($put $r0 ($load $y))",
        "($store $y 1) ($put $r1 ($exchange $x 2))"},
       [](const Outcome& o) { return o.r[0] == 0 && o.r[1] == 0; }},
      {"MessagePassing",
       {"($plain_store $x 1) ($store $y 1)", "($put $r0 ($load $y)) ($put $r1 ($plain_load $x))"},
       [](const Outcome& o) { return o.r[0] == 1 && o.r[1] == 0; }},
      // What was read before the flag is read again, not taken from before.
      {"MessagePassingReadBefore",
       {"($plain_store $x 1) ($store $y 1)",
        "($put $r2 ($plain_load $x)) ($put $r0 ($load $y)) ($put $r1 ($plain_load $x))"},
       [](const Outcome& o) { return o.r[0] == 1 && o.r[1] == 0; }},
      // What is written twice is there in between.
      {"MessagePassingWrittenTwice",
       {"($plain_store $x 1) ($store $y 1) ($plain_store $x 2)",
        "($put $r0 ($load $y)) ($put $r1 ($plain_load $x))"},
       [](const Outcome& o) { return o.r[0] == 1 && o.r[1] == 0; }},
      {"LoadBuffering",
       {"($put $r0 ($load $x)) ($store $y 1)", "($put $r1 ($load $y)) ($store $x 1)"},
       [](const Outcome& o) { return o.r[0] == 1 && o.r[1] == 1; }},
      {"LoadBufferingPlain",
       {"($put $r0 ($plain_load $x)) ($store $y 1)", "($put $r1 ($load $y)) ($plain_store $x 1)"},
       [](const Outcome& o) { return o.r[0] == 1 && o.r[1] == 1; }},
      {"Coherence",
       {"($store $x 1) ($store $x 2)", "($put $r0 ($load $x)) ($put $r1 ($load $x))"},
       [](const Outcome& o) { return o.r[0] > o.r[1] || o.x != 2; }},
      {"CoherenceOfTwoWriters",
       {"($store $x 1)", "($store $x 2)", "($put $r0 ($load $x)) ($put $r1 ($load $x))",
        "($put $r2 ($load $x)) ($put $r3 ($load $x))"},
       [](const Outcome& o) {
         return (o.r[0] == 1 && o.r[1] == 2 && o.r[2] == 2 && o.r[3] == 1) ||
                (o.r[0] == 2 && o.r[1] == 1 && o.r[2] == 1 && o.r[3] == 2) ||
                (o.r[0] != 0 && o.r[1] == 0) || (o.r[2] != 0 && o.r[3] == 0);
       }},
      {"TwoWritesEach",
       {"($store $x 1) ($store $y 2)", "($store $y 1) ($store $x 2)"},
       [](const Outcome& o) { return o.x == 1 && o.y == 1; }},
      {"WriteThenRead",
       {"($store $x 1) ($store $y 1)", "($store $y 2) ($put $r0 ($load $x))"},
       [](const Outcome& o) { return o.y == 2 && o.r[0] == 0; }},
      {"WriteToReadCausality",
       {"($store $x 1)", "($put $r0 ($load $x)) ($store $y 1)",
        "($put $r1 ($load $y)) ($put $r2 ($load $x))"},
       [](const Outcome& o) { return o.r[0] == 1 && o.r[1] == 1 && o.r[2] == 0; }},
      {"IndependentReads",
       {"($store $x 1)", "($store $y 1)", "($put $r0 ($load $x)) ($put $r1 ($load $y))",
        "($put $r2 ($load $y)) ($put $r3 ($load $x))"},
       [](const Outcome& o) { return o.r[0] == 1 && o.r[1] == 0 && o.r[2] == 1 && o.r[3] == 0; }},
      // Both updates count, whatever they find.
      {"ExchangesAreWhole",
       {"($put $r0 ($exchange $x 1))", "($put $r1 ($exchange $x 2))"},
       [](const Outcome& o) {
         const bool first = o.r[0] == 0 && o.r[1] == 1 && o.x == 2;
         const bool second = o.r[1] == 0 && o.r[0] == 2 && o.x == 1;
         return !first && !second;
       }},
  };
  return programs;
}

// Ends at the parenthesis that closes the one at `at`.
size_t Closing(const std::string& text, size_t at) {
  int depth = 0;
  for (;; ++at) {
    if (text[at] == '(') ++depth;
    if (text[at] == ')' && --depth == 0) return at;
  }
}

// "($store $x 1)" in terms of WebAssembly; places are offsets from the cell.
std::string Expand(std::string text, const Accesses& accesses) {
  // A place keeps its distance from the others, so that they lie in different cache lines.
  const std::pair<const char*, int> places[] = {{"$x", 0},    {"$y", 64},   {"$r0", 128},
                                                {"$r1", 192}, {"$r2", 256}, {"$r3", 320}};
  for (const auto& [name, offset] : places) {
    text =
        absl::StrReplaceAll(text, {{name, absl::StrCat("offset=", offset, " (local.get $cell)")}});
  }
  for (const char* access : {"($store ", "($plain_store ", "($exchange "}) {
    for (size_t at; (at = text.find(access)) != std::string::npos;) {
      const size_t end = Closing(text, at);
      const size_t value = text.rfind(' ', end);
      const std::string constant = absl::StrCat(" (", accesses.type, ".const ",
                                                text.substr(value + 1, end - value - 1), ")");
      text.replace(value, end - value, constant);
      const std::string op = access == std::string("($store ") ? accesses.store
                             : access == std::string("($plain_store ")
                                 ? absl::StrCat(accesses.type, ".store")
                                 : accesses.exchange;
      text.replace(at, std::strlen(access), absl::StrCat("(", op, " "));
    }
  }
  return absl::StrReplaceAll(text, {{"($load ", absl::StrCat("(", accesses.load, " ")},
                                    {"($plain_load ", absl::StrCat("(", accesses.type, ".load ")},
                                    {"($put ", absl::StrCat("(", accesses.type, ".store ")}});
}

// Each thread's function counts itself in, looks for the others until its patience ends (there may
// be one processor), and runs its part on all cells.
std::string ModuleOf(const Program& program, const Accesses& accesses) {
  std::string text = absl::StrCat("(module (memory (import \"env\" \"memory\") ", kPages, " ",
                                  2 * kPages, " shared)\n");
  for (size_t i = 0; i < program.threads.size(); ++i) {
    absl::StrAppend(&text, "(func (export \"thread", i,
                    "\") (param $arrivals i32) (param $patience i32)\n", "(local $cell i32)\n",
                    "(drop (i32.atomic.rmw.add offset=", kStart, " (i32.const 0) (i32.const 1)))\n",
                    "(block $go (loop $wait\n(br_if $go (i32.ge_u (i32.atomic.load offset=", kStart,
                    " (i32.const 0)) (local.get $arrivals)))\n",
                    "(br_if $wait (local.tee $patience (i32.sub (local.get $patience) "
                    "(i32.const 1))))))\n",
                    "(loop $next\n", Expand(program.threads[i], accesses),
                    "\n(local.set $cell (i32.add (local.get $cell) (i32.const ", kCellBytes,
                    ")))\n(br_if $next (i32.lt_u (local.get $cell) (i32.const ", kStart, ")))))\n");
  }
  return text + ")";
}

using Parameters = std::tuple<size_t, Accesses, OptLevel>;

class LitmusTest : public ::testing::TestWithParam<Parameters> {};

TEST_P(LitmusTest, NothingForbidden) {
  const Program& program = Programs()[std::get<0>(GetParam())];
  const Accesses& accesses = std::get<1>(GetParam());
  const int threads = static_cast<int>(program.threads.size());
  const std::string text = ModuleOf(program, accesses);
  SCOPED_TRACE(text);
  ThreadedGuest guest(std::get<2>(GetParam()), text, kPages, threads);
  Rendezvous rendezvous(threads);
  std::map<std::string, int> seen;
  int forbidden = 0;
  std::vector<uint8_t> bytes(kStart);
  const bool wide = std::string(accesses.type) == "i64";
  // Without a second processor the others can't come while this one looks.
  const int patience = std::thread::hardware_concurrency() > 1 ? 20'000'000 : 1000;
  const auto value_at = [&](size_t at) {
    int64_t value = 0;
    std::memcpy(&value, bytes.data() + at, wide ? 8 : 4);
    return value;
  };
  const auto collect = [&] {
    ASSERT_TRUE(guest.memory().Read(0, absl::MakeSpan(bytes)).ok());
    for (size_t cell = 0; cell < kStart; cell += kCellBytes) {
      Outcome outcome;
      for (size_t i = 0; i < 4; ++i) outcome.r[i] = value_at(cell + 128 + 64 * i);
      outcome.x = value_at(cell);
      outcome.y = value_at(cell + 64);
      forbidden += program.forbidden(outcome);
      ++seen[absl::StrCat("r0=", outcome.r[0], " r1=", outcome.r[1], " r2=", outcome.r[2],
                          " r3=", outcome.r[3], " x=", outcome.x, " y=", outcome.y)];
    }
    std::fill(bytes.begin(), bytes.end(), uint8_t{0});
    ASSERT_TRUE(guest.memory().Write(0, bytes).ok());
  };
  guest.OnEachThread([&](ThreadedGuest::Thread& thread) {
    const std::string name = absl::StrCat("thread", thread.number());
    for (int round = 1; round <= rounds; ++round) {
      rendezvous.Arrive();
      thread.Call(name.c_str(), {Val::I32(round * threads), Val::I32(patience)});
      rendezvous.Arrive();
      if (thread.number() == 0) collect();
    }
  });
  EXPECT_EQ(forbidden, 0);
  for (const auto& [outcome, count] : seen) std::printf("%10d  %s\n", count, outcome.c_str());
}

std::vector<size_t> AllPrograms() {
  std::vector<size_t> numbers(Programs().size());
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
  return numbers;
}

INSTANTIATE_TEST_SUITE_P(All, LitmusTest,
                         ::testing::Combine(::testing::ValuesIn(AllPrograms()),
                                            ::testing::ValuesIn(kAccesses),
                                            ::testing::Values(OptLevel::kNone, OptLevel::kSpeed)),
                         [](const ::testing::TestParamInfo<Parameters>& info) {
                           const bool optimized = std::get<2>(info.param) == OptLevel::kSpeed;
                           return absl::StrCat(Programs()[std::get<0>(info.param)].name,
                                               std::get<1>(info.param).name,
                                               optimized ? "Optimized" : "");
                         });

}  // namespace
}  // namespace gantry::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--rounds=", 9) == 0)
      gantry::testing::rounds = std::atoi(argv[i] + 9);
  }
  return RUN_ALL_TESTS();
}
