// Linker: names for what modules import.
//
//   gantry::Linker linker(engine);
//   RETURN_IF_ERROR(linker.Func("env", "add", [](int32_t a, int32_t b) { return a + b; }));
//   ASSIGN_OR_RETURN(gantry::Instance instance, linker.Instantiate(store, module));
//
// Host functions and shared memories belong to no store and serve all of them; other definitions
// belong to the store they came from.
#ifndef GANTRY_API_LINKER_H_
#define GANTRY_API_LINKER_H_

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "api/async.h"
#include "api/extern.h"
#include "api/host_func.h"
#include "api/instance.h"
#include "api/instance_pre.h"
#include "api/module.h"
#include "api/store.h"

namespace gantry {

namespace api_internal {
class LinkerState;
}

class Linker {
 public:
  // The constructor ends the process where memory runs out, Create does not: kResourceExhausted.
  explicit Linker(const Engine& engine);
  static absl::StatusOr<Linker> Create(const Engine& engine);
  ~Linker();
  Linker(Linker&&) noexcept;
  Linker& operator=(Linker&&) noexcept;

  // Off by default: a second definition of a name is kAlreadyExists.
  void AllowShadowing(bool allow);

  // A host function from a plain callable, its type derived (api/host_func.h).
  template <typename F>
  absl::Status Func(absl::string_view module, absl::string_view name, F callable) {
    try {
      return CodeFunc(module, name, HostFuncTraits<F>::Type(),
                      HostFuncTraits<F>::Code(std::move(callable)));
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError("out of memory");
    }
  }
  absl::Status Func(absl::string_view module, absl::string_view name, const FuncType& type,
                    gantry::Func::Callback callback);
  // Arguments and results as raw slots, for types that are known at run time alone.
  absl::Status RawFunc(absl::string_view module, absl::string_view name, const FuncType& type,
                       gantry::Func::RawCallback callback);
  absl::Status CodeFunc(absl::string_view module, absl::string_view name, const FuncType& type,
                        api_internal::HostFuncCode code);
  // A host function that may wait: a callable as Func takes, which returns a Task of a Status or
  // StatusOr. The guest is suspended while it waits; where the guest was not called by CallAsync or
  // RunAsync, waiting is kFailedPrecondition.
  template <typename F>
  absl::Status AsyncFunc(absl::string_view module, absl::string_view name, F callable) {
    return Func(module, name, api_internal::PlainHostFunc(std::move(callable)));
  }
  // Anything that lives in a store, or a shared memory. Error: kInvalidArgument for a shared memory
  // of another engine.
  absl::Status Define(absl::string_view module, absl::string_view name, const Extern& definition);
  // Every export of an instance under the name `module`. Nothing is defined where one of the names
  // is already.
  absl::Status DefineInstance(Store& store, absl::string_view module, const Instance& instance);
  // Each function that the module imports and that is not defined becomes one that fails when it
  // is called: kFailedPrecondition naming the import, with the guest's frames.
  absl::Status DefineUnknownImportsAsTraps(const Module& module);

  // What a name means in the store; nothing where it is not defined. Errors: kInvalidArgument where
  // it is defined for another store, or the store is another engine's.
  absl::StatusOr<std::optional<Extern>> Get(Store& store, absl::string_view module,
                                            absl::string_view name) const;
  // Whether the name is defined, for any store.
  bool Has(absl::string_view module, absl::string_view name) const;

  // Resolves all imports and instantiates. Errors: kNotFound naming every import that is not
  // defined; otherwise as Instance::Create.
  absl::StatusOr<Instance> Instantiate(Store& store, const Module& module) const;
  // The same on a stack of its own (api/async.h), so that the start function may wait. The linker
  // must outlive the call.
  AsyncCall<absl::StatusOr<Instance>> InstantiateAsync(Store& store, const Module& module) const;
  // Resolves all imports, to be instantiated later, in any number of stores where all that it
  // imports are host functions and shared memories. Errors: kNotFound naming every import that is
  // not defined; kInvalidArgument where a host function has another type.
  absl::StatusOr<InstancePre> InstantiatePre(const Module& module) const;

 private:
  std::unique_ptr<api_internal::LinkerState> state_;
};

}  // namespace gantry

#endif  // GANTRY_API_LINKER_H_
