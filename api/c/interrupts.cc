// The functions of gantry.h that interrupt guests and let them yield. Tested by interrupts_test.c.
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/async.h"
#include "api/c/gantry.h"
#include "api/c/guard.h"
#include "api/c/objects.h"
#include "base/status_macros.h"

using gantry::c_api::Guard;
using gantry::c_api::GuardVoid;
using gantry::c_api::HostInfo;
using gantry::c_api::SetLastError;
using gantry::c_api::StoreBox;

struct gantry_call_t {
  using Results = absl::StatusOr<std::vector<gantry::Val>>;
  // Outlives the call.
  std::shared_ptr<StoreBox> box;
  gantry::FuncType type;
  gantry::AsyncCall<Results> call;
  bool taken = false;
};

namespace {

// Whether it went well; the last error otherwise.
template <typename Body>
bool GuardStatus(Body&& body) {
  return Guard(false, [&] {
    const absl::Status status = body();
    if (!status.ok()) SetLastError(status);
    return status.ok();
  });
}

}  // namespace

extern "C" {

bool gantry_store_fuel_yield_interval(wasm_store_t* store, uint64_t units) {
  return GuardStatus([&] {
    return store->store().SetFuelInterval(
        units, [](gantry::Store& interrupted) { return gantry::Yield(interrupted); });
  });
}

void gantry_engine_increment_epoch(const wasm_engine_t* engine) { engine->engine.IncrementEpoch(); }
bool gantry_store_set_epoch_deadline(wasm_store_t* store, uint64_t delta) {
  return GuardStatus([&] { return store->store().SetEpochDeadline(delta); });
}
void gantry_store_epoch_deadline_trap(wasm_store_t* store) {
  GuardVoid([&] { store->store().SetEpochCallback(nullptr); });
}
void gantry_store_epoch_deadline_yield(wasm_store_t* store, uint64_t delta) {
  GuardVoid([&] {
    store->store().SetEpochCallback(
        [delta](gantry::Store& interrupted) -> absl::StatusOr<uint64_t> {
          RETURN_IF_ERROR(gantry::Yield(interrupted));
          return delta;
        });
  });
}
bool gantry_store_epoch_deadline_callback(wasm_store_t* store, gantry_epoch_callback_t callback,
                                          void* env, void (*finalizer)(void*)) {
  return GuardStatus([&]() -> absl::Status {
    store->store().SetEpochCallback([callback, info = std::make_shared<HostInfo>(env, finalizer)](
                                        gantry::Store&) -> absl::StatusOr<uint64_t> {
      uint64_t delta = 0;
      const std::unique_ptr<wasm_trap_t> trap(callback(info->data(), &delta));
      if (trap != nullptr) return trap->status();
      return delta;
    });
    return absl::OkStatus();
  });
}

gantry_call_t* gantry_func_call_async(const wasm_func_t* func, const gantry_val_t* args,
                                      size_t num_args) {
  return Guard<gantry_call_t*>(nullptr, [&]() -> gantry_call_t* {
    const std::shared_ptr<StoreBox>& box = func->store;
    absl::StatusOr<gantry::FuncType> type = func->func().type(box->store);
    absl::StatusOr<std::vector<gantry::Val>> values =
        type.ok() ? gantry::c_api::ToArguments(*box, *type, args, num_args)
                  : absl::StatusOr<std::vector<gantry::Val>>(type.status());
    if (!values.ok()) {
      SetLastError(values.status());
      return nullptr;
    }
    return new gantry_call_t{box, *std::move(type),
                             func->func().CallAsync(box->store, *std::move(values)), false};
  });
}
bool gantry_call_resume(gantry_call_t* call) {
  return call->call.Resume() == gantry::CallState::kDone;
}
wasm_trap_t* gantry_call_result(gantry_call_t* call, gantry_val_t* results, size_t num_results) {
  return gantry::c_api::TrapOf(call->box, [&]() -> absl::Status {
    if (call->call.state() != gantry::CallState::kDone) {
      return absl::FailedPreconditionError("the call is not done");
    }
    RETURN_IF_ERROR(gantry::c_api::CheckResults(call->type, num_results));
    if (std::exchange(call->taken, true)) {
      return absl::FailedPreconditionError("the call's result was taken before");
    }
    ASSIGN_OR_RETURN(const std::vector<gantry::Val> out, call->call.TakeResult());
    for (size_t i = 0; i < num_results; ++i) {
      results[i] = gantry::c_api::FromVal(*call->box, out[i]);
    }
    return absl::OkStatus();
  });
}
void gantry_call_delete(gantry_call_t* taken) { delete taken; }
wasm_trap_t* gantry_store_yield(wasm_store_t* store) {
  // The handle may be gone when the guest goes on.
  const std::shared_ptr<StoreBox> box = store->box;
  return gantry::c_api::TrapOf(box, [&] { return gantry::Yield(box->store); });
}

}  // extern "C"
