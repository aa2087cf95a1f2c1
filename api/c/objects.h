// Objects of the C interface that live in a store, and values. Private to `api/c`.
//
// All references are one class: what it refers to is a handle of the C++ interface, or a box that
// its copies share. A reference keeps its store alive; one that a guest holds, as an externref in
// that very store, does not (Detached), or the two would hold each other for ever.
//
// Tested by wasm_test.c and gantry_test.c.
#ifndef GANTRY_API_C_OBJECTS_H_
#define GANTRY_API_C_OBJECTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/c/gantry.h"
#include "api/c/guard.h"
#include "api/c/wasm.h"
#include "api/engine.h"
#include "api/extern.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/trap.h"
#include "api/val.h"
#include "wasi/context.h"

namespace gantry::c_api {

// A pointer of the host with what is to be called when it is not needed any more.
class HostInfo {
 public:
  HostInfo() = default;
  HostInfo(void* data, void (*finalizer)(void*)) : data_(data), finalizer_(finalizer) {}
  ~HostInfo() {
    if (finalizer_ != nullptr) finalizer_(data_);
  }
  HostInfo(const HostInfo&) = delete;
  HostInfo& operator=(const HostInfo&) = delete;
  void Set(void* data, void (*finalizer)(void*)) {
    HostInfo old(data_, finalizer_);
    data_ = data;
    finalizer_ = finalizer;
  }
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  void (*finalizer_)(void*) = nullptr;
};

struct StoreBox;

struct StoreData {
  StoreBox* box = nullptr;
  std::unique_ptr<wasi::Context> wasi;
};

struct StoreBox : std::enable_shared_from_this<StoreBox> {
  explicit StoreBox(const Engine& engine);
  ~StoreBox();

  // What a call returns that fails for lack of memory to say so. It is made beforehand.
  wasm_trap_t* TakeReserveTrap();

  // Outlives the store, whose functions may still refer to it.
  std::map<const void*, HostInfo> infos;
  StoreOf<StoreData> store;
  wasm_trap_t* reserve_trap = nullptr;
};

struct TrapBox {
  absl::Status status;
  HostInfo info;
};
struct ForeignBox {
  HostInfo info;
};

using Object =
    std::variant<Func, Global, Table, Memory, SharedMemory, Tag, Instance, Module,
                 std::shared_ptr<TrapBox>, std::shared_ptr<ForeignBox>, ExternRef, ExnRef>;

enum class RefKind : uint8_t {
  kFunc,
  kGlobal,
  kTable,
  kMemory,
  kTag,
  kInstance,
  kModule,
  kTrap,
  kForeign,
  kOpaque,  // a reference that a guest has made
};

}  // namespace gantry::c_api

struct wasm_ref_t {
  wasm_ref_t(std::shared_ptr<gantry::c_api::StoreBox> s, gantry::c_api::Object o)
      : store(std::move(s)), object(std::move(o)) {}
  virtual ~wasm_ref_t() = default;

  gantry::c_api::RefKind kind() const;
  // Address of what it refers to: the same for every reference to it.
  const void* Identity() const;
  // Null where there is none yet and none is to be made.
  gantry::c_api::HostInfo* Info(bool make) const;

  std::shared_ptr<gantry::c_api::StoreBox> store;
  gantry::c_api::Object object;
};

// Names for the kinds; they add nothing.
struct wasm_extern_t : wasm_ref_t {
  using wasm_ref_t::wasm_ref_t;
};
struct wasm_func_t final : wasm_extern_t {
  using wasm_extern_t::wasm_extern_t;
  const gantry::Func& func() const { return std::get<gantry::Func>(object); }
};
struct wasm_global_t final : wasm_extern_t {
  using wasm_extern_t::wasm_extern_t;
  const gantry::Global& global() const { return std::get<gantry::Global>(object); }
};
struct wasm_table_t final : wasm_extern_t {
  using wasm_extern_t::wasm_extern_t;
  const gantry::Table& table() const { return std::get<gantry::Table>(object); }
};
// Of one store or shared.
struct wasm_memory_t final : wasm_extern_t {
  using wasm_extern_t::wasm_extern_t;
  const gantry::Memory* memory() const { return std::get_if<gantry::Memory>(&object); }
  const gantry::SharedMemory* shared() const { return std::get_if<gantry::SharedMemory>(&object); }
};
struct wasm_tag_t final : wasm_extern_t {
  using wasm_extern_t::wasm_extern_t;
  const gantry::Tag& tag() const { return std::get<gantry::Tag>(object); }
};
struct wasm_instance_t final : wasm_ref_t {
  using wasm_ref_t::wasm_ref_t;
  const gantry::Instance& instance() const { return std::get<gantry::Instance>(object); }
};
struct wasm_module_t final : wasm_ref_t {
  using wasm_ref_t::wasm_ref_t;
  const gantry::Module& module() const { return std::get<gantry::Module>(object); }
};
struct wasm_trap_t final : wasm_ref_t {
  using wasm_ref_t::wasm_ref_t;
  const absl::Status& status() const {
    return std::get<std::shared_ptr<gantry::c_api::TrapBox>>(object)->status;
  }
};
struct wasm_foreign_t final : wasm_ref_t {
  using wasm_ref_t::wasm_ref_t;
};

struct wasm_shared_module_t {
  gantry::Module module;
};
struct wasm_frame_t {
  gantry::Frame frame;
};
struct wasm_config_t {
  gantry::Config config;
};
struct wasm_engine_t {
  gantry::Engine engine;
};
struct wasm_store_t {
  std::shared_ptr<gantry::c_api::StoreBox> box;
  gantry::Store& store() const { return box->store; }
};

namespace gantry::c_api {

// A new object of the right class, given to the caller.
wasm_ref_t* NewRef(std::shared_ptr<StoreBox> store, Object object);
wasm_trap_t* NewTrap(std::shared_ptr<StoreBox> store, const absl::Status& status);
wasm_extern_t* NewExtern(std::shared_ptr<StoreBox> store, const Extern& definition);
Extern ToExtern(const wasm_extern_t& ref);

// Between values of the two interfaces. Errors: kInvalidArgument where the kind is not that of the
// type, or a reference is of another store.
absl::StatusOr<Val> ToVal(StoreBox& box, const gantry_val_t& value, ValType type);
absl::StatusOr<Val> RefToVal(StoreBox& box, const wasm_ref_t* ref, ValType type);
// References are given to the caller.
gantry_val_t FromVal(StoreBox& box, const Val& value);
gantry_val_t Widen(const wasm_val_t& value);
// Only for what a wasm_val_t can hold.
wasm_val_t Narrow(const gantry_val_t& value);

// Arguments of a call. Errors: kInvalidArgument where their number or kinds are not those of the
// function's type.
absl::StatusOr<std::vector<Val>> ToArguments(StoreBox& box, const FuncType& type,
                                             const gantry_val_t* args, size_t num_args);
// kInvalidArgument where a function's results do not fit.
absl::Status CheckResults(const FuncType& type, size_t num_results);

// A callback of C as one of C++, for functions without v128 (CheckCallable).
Func::Callback Adapt(const FuncType& type, wasm_func_callback_with_env_t callback,
                     std::shared_ptr<HostInfo> env);
absl::Status CheckCallable(const FuncType& type);

// What a call comes to: null, or a trap that says why not.
template <typename Body>
wasm_trap_t* TrapOf(const std::shared_ptr<StoreBox>& box, Body&& body) {
  try {
    const absl::Status status = body();
    if (status.ok()) return nullptr;
    SetLastError(status);
    return NewTrap(box, status);
  } catch (const std::bad_alloc&) {
    SetOutOfMemory();
    return box->TakeReserveTrap();
  }
}

// What `make` instantiates, given to the caller; or null and, where `trap` is not, the reason.
template <typename MakeInstance>
wasm_instance_t* GiveInstance(const std::shared_ptr<StoreBox>& box, MakeInstance&& make,
                              wasm_trap_t** trap) {
  try {
    const absl::StatusOr<Instance> instance = make();
    if (instance.ok()) return static_cast<wasm_instance_t*>(NewRef(box, *instance));
    SetLastError(instance.status());
    if (trap != nullptr) *trap = NewTrap(box, instance.status());
  } catch (const std::bad_alloc&) {
    SetOutOfMemory();
    if (trap != nullptr) *trap = box->TakeReserveTrap();
  }
  return nullptr;
}

}  // namespace gantry::c_api

#endif  // GANTRY_API_C_OBJECTS_H_
