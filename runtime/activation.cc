#include "runtime/activation.h"

#include <utility>

#include "absl/base/attributes.h"

namespace gantry::runtime {
namespace {

thread_local Activation* current_activation = nullptr;

}  // namespace

ABSL_ATTRIBUTE_NOINLINE Activation* CurrentActivation() { return current_activation; }

ABSL_ATTRIBUTE_NOINLINE void SetCurrentActivation(Activation* activation) {
  current_activation = activation;
}

ABSL_ATTRIBUTE_NOINLINE Activation* ExchangeCurrentActivation(Activation* activation) {
  return std::exchange(current_activation, activation);
}

}  // namespace gantry::runtime
