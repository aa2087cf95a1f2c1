/* The C interface: a module, a function of the host, a call, and what goes wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/c/gantry.h"
#include "api/c/wasm.h"

static void Require(int condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "%s: %s\n", what, gantry_last_error());
  exit(1);
}

/* Counts its calls in what it was given as its environment. */
static wasm_trap_t* Square(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  ++*(int*)env;
  results->data[0].of.i32 = args->data[0].of.i32 * args->data[0].of.i32;
  return NULL;
}

int main(void) {
  wasm_engine_t* engine = wasm_engine_new();
  Require(engine != NULL, "engine");
  wasm_store_t* store = wasm_store_new(engine);
  const char text[] =
      "(module (import \"host\" \"square\" (func $square (param i32) (result i32)))"
      " (func (export \"sum\") (param i32 i32) (result i32)"
      "  (i32.add (call $square (local.get 0)) (call $square (local.get 1))))"
      " (func (export \"fail\") (unreachable)))";
  wasm_module_t* module = gantry_module_new_text(store, text, strlen(text));
  Require(module != NULL, "module");

  int calls = 0;
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  wasm_func_t* square = wasm_func_new_with_env(store, type, Square, &calls, NULL);
  wasm_functype_delete(type);
  Require(square != NULL, "function");
  wasm_extern_t* imports[] = {wasm_func_as_extern(square)};
  wasm_extern_vec_t import_vec = WASM_ARRAY_VEC(imports);
  wasm_instance_t* instance = wasm_instance_new(store, module, &import_vec, NULL);
  Require(instance != NULL, "instance");

  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  Require(exports.size == 2, "exports");
  wasm_val_t args[] = {WASM_I32_VAL(3), WASM_I32_VAL(4)};
  wasm_val_t results[] = {WASM_INIT_VAL};
  wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args);
  wasm_val_vec_t result_vec = WASM_ARRAY_VEC(results);
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(exports.data[0]), &arg_vec, &result_vec);
  Require(trap == NULL && results[0].of.i32 == 25 && calls == 2, "sum");
  printf("3 * 3 + 4 * 4 is %d\n", (int)results[0].of.i32);

  wasm_val_vec_t none = WASM_EMPTY_VEC;
  trap = wasm_func_call(wasm_extern_as_func(exports.data[1]), &none, &none);
  Require(trap != NULL, "a trap");
  wasm_name_t report;
  gantry_trap_to_string(trap, &report);
  printf("%.*s\n", (int)report.size, report.data);

  /* Each object by its own function, in any order. */
  wasm_name_delete(&report);
  wasm_trap_delete(trap);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(square);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
