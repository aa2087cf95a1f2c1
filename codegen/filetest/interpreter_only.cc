#include "codegen/filetest/backend.h"

namespace gantry::codegen {

void RegisterFiletestBackends(FiletestBackends*) {}

}  // namespace gantry::codegen
