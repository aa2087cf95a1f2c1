/* The C interface to WebAssembly that several engines share: names, types and ownership are those
 * of WebAssembly/wasm-c-api. What it lacks is in gantry.h.
 *
 * Ownership. `X_new`, `X_copy` and what says so below gives an object to the caller, who gives it
 * back by `X_delete`. A pointer that a function takes is borrowed for the call, unless its comment
 * says `taken`. Vectors own their elements. A pointer that is returned without being given is good
 * for as long as the object that it was asked of. Out parameters are overwritten, not deleted.
 *
 * Objects of a store keep it alive; deleting one forgets a reference, not what it refers to. A
 * function that fails returns null or false, or leaves an empty vector; gantry_last_error says why.
 * A store and its objects are used by one thread at a time.
 *
 * Tested by wasm_test.c, against the static and the shared library.
 */
#ifndef GANTRY_API_C_WASM_H_
#define GANTRY_API_C_WASM_H_

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef WASM_API_EXTERN
#define WASM_API_EXTERN
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef char byte_t;
typedef float float32_t;
typedef double float64_t;

/* What every kind of object, vector, type and reference has. */

#define WASM_DECLARE_OWN(name)                    \
  typedef struct wasm_##name##_t wasm_##name##_t; \
  WASM_API_EXTERN void wasm_##name##_delete(wasm_##name##_t* taken);

/* `vec_new` takes the elements. `vec_new_uninitialized` leaves them to be set: zero until then. */
#define WASM_DECLARE_VEC(name, ptr_or_none)                                                        \
  typedef struct wasm_##name##_vec_t {                                                             \
    size_t size;                                                                                   \
    wasm_##name##_t ptr_or_none* data;                                                             \
  } wasm_##name##_vec_t;                                                                           \
  WASM_API_EXTERN void wasm_##name##_vec_new_empty(wasm_##name##_vec_t* out);                      \
  WASM_API_EXTERN void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t* out, size_t size); \
  WASM_API_EXTERN void wasm_##name##_vec_new(wasm_##name##_vec_t* out, size_t size,                \
                                             wasm_##name##_t ptr_or_none const taken[]);           \
  WASM_API_EXTERN void wasm_##name##_vec_copy(wasm_##name##_vec_t* out,                            \
                                              const wasm_##name##_vec_t* from);                    \
  WASM_API_EXTERN void wasm_##name##_vec_delete(wasm_##name##_vec_t* taken);

#define WASM_DECLARE_TYPE(name) \
  WASM_DECLARE_OWN(name)        \
  WASM_DECLARE_VEC(name, *)     \
  WASM_API_EXTERN wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t*);

/* `same`: whether both refer to one thing. Information of the host is kept with that thing; the
 * finalizer is called when it is replaced or the thing has gone. */
#define WASM_DECLARE_REF_BASE(name)                                                        \
  WASM_DECLARE_OWN(name)                                                                   \
  WASM_API_EXTERN wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t*);             \
  WASM_API_EXTERN bool wasm_##name##_same(const wasm_##name##_t*, const wasm_##name##_t*); \
  WASM_API_EXTERN void* wasm_##name##_get_host_info(const wasm_##name##_t*);               \
  WASM_API_EXTERN void wasm_##name##_set_host_info(wasm_##name##_t*, void*);               \
  WASM_API_EXTERN void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t*, void*, \
                                                                  void (*finalizer)(void*));

/* Conversions give no new reference. `ref_as` is null where it is of another kind. */
#define WASM_DECLARE_REF(name)                                                          \
  WASM_DECLARE_REF_BASE(name)                                                           \
  WASM_API_EXTERN wasm_ref_t* wasm_##name##_as_ref(wasm_##name##_t*);                   \
  WASM_API_EXTERN const wasm_ref_t* wasm_##name##_as_ref_const(const wasm_##name##_t*); \
  WASM_API_EXTERN wasm_##name##_t* wasm_ref_as_##name(wasm_ref_t*);                     \
  WASM_API_EXTERN const wasm_##name##_t* wasm_ref_as_##name##_const(const wasm_ref_t*);

/* A shared one belongs to no store and may go to another thread. */
#define WASM_DECLARE_SHARABLE_REF(name)                                                \
  WASM_DECLARE_REF(name)                                                               \
  WASM_DECLARE_OWN(shared_##name)                                                      \
  WASM_API_EXTERN wasm_shared_##name##_t* wasm_##name##_share(const wasm_##name##_t*); \
  WASM_API_EXTERN wasm_##name##_t* wasm_##name##_obtain(struct wasm_store_t*,          \
                                                        const wasm_shared_##name##_t*);

/* Bytes, names, messages. */

typedef byte_t wasm_byte_t;
WASM_DECLARE_VEC(byte, )

typedef wasm_byte_vec_t wasm_name_t;
#define wasm_name wasm_byte_vec
#define wasm_name_new wasm_byte_vec_new
#define wasm_name_new_empty wasm_byte_vec_new_empty
#define wasm_name_new_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_copy wasm_byte_vec_copy
#define wasm_name_delete wasm_byte_vec_delete

static inline void wasm_name_new_from_string(wasm_name_t* out, const char* text) {
  wasm_byte_vec_new(out, strlen(text), text);
}
/* With its terminating zero, as messages have it. */
static inline void wasm_name_new_from_string_nt(wasm_name_t* out, const char* text) {
  wasm_byte_vec_new(out, strlen(text) + 1, text);
}

typedef wasm_name_t wasm_message_t;

/* Surroundings. */

WASM_DECLARE_OWN(config)
WASM_API_EXTERN wasm_config_t* wasm_config_new(void);

WASM_DECLARE_OWN(engine)
WASM_API_EXTERN wasm_engine_t* wasm_engine_new(void);
WASM_API_EXTERN wasm_engine_t* wasm_engine_new_with_config(wasm_config_t* taken);

WASM_DECLARE_OWN(store)
WASM_API_EXTERN wasm_store_t* wasm_store_new(wasm_engine_t*);

/* Types. */

typedef uint8_t wasm_mutability_t;
enum wasm_mutability_enum { WASM_CONST, WASM_VAR };

typedef struct wasm_limits_t {
  uint32_t min;
  uint32_t max;
} wasm_limits_t;
/* As a maximum: none. */
static const uint32_t wasm_limits_max_default = 0xffffffff;

WASM_DECLARE_TYPE(valtype)
typedef uint8_t wasm_valkind_t;
enum wasm_valkind_enum {
  WASM_I32,
  WASM_I64,
  WASM_F32,
  WASM_F64,
  WASM_EXTERNREF = 128,
  WASM_FUNCREF
};
#define WASM_ANYREF WASM_EXTERNREF

WASM_API_EXTERN wasm_valtype_t* wasm_valtype_new(wasm_valkind_t);
WASM_API_EXTERN wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t*);

static inline bool wasm_valkind_is_num(wasm_valkind_t kind) { return kind < WASM_EXTERNREF; }
static inline bool wasm_valkind_is_ref(wasm_valkind_t kind) { return kind >= WASM_EXTERNREF; }
static inline bool wasm_valtype_is_num(const wasm_valtype_t* type) {
  return wasm_valkind_is_num(wasm_valtype_kind(type));
}
static inline bool wasm_valtype_is_ref(const wasm_valtype_t* type) {
  return wasm_valkind_is_ref(wasm_valtype_kind(type));
}

WASM_DECLARE_TYPE(functype)
WASM_API_EXTERN wasm_functype_t* wasm_functype_new(wasm_valtype_vec_t* taken_params,
                                                   wasm_valtype_vec_t* taken_results);
WASM_API_EXTERN const wasm_valtype_vec_t* wasm_functype_params(const wasm_functype_t*);
WASM_API_EXTERN const wasm_valtype_vec_t* wasm_functype_results(const wasm_functype_t*);

WASM_DECLARE_TYPE(globaltype)
WASM_API_EXTERN wasm_globaltype_t* wasm_globaltype_new(wasm_valtype_t* taken, wasm_mutability_t);
WASM_API_EXTERN const wasm_valtype_t* wasm_globaltype_content(const wasm_globaltype_t*);
WASM_API_EXTERN wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t*);

WASM_DECLARE_TYPE(tabletype)
WASM_API_EXTERN wasm_tabletype_t* wasm_tabletype_new(wasm_valtype_t* taken, const wasm_limits_t*);
WASM_API_EXTERN const wasm_valtype_t* wasm_tabletype_element(const wasm_tabletype_t*);
WASM_API_EXTERN const wasm_limits_t* wasm_tabletype_limits(const wasm_tabletype_t*);

WASM_DECLARE_TYPE(memorytype)
WASM_API_EXTERN wasm_memorytype_t* wasm_memorytype_new(const wasm_limits_t*);
WASM_API_EXTERN const wasm_limits_t* wasm_memorytype_limits(const wasm_memorytype_t*);

WASM_DECLARE_TYPE(tagtype)
WASM_API_EXTERN wasm_tagtype_t* wasm_tagtype_new(wasm_functype_t* taken);
WASM_API_EXTERN const wasm_functype_t* wasm_tagtype_functype(const wasm_tagtype_t*);

WASM_DECLARE_TYPE(externtype)
typedef uint8_t wasm_externkind_t;
enum wasm_externkind_enum {
  WASM_EXTERN_FUNC,
  WASM_EXTERN_GLOBAL,
  WASM_EXTERN_TABLE,
  WASM_EXTERN_MEMORY,
  WASM_EXTERN_TAG
};
WASM_API_EXTERN wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t*);

#define WASM_DECLARE_EXTERNTYPE(name)                                               \
  WASM_API_EXTERN wasm_externtype_t* wasm_##name##_as_externtype(wasm_##name##_t*); \
  WASM_API_EXTERN wasm_##name##_t* wasm_externtype_as_##name(wasm_externtype_t*);   \
  WASM_API_EXTERN const wasm_externtype_t* wasm_##name##_as_externtype_const(       \
      const wasm_##name##_t*);                                                      \
  WASM_API_EXTERN const wasm_##name##_t* wasm_externtype_as_##name##_const(         \
      const wasm_externtype_t*);
WASM_DECLARE_EXTERNTYPE(functype)
WASM_DECLARE_EXTERNTYPE(globaltype)
WASM_DECLARE_EXTERNTYPE(tabletype)
WASM_DECLARE_EXTERNTYPE(memorytype)
WASM_DECLARE_EXTERNTYPE(tagtype)

WASM_DECLARE_TYPE(importtype)
WASM_API_EXTERN wasm_importtype_t* wasm_importtype_new(wasm_name_t* taken_module,
                                                       wasm_name_t* taken_name,
                                                       wasm_externtype_t* taken);
WASM_API_EXTERN const wasm_name_t* wasm_importtype_module(const wasm_importtype_t*);
WASM_API_EXTERN const wasm_name_t* wasm_importtype_name(const wasm_importtype_t*);
WASM_API_EXTERN const wasm_externtype_t* wasm_importtype_type(const wasm_importtype_t*);

WASM_DECLARE_TYPE(exporttype)
WASM_API_EXTERN wasm_exporttype_t* wasm_exporttype_new(wasm_name_t* taken,
                                                       wasm_externtype_t* taken_type);
WASM_API_EXTERN const wasm_name_t* wasm_exporttype_name(const wasm_exporttype_t*);
WASM_API_EXTERN const wasm_externtype_t* wasm_exporttype_type(const wasm_exporttype_t*);

/* Values. A reference in one is owned by it; null is no reference. */

struct wasm_ref_t;
typedef struct wasm_val_t {
  wasm_valkind_t kind;
  union {
    int32_t i32;
    int64_t i64;
    float32_t f32;
    float64_t f64;
    struct wasm_ref_t* ref;
  } of;
} wasm_val_t;

WASM_API_EXTERN void wasm_val_delete(wasm_val_t* taken);
WASM_API_EXTERN void wasm_val_copy(wasm_val_t* out, const wasm_val_t*);
WASM_DECLARE_VEC(val, )

/* References. */

WASM_DECLARE_REF_BASE(ref)

WASM_DECLARE_OWN(frame)
WASM_DECLARE_VEC(frame, *)
WASM_API_EXTERN wasm_frame_t* wasm_frame_copy(const wasm_frame_t*);
/* Null: frames are kept without the instance. */
WASM_API_EXTERN struct wasm_instance_t* wasm_frame_instance(const wasm_frame_t*);
WASM_API_EXTERN uint32_t wasm_frame_func_index(const wasm_frame_t*);
/* SIZE_MAX where it is not known; of these two only the second is ever known. */
WASM_API_EXTERN size_t wasm_frame_func_offset(const wasm_frame_t*);
WASM_API_EXTERN size_t wasm_frame_module_offset(const wasm_frame_t*);

/* Messages end with a zero. */
WASM_DECLARE_REF(trap)
WASM_API_EXTERN wasm_trap_t* wasm_trap_new(wasm_store_t*, const wasm_message_t*);
WASM_API_EXTERN void wasm_trap_message(const wasm_trap_t*, wasm_message_t* out);
/* The innermost frame, given to the caller; null where there is none. */
WASM_API_EXTERN wasm_frame_t* wasm_trap_origin(const wasm_trap_t*);
WASM_API_EXTERN void wasm_trap_trace(const wasm_trap_t*, wasm_frame_vec_t* out);

WASM_DECLARE_REF(foreign)
WASM_API_EXTERN wasm_foreign_t* wasm_foreign_new(wasm_store_t*);

WASM_DECLARE_SHARABLE_REF(module)
WASM_API_EXTERN wasm_module_t* wasm_module_new(wasm_store_t*, const wasm_byte_vec_t* binary);
WASM_API_EXTERN bool wasm_module_validate(wasm_store_t*, const wasm_byte_vec_t* binary);
WASM_API_EXTERN void wasm_module_imports(const wasm_module_t*, wasm_importtype_vec_t* out);
WASM_API_EXTERN void wasm_module_exports(const wasm_module_t*, wasm_exporttype_vec_t* out);
WASM_API_EXTERN void wasm_module_serialize(const wasm_module_t*, wasm_byte_vec_t* out);
/* Its code is trusted: Module::Deserialize (api/module.h). */
WASM_API_EXTERN wasm_module_t* wasm_module_deserialize(wasm_store_t*, const wasm_byte_vec_t*);

/* Arguments are lent to a callback, results are taken from it, and so is a trap. */
WASM_DECLARE_REF(func)
typedef wasm_trap_t* (*wasm_func_callback_t)(const wasm_val_vec_t* args, wasm_val_vec_t* results);
typedef wasm_trap_t* (*wasm_func_callback_with_env_t)(void* env, const wasm_val_vec_t* args,
                                                      wasm_val_vec_t* results);
WASM_API_EXTERN wasm_func_t* wasm_func_new(wasm_store_t*, const wasm_functype_t*,
                                           wasm_func_callback_t);
WASM_API_EXTERN wasm_func_t* wasm_func_new_with_env(wasm_store_t*, const wasm_functype_t*,
                                                    wasm_func_callback_with_env_t, void* env,
                                                    void (*finalizer)(void*));
WASM_API_EXTERN wasm_functype_t* wasm_func_type(const wasm_func_t*);
WASM_API_EXTERN size_t wasm_func_param_arity(const wasm_func_t*);
WASM_API_EXTERN size_t wasm_func_result_arity(const wasm_func_t*);
/* A trap, or any other failure, is given to the caller; null is success, and then as many results
 * as the function has have been written, which are given too. `results` has room for them. */
WASM_API_EXTERN wasm_trap_t* wasm_func_call(const wasm_func_t*, const wasm_val_vec_t* args,
                                            wasm_val_vec_t* results);

WASM_DECLARE_REF(global)
WASM_API_EXTERN wasm_global_t* wasm_global_new(wasm_store_t*, const wasm_globaltype_t*,
                                               const wasm_val_t*);
WASM_API_EXTERN wasm_globaltype_t* wasm_global_type(const wasm_global_t*);
WASM_API_EXTERN void wasm_global_get(const wasm_global_t*, wasm_val_t* out);
WASM_API_EXTERN void wasm_global_set(wasm_global_t*, const wasm_val_t*);

WASM_DECLARE_REF(table)
typedef uint32_t wasm_table_size_t;
WASM_API_EXTERN wasm_table_t* wasm_table_new(wasm_store_t*, const wasm_tabletype_t*,
                                             wasm_ref_t* init);
WASM_API_EXTERN wasm_tabletype_t* wasm_table_type(const wasm_table_t*);
/* Given to the caller; null for null and past the end. */
WASM_API_EXTERN wasm_ref_t* wasm_table_get(const wasm_table_t*, wasm_table_size_t index);
WASM_API_EXTERN bool wasm_table_set(wasm_table_t*, wasm_table_size_t index, wasm_ref_t*);
WASM_API_EXTERN wasm_table_size_t wasm_table_size(const wasm_table_t*);
WASM_API_EXTERN bool wasm_table_grow(wasm_table_t*, wasm_table_size_t delta, wasm_ref_t* init);

WASM_DECLARE_REF(memory)
typedef uint32_t wasm_memory_pages_t;
static const size_t MEMORY_PAGE_SIZE = 0x10000;
WASM_API_EXTERN wasm_memory_t* wasm_memory_new(wasm_store_t*, const wasm_memorytype_t*);
WASM_API_EXTERN wasm_memorytype_t* wasm_memory_type(const wasm_memory_t*);
/* Good until the memory grows. Null and 0 for a shared one, whose bytes are never plain ones. */
WASM_API_EXTERN byte_t* wasm_memory_data(wasm_memory_t*);
WASM_API_EXTERN size_t wasm_memory_data_size(const wasm_memory_t*);
WASM_API_EXTERN wasm_memory_pages_t wasm_memory_size(const wasm_memory_t*);
WASM_API_EXTERN bool wasm_memory_grow(wasm_memory_t*, wasm_memory_pages_t delta);

WASM_DECLARE_REF(tag)
WASM_API_EXTERN wasm_tag_t* wasm_tag_new(wasm_store_t*, const wasm_tagtype_t*);
WASM_API_EXTERN wasm_tagtype_t* wasm_tag_type(const wasm_tag_t*);

WASM_DECLARE_REF(extern)
WASM_DECLARE_VEC(extern, *)
WASM_API_EXTERN wasm_externkind_t wasm_extern_kind(const wasm_extern_t*);
WASM_API_EXTERN wasm_externtype_t* wasm_extern_type(const wasm_extern_t*);

#define WASM_DECLARE_EXTERN(name)                                                             \
  WASM_API_EXTERN wasm_extern_t* wasm_##name##_as_extern(wasm_##name##_t*);                   \
  WASM_API_EXTERN wasm_##name##_t* wasm_extern_as_##name(wasm_extern_t*);                     \
  WASM_API_EXTERN const wasm_extern_t* wasm_##name##_as_extern_const(const wasm_##name##_t*); \
  WASM_API_EXTERN const wasm_##name##_t* wasm_extern_as_##name##_const(const wasm_extern_t*);
WASM_DECLARE_EXTERN(func)
WASM_DECLARE_EXTERN(global)
WASM_DECLARE_EXTERN(table)
WASM_DECLARE_EXTERN(memory)
WASM_DECLARE_EXTERN(tag)

WASM_DECLARE_REF(instance)
/* Imports in the module's order. Where it fails and `trap` is not null, the reason is given there.
 */
WASM_API_EXTERN wasm_instance_t* wasm_instance_new(wasm_store_t*, const wasm_module_t*,
                                                   const wasm_extern_vec_t* imports,
                                                   wasm_trap_t** trap);
WASM_API_EXTERN void wasm_instance_exports(const wasm_instance_t*, wasm_extern_vec_t* out);

/* Short forms. */

#define WASM_EMPTY_VEC \
  { 0, NULL }
#define WASM_ARRAY_VEC(array) \
  { sizeof(array) / sizeof(*(array)), array }
#define WASM_I32_VAL(i)                 \
  {                                     \
    .kind = WASM_I32, .of = {.i32 = i } \
  }
#define WASM_I64_VAL(i)                 \
  {                                     \
    .kind = WASM_I64, .of = {.i64 = i } \
  }
#define WASM_F32_VAL(z)                 \
  {                                     \
    .kind = WASM_F32, .of = {.f32 = z } \
  }
#define WASM_F64_VAL(z)                 \
  {                                     \
    .kind = WASM_F64, .of = {.f64 = z } \
  }
#define WASM_REF_VAL(r)                       \
  {                                           \
    .kind = WASM_EXTERNREF, .of = {.ref = r } \
  }
#define WASM_INIT_VAL                            \
  {                                              \
    .kind = WASM_EXTERNREF, .of = {.ref = NULL } \
  }

static inline wasm_valtype_t* wasm_valtype_new_i32(void) { return wasm_valtype_new(WASM_I32); }
static inline wasm_valtype_t* wasm_valtype_new_i64(void) { return wasm_valtype_new(WASM_I64); }
static inline wasm_valtype_t* wasm_valtype_new_f32(void) { return wasm_valtype_new(WASM_F32); }
static inline wasm_valtype_t* wasm_valtype_new_f64(void) { return wasm_valtype_new(WASM_F64); }
static inline wasm_valtype_t* wasm_valtype_new_externref(void) {
  return wasm_valtype_new(WASM_EXTERNREF);
}
static inline wasm_valtype_t* wasm_valtype_new_anyref(void) {
  return wasm_valtype_new(WASM_EXTERNREF);
}
static inline wasm_valtype_t* wasm_valtype_new_funcref(void) {
  return wasm_valtype_new(WASM_FUNCREF);
}

/* wasm_functype_new_P_R takes P parameters and then R results. */
static inline wasm_functype_t* gantry_functype_of(size_t num_params, wasm_valtype_t* const params[],
                                                  size_t num_results,
                                                  wasm_valtype_t* const results[]) {
  wasm_valtype_vec_t param_vec;
  wasm_valtype_vec_t result_vec;
  wasm_valtype_vec_new(&param_vec, num_params, params);
  wasm_valtype_vec_new(&result_vec, num_results, results);
  return wasm_functype_new(&param_vec, &result_vec);
}
static inline wasm_functype_t* wasm_functype_new_0_0(void) {
  return gantry_functype_of(0, NULL, 0, NULL);
}
static inline wasm_functype_t* wasm_functype_new_1_0(wasm_valtype_t* p) {
  wasm_valtype_t* const params[1] = {p};
  return gantry_functype_of(1, params, 0, NULL);
}
static inline wasm_functype_t* wasm_functype_new_2_0(wasm_valtype_t* p1, wasm_valtype_t* p2) {
  wasm_valtype_t* const params[2] = {p1, p2};
  return gantry_functype_of(2, params, 0, NULL);
}
static inline wasm_functype_t* wasm_functype_new_3_0(wasm_valtype_t* p1, wasm_valtype_t* p2,
                                                     wasm_valtype_t* p3) {
  wasm_valtype_t* const params[3] = {p1, p2, p3};
  return gantry_functype_of(3, params, 0, NULL);
}
static inline wasm_functype_t* wasm_functype_new_0_1(wasm_valtype_t* r) {
  wasm_valtype_t* const results[1] = {r};
  return gantry_functype_of(0, NULL, 1, results);
}
static inline wasm_functype_t* wasm_functype_new_1_1(wasm_valtype_t* p, wasm_valtype_t* r) {
  wasm_valtype_t* const params[1] = {p};
  wasm_valtype_t* const results[1] = {r};
  return gantry_functype_of(1, params, 1, results);
}
static inline wasm_functype_t* wasm_functype_new_2_1(wasm_valtype_t* p1, wasm_valtype_t* p2,
                                                     wasm_valtype_t* r) {
  wasm_valtype_t* const params[2] = {p1, p2};
  wasm_valtype_t* const results[1] = {r};
  return gantry_functype_of(2, params, 1, results);
}
static inline wasm_functype_t* wasm_functype_new_3_1(wasm_valtype_t* p1, wasm_valtype_t* p2,
                                                     wasm_valtype_t* p3, wasm_valtype_t* r) {
  wasm_valtype_t* const params[3] = {p1, p2, p3};
  wasm_valtype_t* const results[1] = {r};
  return gantry_functype_of(3, params, 1, results);
}
static inline wasm_functype_t* wasm_functype_new_0_2(wasm_valtype_t* r1, wasm_valtype_t* r2) {
  wasm_valtype_t* const results[2] = {r1, r2};
  return gantry_functype_of(0, NULL, 2, results);
}
static inline wasm_functype_t* wasm_functype_new_1_2(wasm_valtype_t* p, wasm_valtype_t* r1,
                                                     wasm_valtype_t* r2) {
  wasm_valtype_t* const params[1] = {p};
  wasm_valtype_t* const results[2] = {r1, r2};
  return gantry_functype_of(1, params, 2, results);
}
static inline wasm_functype_t* wasm_functype_new_2_2(wasm_valtype_t* p1, wasm_valtype_t* p2,
                                                     wasm_valtype_t* r1, wasm_valtype_t* r2) {
  wasm_valtype_t* const params[2] = {p1, p2};
  wasm_valtype_t* const results[2] = {r1, r2};
  return gantry_functype_of(2, params, 2, results);
}
static inline wasm_functype_t* wasm_functype_new_3_2(wasm_valtype_t* p1, wasm_valtype_t* p2,
                                                     wasm_valtype_t* p3, wasm_valtype_t* r1,
                                                     wasm_valtype_t* r2) {
  wasm_valtype_t* const params[3] = {p1, p2, p3};
  wasm_valtype_t* const results[2] = {r1, r2};
  return gantry_functype_of(3, params, 2, results);
}

/* A pointer of the host as a number that a guest can keep. */
static inline void wasm_val_init_ptr(wasm_val_t* out, void* pointer) {
#if UINTPTR_MAX == UINT32_MAX
  out->kind = WASM_I32;
  out->of.i32 = (int32_t)(intptr_t)pointer;
#else
  out->kind = WASM_I64;
  out->of.i64 = (int64_t)(intptr_t)pointer;
#endif
}
static inline void* wasm_val_ptr(const wasm_val_t* value) {
#if UINTPTR_MAX == UINT32_MAX
  return (void*)(intptr_t)value->of.i32;
#else
  return (void*)(intptr_t)value->of.i64;
#endif
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* GANTRY_API_C_WASM_H_ */
