/* What wasm.h lacks: settings, texts of errors, fuel, epochs, calls that yield, limits, names for
 * imports, WASI, artifacts in files, values without objects. Ownership is as in wasm.h.
 *
 *   wasm_config_t* config = wasm_config_new();
 *   gantry_config_consume_fuel(config, true);
 *   wasm_engine_t* engine = wasm_engine_new_with_config(config);
 *   if (engine == NULL) puts(gantry_last_error());
 *
 * Tested by gantry_test.c and interrupts_test.c.
 */
#ifndef GANTRY_API_C_GANTRY_H_
#define GANTRY_API_C_GANTRY_H_

#include "api/c/wasm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why the last function of this thread that failed did; "" where none has. Good until the next
 * failure. */
WASM_API_EXTERN const char* gantry_last_error(void);

/* Settings: Config (api/config.h). Each can be called any number of times, the last call counts;
 * conflicts are reported when the engine is made. */
typedef uint8_t gantry_opt_level_t;
enum gantry_opt_level_enum { GANTRY_OPT_NONE, GANTRY_OPT_SPEED, GANTRY_OPT_SPEED_AND_SIZE };
WASM_API_EXTERN void gantry_config_opt_level(wasm_config_t*, gantry_opt_level_t);
WASM_API_EXTERN void gantry_config_tier_up(wasm_config_t*, bool);
WASM_API_EXTERN void gantry_config_tier_up_threshold(wasm_config_t*, uint32_t count);
WASM_API_EXTERN void gantry_config_consume_fuel(wasm_config_t*, bool);
/* How guests find out that their store's deadline has come: not at all; loops compare a counter; or
 * loops read from a page that is made inaccessible, which costs less and needs signals. */
typedef uint8_t gantry_epoch_interruption_t;
enum gantry_epoch_interruption_enum {
  GANTRY_EPOCHS_NONE,
  GANTRY_EPOCHS_COUNTER,
  GANTRY_EPOCHS_PAGE
};
WASM_API_EXTERN void gantry_config_epoch_interruption(wasm_config_t*, gantry_epoch_interruption_t);
WASM_API_EXTERN void gantry_config_wasm_backtrace(wasm_config_t*, bool);
WASM_API_EXTERN void gantry_config_signals_based_traps(wasm_config_t*, bool);
WASM_API_EXTERN void gantry_config_nan_canonicalization(wasm_config_t*, bool);
WASM_API_EXTERN void gantry_config_compilation_threads(wasm_config_t*, uint32_t);
WASM_API_EXTERN void gantry_config_max_wasm_stack(wasm_config_t*, uint64_t bytes);
WASM_API_EXTERN void gantry_config_memory_reservation(wasm_config_t*, uint64_t bytes);
WASM_API_EXTERN void gantry_config_memory_guard_size(wasm_config_t*, uint64_t bytes);
/* A setting of the code generator, as `gantry settings` lists them. */
WASM_API_EXTERN void gantry_config_compiler_flag(wasm_config_t*, const char* name,
                                                 const char* value);
/* A proposal by its name, such as "threads". False where there is none of that name. */
WASM_API_EXTERN bool gantry_config_wasm_feature(wasm_config_t*, const char* name, bool enable);

/* Whether two handles are of one engine is checked; a copy serves another thread. */
WASM_API_EXTERN wasm_engine_t* gantry_engine_copy(const wasm_engine_t*);

/* Fuel. False where the engine does not count it. */
WASM_API_EXTERN bool gantry_store_set_fuel(wasm_store_t*, uint64_t units);
WASM_API_EXTERN bool gantry_store_get_fuel(const wasm_store_t*, uint64_t* out);
/* Each time that so many units were consumed (0: never) a guest that was called by
 * gantry_func_call_async yields. */
WASM_API_EXTERN bool gantry_store_fuel_yield_interval(wasm_store_t*, uint64_t units);

/* Epochs. Counts the engine's; may be called from any thread and from signal handlers. */
WASM_API_EXTERN void gantry_engine_increment_epoch(const wasm_engine_t*);
/* The guests of the store are interrupted when the epoch is so many further on than now; a store
 * starts without a deadline. False where the engine does not look at epochs. */
WASM_API_EXTERN bool gantry_store_set_epoch_deadline(wasm_store_t*, uint64_t delta);
/* What happens at the deadline, the last one said: the guest traps, which is the default; */
WASM_API_EXTERN void gantry_store_epoch_deadline_trap(wasm_store_t*);
/* or it yields where it was called by gantry_func_call_async, and the deadline is so many epochs
 * further on; */
WASM_API_EXTERN void gantry_store_epoch_deadline_yield(wasm_store_t*, uint64_t delta);
/* or a function is called, on the guest's thread, which may use the store. What it returns stops the
 * guest, and is given away; with NULL the deadline is *delta (0 beforehand) further on, and the guest
 * traps if that is 0. The finalizer is called once, when the store has no use for the function any
 * more. */
typedef wasm_trap_t* (*gantry_epoch_callback_t)(void* env, uint64_t* delta);
WASM_API_EXTERN bool gantry_store_epoch_deadline_callback(wasm_store_t*, gantry_epoch_callback_t,
                                                          void* env, void (*finalizer)(void*));

/* What a store may have from now on: StoreLimits (api/limits.h). UINT64_MAX is no limit. */
typedef struct gantry_store_limits_t {
  uint64_t memory_bytes;
  uint64_t table_elements;
  uint64_t instances;
  uint64_t memories;
  uint64_t tables;
  uint64_t stack_bytes;
} gantry_store_limits_t;
#define GANTRY_STORE_LIMITS_NONE \
  { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX }
WASM_API_EXTERN void gantry_store_set_limits(wasm_store_t*, const gantry_store_limits_t*);

/* From the text format; from a file that holds what wasm_module_serialize gave, which is mapped. */
WASM_API_EXTERN wasm_module_t* gantry_module_new_text(wasm_store_t*, const char* text, size_t size);
WASM_API_EXTERN wasm_module_t* gantry_module_deserialize_file(wasm_store_t*, const char* path);

/* The short name of a trap, such as "int_divz"; empty for what is no trap of code. */
WASM_API_EXTERN void gantry_trap_code(const wasm_trap_t*, wasm_name_t* out);
/* Whether the guest has ended itself by WASI's proc_exit, and with which code. */
WASM_API_EXTERN bool gantry_trap_exit_code(const wasm_trap_t*, int32_t* out);
/* The message and a line for each frame, without a terminating zero. */
WASM_API_EXTERN void gantry_trap_to_string(const wasm_trap_t*, wasm_name_t* out);
/* Empty where the module names nothing. */
WASM_API_EXTERN void gantry_frame_func_name(const wasm_frame_t*, wasm_name_t* out);
WASM_API_EXTERN void gantry_frame_module_name(const wasm_frame_t*, wasm_name_t* out);

/* Values without objects. The kind of a v128 is GANTRY_V128, wherever types are asked for. */
#define GANTRY_V128 ((wasm_valkind_t)4)
typedef struct gantry_val_t {
  wasm_valkind_t kind;
  union {
    int32_t i32;
    int64_t i64;
    float32_t f32;
    float64_t f64;
    uint8_t v128[16];
    struct wasm_ref_t* ref;
  } of;
} gantry_val_t;
/* As wasm_func_call. References are lent as arguments and given as results. Where the numbers are
 * not those of the function's type, nothing is called. */
WASM_API_EXTERN wasm_trap_t* gantry_func_call(const wasm_func_t*, const gantry_val_t* args,
                                              size_t num_args, gantry_val_t* results,
                                              size_t num_results);

/* A call on a stack of its own, that yields and goes on where it is resumed. It does not begin by
 * itself. A store has one such call under way at a time, and no other meanwhile. Arguments are as
 * for gantry_func_call, and copied. NULL where that fails. */
typedef struct gantry_call_t gantry_call_t;
WASM_API_EXTERN gantry_call_t* gantry_func_call_async(const wasm_func_t*, const gantry_val_t* args,
                                                      size_t num_args);
/* Begins the call or goes on with it, on any thread, and returns true once it is done; false where
 * it has yielded. */
WASM_API_EXTERN bool gantry_call_resume(gantry_call_t*);
/* What a call that is done comes to, once: as gantry_func_call. */
WASM_API_EXTERN wasm_trap_t* gantry_call_result(gantry_call_t*, gantry_val_t* results,
                                                size_t num_results);
/* Ends the call where it is. */
WASM_API_EXTERN void gantry_call_delete(gantry_call_t* taken);
/* In a host function or a callback: the guest of the store yields where it was called by
 * gantry_func_call_async. A trap says that the call was dropped, and is to be returned. */
WASM_API_EXTERN wasm_trap_t* gantry_store_yield(wasm_store_t*);

/* The export of a name, given to the caller; null where there is none. */
WASM_API_EXTERN wasm_extern_t* gantry_instance_export(const wasm_instance_t*, const char* name);

/* Copies of bytes, of shared memories too. False past the end, and then nothing is copied. */
WASM_API_EXTERN bool gantry_memory_read(const wasm_memory_t*, uint64_t offset, void* to,
                                        size_t size);
WASM_API_EXTERN bool gantry_memory_write(wasm_memory_t*, uint64_t offset, const void* from,
                                         size_t size);

/* What a guest sees of the system: nothing at first. */
typedef struct gantry_wasi_t gantry_wasi_t;
WASM_API_EXTERN gantry_wasi_t* gantry_wasi_new(void);
WASM_API_EXTERN void gantry_wasi_delete(gantry_wasi_t* taken);
WASM_API_EXTERN void gantry_wasi_args(gantry_wasi_t*, size_t count, const char* const args[]);
WASM_API_EXTERN void gantry_wasi_env(gantry_wasi_t*, const char* name, const char* value);
WASM_API_EXTERN void gantry_wasi_inherit_stdio(gantry_wasi_t*);
WASM_API_EXTERN void gantry_wasi_stdin_bytes(gantry_wasi_t*, const void* bytes, size_t size);
WASM_API_EXTERN void gantry_wasi_preopen_dir(gantry_wasi_t*, const char* host_path,
                                             const char* guest_path, bool read_only);
/* Opens everything. False where something cannot be had. */
WASM_API_EXTERN bool gantry_store_set_wasi(wasm_store_t*, gantry_wasi_t* taken);

/* Names for what modules import: Linker (api/linker.h). Host functions serve all stores. */
typedef struct gantry_linker_t gantry_linker_t;
WASM_API_EXTERN gantry_linker_t* gantry_linker_new(wasm_engine_t*);
WASM_API_EXTERN void gantry_linker_delete(gantry_linker_t* taken);
WASM_API_EXTERN void gantry_linker_allow_shadowing(gantry_linker_t*, bool allow);
WASM_API_EXTERN bool gantry_linker_define(gantry_linker_t*, const char* module, const char* name,
                                          const wasm_extern_t*);
/* The finalizer is called once, when no store has the function any more. */
WASM_API_EXTERN bool gantry_linker_define_func(gantry_linker_t*, const char* module,
                                               const char* name, const wasm_functype_t*,
                                               wasm_func_callback_with_env_t, void* env,
                                               void (*finalizer)(void*));
WASM_API_EXTERN bool gantry_linker_define_instance(gantry_linker_t*, const char* module,
                                                   const wasm_instance_t*);
/* A store without gantry_store_set_wasi has a guest that sees nothing. */
WASM_API_EXTERN bool gantry_linker_define_wasi(gantry_linker_t*);
WASM_API_EXTERN bool gantry_linker_define_unknown_imports_as_traps(gantry_linker_t*,
                                                                   const wasm_module_t*);
/* As wasm_instance_new. */
WASM_API_EXTERN wasm_instance_t* gantry_linker_instantiate(const gantry_linker_t*, wasm_store_t*,
                                                           const wasm_module_t*,
                                                           wasm_trap_t** trap);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* GANTRY_API_C_GANTRY_H_ */
