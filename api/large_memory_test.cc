// Memories with 64-bit indices beyond 4 GiB, copies between memories of different index types, and
// every load and store at the last byte of memories of every kind, one byte further, and at the
// ends of the index space.
#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/check.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

constexpr uint64_t kPage = 65536;
constexpr uint64_t kGiB = uint64_t{1} << 30;

class Guest {
 public:
  Guest(const std::string& text, Config config) {
    AddTestCompilerFlags(config);
    config.WasmFeature(wasm::Feature::kCustomPageSizes, true);
    engine_.emplace(*Engine::Create(config));
    store_.emplace(*engine_);
    const auto module = wasm::text::ParseText(wasm::text::SourceText("test", text));
    CHECK(module.ok()) << module.status();
    const absl::StatusOr<Module> compiled = Module::Compile(*engine_, module->bytes);
    CHECK(compiled.ok()) << compiled.status();
    const absl::StatusOr<Instance> instance = Instance::Create(*store_, *compiled, {});
    CHECK(instance.ok()) << instance.status();
    instance_.emplace(*instance);
  }

  absl::StatusOr<std::vector<Val>> Call(const std::string& name, std::vector<Val> arguments) {
    const absl::StatusOr<Func> func = instance_->GetFunc(*store_, name);
    CHECK(func.ok()) << name;
    return func->Call(*store_, arguments);
  }
  uint64_t CallI64(const std::string& name, std::vector<Val> arguments) {
    const auto results = Call(name, std::move(arguments));
    EXPECT_TRUE(results.ok()) << name << ": " << results.status();
    return results.ok() && !results->empty() ? static_cast<uint64_t>((*results)[0].i64()) : 0;
  }
  // The code of the trap, empty where there is none.
  std::string TrapOf(const std::string& name, std::vector<Val> arguments) {
    const auto results = Call(name, std::move(arguments));
    if (results.ok()) return "";
    const std::optional<Trap> trap = GetTrap(results.status());
    CHECK(trap.has_value()) << name << ": " << results.status();
    return trap->code;
  }

 private:
  std::optional<Engine> engine_;
  std::optional<Store> store_;
  std::optional<Instance> instance_;
};

Val Address(uint64_t value) { return Val::I64(static_cast<int64_t>(value)); }

constexpr char kLarge[] = R"((module
  (memory $large i64 98304)
  (memory $small 1)
  (data $bytes "abcdefgh")
  (func (export "size") (result i64) (memory.size $large))
  (func (export "store") (param i64 i64) (i64.store $large (local.get 0) (local.get 1)))
  (func (export "load") (param i64) (result i64) (i64.load $large (local.get 0)))
  (func (export "load_5g") (param i64) (result i64)
    (i64.load $large offset=0x140000000 (local.get 0)))
  (func (export "load_4g_less_1") (param i64) (result i64)
    (i64.load8_u $large offset=0xFFFFFFFF (local.get 0)))
  (func (export "load_far") (param i64) (result i64)
    (i64.load8_u $large offset=0xFFFFFFFFFFFFFFFF (local.get 0)))
  (func (export "load_very_far") (param i64) (result i64)
    (i64.load $large offset=0xFFFFFFFFFFFFFFF8 (local.get 0)))
  (func (export "load_constant") (result i64) (i64.load $large (i64.const 0x140000010)))
  (func (export "fill") (param i64 i32 i64)
    (memory.fill $large (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i64) (memory.init $large $bytes (local.get 0) (i32.const 0) (i32.const 8)))
  (func (export "down") (param i32 i64 i32)
    (memory.copy $small $large (local.get 0) (local.get 1) (local.get 2)))
  (func (export "up") (param i64 i32 i32)
    (memory.copy $large $small (local.get 0) (local.get 1) (local.get 2)))
  (func (export "move") (param i64 i64 i64)
    (memory.copy $large $large (local.get 0) (local.get 1) (local.get 2)))
  (func (export "load_small") (param i32) (result i64) (i64.load $small (local.get 0)))
))";

TEST(LargeMemoryTest, BytesBeyondFourGibibytes) {
  for (const OptLevel level : {OptLevel::kNone, OptLevel::kSpeed}) {
    Guest guest(kLarge, Config().OptLevel(level));
    const uint64_t size = 6 * kGiB;
    EXPECT_EQ(guest.CallI64("size", {}), size / kPage);
    const uint64_t at = 5 * kGiB + 0x10;
    guest.CallI64("store", {Address(at), Val::I64(0x0123456789ABCDEF)});
    // Nothing is seen at the address modulo 2^32.
    EXPECT_EQ(guest.CallI64("load", {Address(at & 0xFFFFFFFF)}), 0u);
    EXPECT_EQ(guest.CallI64("load", {Address(at)}), 0x0123456789ABCDEFu);
    EXPECT_EQ(guest.CallI64("load_constant", {}), 0x0123456789ABCDEFu);
    EXPECT_EQ(guest.CallI64("load_5g", {Address(0x10)}), 0x0123456789ABCDEFu);
    EXPECT_EQ(guest.CallI64("load_4g_less_1", {Address(at - 0xFFFFFFFF)}), 0xEFu);
    guest.CallI64("store", {Address(size - 8), Val::I64(-1)});
    EXPECT_EQ(guest.CallI64("load", {Address(size - 8)}), ~uint64_t{0});
    EXPECT_EQ(guest.CallI64("load_5g", {Address(kGiB - 8)}), ~uint64_t{0});

    const std::string outside = "heap_oob";
    for (const uint64_t index :
         {size - 7, size, uint64_t{1} << 32 << 31, ~uint64_t{0}, ~uint64_t{6}, ~uint64_t{7}}) {
      EXPECT_EQ(guest.TrapOf("load", {Address(index)}), outside) << index;
      EXPECT_EQ(guest.TrapOf("store", {Address(index), Val::I64(1)}), outside) << index;
      EXPECT_EQ(guest.TrapOf("load_5g", {Address(index)}), outside) << index;
    }
    // Index and offset together pass 2^64.
    for (const uint64_t index : {uint64_t{0}, uint64_t{1}, uint64_t{8}, uint64_t{9}, size}) {
      EXPECT_EQ(guest.TrapOf("load_far", {Address(index)}), outside) << index;
      EXPECT_EQ(guest.TrapOf("load_very_far", {Address(index)}), outside) << index;
    }
    EXPECT_EQ(guest.TrapOf("load_5g", {Address(~uint64_t{0} - 0x140000000 + 1)}), outside);
    EXPECT_EQ(guest.TrapOf("load_5g", {Address(kGiB - 7)}), outside);
  }
}

TEST(LargeMemoryTest, BulkOperationsBetweenMemoriesOfBothIndexTypes) {
  Guest guest(kLarge, Config());
  const uint64_t size = 6 * kGiB, at = 4 * kGiB + 123;
  const uint64_t letters = 0x6867666564636261;
  guest.CallI64("init", {Address(at)});
  EXPECT_EQ(guest.CallI64("load", {Address(at)}), letters);
  guest.CallI64("down", {Val::I32(100), Address(at), Val::I32(8)});
  EXPECT_EQ(guest.CallI64("load_small", {Val::I32(100)}), letters);
  guest.CallI64("up", {Address(size - 8), Val::I32(100), Val::I32(8)});
  EXPECT_EQ(guest.CallI64("load", {Address(size - 8)}), letters);
  guest.CallI64("move", {Address(at + 4), Address(at), Address(8)});
  EXPECT_EQ(guest.CallI64("load", {Address(at)}), 0x6463626164636261u);
  guest.CallI64("fill", {Address(at), Val::I32(0x5A), Address(8)});
  EXPECT_EQ(guest.CallI64("load", {Address(at)}), 0x5A5A5A5A5A5A5A5Au);

  const std::string outside = "heap_oob";
  EXPECT_EQ(guest.TrapOf("fill", {Address(size - 7), Val::I32(0), Address(8)}), outside);
  EXPECT_EQ(guest.TrapOf("fill", {Address(8), Val::I32(0), Address(~uint64_t{0})}), outside);
  EXPECT_EQ(guest.TrapOf("fill", {Address(~uint64_t{0}), Val::I32(0), Address(2)}), outside);
  EXPECT_EQ(guest.TrapOf("down", {Val::I32(0), Address(size - 7), Val::I32(8)}), outside);
  EXPECT_EQ(guest.TrapOf("down", {Val::I32(65529), Address(at), Val::I32(8)}), outside);
  EXPECT_EQ(guest.TrapOf("down", {Val::I32(0), Address(at), Val::I32(-1)}), outside);
  EXPECT_EQ(guest.TrapOf("up", {Address(at), Val::I32(65529), Val::I32(8)}), outside);
  EXPECT_EQ(guest.TrapOf("move", {Address(0), Address(~uint64_t{0}), Address(1)}), outside);
  EXPECT_EQ(guest.TrapOf("init", {Address(size - 7)}), outside);
  EXPECT_EQ(guest.TrapOf("init", {Address(~uint64_t{0})}), outside);
}

// From a page past the reservation, where the memory moves with all it holds, past 4 GiB.
TEST(LargeMemoryTest, GrowthPastTheReservation) {
  Guest guest(R"((module
    (memory i64 1)
    (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
    (func (export "store") (param i64 i64) (i64.store (local.get 0) (local.get 1)))
    ;; A base that was read before a growth is of no use behind it.
    (func (export "around") (param i64 i64) (result i64)
      (i64.add (i64.load (local.get 0))
        (i64.add (i64.mul (memory.grow (local.get 1)) (i64.const 0)) (i64.load (local.get 0)))))
    (func (export "load") (param i64) (result i64) (i64.load (local.get 0)))))",
              Config().MemoryReservation(1 << 20));
  uint64_t pages = 1;
  guest.CallI64("store", {Address(8), Val::I64(77)});
  for (const uint64_t delta :
       {uint64_t{1}, uint64_t{15}, uint64_t{1}, uint64_t{1000}, kGiB / kPage, 4 * kGiB / kPage}) {
    guest.CallI64("store", {Address(pages * kPage - 8), Val::I64(static_cast<int64_t>(pages))});
    EXPECT_EQ(guest.CallI64("grow", {Address(delta)}), pages);
    EXPECT_EQ(guest.CallI64("load", {Address(pages * kPage - 8)}), pages);
    EXPECT_EQ(guest.CallI64("load", {Address(pages * kPage)}), 0u);
    pages += delta;
    EXPECT_EQ(guest.CallI64("load", {Address(8)}), 77u);
    EXPECT_EQ(guest.CallI64("load", {Address(pages * kPage - 8)}), 0u);
    EXPECT_EQ(guest.TrapOf("load", {Address(pages * kPage - 7)}), "heap_oob");
  }
  EXPECT_EQ(guest.CallI64("around", {Address(8), Address(4 * kGiB / kPage)}), 154u);
  // More than any machine has.
  EXPECT_EQ(guest.CallI64("grow", {Address(uint64_t{1} << 47)}), ~uint64_t{0});
  EXPECT_EQ(guest.CallI64("grow", {Address(~uint64_t{0})}), ~uint64_t{0});
  EXPECT_EQ(guest.CallI64("load", {Address(8)}), 77u);
}

// ---- Every load and store at the edge.

struct Access {
  const char* name;
  uint64_t bytes;
  const char* type;      // of the value
  bool is_lane = false;  // takes a lane's number
};

constexpr Access kLoads[] = {
    {"i32.load", 4, "i32"},
    {"i64.load", 8, "i64"},
    {"f32.load", 4, "f32"},
    {"f64.load", 8, "f64"},
    {"i32.load8_s", 1, "i32"},
    {"i32.load8_u", 1, "i32"},
    {"i32.load16_s", 2, "i32"},
    {"i32.load16_u", 2, "i32"},
    {"i64.load8_s", 1, "i64"},
    {"i64.load8_u", 1, "i64"},
    {"i64.load16_s", 2, "i64"},
    {"i64.load16_u", 2, "i64"},
    {"i64.load32_s", 4, "i64"},
    {"i64.load32_u", 4, "i64"},
    {"v128.load", 16, "v128"},
    {"v128.load8x8_s", 8, "v128"},
    {"v128.load8x8_u", 8, "v128"},
    {"v128.load16x4_s", 8, "v128"},
    {"v128.load16x4_u", 8, "v128"},
    {"v128.load32x2_s", 8, "v128"},
    {"v128.load32x2_u", 8, "v128"},
    {"v128.load8_splat", 1, "v128"},
    {"v128.load16_splat", 2, "v128"},
    {"v128.load32_splat", 4, "v128"},
    {"v128.load64_splat", 8, "v128"},
    {"v128.load32_zero", 4, "v128"},
    {"v128.load64_zero", 8, "v128"},
    {"v128.load8_lane", 1, "v128", true},
    {"v128.load16_lane", 2, "v128", true},
    {"v128.load32_lane", 4, "v128", true},
    {"v128.load64_lane", 8, "v128", true},
};
constexpr Access kStores[] = {
    {"i32.store", 4, "i32"},
    {"i64.store", 8, "i64"},
    {"f32.store", 4, "f32"},
    {"f64.store", 8, "f64"},
    {"i32.store8", 1, "i32"},
    {"i32.store16", 2, "i32"},
    {"i64.store8", 1, "i64"},
    {"i64.store16", 2, "i64"},
    {"i64.store32", 4, "i64"},
    {"v128.store", 16, "v128"},
    {"v128.store8_lane", 1, "v128", true},
    {"v128.store16_lane", 2, "v128", true},
    {"v128.store32_lane", 4, "v128", true},
    {"v128.store64_lane", 8, "v128", true},
};

// What may take a load in as an operand, $ standing for it; of each type.
std::vector<std::string> Users(const std::string& type) {
  if (type == "i32") {
    return {"$",
            "(i32.add (i32.const 1) $)",
            "(i32.mul $ $)",
            "(i32.popcnt $)",
            "(i32.sub (i32.const 5) $)",
            "(i32.eq $ (i32.const 7))"};
  }
  if (type == "i64") {
    return {"$", "(i64.and (i64.const 1) $)", "(i64.mul $ (i64.const 3))", "(i64.ctz $)",
            "(i64.xor $ (i64.const 123456789012))"};
  }
  if (type == "f32") {
    return {"$", "(f32.add (f32.const 1) $)", "(f32.sqrt $)", "(f32.copysign (f32.const 1) $)",
            "(f32.max (f32.const 1) $)"};
  }
  if (type == "f64") {
    return {"$", "(f64.div (f64.const 1) $)", "(f64.nearest $)", "(f64.copysign $ (f64.const -1))",
            "(f64.copysign (f64.const 1) $)"};
  }
  return {"$",
          "(i8x16.add (v128.const i64x2 1 2) $)",
          "(i16x8.mul (v128.const i64x2 1 2) $)",
          "(i32x4.max_u (v128.const i64x2 1 2) $)",
          "(i64x2.mul $ (v128.const i64x2 1 2))",
          "(f32x4.add (v128.const i64x2 1 2) $)",
          "(f64x2.sqrt $)",
          "(f64x2.min $ (v128.const i64x2 1 2))",
          "(i8x16.swizzle (v128.const i64x2 1 2) $)",
          "(i8x16.shuffle 0 17 2 19 4 21 6 23 8 25 10 27 12 29 14 31 (v128.const i64x2 1 2) $)",
          "(i32x4.splat (i32x4.extract_lane 1 $))",
          "(i16x8.extend_low_i8x16_u $)",
          "(f64x2.promote_low_f32x4 $)",
          "(f64x2.convert_low_i32x4_s $)",
          "(i32x4.trunc_sat_f64x2_s_zero $)",
          "(v128.andnot $ (v128.const i64x2 1 2))",
          "(i8x16.shl $ (i32.const 3))"};
}

struct EdgeFunction {
  std::string name;
  uint64_t bytes;
  uint64_t offset;
};

std::string EdgeModule(const std::string& memory, const std::string& index,
                       std::vector<EdgeFunction>* functions) {
  std::string text = absl::StrCat("(module ", memory, "\n");
  const auto operand = [&](const Access& access, uint64_t offset, const std::string& value) {
    std::string operation = absl::StrCat("(", access.name, " offset=", offset);
    if (access.is_lane) absl::StrAppend(&operation, " ", 16 / access.bytes - 1);
    return absl::StrCat(operation, " (local.get 0)", value, ")");
  };
  for (const uint64_t offset : {0, 1, 5000}) {
    for (const Access& access : kLoads) {
      const std::string load =
          operand(access, offset, access.is_lane ? " (v128.const i64x2 3 4)" : "");
      for (const std::string& user : Users(access.type)) {
        functions->push_back({absl::StrCat("f", functions->size()), access.bytes, offset});
        absl::StrAppend(&text, "(func (export \"", functions->back().name, "\") (param ", index,
                        ") (result ", access.type, ") ", absl::StrReplaceAll(user, {{"$", load}}),
                        ")\n");
      }
    }
    for (const Access& access : kStores) {
      functions->push_back({absl::StrCat("f", functions->size()), access.bytes, offset});
      const std::string value = access.type == std::string("v128")
                                    ? " (v128.const i64x2 5 6)"
                                    : absl::StrCat(" (", access.type, ".const 7)");
      absl::StrAppend(&text, "(func (export \"", functions->back().name, "\") (param ", index, ") ",
                      operand(access, offset, value), ")\n");
    }
  }
  return absl::StrCat(text, ")");
}

void TryEdges(const std::string& memory, bool wide, uint64_t size, const Config& config) {
  SCOPED_TRACE(memory);
  std::vector<EdgeFunction> functions;
  Guest guest(EdgeModule(memory, wide ? "i64" : "i32", &functions), config);
  for (const EdgeFunction& function : functions) {
    SCOPED_TRACE(
        absl::StrCat(function.name, ", bytes ", function.bytes, ", offset ", function.offset));
    const auto trap_at = [&](uint64_t index) {
      return guest.TrapOf(function.name,
                          {wide ? Address(index) : Val::I32(static_cast<int32_t>(index))});
    };
    const uint64_t last = size - function.bytes - function.offset;
    EXPECT_EQ(trap_at(last), "");
    EXPECT_EQ(trap_at(0), "");
    EXPECT_EQ(trap_at(last + 1), "heap_oob");
    EXPECT_EQ(trap_at(size), "heap_oob");
    // The largest indices, with which 32-bit sums would wrap.
    EXPECT_EQ(trap_at(wide ? ~uint64_t{0} : 0xFFFFFFFF), "heap_oob");
    EXPECT_EQ(trap_at(wide ? ~uint64_t{0} - 4999 : 0xFFFFFFFF - 4999), "heap_oob");
    if (::testing::Test::HasFailure()) return;
  }
}

// lessons.md row 14: an access reads as many bytes as its operator says, also where another
// instruction takes it in.
TEST(MemoryEdgeTest, EveryLoadAndStoreOfEveryMemory) {
  for (const OptLevel level : {OptLevel::kNone, OptLevel::kSpeed}) {
    const Config guarded = Config().OptLevel(level);
    const Config checked = Config().OptLevel(level).MemoryReservation(1 << 20);
    const Config unmasked = Config(checked).SpectreMitigations(false);
    TryEdges("(memory 1)", false, kPage, guarded);
    TryEdges("(memory 1)", false, kPage, checked);
    TryEdges("(memory 1)", false, kPage, unmasked);
    TryEdges("(memory i64 1)", true, kPage, guarded);
    TryEdges("(memory i64 1)", true, kPage, unmasked);
    TryEdges("(memory 9001 (pagesize 1))", false, 9001, guarded);
    TryEdges("(memory i64 9001 (pagesize 1))", true, 9001, guarded);
  }
}

}  // namespace
}  // namespace gantry
