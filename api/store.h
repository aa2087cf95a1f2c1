// Store: where instances and everything they own live, together with the host's data.
//
// A store and what is in it are used by one thread at a time. It dies as a whole; nothing in
// it is freed before. StoreOf<T> carries user data that host functions reach through Caller.
//
//   gantry::StoreOf<RequestState> store(engine, RequestState{...});
//   RETURN_IF_ERROR(store.SetFuel(1'000'000));
//   store.SetLimits(gantry::StoreLimits().MemoryBytes(64 << 20));
//
// A constructor has no way to say that memory ran out and ends the process then; a host that wants
// to go on makes its stores by Create.
#ifndef GANTRY_API_STORE_H_
#define GANTRY_API_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <typeinfo>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/engine.h"
#include "api/extern.h"
#include "api/limits.h"

namespace gantry {

namespace api_internal {
class StoreState;
}
namespace runtime {
class Store;
}

class Store {
 public:
  explicit Store(const Engine& engine);
  // Error: kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<Store>> Create(const Engine& engine);
  virtual ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const Engine& engine() const;
  // Differs from every other store's of the process, dead ones included.
  uint64_t id() const { return id_; }

  // Fuel left, where Config::ConsumeFuel is on; kFailedPrecondition otherwise.
  absl::StatusOr<uint64_t> GetFuel() const;
  absl::Status SetFuel(uint64_t units);

  // Called where the guest is interrupted, on its thread, between two of its operators. It may use the
  // store; what it leaves behind is what the guest finds. An error stops the guest, as that of a
  // host function does.
  //
  // When all fuel is consumed: returns how much more the guest is given; with none it traps, as
  // without a callback.
  using FuelCallback = std::function<absl::StatusOr<uint64_t>(Store&)>;
  void SetOutOfFuelCallback(FuelCallback callback);
  // Each time that so many units were consumed (0: never), and there is fuel left.
  // kFailedPrecondition where fuel is not counted.
  using YieldCallback = std::function<absl::Status(Store&)>;
  absl::Status SetFuelInterval(uint64_t units, YieldCallback callback);

  // The guest is interrupted when the engine's epoch is so many further on than now; a store starts
  // without a deadline. kFailedPrecondition where Config::EpochInterruption is off.
  absl::Status SetEpochDeadline(uint64_t delta);
  // What then happens: returns in how many epochs it happens again; with 0 the guest traps, as without a
  // callback.
  using EpochCallback = std::function<absl::StatusOr<uint64_t>(Store&)>;
  void SetEpochCallback(EpochCallback callback);

  // What the store may have from now on; the last of the two calls counts. A limiter must outlive
  // the store or be replaced; null allows everything.
  void SetLimits(const StoreLimits& limits);
  void SetLimiter(ResourceLimiter* limiter);

  // For the other classes of the API.
  api_internal::StoreState& state() { return *state_; }
  const api_internal::StoreState& state() const { return *state_; }
  runtime::Store& runtime() const { return *runtime_; }

 protected:
  // Address of the user data if it is of that type; null otherwise.
  virtual void* UserData(const std::type_info& type);
  // Ends a suspended call, before what its host functions may use goes.
  void EndCall();

 private:
  friend class Caller;
  std::unique_ptr<api_internal::StoreState> state_;
  // Of state_, kept here for calls.
  runtime::Store* runtime_;
  uint64_t id_;
};

template <typename T>
class StoreOf : public Store {
 public:
  explicit StoreOf(const Engine& engine, T data = T()) : Store(engine), data_(std::move(data)) {}
  static absl::StatusOr<std::unique_ptr<StoreOf>> Create(const Engine& engine, T data = T()) {
    try {
      return std::make_unique<StoreOf>(engine, std::move(data));
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError("out of memory while making a store");
    }
  }
  ~StoreOf() override { EndCall(); }
  T& data() { return data_; }
  const T& data() const { return data_; }

 protected:
  void* UserData(const std::type_info& type) override {
    return type == typeid(T) ? &data_ : nullptr;
  }

 private:
  T data_;
};

// What a host function sees of the guest that called it: good for the time of the call.
//
//   linker.Func("env", "log", [](gantry::Caller& caller, uint32_t at, uint32_t size) {
//     absl::Span<uint8_t> bytes = caller.MemoryBytes();
//     ...
//     caller.data<RequestState>()->log.append(...);
//   });
class Caller {
 public:
  Caller(Store& store, void* caller_vmctx) : store_(store), vmctx_(caller_vmctx) {}

  Store& store() { return store_; }
  // User data of a StoreOf<T>; null for a store of another type.
  template <typename T>
  T* data() {
    return static_cast<T*>(store_.UserData(typeid(T)));
  }
  // An export of the calling instance; nothing where there is none of that name, or where the
  // function was called by the host.
  std::optional<Extern> GetExport(absl::string_view name);
  // The bytes of the export "memory"; empty where there is none, or where it is shared.
  absl::Span<uint8_t> MemoryBytes();

 private:
  Store& store_;
  void* vmctx_;
};

}  // namespace gantry

#endif  // GANTRY_API_STORE_H_
