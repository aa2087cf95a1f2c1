// The baseline compiler's code for AArch64, on any host: sp stays a multiple of 16 whatever frames,
// arguments and modes do, and every atomic operation at every width acquires and releases as it has
// to, which no emulator shows.
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "environ/translation/module_translation.h"
#include "gtest/gtest.h"
#include "isa_aarch64/backend/isa.h"
#include "isa_aarch64/disassemble.h"
#include "isa_aarch64/stack_pointer_testing.h"
#include "wasm_translate/text/text_parser.h"
#include "winch/function_compiler.h"

namespace gantry::winch {
namespace {

std::shared_ptr<const codegen::TargetIsa> MakeIsa(const std::vector<const char*>& flags) {
  std::unique_ptr<codegen::IsaBuilder> builder = aarch64::MakeIsaBuilder();
  for (const char* flag : flags) CHECK_OK(builder->Enable(flag));
  auto isa = builder->Build();
  CHECK_OK(isa.status());
  return *isa;
}

// The instructions of each function of a module.
std::vector<std::vector<uint8_t>> Compile(const std::string& text,
                                          const environ::Tunables& tunables,
                                          const std::vector<const char*>& flags) {
  const auto binary = wasm::text::ParseText(wasm::text::SourceText("test", text));
  CHECK_OK(binary.status());
  environ::TranslationOptions options;
  options.features = wasm::Features::All();
  options.tunables = tunables;
  const auto module =
      environ::ModuleTranslation::Parse(binary->bytes, environ::ModuleId(0), options);
  CHECK_OK(module.status());
  const std::shared_ptr<const codegen::TargetIsa> isa = MakeIsa(flags);
  const std::unique_ptr<FunctionCompiler> compiler =
      NewAArch64FunctionCompiler(**module, *isa, /*loop_frames=*/false);
  std::vector<std::vector<uint8_t>> functions;
  for (const wasm::FunctionBody& body : (*module)->parsed.bodies) {
    CHECK_OK(compiler->Compile(body));
    const codegen::CompiledCode& code = compiler->code();
    functions.emplace_back(code.bytes.begin() + compiler->skip(),
                           code.bytes.begin() + code.code_end);
  }
  return functions;
}

// Mnemonics of atomic accesses and fences in a function, in order.
std::vector<std::string> Atomics(const std::vector<uint8_t>& code) {
  std::vector<std::string> found;
  for (absl::string_view line : absl::StrSplit(aarch64::Disassemble(code), '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() < 2) continue;
    for (const char* start :
         {"lda", "stl", "ldadd", "ldclr", "ldeor", "ldset", "swp", "cas", "dmb", "ldx", "stx"}) {
      if (words[1].rfind(start, 0) != 0) continue;
      found.push_back(words[1]);
      break;
    }
  }
  return found;
}

TEST(AArch64CodeTest, AtomicsAcquireAndRelease) {
  struct Operation {
    const char* name;
    const char* with_lse;
  };
  constexpr Operation kUpdates[] = {
      {"add", "ldaddal"}, {"sub", "ldaddal"}, {"and", "ldclral"},   {"or", "ldsetal"},
      {"xor", "ldeoral"}, {"xchg", "swpal"},  {"cmpxchg", "casal"},
  };
  for (const std::string type : {"i32", "i64"}) {
    for (const char* width : {"", "8", "16", "32"}) {
      const std::string bits = width;
      if (type == "i32" && bits == "32") continue;
      const char* const suffix = bits == "8" ? "b" : bits == "16" ? "h" : "";
      const std::string narrow = bits.empty() ? "" : "_u";
      const auto compile = [&](const std::string& name, int operands, bool has_result, bool lse) {
        std::string text = "(module (memory 1 1 shared) (func (param i32";
        for (int i = 0; i < operands; ++i) absl::StrAppend(&text, " ", type);
        absl::StrAppend(&text, ")", has_result ? absl::StrCat(" (result ", type, ")") : "");
        for (int i = 0; i <= operands; ++i) absl::StrAppend(&text, " local.get ", i);
        absl::StrAppend(&text, " ", name, "))");
        SCOPED_TRACE(text);
        const auto functions = Compile(
            text, {}, lse ? std::vector<const char*>{"has_lse"} : std::vector<const char*>{});
        return Atomics(functions[0]);
      };
      using Words = std::vector<std::string>;
      for (const bool lse : {false, true}) {
        EXPECT_EQ(compile(absl::StrCat(type, ".atomic.load", bits, narrow), 0, true, lse),
                  Words{absl::StrCat("ldar", suffix)});
        EXPECT_EQ(compile(absl::StrCat(type, ".atomic.store", bits), 1, false, lse),
                  Words{absl::StrCat("stlr", suffix)});
        for (const Operation& operation : kUpdates) {
          const int operands = std::string(operation.name) == "cmpxchg" ? 2 : 1;
          const std::string name =
              absl::StrCat(type, ".atomic.rmw", bits, ".", operation.name, narrow);
          const Words expected =
              lse ? Words{absl::StrCat(operation.with_lse, suffix)}
                  : Words{absl::StrCat("ldaxr", suffix), absl::StrCat("stlxr", suffix)};
          EXPECT_EQ(compile(name, operands, true, lse), expected) << name;
        }
      }
    }
  }
  const auto fence = Compile("(module (memory 1 1 shared) (func atomic.fence))", {}, {});
  EXPECT_EQ(Atomics(fence[0]), std::vector<std::string>{"dmb"});
}

// Functions of all kinds of frames: none to speak of, locals of every class, more arguments and
// results than registers, tail calls that take more, fewer and as many.
constexpr char kFrames[] = R"((module
  (memory 1)
  (table 4 funcref)
  (type $many (func (param i32 i64 f32 f64 v128 i64 i64 i64 i64 i64 v128 i32 f64 f64 f64 f64 f64 f64 f64)
                    (result i64 i64 i64 i64 i64 i64 v128 f64 f64 f64 f64 f64)))
  (func $leaf (param i32) (result i32) local.get 0)
  (func $odd (param i64 i64 i64 i64 i64 i64 i64) (result i64) (local v128 i32)
    local.get 6 i32.const 3 local.set 8 (v128.const i64x2 1 2) local.set 7)
  (func $zeroed (local i64 i64 i64 v128 v128 i32 f32 f64) loop br 0 end)
  (func $large (local v128 v128) call $zeroed i32.const 0 call $leaf drop)
  (func $many (type $many)
    i64.const 1 i64.const 2 i64.const 3 i64.const 4 i64.const 5 i64.const 6 local.get 4
    f64.const 1 f64.const 2 f64.const 3 f64.const 4 f64.const 5)
  (func $calls (type $many)
    local.get 0 local.get 1 local.get 2 local.get 3 local.get 4 local.get 5 local.get 6 local.get 7
    local.get 8 local.get 9 local.get 10 local.get 11 local.get 12 local.get 13 local.get 14
    local.get 15 local.get 16 local.get 17 local.get 18 call $many)
  (func $same (type $many)
    local.get 0 local.get 1 local.get 2 local.get 3 local.get 4 local.get 5 local.get 6 local.get 7
    local.get 8 local.get 9 local.get 10 local.get 11 local.get 12 local.get 13 local.get 14
    local.get 15 local.get 16 local.get 17 local.get 18 return_call $many)
  (func $more (param i64) (result i64)
    local.get 0 local.get 0 local.get 0 local.get 0 local.get 0 local.get 0 local.get 0
    return_call $odd)
  (func $fewer (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64) local.get 8 return_call $more)
  (func $indirect (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
    local.get 8 i32.const 1 return_call_indirect (param i64) (result i64))
))";

TEST(AArch64CodeTest, StackPointerStaysAligned) {
  std::vector<environ::Tunables> modes(4);
  modes[1].consume_fuel = true;
  modes[1].epoch_interruption = environ::EpochInterruption::kCounter;
  modes[2].tier_up = true;
  modes[3].shadow_stack = true;
  for (const environ::Tunables& tunables : modes) {
    for (const std::vector<const char*>& flags :
         {std::vector<const char*>{}, {"sign_return_address", "use_bti"}}) {
      aarch64::testing::StackPointerReport report;
      for (const std::vector<uint8_t>& code : Compile(kFrames, tunables, flags)) {
        aarch64::testing::ScanStackPointer(code, &report);
        EXPECT_EQ(report.broken, "") << aarch64::Disassemble(code);
      }
      EXPECT_GT(report.changes, 40u);
    }
  }
}

// Each store that may fault has its load in front, but for those of a byte.
TEST(AArch64CodeTest, PreciseStoresLoadFirst) {
  const std::string kStores = R"((module (memory 1)
    (func (param i32 i32 i64 f32 f64 v128)
      local.get 0 local.get 1 i32.store8
      local.get 0 local.get 1 i32.store16
      local.get 0 local.get 1 i32.store
      local.get 0 local.get 2 i64.store offset=70000
      local.get 0 local.get 3 f32.store
      local.get 0 local.get 4 f64.store
      local.get 0 local.get 5 v128.store
      local.get 0 local.get 5 v128.store64_lane 1)))";
  const auto bytes_of = [&](const std::vector<const char*>& flags) {
    return Compile(kStores, {}, flags)[0].size();
  };
  EXPECT_EQ(bytes_of({"precise_stores"}), bytes_of({}) + 7 * 4);
}

}  // namespace
}  // namespace gantry::winch
