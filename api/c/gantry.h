/* What wasm.h lacks: settings, texts of errors, fuel, limits, names for imports, WASI, artifacts in
 * files, values without objects. Ownership is as in wasm.h.
 *
 *   wasm_config_t* config = wasm_config_new();
 *   gantry_config_consume_fuel(config, true);
 *   wasm_engine_t* engine = wasm_engine_new_with_config(config);
 *   if (engine == NULL) puts(gantry_last_error());
 *
 * Tested by gantry_test.c.
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
WASM_API_EXTERN void gantry_config_consume_fuel(wasm_config_t*, bool);
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
