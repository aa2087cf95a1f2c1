/* What the tests in C share. */
#ifndef GANTRY_API_C_TESTING_H_
#define GANTRY_API_C_TESTING_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/c/gantry.h"
#include "api/c/wasm.h"

#define EXPECT(condition)                                                               \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      fprintf(stderr, "%s:%d: %s is not so (last error: %s)\n", __FILE__, __LINE__,     \
              #condition, gantry_last_error());                                         \
      exit(1);                                                                          \
    }                                                                                   \
  } while (0)

static inline wasm_module_t* CompileText(wasm_store_t* store, const char* text) {
  wasm_module_t* const module = gantry_module_new_text(store, text, strlen(text));
  EXPECT(module != NULL);
  return module;
}

static inline wasm_instance_t* Instantiate(wasm_store_t* store, const wasm_module_t* module,
                                           wasm_extern_vec_t imports) {
  wasm_trap_t* trap = NULL;
  wasm_instance_t* const instance = wasm_instance_new(store, module, &imports, &trap);
  EXPECT(instance != NULL && trap == NULL);
  return instance;
}

/* The export of a name as a function, given to the caller. */
static inline wasm_func_t* ExportedFunc(const wasm_instance_t* instance, const char* name) {
  wasm_extern_t* const found = gantry_instance_export(instance, name);
  EXPECT(found != NULL && wasm_extern_as_func(found) != NULL);
  return wasm_extern_as_func(found);
}

#endif /* GANTRY_API_C_TESTING_H_ */
