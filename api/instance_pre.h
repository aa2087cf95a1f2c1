// InstancePre: a module with its imports resolved and their types compared, to be instantiated in
// one store after another.
//
//   ASSIGN_OR_RETURN(const InstancePre pre, linker.InstantiatePre(module));
//   ...
//   Store store(engine);                                        // for each request
//   ASSIGN_OR_RETURN(const Instance instance, pre.Instantiate(store));
//
// What the linker is given later changes nothing here. Safe to use from any number of threads, on
// stores of their own.
#ifndef GANTRY_API_INSTANCE_PRE_H_
#define GANTRY_API_INSTANCE_PRE_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "api/instance.h"
#include "api/module.h"
#include "api/store.h"

namespace gantry {

namespace api_internal {
class InstancePreState;
}

class InstancePre {
 public:
  const Module& module() const;

  // Errors: kInvalidArgument where an import lives in another store, or has another type by now (a
  // memory or table may); otherwise as Instance::Create.
  absl::StatusOr<Instance> Instantiate(Store& store) const;

 private:
  friend class Linker;
  explicit InstancePre(std::shared_ptr<const api_internal::InstancePreState> state)
      : state_(std::move(state)) {}

  std::shared_ptr<const api_internal::InstancePreState> state_;
};

}  // namespace gantry

#endif  // GANTRY_API_INSTANCE_PRE_H_
