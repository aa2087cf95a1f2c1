// Binding of WASI preview 1 to a gantry::Linker.
//
//   struct HostState { std::unique_ptr<wasi::Context> wasi; };
//   RETURN_IF_ERROR(wasi::AddToLinker(linker, [](Caller& caller) -> wasi::Context& {
//     return *caller.data<HostState>()->wasi;
//   }));
#ifndef GANTRY_WASI_LINK_H_
#define GANTRY_WASI_LINK_H_

#include <functional>

#include "absl/status/status.h"
#include "api/linker.h"
#include "api/store.h"
#include "wasi/context.h"

namespace gantry::wasi {

// Defines every function of `wasi_snapshot_preview1`. `context` finds the calling store's
// context, at every call. The guest's memory is its export "memory", as the specification asks;
// without one every pointer is a fault. When the guest ends itself (proc_exit, or proc_raise with
// a signal that ends a process), the call that entered it fails with ExitStatus (api/trap.h).
//
// Errors: kAlreadyExists where the linker has one of the functions and forbids shadowing;
// kResourceExhausted.
absl::Status AddToLinker(Linker& linker, std::function<Context&(Caller&)> context);

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_LINK_H_
