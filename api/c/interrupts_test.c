/* Fuel, epochs and calls that yield, through gantry.h. */
#include "api/c/testing.h"

/* What a test has at hand. */
typedef struct Guest {
  wasm_engine_t* engine;
  wasm_store_t* store;
  wasm_instance_t* instance;
} Guest;

static wasm_trap_t* Tick(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  (void)results;
  gantry_engine_increment_epoch(((Guest*)env)->engine);
  return NULL;
}
static wasm_trap_t* Yield(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  (void)results;
  return gantry_store_yield(((Guest*)env)->store);
}

static void Begin(Guest* guest, wasm_config_t* config) {
  guest->engine = wasm_engine_new_with_config(config);
  EXPECT(guest->engine != NULL);
  guest->store = wasm_store_new(guest->engine);
  wasm_module_t* module = CompileText(
      guest->store,
      "(module (import \"env\" \"tick\" (func $tick)) (import \"env\" \"yield\" (func $yield))"
      " (func (export \"spin\") (loop (br 0)))"
      " (func (export \"count\") (param i32) (result i64) (local i64)"
      "  (loop (local.set 1 (i64.add (local.get 1) (i64.const 3)))"
      "   (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
      "  (local.get 1))"
      /* An epoch passes in each round. */
      " (func (export \"ticks\") (param i32) (result i32) (local i32)"
      "  (loop (call $tick) (local.set 1 (i32.add (local.get 1) (i32.const 7)))"
      "   (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))"
      "  (local.get 1))"
      " (func (export \"yields\") (result i32) (call $yield) (call $yield) (i32.const 8))"
      " (func (export \"divide\") (param i32) (result i32)"
      "  (call $yield) (i32.div_u (i32.const 1) (local.get 0))))");
  gantry_linker_t* linker = gantry_linker_new(guest->engine);
  wasm_functype_t* type = wasm_functype_new_0_0();
  EXPECT(gantry_linker_define_func(linker, "env", "tick", type, Tick, guest, NULL));
  EXPECT(gantry_linker_define_func(linker, "env", "yield", type, Yield, guest, NULL));
  wasm_functype_delete(type);
  guest->instance = gantry_linker_instantiate(linker, guest->store, module, NULL);
  EXPECT(guest->instance != NULL);
  gantry_linker_delete(linker);
  wasm_module_delete(module);
}
static void End(Guest* guest) {
  wasm_instance_delete(guest->instance);
  wasm_store_delete(guest->store);
  wasm_engine_delete(guest->engine);
}

static wasm_trap_t* Call(const Guest* guest, const char* name, const int32_t* argument,
                         gantry_val_t* result) {
  wasm_func_t* func = ExportedFunc(guest->instance, name);
  gantry_val_t arg;
  arg.kind = WASM_I32;
  arg.of.i32 = argument == NULL ? 0 : *argument;
  wasm_trap_t* trap =
      gantry_func_call(func, &arg, argument == NULL ? 0 : 1, result, result == NULL ? 0 : 1);
  wasm_func_delete(func);
  return trap;
}
static gantry_call_t* CallAsync(const Guest* guest, const char* name, const int32_t* argument) {
  wasm_func_t* func = ExportedFunc(guest->instance, name);
  gantry_val_t arg;
  arg.kind = WASM_I32;
  arg.of.i32 = argument == NULL ? 0 : *argument;
  gantry_call_t* call = gantry_func_call_async(func, &arg, argument == NULL ? 0 : 1);
  EXPECT(call != NULL);
  wasm_func_delete(func);
  return call;
}
/* Takes the trap. */
static void ExpectTrap(wasm_trap_t* trap, const char* code) {
  EXPECT(trap != NULL);
  wasm_name_t name;
  gantry_trap_code(trap, &name);
  EXPECT(name.size == strlen(code) && memcmp(name.data, code, name.size) == 0);
  wasm_name_delete(&name);
  wasm_trap_delete(trap);
}

static int finalized = 0;
static void CountFinalized(void* data) {
  (void)data;
  ++finalized;
}

typedef struct Patience {
  wasm_store_t* store;
  int calls;
  int most;
  int fail;
} Patience;
static wasm_trap_t* GiveTime(void* env, uint64_t* delta) {
  Patience* const patience = (Patience*)env;
  EXPECT(*delta == 0);
  if (patience->fail) {
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "that is enough");
    wasm_trap_t* trap = wasm_trap_new(patience->store, &message);
    wasm_name_delete(&message);
    return trap;
  }
  if (++patience->calls <= patience->most) *delta = 2;
  return NULL;
}

static void TestEpochs(gantry_epoch_interruption_t how) {
  Guest guest;
  wasm_config_t* config = wasm_config_new();
  gantry_config_epoch_interruption(config, how);
  Begin(&guest, config);
  gantry_val_t result;
  const int32_t rounds = 10;
  /* Without a deadline, and before it. */
  EXPECT(Call(&guest, "ticks", &rounds, &result) == NULL && result.of.i32 == 70);
  EXPECT(gantry_store_set_epoch_deadline(guest.store, 20));
  EXPECT(Call(&guest, "ticks", &rounds, &result) == NULL && result.of.i32 == 70);
  ExpectTrap(Call(&guest, "ticks", &(int32_t){11}, &result), "interrupt");
  EXPECT(gantry_store_set_epoch_deadline(guest.store, 0));
  ExpectTrap(Call(&guest, "spin", NULL, NULL), "interrupt");

  /* A callback gives two epochs each time, four times; then none. */
  Patience patience = {guest.store, 0, 4, 0};
  finalized = 0;
  EXPECT(gantry_store_epoch_deadline_callback(guest.store, GiveTime, &patience, CountFinalized));
  EXPECT(gantry_store_set_epoch_deadline(guest.store, 2));
  EXPECT(Call(&guest, "ticks", &rounds, &result) == NULL && result.of.i32 == 70);
  EXPECT(patience.calls == 4);
  patience.calls = 0;
  EXPECT(gantry_store_set_epoch_deadline(guest.store, 1));
  ExpectTrap(Call(&guest, "ticks", &(int32_t){100}, &result), "interrupt");
  EXPECT(patience.calls == 5);
  patience.fail = 1;
  EXPECT(gantry_store_set_epoch_deadline(guest.store, 0));
  wasm_trap_t* trap = Call(&guest, "spin", NULL, NULL);
  EXPECT(trap != NULL);
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  EXPECT(strstr(message.data, "that is enough") != NULL);
  wasm_name_delete(&message);
  wasm_trap_delete(trap);
  EXPECT(finalized == 0);
  gantry_store_epoch_deadline_trap(guest.store);
  EXPECT(finalized == 1);
  EXPECT(gantry_store_set_epoch_deadline(guest.store, 0));
  ExpectTrap(Call(&guest, "spin", NULL, NULL), "interrupt");

  /* Yields every three epochs, and the deadline is moved by itself. */
  gantry_store_epoch_deadline_yield(guest.store, 3);
  EXPECT(gantry_store_set_epoch_deadline(guest.store, 3));
  gantry_call_t* call = CallAsync(&guest, "ticks", &rounds);
  for (int i = 0; i < 3; ++i) EXPECT(!gantry_call_resume(call));
  EXPECT(gantry_call_resume(call));
  EXPECT(gantry_call_result(call, &result, 1) == NULL && result.of.i32 == 70);
  trap = gantry_call_result(call, &result, 1);
  EXPECT(trap != NULL);
  wasm_trap_delete(trap);
  gantry_call_delete(call);
  /* Where it cannot yield it goes on. */
  EXPECT(gantry_store_set_epoch_deadline(guest.store, 3));
  EXPECT(Call(&guest, "ticks", &rounds, &result) == NULL && result.of.i32 == 70);
  /* Dropped while it is suspended; the store is as good as before. */
  EXPECT(gantry_store_set_epoch_deadline(guest.store, 3));
  call = CallAsync(&guest, "ticks", &rounds);
  EXPECT(!gantry_call_resume(call));
  trap = Call(&guest, "ticks", &rounds, &result);
  EXPECT(trap != NULL && strstr(gantry_last_error(), "suspended") != NULL);
  wasm_trap_delete(trap);
  trap = gantry_call_result(call, &result, 1);
  EXPECT(trap != NULL && strstr(gantry_last_error(), "not done") != NULL);
  wasm_trap_delete(trap);
  gantry_call_delete(call);
  EXPECT(gantry_store_set_epoch_deadline(guest.store, 100));
  EXPECT(Call(&guest, "ticks", &rounds, &result) == NULL && result.of.i32 == 70);
  End(&guest);
}

static void TestYieldsOnFuel(void) {
  Guest guest;
  wasm_config_t* config = wasm_config_new();
  gantry_config_consume_fuel(config, true);
  Begin(&guest, config);
  EXPECT(!gantry_store_set_epoch_deadline(guest.store, 1));
  EXPECT(strstr(gantry_last_error(), "EpochInterruption") != NULL);
  EXPECT(gantry_store_set_fuel(guest.store, 1000000));
  gantry_val_t result;
  EXPECT(Call(&guest, "count", &(int32_t){1000}, &result) == NULL && result.of.i64 == 3000);
  uint64_t left = 0;
  EXPECT(gantry_store_get_fuel(guest.store, &left) && left < 1000000);
  const uint64_t used = 1000000 - left;

  EXPECT(gantry_store_fuel_yield_interval(guest.store, 1000));
  EXPECT(gantry_store_set_fuel(guest.store, 1000000));
  gantry_call_t* call = CallAsync(&guest, "count", &(int32_t){1000});
  uint64_t yields = 0;
  while (!gantry_call_resume(call)) {
    ++yields;
    EXPECT(gantry_store_get_fuel(guest.store, &left) && left <= 1000000 - yields * 1000);
    EXPECT(left + 20 * yields > 1000000 - yields * 1000);
  }
  EXPECT(yields == used / 1000 || yields + 1 == used / 1000);
  EXPECT(gantry_call_result(call, &result, 1) == NULL && result.of.i64 == 3000);
  EXPECT(gantry_store_get_fuel(guest.store, &left) && left == 1000000 - used);
  gantry_call_delete(call);
  EXPECT(gantry_store_fuel_yield_interval(guest.store, 0));
  call = CallAsync(&guest, "count", &(int32_t){1000});
  EXPECT(gantry_call_resume(call));
  gantry_call_delete(call);
  End(&guest);
}

static void TestYieldsInHostFunctions(void) {
  Guest guest;
  Begin(&guest, wasm_config_new());
  EXPECT(!gantry_store_fuel_yield_interval(guest.store, 10));
  gantry_val_t result;
  EXPECT(Call(&guest, "yields", NULL, &result) == NULL && result.of.i32 == 8);
  gantry_call_t* call = CallAsync(&guest, "yields", NULL);
  EXPECT(!gantry_call_resume(call) && !gantry_call_resume(call) && gantry_call_resume(call));
  EXPECT(gantry_call_result(call, &result, 1) == NULL && result.of.i32 == 8);
  gantry_call_delete(call);
  call = CallAsync(&guest, "divide", &(int32_t){0});
  EXPECT(!gantry_call_resume(call) && gantry_call_resume(call));
  ExpectTrap(gantry_call_result(call, &result, 1), "int_divz");
  gantry_call_delete(call);
  /* The store goes first; the call keeps it. */
  call = CallAsync(&guest, "yields", NULL);
  EXPECT(!gantry_call_resume(call));
  wasm_func_t* func = ExportedFunc(guest.instance, "count");
  EXPECT(gantry_func_call_async(func, NULL, 0) == NULL);
  EXPECT(strstr(gantry_last_error(), "0 arguments") != NULL);
  wasm_func_delete(func);
  End(&guest);
  gantry_call_delete(call);
}

int main(void) {
  TestEpochs(GANTRY_EPOCHS_COUNTER);
  TestEpochs(GANTRY_EPOCHS_PAGE);
  TestYieldsOnFuel();
  TestYieldsInHostFunctions();
  return 0;
}
