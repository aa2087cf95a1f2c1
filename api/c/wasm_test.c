/* The standard interface: every kind of object, who owns what, what is refused. A leak is found by
 * the sanitizers' run of this test. */
#include "api/c/testing.h"

static int finalized = 0;
static void CountFinalized(void* data) {
  (void)data;
  ++finalized;
}

/* Types own what they are made of, and copies are whole. */
static void TestTypes(void) {
  wasm_functype_t* func = wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_externref(),
                                                wasm_valtype_new_f64());
  wasm_functype_t* copy = wasm_functype_copy(func);
  wasm_functype_delete(func);
  EXPECT(wasm_functype_params(copy)->size == 2);
  EXPECT(wasm_valtype_kind(wasm_functype_params(copy)->data[1]) == WASM_EXTERNREF);
  EXPECT(wasm_valtype_is_num(wasm_functype_results(copy)->data[0]));
  wasm_externtype_t* as_extern = wasm_functype_as_externtype(copy);
  EXPECT(wasm_externtype_kind(as_extern) == WASM_EXTERN_FUNC);
  EXPECT(wasm_externtype_as_functype(as_extern) == copy);
  EXPECT(wasm_externtype_as_tabletype(as_extern) == NULL);

  wasm_name_t module, name;
  wasm_name_new_from_string(&module, "env");
  wasm_name_new_from_string(&name, "f");
  wasm_importtype_t* import = wasm_importtype_new(&module, &name, as_extern);
  EXPECT(module.size == 0 && name.size == 0);
  wasm_importtype_t* import_copy = wasm_importtype_copy(import);
  wasm_importtype_delete(import);
  EXPECT(wasm_importtype_module(import_copy)->size == 3);
  EXPECT(memcmp(wasm_importtype_name(import_copy)->data, "f", 1) == 0);
  wasm_importtype_t* const imports[] = {import_copy};
  wasm_importtype_vec_t vec, vec_copy;
  wasm_importtype_vec_new(&vec, 1, imports);
  wasm_importtype_vec_copy(&vec_copy, &vec);
  wasm_importtype_vec_delete(&vec);
  EXPECT(vec.size == 0 && vec_copy.size == 1 && vec_copy.data[0] != NULL);
  wasm_importtype_vec_delete(&vec_copy);

  const wasm_limits_t limits = {1, wasm_limits_max_default};
  wasm_tabletype_t* table = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  EXPECT(wasm_tabletype_limits(table)->min == 1);
  EXPECT(wasm_valtype_kind(wasm_tabletype_element(table)) == WASM_FUNCREF);
  wasm_tabletype_delete(table);
  wasm_globaltype_t* global = wasm_globaltype_new(wasm_valtype_new_i64(), WASM_VAR);
  EXPECT(wasm_globaltype_mutability(global) == WASM_VAR);
  wasm_exporttype_t* exported;
  wasm_name_new_from_string(&name, "g");
  exported = wasm_exporttype_new(&name, wasm_globaltype_as_externtype(global));
  EXPECT(wasm_externtype_kind(wasm_exporttype_type(exported)) == WASM_EXTERN_GLOBAL);
  wasm_exporttype_delete(exported);
  wasm_tagtype_t* tag = wasm_tagtype_new(wasm_functype_new_1_0(wasm_valtype_new_i32()));
  wasm_tagtype_t* tag_copy = wasm_tagtype_copy(tag);
  wasm_tagtype_delete(tag);
  EXPECT(wasm_functype_params(wasm_tagtype_functype(tag_copy))->size == 1);
  wasm_tagtype_delete(tag_copy);
  EXPECT(wasm_valtype_new(77) == NULL);
  EXPECT(strstr(gantry_last_error(), "77") != NULL);
}

static wasm_trap_t* Add(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  ++*(int*)env;
  EXPECT(args->size == 2 && results->size == 1 && results->data[0].kind == WASM_I32);
  results->data[0].of.i32 = args->data[0].of.i32 + args->data[1].of.i32;
  return NULL;
}

static wasm_store_t* trap_store;
static wasm_trap_t* Fail(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  (void)results;
  wasm_message_t message;
  wasm_name_new_from_string_nt(&message, "the host says no");
  wasm_trap_t* trap = wasm_trap_new(trap_store, &message);
  wasm_name_delete(&message);
  return trap;
}

static void ExpectMessage(const wasm_trap_t* trap, const char* text) {
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  EXPECT(message.size == strlen(text) + 1 && strcmp(message.data, text) == 0);
  wasm_name_delete(&message);
}

static void TestCalls(wasm_engine_t* engine) {
  wasm_store_t* store = wasm_store_new(engine);
  trap_store = store;
  wasm_module_t* module = CompileText(
      store,
      "(module $m (import \"env\" \"add\" (func $add (param i32 i32) (result i32)))"
      " (import \"env\" \"fail\" (func $fail))"
      " (func (export \"twice\") (param i32) (result i32) (call $add (local.get 0) (local.get 0)))"
      " (func $outer (export \"fail\") (call $fail))"
      " (func $inner (unreachable))"
      " (func (export \"trap\") (call $inner))"
      " (func (export \"pair\") (param i64 f32) (result f32 i64) (local.get 1) (local.get 0)))");
  wasm_importtype_vec_t imports;
  wasm_module_imports(module, &imports);
  EXPECT(imports.size == 2);
  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_t export_types;
  wasm_module_exports(module, &export_types);
  EXPECT(export_types.size == 4);
  EXPECT(memcmp(wasm_exporttype_name(export_types.data[0])->data, "twice", 5) == 0);
  wasm_exporttype_vec_delete(&export_types);

  int calls = 0;
  finalized = 0;
  wasm_functype_t* add_type = wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_i32(),
                                                    wasm_valtype_new_i32());
  wasm_func_t* add = wasm_func_new_with_env(store, add_type, Add, &calls, CountFinalized);
  wasm_functype_delete(add_type);
  wasm_functype_t* fail_type = wasm_functype_new_0_0();
  wasm_func_t* fail = wasm_func_new(store, fail_type, Fail);
  wasm_functype_delete(fail_type);
  EXPECT(wasm_func_param_arity(add) == 2 && wasm_func_result_arity(add) == 1);
  wasm_extern_t* given[] = {wasm_func_as_extern(add), wasm_func_as_extern(fail)};

  /* Too few imports: no instance, and a trap that says so. */
  wasm_trap_t* trap = NULL;
  wasm_extern_vec_t one = {1, given};
  EXPECT(wasm_instance_new(store, module, &one, &trap) == NULL && trap != NULL);
  wasm_trap_delete(trap);

  wasm_extern_vec_t both = WASM_ARRAY_VEC(given);
  wasm_instance_t* instance = Instantiate(store, module, both);
  wasm_func_delete(add);
  wasm_func_delete(fail);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  EXPECT(exports.size == 4);

  wasm_val_t arg[] = {WASM_I32_VAL(21)};
  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  EXPECT(wasm_func_call(wasm_extern_as_func(exports.data[0]), &args, &results) == NULL);
  EXPECT(result[0].kind == WASM_I32 && result[0].of.i32 == 42 && calls == 1);

  /* Row 7 of docs/lessons.md: nothing is written past the room that is there. */
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  trap = wasm_func_call(wasm_extern_as_func(exports.data[0]), &args, &none);
  EXPECT(trap != NULL);
  wasm_trap_delete(trap);
  trap = wasm_func_call(wasm_extern_as_func(exports.data[0]), &none, &results);
  EXPECT(trap != NULL);
  wasm_trap_delete(trap);
  wasm_val_t wrong[] = {WASM_I64_VAL(1)};
  wasm_val_vec_t wrong_args = WASM_ARRAY_VEC(wrong);
  trap = wasm_func_call(wasm_extern_as_func(exports.data[0]), &wrong_args, &results);
  EXPECT(trap != NULL);
  wasm_trap_delete(trap);

  trap = wasm_func_call(wasm_extern_as_func(exports.data[1]), &none, &none);
  EXPECT(trap != NULL);
  ExpectMessage(trap, "the host says no");
  wasm_trap_t* trap_copy = wasm_trap_copy(trap);
  EXPECT(wasm_trap_same(trap, trap_copy));
  wasm_trap_delete(trap);
  wasm_trap_delete(trap_copy);

  trap = wasm_func_call(wasm_extern_as_func(exports.data[2]), &none, &none);
  EXPECT(trap != NULL);
  ExpectMessage(trap, "unreachable");
  wasm_frame_t* origin = wasm_trap_origin(trap);
  EXPECT(origin != NULL && wasm_frame_func_index(origin) == 4);
  EXPECT(wasm_frame_module_offset(origin) != SIZE_MAX);
  wasm_name_t name;
  gantry_frame_func_name(origin, &name);
  EXPECT(name.size == 5 && memcmp(name.data, "inner", 5) == 0);
  wasm_name_delete(&name);
  gantry_frame_module_name(origin, &name);
  EXPECT(name.size == 1 && name.data[0] == 'm');
  wasm_name_delete(&name);
  wasm_frame_delete(origin);
  wasm_frame_vec_t trace, trace_copy;
  wasm_trap_trace(trap, &trace);
  EXPECT(trace.size == 2 && wasm_frame_func_index(trace.data[1]) == 5);
  wasm_frame_vec_copy(&trace_copy, &trace);
  wasm_frame_vec_delete(&trace);
  EXPECT(trace_copy.size == 2);
  wasm_frame_vec_delete(&trace_copy);
  gantry_trap_code(trap, &name);
  EXPECT(name.size > 0);
  wasm_name_delete(&name);
  wasm_trap_delete(trap);

  wasm_val_t pair_arg[] = {WASM_I64_VAL(-7), WASM_F32_VAL(1.5f)};
  wasm_val_t pair_result[2];
  wasm_val_vec_t pair_args = WASM_ARRAY_VEC(pair_arg);
  wasm_val_vec_t pair_results = WASM_ARRAY_VEC(pair_result);
  EXPECT(wasm_func_call(wasm_extern_as_func(exports.data[3]), &pair_args, &pair_results) == NULL);
  EXPECT(pair_result[0].of.f32 == 1.5f && pair_result[1].of.i64 == -7);

  /* Objects keep the store, so the order of deletion does not matter. */
  wasm_store_delete(store);
  wasm_module_delete(module);
  EXPECT(finalized == 0);
  EXPECT(wasm_func_call(wasm_extern_as_func(exports.data[0]), &args, &results) == NULL);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  EXPECT(finalized == 1);
}

static void TestMemoryTableGlobal(wasm_engine_t* engine) {
  wasm_store_t* store = wasm_store_new(engine);
  const wasm_limits_t limits = {1, 3};
  wasm_memorytype_t* memory_type = wasm_memorytype_new(&limits);
  wasm_memory_t* memory = wasm_memory_new(store, memory_type);
  wasm_memorytype_delete(memory_type);
  EXPECT(wasm_memory_size(memory) == 1 && wasm_memory_data_size(memory) == MEMORY_PAGE_SIZE);
  wasm_memory_data(memory)[MEMORY_PAGE_SIZE - 1] = 7;
  EXPECT(wasm_memory_grow(memory, 2) && !wasm_memory_grow(memory, 1));
  EXPECT(wasm_memory_data(memory)[MEMORY_PAGE_SIZE - 1] == 7);
  memory_type = wasm_memory_type(memory);
  EXPECT(wasm_memorytype_limits(memory_type)->min == 3 &&
         wasm_memorytype_limits(memory_type)->max == 3);
  wasm_memorytype_delete(memory_type);

  wasm_globaltype_t* global_type = wasm_globaltype_new(wasm_valtype_new_f64(), WASM_VAR);
  const wasm_val_t initial = WASM_F64_VAL(2.5);
  wasm_global_t* global = wasm_global_new(store, global_type, &initial);
  const wasm_val_t wrong = WASM_I32_VAL(2);
  EXPECT(wasm_global_new(store, global_type, &wrong) == NULL);
  wasm_globaltype_delete(global_type);
  wasm_val_t value = WASM_F64_VAL(3.5);
  wasm_global_set(global, &value);
  wasm_val_t out;
  wasm_global_get(global, &out);
  EXPECT(out.kind == WASM_F64 && out.of.f64 == 3.5);

  finalized = 0;
  wasm_tabletype_t* table_type = wasm_tabletype_new(wasm_valtype_new_externref(), &limits);
  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_foreign_set_host_info_with_finalizer(foreign, &finalized, CountFinalized);
  wasm_table_t* table = wasm_table_new(store, table_type, wasm_foreign_as_ref(foreign));
  wasm_tabletype_delete(table_type);
  EXPECT(wasm_table_size(table) == 1);
  wasm_ref_t* element = wasm_table_get(table, 0);
  EXPECT(element != NULL && wasm_ref_same(element, wasm_foreign_as_ref(foreign)));
  EXPECT(wasm_ref_as_foreign(element) != NULL && wasm_ref_as_func(element) == NULL);
  EXPECT(wasm_ref_get_host_info(element) == &finalized);
  wasm_ref_delete(element);
  EXPECT(wasm_table_set(table, 0, NULL) && wasm_table_get(table, 0) == NULL);
  EXPECT(!wasm_table_set(table, 1, NULL) && wasm_table_get(table, 1) == NULL);
  EXPECT(wasm_table_grow(table, 2, wasm_memory_as_ref(memory)));
  EXPECT(!wasm_table_grow(table, 1, NULL) && wasm_table_size(table) == 3);
  element = wasm_table_get(table, 2);
  EXPECT(wasm_memory_same(wasm_ref_as_memory(element), memory));
  wasm_ref_delete(element);

  /* The same externref through a guest. */
  wasm_module_t* module = CompileText(
      store, "(module (func (export \"f\") (param externref) (result externref) (local.get 0)))");
  wasm_instance_t* instance = Instantiate(store, module, (wasm_extern_vec_t)WASM_EMPTY_VEC);
  wasm_func_t* echo = ExportedFunc(instance, "f");
  wasm_val_t arg[] = {WASM_REF_VAL(wasm_foreign_as_ref(foreign))};
  wasm_val_t result[1];
  wasm_val_vec_t args = WASM_ARRAY_VEC(arg);
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  EXPECT(wasm_func_call(echo, &args, &results) == NULL);
  EXPECT(result[0].kind == WASM_EXTERNREF &&
         wasm_ref_same(result[0].of.ref, wasm_foreign_as_ref(foreign)));
  wasm_val_t copy;
  wasm_val_copy(&copy, &result[0]);
  wasm_val_delete(&result[0]);
  EXPECT(wasm_ref_same(copy.of.ref, wasm_foreign_as_ref(foreign)));
  wasm_val_delete(&copy);

  /* Row 19: nothing of one store goes into another. */
  wasm_store_t* other = wasm_store_new(engine);
  wasm_foreign_t* stranger = wasm_foreign_new(other);
  EXPECT(!wasm_table_set(table, 0, wasm_foreign_as_ref(stranger)));
  EXPECT(strstr(gantry_last_error(), "another store") != NULL);
  arg[0].of.ref = wasm_foreign_as_ref(stranger);
  wasm_trap_t* trap = wasm_func_call(echo, &args, &results);
  EXPECT(trap != NULL);
  wasm_trap_delete(trap);
  wasm_foreign_delete(stranger);
  wasm_store_delete(other);

  wasm_func_delete(echo);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_foreign_delete(foreign);
  wasm_table_delete(table);
  wasm_global_delete(global);
  wasm_memory_delete(memory);
  /* The table's element lived in the store. */
  wasm_store_delete(store);
  EXPECT(finalized == 1);
}

static void TestHostInfo(wasm_engine_t* engine) {
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = CompileText(store, "(module (memory (export \"m\") 1))");
  wasm_instance_t* instance = Instantiate(store, module, (wasm_extern_vec_t)WASM_EMPTY_VEC);
  wasm_extern_vec_t first, second;
  wasm_instance_exports(instance, &first);
  wasm_instance_exports(instance, &second);
  int a = 0;
  int b = 0;
  finalized = 0;
  EXPECT(wasm_extern_get_host_info(first.data[0]) == NULL);
  wasm_extern_set_host_info_with_finalizer(first.data[0], &a, CountFinalized);
  EXPECT(wasm_memory_get_host_info(wasm_extern_as_memory(second.data[0])) == &a);
  wasm_extern_set_host_info_with_finalizer(second.data[0], &b, CountFinalized);
  EXPECT(finalized == 1 && wasm_extern_get_host_info(first.data[0]) == &b);
  EXPECT(wasm_extern_same(first.data[0], second.data[0]));
  wasm_extern_vec_t copy;
  wasm_extern_vec_copy(&copy, &first);
  EXPECT(wasm_extern_same(copy.data[0], first.data[0]));
  wasm_extern_vec_delete(&copy);
  wasm_extern_vec_delete(&first);
  wasm_extern_vec_delete(&second);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  EXPECT(finalized == 2);
}

static void TestModules(wasm_engine_t* engine) {
  wasm_store_t* store = wasm_store_new(engine);
  const char header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  wasm_byte_vec_t binary;
  wasm_byte_vec_new(&binary, sizeof(header), header);
  EXPECT(wasm_module_validate(store, &binary));
  wasm_module_t* module = wasm_module_new(store, &binary);
  EXPECT(module != NULL);
  binary.data[4] = 9;
  EXPECT(!wasm_module_validate(store, &binary) && wasm_module_new(store, &binary) == NULL);
  EXPECT(strlen(gantry_last_error()) > 0);
  wasm_byte_vec_delete(&binary);

  wasm_byte_vec_t artifact;
  wasm_module_serialize(module, &artifact);
  wasm_module_t* loaded = wasm_module_deserialize(store, &artifact);
  EXPECT(artifact.size > 0 && loaded != NULL);
  wasm_byte_vec_delete(&artifact);
  wasm_shared_module_t* shared = wasm_module_share(loaded);
  wasm_module_delete(loaded);
  wasm_store_t* other = wasm_store_new(engine);
  wasm_module_t* obtained = wasm_module_obtain(other, shared);
  EXPECT(obtained != NULL);
  wasm_module_delete(obtained);
  wasm_engine_t* second = wasm_engine_new();
  wasm_store_t* foreign = wasm_store_new(second);
  EXPECT(wasm_module_obtain(foreign, shared) == NULL);
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  EXPECT(wasm_instance_new(foreign, module, &none, NULL) == NULL);
  wasm_store_delete(foreign);
  wasm_engine_delete(second);
  wasm_shared_module_delete(shared);
  wasm_store_delete(other);
  wasm_module_delete(module);
  wasm_store_delete(store);
}

/* Row 21: bytes of a shared memory are never plain ones. */
static void TestSharedMemory(void) {
  wasm_config_t* config = wasm_config_new();
  EXPECT(gantry_config_wasm_feature(config, "threads", true));
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = CompileText(store, "(module (memory (export \"m\") 1 3 shared))");
  wasm_instance_t* instance = Instantiate(store, module, (wasm_extern_vec_t)WASM_EMPTY_VEC);
  wasm_extern_t* exported = gantry_instance_export(instance, "m");
  wasm_memory_t* memory = wasm_extern_as_memory(exported);
  EXPECT(wasm_memory_data(memory) == NULL && wasm_memory_data_size(memory) == 0);
  EXPECT(wasm_memory_size(memory) == 1 && wasm_memory_grow(memory, 1));
  char byte = 5;
  EXPECT(gantry_memory_write(memory, 2 * MEMORY_PAGE_SIZE - 1, &byte, 1));
  byte = 0;
  EXPECT(gantry_memory_read(memory, 2 * MEMORY_PAGE_SIZE - 1, &byte, 1) && byte == 5);
  EXPECT(!gantry_memory_read(memory, 2 * MEMORY_PAGE_SIZE, &byte, 1));
  wasm_extern_delete(exported);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
}

int main(void) {
  TestTypes();
  wasm_engine_t* engine = wasm_engine_new();
  EXPECT(engine != NULL);
  TestCalls(engine);
  TestMemoryTableGlobal(engine);
  TestHostInfo(engine);
  TestModules(engine);
  TestSharedMemory();
  wasm_engine_delete(engine);
  return 0;
}
