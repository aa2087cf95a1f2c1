#include "wasm_translate/inline_plan.h"

#include "base/check.h"
#include "gtest/gtest.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::wasm {
namespace {

using testing::CodeBuilder;
using testing::ModuleBuilder;

}  // namespace
}  // namespace gantry::wasm
