// Tested by wasm_test.c.
#include "api/c/guard.h"

#include <algorithm>
#include <cstring>

#include "api/c/gantry.h"

namespace gantry::c_api {
namespace {

// Of a fixed size, so that to say what failed needs no memory.
thread_local char last_error[2048] = "";

void Set(absl::string_view message) {
  const size_t size = std::min(message.size(), sizeof(last_error) - 1);
  std::memcpy(last_error, message.data(), size);
  last_error[size] = '\0';
}

}  // namespace

void SetLastError(const absl::Status& status) { Set(status.message()); }
void SetOutOfMemory() { Set("out of memory"); }

}  // namespace gantry::c_api

const char* gantry_last_error(void) { return gantry::c_api::last_error; }
