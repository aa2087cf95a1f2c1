// Tested by instance_pre_test.cc.
#include "api/instance_pre.h"

#include <new>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "api/instance_pre_state.h"
#include "api/module_state.h"
#include "api/store_state.h"
#include "base/status_macros.h"

namespace gantry {

const Module& InstancePre::module() const { return state_->module(); }

absl::StatusOr<Instance> InstancePre::Instantiate(Store& store) const {
  const Module& module = state_->module();
  try {
    if (!(store.engine() == module.engine())) {
      return absl::InvalidArgumentError(
          "the module was compiled for another engine than the store's");
    }
    absl::InlinedVector<runtime::Extern, 8> imports;
    imports.reserve(state_->imports().size());
    const api_internal::InstancePreState::Handles& handles = state_->handles();
    absl::Span<runtime::VMFuncRef* const> host_funcs;
    if (handles.host_imports != nullptr) {
      host_funcs = store.state().HostFuncsOf(store, handles.host_imports);
    }
    for (const api_internal::InstancePreState::Import& import : state_->imports()) {
      if (const auto* host = std::get_if<api_internal::InstancePreState::HostFunc>(&import)) {
        imports.push_back(host_funcs[host->place]);
      } else {
        ASSIGN_OR_RETURN(const runtime::Extern definition,
                         api_internal::ToRuntime(store, std::get<Extern>(import)));
        imports.push_back(definition);
      }
    }
    ASSIGN_OR_RETURN(runtime::Instance* const instance,
                     runtime::Instance::Create(store.state().runtime(), handles.runtime, imports,
                                               state_->functions()));
    return Instance(store.id(), instance, *handles.module);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while instantiating");
  }
}

}  // namespace gantry
