#include "codegen/mach_buffer.h"
