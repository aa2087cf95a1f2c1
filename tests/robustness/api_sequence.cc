#include "tests/robustness/api_sequence.h"

#include <any>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "api/async.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/typed_func.h"
#include "api/val.h"
#include "base/check.h"

namespace gantry::testing {
namespace {

constexpr char kGuest[] = R"((module
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (memory (export "memory") 1 4)
  (table (export "table") 4 8 funcref)
  (table (export "refs") 3 externref)
  (global (export "global") (mut i64) (i64.const 11))
  (data (i32.const 4096) "image")
  (elem (i32.const 1) func $peek)
  (func $peek (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "poke") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "add") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
  (func (export "indirect") (param i32 i32) (result i32)
    (call_indirect (param i32) (result i32) (local.get 1) (local.get 0)))
  (func (export "keep") (param i32 externref) (table.set 1 (local.get 0) (local.get 1)))
  (func (export "give") (param i32) (result externref) (table.get 1 (local.get 0)))
  (func (export "divide") (param i32 i32) (result i32)
    (i32.div_u (local.get 0) (local.get 1)))
  ;; 10 operators a round, one of them the host's function, and 3 around.
  (func (export "count") (param i32) (result i32) (local i32)
    (loop
      (local.set 1 (call $add (local.get 1) (i32.const 3)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (i32.add (local.get 1) (i32.const 1)))))";

constexpr uint32_t kPage = 65536;
constexpr uint64_t kMostPages = 4;
constexpr size_t kMostStores = 6;
constexpr size_t kMostInstances = 4;

using Reference = std::optional<ExternRef>;

// An engine with what outlives its stores.
struct Home {
  explicit Home(const Config& config) : engine(*Engine::Create(config)), linker(engine) {
    CHECK_OK(linker.Func("env", "add", [](int32_t a, int32_t b) { return a + b; }));
    absl::StatusOr<Module> compiled = Module::CompileText(engine, kGuest);
    CHECK_OK(compiled.status());
    module.emplace(*std::move(compiled));
    artifact = *module->Serialize();
  }
  Engine engine;
  Linker linker;
  std::optional<Module> module;
  std::vector<uint8_t> artifact;
};

constexpr int kHomes = 4;
// Its engine counts fuel and looks at epochs.
constexpr int kInterruptedHome = 3;
constexpr uint64_t kPlenty = uint64_t{1} << 40;

Config ConfigOf(int home) {
  Config config;
  AddTestCompilerFlags(config);
  if (home == 1) {
    // Memories that move, checked in code.
    config.OptLevel(OptLevel::kNone).MemoryReservation(1 << 16).MemoryGuardSize(1 << 16);
  } else if (home == 2) {
    // Slots that are used again and again, by all stores.
    PoolingOptions options;
    options.total_instances = kMostStores * kMostInstances;
    options.total_tables = 2 * options.total_instances;
    options.max_memory_size = kMostPages * kPage;
    options.max_warm_slots = 3;
    config.PoolingAllocation(options);
  } else if (home == kInterruptedHome) {
    config.ConsumeFuel(true).EpochInterruption(EpochInterruption::kCounter);
  }
  return config;
}

Home& HomeOf(int number) {
  static Home* const homes[kHomes] = {new Home(ConfigOf(0)), new Home(ConfigOf(1)),
                                      new Home(ConfigOf(2)), new Home(ConfigOf(3))};
  return *homes[number];
}

struct ModelledInstance {
  explicit ModelledInstance(const Instance& i) : instance(i) {}
  Instance instance;
  uint64_t pages = 1;
  std::map<uint32_t, uint8_t> written;
  int64_t global = 11;
  // Numbers of the host's values in the table of references; nothing is null.
  std::array<std::optional<int>, 3> kept;

  uint8_t Expected(uint32_t address) const {
    const auto found = written.find(address);
    if (found != written.end()) return found->second;
    constexpr char kImage[] = "image";
    if (address >= 4096 && address < 4096 + 5) return static_cast<uint8_t>(kImage[address - 4096]);
    return 0;
  }
};

struct ModelledStore {
  explicit ModelledStore(int h) : home(h), store(HomeOf(h).engine) {
    if (h == kInterruptedHome) Replenish();
  }
  // Fuel and time for whatever is called next.
  void Replenish() {
    CHECK_OK(store.SetFuel(kPlenty));
    CHECK_OK(store.SetEpochDeadline(kPlenty));
  }
  int home;
  Store store;
  std::vector<ModelledInstance> instances;
};

class Sequence {
 public:
  explicit Sequence(absl::Span<const uint8_t> bytes) : bytes_(bytes) {}

  SequenceCounts Run() {
    while (!bytes_.empty()) Step();
    return counts_;
  }

 private:
  uint32_t Next() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_[0];
    bytes_.remove_prefix(1);
    return byte;
  }
  // Addresses that meet the edges of pages and of the image.
  uint32_t NextAddress() {
    constexpr uint32_t kEdges[] = {0, 4095, 4096, 4100, 4101, kPage - 1, kPage, 2 * kPage - 1};
    const uint32_t byte = Next();
    return byte < 128 ? kEdges[byte % std::size(kEdges)] + byte / 64 : Next() * 1027;
  }

  ModelledStore& AStore() {
    if (stores_.empty()) NewStore();
    return *stores_[Next() % stores_.size()];
  }
  std::pair<ModelledStore*, ModelledInstance*> AnInstance() {
    ModelledStore& store = AStore();
    if (store.instances.empty()) Instantiate(store);
    return {&store, &store.instances[Next() % store.instances.size()]};
  }

  void NewStore() {
    if (stores_.size() == kMostStores) stores_.erase(stores_.begin() + Next() % kMostStores);
    stores_.push_back(std::make_unique<ModelledStore>(static_cast<int>(Next() % kHomes)));
  }

  void Instantiate(ModelledStore& in) {
    if (in.instances.size() == kMostInstances) return;
    Home& home = HomeOf(in.home);
    absl::StatusOr<Instance> instance = home.linker.Instantiate(in.store, *home.module);
    CHECK_OK(instance.status());
    in.instances.emplace_back(*instance);
    ++counts_.instances;
  }

  template <typename Signature>
  TypedFunc<Signature> Get(ModelledStore& in, const ModelledInstance& of, const char* name) {
    absl::StatusOr<TypedFunc<Signature>> func = of.instance.GetTypedFunc<Signature>(in.store, name);
    CHECK_OK(func.status());
    ++counts_.calls;
    return *func;
  }

  void CheckTrap(const absl::Status& status, absl::string_view code) {
    const std::optional<Trap> trap = GetTrap(status);
    CHECK(trap.has_value()) << status;
    CHECK_EQ(trap->code, code);
    ++counts_.traps;
  }
  void CheckRefused(const absl::Status& status) {
    CHECK(status.code() == absl::StatusCode::kInvalidArgument) << status;
    ++counts_.refusals;
  }

  void Peek() {
    const auto [in, of] = AnInstance();
    const uint32_t address = NextAddress();
    const absl::StatusOr<int32_t> byte =
        Get<int32_t(uint32_t)>(*in, *of, "peek").Call(in->store, address);
    if (address >= of->pages * kPage) return CheckTrap(byte.status(), "heap_oob");
    CHECK_OK(byte.status());
    CHECK_EQ(*byte, of->Expected(address));
    ++counts_.reads;
  }
  void Poke() {
    const auto [in, of] = AnInstance();
    const uint32_t address = NextAddress();
    const uint32_t byte = Next();
    const absl::Status status =
        Get<void(uint32_t, uint32_t)>(*in, *of, "poke").Call(in->store, address, byte);
    if (address >= of->pages * kPage) return CheckTrap(status, "heap_oob");
    CHECK_OK(status);
    of->written[address] = static_cast<uint8_t>(byte);
  }
  void Grow() {
    const auto [in, of] = AnInstance();
    const uint32_t delta = Next() % 4;
    const absl::StatusOr<int32_t> before =
        Get<int32_t(uint32_t)>(*in, *of, "grow").Call(in->store, delta);
    CHECK_OK(before.status());
    const bool fits = of->pages + delta <= kMostPages;
    CHECK_EQ(*before, fits ? static_cast<int32_t>(of->pages) : -1);
    if (fits) of->pages += delta;
  }
  // All bytes, as the host sees them.
  void Compare() {
    const auto [in, of] = AnInstance();
    const Memory memory = *of->instance.GetMemory(in->store, "memory");
    const absl::Span<uint8_t> data = *memory.data(in->store);
    CHECK_EQ(data.size(), of->pages * kPage);
    for (uint32_t i = 0; i < data.size(); ++i) {
      if (data[i] != 0 || i / 8 == 512 || of->written.count(i) != 0) {
        CHECK_EQ(data[i], of->Expected(i)) << "at " << i;
      }
    }
    ++counts_.reads;
  }
  void Globals() {
    const auto [in, of] = AnInstance();
    const Global global = *of->instance.GetGlobal(in->store, "global");
    CHECK_EQ(global.Get(in->store)->i64(), of->global);
    of->global = static_cast<int64_t>(Next()) - 128;
    CHECK_OK(global.Set(in->store, Val::I64(of->global)));
  }
  void Indirect() {
    const auto [in, of] = AnInstance();
    const uint32_t index = Next() % 10;
    const auto indirect = Get<int32_t(uint32_t, uint32_t)>(*in, *of, "indirect");
    const absl::StatusOr<int32_t> result = indirect.Call(in->store, index, 4096);
    const Table table = *of->instance.GetTable(in->store, "table");
    if (index >= *table.size(in->store)) return CheckTrap(result.status(), "undef_elem");
    if (table.Get(in->store, index)->is_null()) return CheckTrap(result.status(), "uninit_elem");
    CHECK_OK(result.status());
  }
  // A function of any instance into a table of any: of one store only.
  void SetTable() {
    const auto [in, of] = AnInstance();
    const auto [from, source] = AnInstance();
    const Table table = *of->instance.GetTable(in->store, "table");
    const Func func = *source->instance.GetFunc(from->store, "peek");
    const absl::Status status = table.Set(in->store, Next() % 4, Val::FuncRef(func));
    if (in != from) return CheckRefused(status);
    CHECK_OK(status);
  }
  void Keep() {
    const auto [in, of] = AnInstance();
    ModelledStore& other = AStore();
    const uint32_t slot = Next() % 3;
    const auto keep = Get<void(uint32_t, Reference)>(*in, *of, "keep");
    if (Next() % 8 == 0) {
      CHECK_OK(keep.Call(in->store, slot, std::nullopt));
      of->kept[slot].reset();
      return;
    }
    const ExternRef reference = *ExternRef::Create(other.store, next_value_);
    const absl::Status status = keep.Call(in->store, slot, reference);
    if (&other != in) return CheckRefused(status);
    CHECK_OK(status);
    of->kept[slot] = next_value_++;
  }
  void Give() {
    const auto [in, of] = AnInstance();
    const uint32_t slot = Next() % 3;
    const absl::StatusOr<Reference> given =
        Get<Reference(uint32_t)>(*in, *of, "give").Call(in->store, slot);
    CHECK_OK(given.status());
    CHECK_EQ(given->has_value(), of->kept[slot].has_value());
    if (!given->has_value()) return;
    const absl::StatusOr<std::any*> value = (*given)->Get(in->store);
    CHECK_OK(value.status());
    CHECK_EQ(std::any_cast<int>(**value), *of->kept[slot]);
  }
  void Divide() {
    const auto [in, of] = AnInstance();
    const uint32_t by = Next() % 3;
    const absl::StatusOr<uint32_t> result =
        Get<uint32_t(uint32_t, uint32_t)>(*in, *of, "divide").Call(in->store, 12, by);
    if (by == 0) return CheckTrap(result.status(), "int_divz");
    CHECK_EQ(*result, 12 / by);
  }
  void Add() {
    const auto [in, of] = AnInstance();
    const int32_t a = static_cast<int32_t>(Next());
    const Func add = *of->instance.GetFunc(in->store, "add");
    const auto results = add.Call(in->store, {Val::I32(a), Val::I32(1)});
    CHECK_OK(results.status());
    CHECK_EQ((*results)[0].i32(), a + 1);
  }
  // Operators of a call of "count" up to its end. Of the loop's 8 one is the head, which is free.
  static uint64_t CostOfCount(uint64_t rounds) { return 9 * rounds + 3; }
  std::pair<ModelledStore*, ModelledInstance*> AnInterruptedInstance() {
    for (const auto& store : stores_) {
      if (store->home != kInterruptedHome) continue;
      if (store->instances.empty()) Instantiate(*store);
      return {store.get(), &store->instances[Next() % store->instances.size()]};
    }
    if (stores_.size() == kMostStores) stores_.erase(stores_.begin());
    stores_.push_back(std::make_unique<ModelledStore>(kInterruptedHome));
    Instantiate(*stores_.back());
    return {stores_.back().get(), &stores_.back()->instances[0]};
  }
  // A call with enough fuel, or one operator too few, or far too little.
  void Fuel() {
    const auto [in, of] = AnInterruptedInstance();
    const uint32_t rounds = 1 + Next() % 50;
    const uint64_t cost = CostOfCount(rounds);
    const uint64_t given[] = {cost, cost + 1000, cost - 1, cost / 2, 0};
    const uint64_t fuel = given[Next() % std::size(given)];
    CHECK_OK(in->store.SetFuel(fuel));
    const absl::StatusOr<int32_t> result =
        Get<int32_t(uint32_t)>(*in, *of, "count").Call(in->store, rounds);
    const uint64_t left = *in->store.GetFuel();
    in->Replenish();
    // What is left is looked at where a line of operators begins: the last one may be overdrawn.
    if (fuel + 12 < cost) {
      CheckTrap(result.status(), "out_of_fuel");
      CHECK_EQ(left, 0u);
      return;
    }
    if (fuel >= cost) {
      CHECK_OK(result.status());
      CHECK_EQ(fuel - left, cost);
      ++counts_.fuel;
    }
    if (result.ok()) {
      CHECK_EQ(*result, static_cast<int32_t>(3 * rounds + 1));
    }
  }
  void Deadline() {
    const auto [in, of] = AnInterruptedInstance();
    const uint32_t delta = Next() % 3;
    const uint32_t ticks = Next() % 3;
    CHECK_OK(in->store.SetEpochDeadline(delta));
    for (uint32_t i = 0; i < ticks; ++i) HomeOf(kInterruptedHome).engine.IncrementEpoch();
    uint32_t more = Next() % 2;
    const bool is_given_more = more != 0;
    in->store.SetEpochCallback([&](Store&) -> absl::StatusOr<uint64_t> {
      ++counts_.interrupts;
      return more-- != 0 ? kPlenty : 0;
    });
    const absl::StatusOr<int32_t> result =
        Get<int32_t(uint32_t)>(*in, *of, "count").Call(in->store, 5);
    in->store.SetEpochCallback(nullptr);
    in->Replenish();
    if (ticks >= delta && !is_given_more) return CheckTrap(result.status(), "interrupt");
    CHECK_OK(result.status());
    CHECK_EQ(*result, 16);
  }
  // A call that yields on fuel, and is finished or dropped on the way.
  void Suspend() {
    const auto [in, of] = AnInterruptedInstance();
    const uint32_t rounds = 20 + Next() % 50;
    const uint32_t resumes = Next() % 8;
    in->Replenish();
    CHECK_OK(in->store.SetFuelInterval(100, [](Store& store) { return Yield(store); }));
    {
      auto call = Get<int32_t(uint32_t)>(*in, *of, "count").CallAsync(in->store, rounds);
      bool done = false;
      for (uint32_t i = 0; i < resumes && !done; ++i) {
        done = call.Resume() == CallState::kDone;
        if (done) break;
        ++counts_.suspensions;
        // It is looked at where a line of operators begins.
        const uint64_t used = kPlenty - *in->store.GetFuel();
        CHECK(used >= (i + 1) * 100 && used < (i + 1) * 112) << used;
        const absl::Status refused =
            Get<int32_t(uint32_t)>(*in, *of, "peek").Call(in->store, 0).status();
        CHECK(refused.code() == absl::StatusCode::kFailedPrecondition) << refused;
      }
      if (done) {
        CHECK_EQ(*call.TakeResult(), static_cast<int32_t>(3 * rounds + 1));
        CHECK_EQ(kPlenty - *in->store.GetFuel(), CostOfCount(rounds));
        ++counts_.fuel;
      }
    }
    CHECK_OK(in->store.SetFuelInterval(0, nullptr));
    in->Replenish();
  }
  // Every handle of one store, used with another.
  void Foreign() {
    const auto [in, of] = AnInstance();
    ModelledStore& other = AStore();
    if (&other == in) return;
    const Instance& instance = of->instance;
    switch (Next() % 9) {
      case 0:
        return CheckRefused(instance.GetFunc(other.store, "peek").status());
      case 1:
        return CheckRefused(
            instance.GetFunc(in->store, "peek")->Call(other.store, {Val::I32(0)}).status());
      case 2:
        return CheckRefused(Get<int32_t(uint32_t)>(*in, *of, "peek").Call(other.store, 0).status());
      case 3:
        return CheckRefused(instance.GetMemory(in->store, "memory")->data(other.store).status());
      case 4:
        return CheckRefused(instance.GetMemory(in->store, "memory")->Grow(other.store, 1).status());
      case 5:
        return CheckRefused(instance.GetGlobal(in->store, "global")->Set(other.store, Val::I64(1)));
      case 6:
        return CheckRefused(instance.GetTable(in->store, "table")->Get(other.store, 0).status());
      case 7: {
        const Func func = *instance.GetFunc(in->store, "add");
        return CheckRefused(
            Instance::Create(other.store, *HomeOf(other.home).module, {func}).status());
      }
      default:
        return CheckRefused(instance.Exports(other.store).status());
    }
  }
  // What belongs to one engine, used with the other.
  void ForeignEngine() {
    ModelledStore& in = AStore();
    Home& other = HomeOf((in.home + 1) % kHomes);
    CheckRefused(other.linker.Instantiate(in.store, *other.module).status());
    CheckRefused(HomeOf(in.home).linker.Instantiate(in.store, *other.module).status());
    CheckRefused(other.linker.Get(in.store, "env", "add").status());
  }
  void Reload() {
    Home& home = HomeOf(static_cast<int>(Next() % kHomes));
    absl::StatusOr<Module> loaded = Module::Deserialize(home.engine, home.artifact);
    CHECK_OK(loaded.status());
    // Instances of the one before live on.
    home.module.emplace(*std::move(loaded));
  }

  void Step() {
    switch (Next() % 28) {
      case 0:
      case 1:
        return NewStore();
      case 2:
        if (!stores_.empty()) stores_.erase(stores_.begin() + Next() % stores_.size());
        return;
      case 3:
      case 4:
        return Instantiate(AStore());
      case 5:
      case 6:
      case 7:
        return Peek();
      case 8:
      case 9:
      case 10:
        return Poke();
      case 11:
        return Grow();
      case 12:
        return Compare();
      case 13:
        return Globals();
      case 14:
        return Indirect();
      case 15:
        return SetTable();
      case 16:
        return Keep();
      case 17:
        return Give();
      case 18:
        return Divide();
      case 19:
        return Add();
      case 20:
      case 21:
        return Foreign();
      case 22:
        return ForeignEngine();
      case 23:
        return Fuel();
      case 24:
        return Deadline();
      case 25:
      case 26:
        return Suspend();
      default:
        return Reload();
    }
  }

  absl::Span<const uint8_t> bytes_;
  std::vector<std::unique_ptr<ModelledStore>> stores_;
  int next_value_ = 1;
  SequenceCounts counts_;
};

}  // namespace

SequenceCounts RunApiSequence(absl::Span<const uint8_t> operations) {
  return Sequence(operations).Run();
}

}  // namespace gantry::testing
