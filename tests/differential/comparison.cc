#include "tests/differential/comparison.h"

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/instance.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/check.h"
#include "codegen/interp/interpreter.h"
#include "codegen/isa.h"
#include "cranelift_shared/isa_flags.h"
#include "environ/core/trap_code.h"
#include "tests/differential/interpreted_module.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/operator_costs.h"
#include "wasm_translate/testing/module_generator.h"
#include "wasm_translate/translator_environment.h"

namespace gantry::testing {
namespace {

using codegen::RawValue;

constexpr uint64_t kFuel = 500'000;               // units of one call
constexpr uint64_t kInterpreterFuel = 1'000'000;  // IR instructions of one call

wasm::OperatorCosts OperatorCostsOf(const ComparisonCosts& costs) {
  wasm::OperatorCosts result;
  for (const auto& [name, units] : costs.operators) CHECK_OK(result.Set(name, units));
  return result;
}

// What a call brought about: "returns 1, 2", "traps heap_oob", or the one below.
constexpr char kExhausted[] = "is exhausted";

struct State {
  std::vector<std::vector<uint8_t>> memories;
  std::vector<RawValue> globals;
  // Whether each element is null.
  std::vector<std::vector<bool>> tables;

  friend bool operator==(const State&, const State&) = default;
};

class Guest {
 public:
  virtual ~Guest() = default;
  virtual std::string Instantiate() = 0;
  virtual std::string Call(wasm::FuncIndex func, const std::vector<RawValue>& arguments) = 0;
  virtual State GetState() = 0;
  // Of the last call, or of what was done to make the instance; at its end and at each growth.
  virtual uint64_t used_fuel() const = 0;
  virtual const std::vector<uint64_t>& fuel_at_growths() const = 0;
};

std::string Returned(const std::vector<RawValue>& values) {
  std::string text = "returns";
  for (const RawValue& value : values) {
    absl::StrAppend(&text, " ", absl::Hex(value.lo));
    if (value.hi != 0) absl::StrAppend(&text, ":", absl::Hex(value.hi));
  }
  return text;
}

std::string Trapped(absl::string_view code) {
  if (code == TrapName(environ::TrapCode::kOutOfFuel) ||
      code == TrapName(environ::TrapCode::kCallStackExhausted)) {
    return kExhausted;
  }
  return absl::StrCat("traps ", code);
}

}  // namespace

class InterpretedGuest final : public Guest {
 public:
  InterpretedGuest(const wasm::Module& module, wasm::Features features,
                   const wasm::TranslationChoices& choices, const ComparisonCosts& costs)
      : module_(module) {
    auto made = InterpretedModule::Create(module, features, choices,
                                          {OperatorCostsOf(costs), costs.bulk_bytes});
    CHECK(made.ok()) << made.status();
    interpreted_ = std::move(*made);
    interpreted_->set_fuel(kInterpreterFuel);
  }

  std::string Instantiate() override { return Describe(interpreted_->Instantiate(), {}); }
  std::string Call(wasm::FuncIndex func, const std::vector<RawValue>& arguments) override {
    return Describe(interpreted_->Call(func, arguments), module_.func_type(func).results());
  }
  absl::Span<const uint64_t> opcode_counts() const { return interpreted_->opcode_counts(); }
  uint64_t used_fuel() const override { return interpreted_->used_fuel(); }
  const std::vector<uint64_t>& fuel_at_growths() const override {
    return interpreted_->fuel_at_growths();
  }
  State GetState() override {
    State state;
    for (size_t i = 0; i < module_.memories.size(); ++i) {
      const auto bytes = interpreted_->memory(wasm::MemoryIndex::FromIndex(i));
      state.memories.emplace_back(bytes.begin(), bytes.end());
    }
    for (size_t i = 0; i < module_.globals.size(); ++i) {
      const auto global = wasm::GlobalIndex::FromIndex(i);
      state.globals.push_back(
          Visible(module_.globals[global].content, interpreted_->global(global)));
    }
    for (size_t i = 0; i < module_.tables.size(); ++i) {
      std::vector<bool> nulls;
      for (uint64_t element : interpreted_->table(wasm::TableIndex::FromIndex(i))) {
        nulls.push_back(element == 0);
      }
      state.tables.push_back(std::move(nulls));
    }
    return state;
  }

 private:
  static RawValue Visible(wasm::ValType type, const RawValue& value) {
    if (type == wasm::ValType::V128()) return value;
    if (type.is_ref()) return value.lo != 0 ? 1 : 0;
    const bool narrow = type == wasm::ValType::I32() || type == wasm::ValType::F32();
    return narrow ? static_cast<uint32_t>(value.lo) : value.lo;
  }

  static std::string Describe(const absl::StatusOr<codegen::Outcome>& outcome,
                              absl::Span<const wasm::ValType> results) {
    if (!outcome.ok()) return absl::StrCat("fails: ", outcome.status().ToString());
    using Kind = codegen::Outcome::Kind;
    switch (outcome->kind) {
      case Kind::kReturned: {
        std::vector<RawValue> values;
        for (size_t i = 0; i < results.size(); ++i) {
          values.push_back(Visible(results[i], outcome->values[i]));
        }
        return Returned(values);
      }
      case Kind::kTrapped:
        return Trapped(TrapName(static_cast<environ::TrapCode>(outcome->trap)));
      case Kind::kOutOfFuel:
      case Kind::kStackOverflow:
        return kExhausted;
      case Kind::kThrew:
        break;
    }
    return "throws";
  }

  const wasm::Module& module_;
  std::unique_ptr<InterpretedModule> interpreted_;
};

// Allows everything, and notes the fuel that was left when it was asked for growth.
class GrowthWatch final : public ResourceLimiter {
 public:
  explicit GrowthWatch(const Store& store) : store_(store) {}
  bool AllowMemory(uint64_t, uint64_t) override { return Note(); }
  bool AllowTable(uint64_t, uint64_t) override { return Note(); }
  bool AllowInstances(uint64_t) override { return true; }
  bool AllowMemories(uint64_t) override { return true; }
  bool AllowTables(uint64_t) override { return true; }
  uint64_t MaxStack() override { return ~uint64_t{0}; }

  void Start() { used_.clear(); }
  const std::vector<uint64_t>& used() const { return used_; }

 private:
  bool Note() {
    used_.push_back(kFuel - store_.GetFuel().value_or(0));
    return true;
  }
  const Store& store_;
  std::vector<uint64_t> used_;
};

class CompiledGuest final : public Guest {
 public:
  CompiledGuest(const Engine& engine, const wasm::Module& parsed, absl::Span<const uint8_t> bytes)
      : parsed_(parsed), store_(engine), growths_(store_) {
    store_.SetLimiter(&growths_);
    absl::StatusOr<Module> module = Module::Compile(engine, bytes);
    if (module.ok()) {
      module_.emplace(*std::move(module));
    } else {
      compiled_ = module.status();
    }
  }

  std::string Instantiate() override {
    if (!compiled_.ok()) return absl::StrCat("does not compile: ", compiled_.ToString());
    CHECK_OK(store_.SetFuel(kFuel));
    absl::StatusOr<Instance> instance = Instance::Create(store_, *module_, {});
    used_fuel_ = kFuel - store_.GetFuel().value_or(0);
    growths_.Start();
    if (!instance.ok()) return Describe(instance.status());
    instance_.emplace(*std::move(instance));
    return Returned({});
  }

  std::string Call(wasm::FuncIndex func, const std::vector<RawValue>& arguments) override {
    const auto params = parsed_.func_type(func).params();
    std::vector<Val> values;
    for (size_t i = 0; i < params.size(); ++i) values.push_back(ToVal(params[i], arguments[i]));
    const absl::StatusOr<Func> callee =
        instance_->GetFunc(store_, absl::StrCat("func", func.raw()));
    CHECK_OK(callee.status());
    CHECK_OK(store_.SetFuel(kFuel));
    growths_.Start();
    const auto results = callee->Call(store_, values);
    used_fuel_ = kFuel - store_.GetFuel().value_or(0);
    if (!results.ok()) return Describe(results.status());
    std::vector<RawValue> bits;
    for (const Val& value : *results) bits.push_back(Visible(value));
    return Returned(bits);
  }

  State GetState() override {
    State state;
    for (size_t i = 0; i < parsed_.memories.size(); ++i) {
      const std::string name = absl::StrCat("memory", i);
      if (parsed_.memories[wasm::MemoryIndex::FromIndex(i)].shared) {
        const absl::StatusOr<SharedMemory> shared = instance_->GetSharedMemory(store_, name);
        CHECK_OK(shared.status());
        state.memories.emplace_back(shared->bytes());
        CHECK_OK(shared->Read(0, absl::MakeSpan(state.memories.back())));
        continue;
      }
      const absl::StatusOr<Memory> memory = instance_->GetMemory(store_, name);
      CHECK_OK(memory.status());
      const auto bytes = memory->data(store_);
      CHECK_OK(bytes.status());
      state.memories.emplace_back(bytes->begin(), bytes->end());
    }
    for (size_t i = 0; i < parsed_.globals.size(); ++i) {
      const absl::StatusOr<Global> global = instance_->GetGlobal(store_, absl::StrCat("global", i));
      CHECK_OK(global.status());
      const absl::StatusOr<Val> value = global->Get(store_);
      CHECK_OK(value.status());
      state.globals.push_back(Visible(*value));
    }
    for (size_t i = 0; i < parsed_.tables.size(); ++i) {
      const absl::StatusOr<Table> table = instance_->GetTable(store_, absl::StrCat("table", i));
      CHECK_OK(table.status());
      std::vector<bool> nulls;
      const uint64_t size = table->size(store_).value_or(0);
      for (uint64_t j = 0; j < size; ++j) {
        const absl::StatusOr<Val> value = table->Get(store_, j);
        CHECK_OK(value.status());
        nulls.push_back(Visible(*value) == RawValue(0));
      }
      state.tables.push_back(std::move(nulls));
    }
    return state;
  }

  uint64_t used_fuel() const override { return used_fuel_; }
  const std::vector<uint64_t>& fuel_at_growths() const override { return growths_.used(); }

 private:
  static Val ToVal(wasm::ValType type, const RawValue& value) {
    const uint64_t bits = value.lo;
    switch (type.kind()) {
      case wasm::ValType::Kind::kI32:
        return Val::I32(static_cast<int32_t>(bits));
      case wasm::ValType::Kind::kI64:
        return Val::I64(static_cast<int64_t>(bits));
      case wasm::ValType::Kind::kF32:
        return Val::F32Bits(static_cast<uint32_t>(bits));
      case wasm::ValType::Kind::kF64:
        return Val::F64Bits(bits);
      case wasm::ValType::Kind::kV128:
        return Val::V128(value.lo, value.hi);
      default:
        return Val::Default(type);
    }
  }

  static RawValue Visible(const Val& value) {
    switch (value.kind()) {
      case Val::Kind::kI32:
        return static_cast<uint32_t>(value.i32());
      case Val::Kind::kI64:
        return static_cast<uint64_t>(value.i64());
      case Val::Kind::kF32:
        return value.f32_bits();
      case Val::Kind::kF64:
        return value.f64_bits();
      case Val::Kind::kV128:
        return {value.v128()[0], value.v128()[1]};
      case Val::Kind::kFuncRef:
        return value.func_ref().has_value() ? 1 : 0;
      case Val::Kind::kExternRef:
        return value.extern_ref().has_value() ? 1 : 0;
      default:
        break;
    }
    UNREACHABLE() << "a value that no module here has";
  }

  static std::string Describe(const absl::Status& status) {
    const std::optional<Trap> trap = GetTrap(status);
    if (!trap.has_value()) return absl::StrCat("fails: ", status.ToString());
    return Trapped(trap->code);
  }

  const wasm::Module& parsed_;
  Store store_;
  GrowthWatch growths_;
  absl::Status compiled_;
  std::optional<Module> module_;
  std::optional<Instance> instance_;
  uint64_t used_fuel_ = 0;
};

std::vector<Comparison::Mode> Comparison::Modes() {
  using wasm::Feature;
  const wasm::Features scalar = wasm::Features::Wasm2Scalar();
  wasm::Features all = scalar;
  for (Feature feature :
       {Feature::kSimd, Feature::kRelaxedSimd, Feature::kThreads, Feature::kTailCall,
        Feature::kExtendedConst, Feature::kMultiMemory, Feature::kMemory64,
        Feature::kWideArithmetic, Feature::kCustomPageSizes, Feature::kFunctionReferences}) {
    all.Set(feature, true);
  }
  const ComparisonCosts some = {{{"call", 9},
                                 {"i32.add", 4},
                                 {"i32.load", 3},
                                 {"i64.div_u", 11},
                                 {"local.get", 0},
                                 {"drop", 2},
                                 {"nop", 5},
                                 {"block", 1},
                                 {"loop", 2},
                                 {"else", 3},
                                 {"end", 1},
                                 {"if", 0},
                                 {"br_if", 6},
                                 {"memory.grow", 20}},
                                8};
  // Where hardly anything costs, lines begin late and are short.
  const ComparisonCosts few = {{{"local.get", 0},
                                {"local.set", 0},
                                {"i32.const", 0},
                                {"i64.const", 0},
                                {"v128.const", 0},
                                {"return", 0},
                                {"br", 0},
                                {"unreachable", 7},
                                {"memory.fill", 3}},
                               1};
  return {{scalar, false, false, {}}, {all, true, true, some}, {all, true, false, few}};
}

namespace {

// What relaxed operations do in code for the host, under the flags of the test.
codegen::RelaxedChoices HostChoices() {
  Config config;
  AddTestCompilerFlags(config);
  cranelift::IsaFlags flags;
  for (const auto& [name, value] : config.compiler_flags()) CHECK_OK(flags.Set(name, value));
  const absl::StatusOr<cranelift::ConfiguredIsa> configured = flags.Configure({});
  CHECK_OK(configured.status());
  const auto isa = configured->builder->Build();
  CHECK_OK(isa.status());
  return (*isa)->relaxed_choices();
}

// No NaN but the canonical one.
RawValue SomeArgument(wasm::ValType type, std::mt19937_64& random) {
  static constexpr uint64_t kIntegers[] = {0,
                                           1,
                                           2,
                                           7,
                                           0x7F,
                                           0x80,
                                           0xFFFF,
                                           0x7FFFFFFF,
                                           0x80000000,
                                           0xFFFFFFFF,
                                           0x7FFFFFFFFFFFFFFF,
                                           0x8000000000000000,
                                           0xFFFFFFFFFFFFFFFF};
  static constexpr uint64_t kF32[] = {0x00000000, 0x80000000, 0x3F800000, 0xBF000000, 0x7F800000,
                                      0xFF800000, 0x7FC00000, 0x00000001, 0x4F000000, 0x42280000};
  static constexpr uint64_t kF64[] = {0x0000000000000000, 0x8000000000000000, 0x3FF0000000000000,
                                      0xBFE0000000000000, 0x7FF0000000000000, 0xFFF0000000000000,
                                      0x7FF8000000000000, 0x0000000000000001, 0x43E0000000000000,
                                      0x4045000000000000};
  switch (type.kind()) {
    case wasm::ValType::Kind::kI32:
    case wasm::ValType::Kind::kI64: {
      const uint64_t bits =
          random() % 3 == 0 ? random() : kIntegers[random() % std::size(kIntegers)];
      return type == wasm::ValType::I32() ? static_cast<uint32_t>(bits) : bits;
    }
    case wasm::ValType::Kind::kF32:
      return kF32[random() % std::size(kF32)];
    case wasm::ValType::Kind::kF64:
      return kF64[random() % std::size(kF64)];
    case wasm::ValType::Kind::kV128: {
      const auto half = [&]() -> uint64_t {
        switch (random() % 4) {
          case 0:
            return kF64[random() % std::size(kF64)];
          case 1:
            return kF32[random() % std::size(kF32)] << 32 | kF32[random() % std::size(kF32)];
          case 2:
            return kIntegers[random() % std::size(kIntegers)];
          default:
            return random();
        }
      };
      const uint64_t low = half();
      return {low, half()};
    }
    default:
      return 0;
  }
}

}  // namespace

Engine Comparison::MakeEngine(Strategy strategy, OptLevel level, const Mode& mode) {
  Config config;
  AddTestCompilerFlags(config);
  config.WasmFeatures(mode.features)
      .NanCanonicalization(mode.canonicalize_nans)
      .RelaxedSimdDeterministic(mode.deterministic);
  // GANTRY_TEST_COMPILER=tier: what starts as baseline code in place of what stays it.
  config.TierUp(config.tier_up() && strategy == Strategy::kWinch);
  if (!config.tier_up()) config.Compiler(strategy);
  config.OptLevel(level).CompilationThreads(1).MaxWasmStack(256 << 10);
  config.ConsumeFuel(true).FuelBulkBytes(mode.costs.bulk_bytes);
  for (const auto& [name, units] : mode.costs.operators) config.OperatorCost(name, units);
  absl::StatusOr<Engine> engine = Engine::Create(config);
  CHECK_OK(engine.status());
  return *std::move(engine);
}

Comparison::Comparison() : modes_(Modes()), host_choices_(HostChoices()) {
  CHECK(modes_.size() == kModes);
  for (const Mode& mode : modes_) {
    none_.push_back(MakeEngine(Strategy::kOptimizing, OptLevel::kNone, mode));
    speed_.push_back(MakeEngine(Strategy::kOptimizing, OptLevel::kSpeed, mode));
    baseline_.push_back(MakeEngine(Strategy::kWinch, OptLevel::kSpeed, mode));
    mixed_.push_back(MakeEngine(Strategy::kMixed, OptLevel::kSpeed, mode));
  }
}

std::optional<std::string> Comparison::Run(absl::Span<const uint8_t> random, size_t number,
                                           uint64_t seed) {
  const Mode& mode = modes_[number];
  wasm::testing::GeneratorOptions options;
  options.features = mode.features;
  options.profile = wasm::testing::GeneratorOptions::Profile::kExecutable;
  options.max_imports = 0;
  options.export_everything = true;
  options.custom_sections = false;
  options.canonicalize_nans = !mode.canonicalize_nans;
  wasm::testing::ByteSource source(random);
  bytes_ = wasm::testing::GenerateModule(source, options);
  wasm::ParseOptions parse;
  parse.features = options.features;
  const absl::StatusOr<wasm::Module> module = wasm::ParseModule(bytes_, parse);
  CHECK_OK(module.status());
  ++counts_.modules;

  wasm::TranslationChoices choices;
  choices.canonical_nans = mode.canonicalize_nans;
  if (!mode.deterministic) choices.relaxed = host_choices_;
  InterpretedGuest interpreted(*module, options.features, choices, mode.costs);
  CompiledGuest none(none_[number], *module, bytes_);
  CompiledGuest speed(speed_[number], *module, bytes_);
  CompiledGuest baseline(baseline_[number], *module, bytes_);
  CompiledGuest mixed(mixed_[number], *module, bytes_);
  const std::optional<std::string> error = Compare(
      *module, seed, interpreted,
      {{"unoptimized", none}, {"optimized", speed}, {"baseline", baseline}, {"mixed", mixed}});
  for (size_t i = 0; i < counts_.opcodes.size(); ++i) {
    counts_.opcodes[i] += interpreted.opcode_counts()[i];
  }
  return error;
}

std::optional<std::string> Comparison::Compare(const wasm::Module& module, uint64_t seed,
                                               InterpretedGuest& interpreted,
                                               const std::vector<NamedGuest>& compiled) {
  const auto compare = [&](absl::string_view what,
                           const auto& outcome_of) -> std::optional<std::string> {
    outcome_ = outcome_of(interpreted);
    ended_ = outcome_ == kExhausted;
    const auto fuel_of = [](const Guest& guest) {
      std::string text = absl::StrCat(" for ", guest.used_fuel());
      for (uint64_t used : guest.fuel_at_growths()) absl::StrAppend(&text, ", growth at ", used);
      return text;
    };
    const std::string fuel = fuel_of(interpreted);
    std::string outcomes = absl::StrCat("interpreted ", outcome_, fuel);
    bool equal = true;
    // The later ones only where the others have come to an end.
    for (size_t i = 0; i < compiled.size() && !ended_; ++i) {
      CompiledGuest& guest = compiled[i].guest;
      const std::string outcome = outcome_of(guest);
      ended_ = outcome == kExhausted;
      equal = equal && outcome == outcome_ && fuel_of(guest) == fuel;
      absl::StrAppend(&outcomes, "; ", compiled[i].name, " ", outcome, fuel_of(guest));
    }
    counts_.growths += interpreted.fuel_at_growths().size();
    if (ended_) {
      ++counts_.exhausted;
      return std::nullopt;
    }
    if (!equal) return absl::StrCat(what, ": ", outcomes);
    return std::nullopt;
  };

  if (auto error = compare("instantiation", [](Guest& g) { return g.Instantiate(); })) {
    return error;
  }
  if (ended_ || outcome_ != Returned({})) return std::nullopt;
  std::mt19937_64 random(seed);
  for (size_t i = 0; i < module.functions.size(); ++i) {
    const wasm::FuncIndex func = wasm::FuncIndex::FromIndex(i);
    // Of references there are nulls to give.
    const auto params = module.func_type(func).params();
    if (std::any_of(params.begin(), params.end(),
                    [](wasm::ValType param) { return param.is_ref() && !param.is_nullable(); })) {
      continue;
    }
    for (int round = 0; round < 2; ++round) {
      std::vector<RawValue> arguments;
      for (wasm::ValType param : params) arguments.push_back(SomeArgument(param, random));
      ++counts_.calls;
      const std::string what = absl::StrCat("call ", round, " of function ", i);
      if (auto error = compare(what, [&](Guest& g) { return g.Call(func, arguments); })) {
        return error;
      }
      if (ended_) return std::nullopt;
      if (outcome_.rfind("returns", 0) == 0) {
        ++counts_.returned;
      } else {
        ++counts_.trapped;
        if (compiled[0].guest.used_fuel() <= kEarly) ++counts_.trapped_early;
      }
      const State state = interpreted.GetState();
      for (const NamedGuest& other : compiled) {
        if (state == other.guest.GetState()) continue;
        return absl::StrCat(what, ": ", other.name, " leaves another state");
      }
    }
  }
  return std::nullopt;
}

}  // namespace gantry::testing
