// Where bounds of memories are checked by code: accesses at the last bytes and behind them, by
// indices that code knows something of and by others, with 32 and 64 bits, masked and not. What
// decides is arithmetic done here.
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/val.h"
#include "base/check.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

constexpr uint64_t kBytes = 65536;

// An index computed from the argument $x, and what it is.
struct Shape {
  const char* text;
  uint64_t (*index)(uint64_t x, bool wide);
};

uint64_t Cut(uint64_t value, bool wide) { return wide ? value : static_cast<uint32_t>(value); }

// In terms of $x and the type T.
constexpr Shape kShapes[] = {
    {"$x", [](uint64_t x, bool) { return x; }},
    {"(T.and $x (T.const 255))", [](uint64_t x, bool) { return x & 255; }},
    {"(T.add (T.and $x (T.const 255)) (T.const 65000))",
     [](uint64_t x, bool) { return (x & 255) + 65000; }},
    {"(T.shl (T.and $x (T.const 255)) (T.const 8))",
     [](uint64_t x, bool) { return (x & 255) << 8; }},
    {"(T.shr_u $x (T.const 20))", [](uint64_t x, bool) { return x >> 20; }},
    {"(T.add $x (T.const -8))", [](uint64_t x, bool wide) { return Cut(x - 8, wide); }},
    {"(T.add (T.and $x (T.const 255)) (T.const -16))",
     [](uint64_t x, bool wide) { return Cut((x & 255) - 16, wide); }},
    {"(T.load8_u (T.and $x (T.const 7)))", [](uint64_t, bool) { return uint64_t{0}; }},
    {"(T.const 65528)", [](uint64_t, bool) { return uint64_t{65528}; }},
    {"(T.const 65535)", [](uint64_t, bool) { return uint64_t{65535}; }},
};
constexpr uint64_t kOffsets[] = {
    0,     1,     8,     255,   256,    535,     536,           4095,       4096,      65280,
    65281, 65528, 65535, 65536, 131072, 1 << 25, (1 << 25) - 8, 0x7FFFFFFF, 0xFFFFFFFF};
constexpr uint64_t kArguments[] = {0,          1,          7,          255,        65280,
                                   65527,      65528,      65529,      65535,      65536,
                                   0x7FFFFFF8, 0xFFFFFFF8, 0xFFFFFFFF, 0xFFF00000, 0x100000};

// A function for each shape, offset and width of access; exported by their numbers.
std::string ModuleText(bool wide) {
  std::string text = absl::StrCat("(module (memory (export \"m\") ", wide ? "i64" : "", " 1)\n");
  const std::string type = wide ? "i64" : "i32";
  for (size_t s = 0; s < std::size(kShapes); ++s) {
    std::string index;
    for (const char* c = kShapes[s].text; *c != 0; ++c) {
      if (*c == 'T') {
        index += type;
      } else if (*c == '$') {
        index += "(local.get $";
      } else {
        index += *c;
        if (c != kShapes[s].text && c[-1] == '$') index += ")";
      }
    }
    for (uint64_t offset : kOffsets) {
      absl::StrAppend(&text, "(func (export \"r1 ", s, " ", offset, "\") (param $x ", type,
                      ") (drop (i32.load8_u offset=", offset, " ", index, ")))\n");
      absl::StrAppend(&text, "(func (export \"r8 ", s, " ", offset, "\") (param $x ", type,
                      ") (drop (i64.load offset=", offset, " ", index, ")))\n");
      // Two by one index, of which the first may not save the second.
      absl::StrAppend(&text, "(func (export \"w8 ", s, " ", offset, "\") (param $x ", type,
                      ") (i32.store8 ", index, " (i32.const 0)) (i64.store offset=", offset, " ",
                      index, " (i64.const 0)))\n");
    }
  }
  return text + ")";
}

struct Setting {
  const char* name;
  bool masks;
  OptLevel level;
  bool wide;
};

class BoundsTest : public ::testing::TestWithParam<Setting> {};

TEST_P(BoundsTest, ExactlyTheBytesThatAreThere) {
  const Setting& setting = GetParam();
  Config config;
  AddTestCompilerFlags(config);
  config.MemoryReservation(0).SpectreMitigations(setting.masks).OptLevel(setting.level);
  const Engine engine = *Engine::Create(config);
  const auto parsed =
      wasm::text::ParseText(wasm::text::SourceText("test", ModuleText(setting.wide)));
  CHECK(parsed.ok()) << parsed.status();
  const absl::StatusOr<Module> module = Module::Compile(engine, parsed->bytes);
  CHECK(module.ok()) << module.status();
  Store store(engine);
  const Instance instance = *Instance::Create(store, *module, {});
  size_t inside = 0, outside = 0;
  for (size_t s = 0; s < std::size(kShapes); ++s) {
    for (const uint64_t offset : kOffsets) {
      for (const auto& [kind, size] : {std::pair("r1", uint64_t{1}), std::pair("r8", uint64_t{8}),
                                       std::pair("w8", uint64_t{8})}) {
        const std::string name = absl::StrCat(kind, " ", s, " ", offset);
        const Func func = *instance.GetFunc(store, name);
        for (const uint64_t x : kArguments) {
          const uint64_t index = kShapes[s].index(x, setting.wide);
          // Nothing here is so large that a sum wraps at 64 bits but an index below zero.
          bool fits = index <= kBytes && offset <= kBytes && index + offset + size <= kBytes;
          if (kind[0] == 'w') fits = fits && index < kBytes;
          const Val argument =
              setting.wide ? Val::I64(static_cast<int64_t>(x)) : Val::I32(static_cast<int32_t>(x));
          const auto result = func.Call(store, {argument});
          ASSERT_EQ(result.ok(), fits) << name << " of " << x << ": " << result.status();
          if (!fits) {
            ASSERT_EQ(result.status().message(), "out of bounds memory access") << name;
          }
          ++(fits ? inside : outside);
        }
      }
    }
  }
  EXPECT_GT(inside, 1000u);
  EXPECT_GT(outside, 1000u);
}

INSTANTIATE_TEST_SUITE_P(Settings, BoundsTest,
                         ::testing::Values(Setting{"Masked", true, OptLevel::kSpeed, false},
                                           Setting{"MaskedWide", true, OptLevel::kSpeed, true},
                                           Setting{"Unmasked", false, OptLevel::kSpeed, false},
                                           Setting{"UnmaskedWide", false, OptLevel::kSpeed, true},
                                           Setting{"MaskedPlain", true, OptLevel::kNone, false},
                                           Setting{"MaskedWidePlain", true, OptLevel::kNone, true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gantry
