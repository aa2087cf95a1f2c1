/* What gantry.h adds. */
#include "api/c/testing.h"

static int finalized = 0;
static void CountFinalized(void* data) {
  (void)data;
  ++finalized;
}

static void TestConfig(void) {
  wasm_config_t* config = wasm_config_new();
  gantry_config_max_wasm_stack(config, 1);
  EXPECT(wasm_engine_new_with_config(config) == NULL);
  EXPECT(strstr(gantry_last_error(), "MaxWasmStack") != NULL);
  config = wasm_config_new();
  gantry_config_opt_level(config, GANTRY_OPT_NONE);
  gantry_config_wasm_backtrace(config, false);
  gantry_config_nan_canonicalization(config, true);
  gantry_config_compilation_threads(config, 1);
  gantry_config_memory_reservation(config, 1 << 20);
  gantry_config_memory_guard_size(config, 1 << 16);
  EXPECT(!gantry_config_wasm_feature(config, "no such thing", true));
  EXPECT(gantry_config_wasm_feature(config, "simd", true));
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  EXPECT(engine != NULL);
  wasm_engine_t* copy = gantry_engine_copy(engine);
  wasm_engine_delete(engine);
  wasm_store_t* store = wasm_store_new(copy);
  EXPECT(!gantry_store_set_fuel(store, 10));
  wasm_store_delete(store);
  wasm_engine_delete(copy);
  config = wasm_config_new();
  gantry_config_compiler_flag(config, "no_such_flag", "1");
  EXPECT(wasm_engine_new_with_config(config) == NULL);
  EXPECT(strstr(gantry_last_error(), "no_such_flag") != NULL);
}

static void TestTierUp(void) {
  wasm_config_t* config = wasm_config_new();
  gantry_config_tier_up(config, true);
  gantry_config_tier_up_threshold(config, 0);
  EXPECT(wasm_engine_new_with_config(config) == NULL);
  EXPECT(strstr(gantry_last_error(), "TierUpThreshold") != NULL);
  config = wasm_config_new();
  gantry_config_tier_up(config, true);
  gantry_config_tier_up_threshold(config, 3);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  EXPECT(engine != NULL);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module =
      CompileText(store, "(module (func (export \"seven\") (result i32) (i32.const 7)))");
  wasm_instance_t* instance = Instantiate(store, module, (wasm_extern_vec_t)WASM_EMPTY_VEC);
  wasm_func_t* seven = ExportedFunc(instance, "seven");
  for (int i = 0; i < 1000; ++i) {
    gantry_val_t result;
    EXPECT(gantry_func_call(seven, NULL, 0, &result, 1) == NULL && result.of.i32 == 7);
  }
  wasm_func_delete(seven);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
}

static void TestFuelAndLimits(void) {
  wasm_config_t* config = wasm_config_new();
  gantry_config_consume_fuel(config, true);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = CompileText(
      store,
      "(module (memory (export \"m\") 1) (func (export \"spin\") (loop (br 0)))"
      " (func (export \"grow\") (result i32) (memory.grow (i32.const 1))))");
  gantry_store_limits_t limits = GANTRY_STORE_LIMITS_NONE;
  limits.memory_bytes = 2 << 16;
  limits.instances = 1;
  gantry_store_set_limits(store, &limits);
  wasm_instance_t* instance = Instantiate(store, module, (wasm_extern_vec_t)WASM_EMPTY_VEC);
  wasm_trap_t* trap = NULL;
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  EXPECT(wasm_instance_new(store, module, &none, &trap) == NULL && trap != NULL);
  wasm_trap_delete(trap);

  EXPECT(gantry_store_set_fuel(store, 1000));
  wasm_func_t* grow = ExportedFunc(instance, "grow");
  gantry_val_t result;
  EXPECT(gantry_func_call(grow, NULL, 0, &result, 1) == NULL && result.of.i32 == 1);
  EXPECT(gantry_func_call(grow, NULL, 0, &result, 1) == NULL && result.of.i32 == -1);
  wasm_func_delete(grow);
  wasm_func_t* spin = ExportedFunc(instance, "spin");
  trap = gantry_func_call(spin, NULL, 0, NULL, 0);
  EXPECT(trap != NULL);
  wasm_name_t text;
  gantry_trap_to_string(trap, &text);
  EXPECT(text.size > 0);
  wasm_name_delete(&text);
  int32_t code;
  EXPECT(!gantry_trap_exit_code(trap, &code));
  wasm_trap_delete(trap);
  uint64_t fuel = 1;
  EXPECT(gantry_store_get_fuel(store, &fuel) && fuel == 0);
  wasm_func_delete(spin);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
}

static wasm_trap_t* Triple(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  ++*(int*)env;
  results->data[0].of.i32 = 3 * args->data[0].of.i32;
  return NULL;
}

static void TestValuesAndLinker(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = CompileText(
      store,
      "(module (import \"env\" \"triple\" (func $triple (param i32) (result i32)))"
      " (import \"env\" \"missing\" (func $missing))"
      " (func (export \"triple\") (param i32) (result i32) (call $triple (local.get 0)))"
      " (func (export \"missing\") (call $missing))"
      " (func (export \"not\") (param v128) (result v128) (v128.not (local.get 0))))");
  int calls = 0;
  finalized = 0;
  gantry_linker_t* linker = gantry_linker_new(engine);
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  EXPECT(gantry_linker_define_func(linker, "env", "triple", type, Triple, &calls, CountFinalized));
  /* A second one is refused, and its environment let go. */
  EXPECT(!gantry_linker_define_func(linker, "env", "triple", type, Triple, &calls, CountFinalized));
  EXPECT(finalized == 1);
  wasm_functype_delete(type);
  wasm_trap_t* trap = NULL;
  EXPECT(gantry_linker_instantiate(linker, store, module, &trap) == NULL && trap != NULL);
  wasm_trap_delete(trap);
  EXPECT(gantry_linker_define_unknown_imports_as_traps(linker, module));
  wasm_instance_t* instance = gantry_linker_instantiate(linker, store, module, &trap);
  EXPECT(instance != NULL && trap == NULL);

  wasm_func_t* triple = ExportedFunc(instance, "triple");
  gantry_val_t arg = {.kind = WASM_I32, .of = {.i32 = 14}};
  gantry_val_t result;
  EXPECT(gantry_func_call(triple, &arg, 1, &result, 1) == NULL);
  EXPECT(result.kind == WASM_I32 && result.of.i32 == 42 && calls == 1);
  trap = gantry_func_call(triple, &arg, 1, &result, 0);
  EXPECT(trap != NULL);
  wasm_trap_delete(trap);
  wasm_func_delete(triple);

  wasm_func_t* missing = ExportedFunc(instance, "missing");
  trap = gantry_func_call(missing, NULL, 0, NULL, 0);
  EXPECT(trap != NULL && strstr(gantry_last_error(), "missing") != NULL);
  wasm_trap_delete(trap);
  wasm_func_delete(missing);

  wasm_func_t* invert = ExportedFunc(instance, "not");
  memset(&arg, 0, sizeof(arg));
  arg.kind = GANTRY_V128;
  arg.of.v128[3] = 0x0F;
  EXPECT(gantry_func_call(invert, &arg, 1, &result, 1) == NULL);
  EXPECT(result.kind == GANTRY_V128 && result.of.v128[3] == 0xF0 && result.of.v128[15] == 0xFF);
  /* The standard's values cannot hold one. */
  wasm_val_t small[] = {WASM_I64_VAL(0)};
  wasm_val_t small_result[1];
  wasm_val_vec_t args = WASM_ARRAY_VEC(small);
  wasm_val_vec_t results = WASM_ARRAY_VEC(small_result);
  trap = wasm_func_call(invert, &args, &results);
  EXPECT(trap != NULL);
  wasm_trap_delete(trap);
  wasm_func_delete(invert);

  EXPECT(gantry_linker_define_instance(linker, "guest", instance));
  wasm_module_t* user = CompileText(
      store, "(module (import \"guest\" \"triple\" (func (param i32) (result i32))))");
  wasm_instance_t* second = gantry_linker_instantiate(linker, store, user, NULL);
  EXPECT(second != NULL);
  wasm_store_t* other = wasm_store_new(engine);
  EXPECT(gantry_linker_instantiate(linker, other, user, NULL) == NULL);
  wasm_store_delete(other);
  wasm_instance_delete(second);
  wasm_module_delete(user);

  wasm_instance_delete(instance);
  wasm_module_delete(module);
  gantry_linker_delete(linker);
  EXPECT(finalized == 1);
  wasm_store_delete(store);
  EXPECT(finalized == 2);
  wasm_engine_delete(engine);
}

static void TestWasi(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = CompileText(
      store,
      "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
      " (import \"wasi_snapshot_preview1\" \"args_sizes_get\""
      "  (func $sizes (param i32 i32) (result i32)))"
      " (memory (export \"memory\") 1)"
      " (func (export \"_start\")"
      "  (drop (call $sizes (i32.const 0) (i32.const 4)))"
      "  (call $exit (i32.load (i32.const 0)))))");
  gantry_linker_t* linker = gantry_linker_new(engine);
  EXPECT(gantry_linker_define_wasi(linker));
  for (int with_args = 0; with_args < 2; ++with_args) {
    if (with_args != 0) {
      gantry_wasi_t* wasi = gantry_wasi_new();
      const char* const args[] = {"program", "a", "b"};
      gantry_wasi_args(wasi, 3, args);
      gantry_wasi_env(wasi, "HOME", "/");
      gantry_wasi_stdin_bytes(wasi, "hello", 5);
      EXPECT(gantry_store_set_wasi(store, wasi));
      wasi = gantry_wasi_new();
      gantry_wasi_preopen_dir(wasi, "/no/such/directory", ".", true);
      EXPECT(!gantry_store_set_wasi(store, wasi));
    }
    wasm_instance_t* instance = gantry_linker_instantiate(linker, store, module, NULL);
    EXPECT(instance != NULL);
    wasm_func_t* start = ExportedFunc(instance, "_start");
    wasm_trap_t* trap = gantry_func_call(start, NULL, 0, NULL, 0);
    int32_t code = -1;
    EXPECT(trap != NULL && gantry_trap_exit_code(trap, &code) && code == (with_args ? 3 : 0));
    wasm_trap_delete(trap);
    wasm_func_delete(start);
    wasm_instance_delete(instance);
  }
  gantry_linker_delete(linker);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
}

static void TestArtifactFile(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module =
      CompileText(store, "(module (func (export \"f\") (result i32) (i32.const 5)))");
  wasm_byte_vec_t artifact;
  wasm_module_serialize(module, &artifact);
  wasm_module_delete(module);
  char path[1024];
  const char* const folder = getenv("TEST_TMPDIR");
  snprintf(path, sizeof(path), "%s/gantry_test.cwasm", folder == NULL ? "." : folder);
  FILE* const file = fopen(path, "wb");
  EXPECT(file != NULL && fwrite(artifact.data, 1, artifact.size, file) == artifact.size);
  fclose(file);
  wasm_byte_vec_delete(&artifact);
  module = gantry_module_deserialize_file(store, path);
  EXPECT(module != NULL);
  remove(path);
  EXPECT(gantry_module_deserialize_file(store, path) == NULL);
  wasm_instance_t* instance = Instantiate(store, module, (wasm_extern_vec_t)WASM_EMPTY_VEC);
  wasm_func_t* f = ExportedFunc(instance, "f");
  gantry_val_t result;
  EXPECT(gantry_func_call(f, NULL, 0, &result, 1) == NULL && result.of.i32 == 5);
  EXPECT(gantry_instance_export(instance, "g") == NULL);
  EXPECT(gantry_module_new_text(store, "(module (fun))", 14) == NULL);
  EXPECT(strstr(gantry_last_error(), "1:10") != NULL);
  wasm_func_delete(f);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
}

int main(void) {
  TestConfig();
  TestTierUp();
  TestFuelAndLimits();
  TestValuesAndLinker();
  TestWasi();
  TestArtifactFile();
  return 0;
}
