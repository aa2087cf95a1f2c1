// The functions of a vector of the C interface, defined by a line each. Private to `api/c`.
#ifndef GANTRY_API_C_VECTORS_H_
#define GANTRY_API_C_VECTORS_H_

#include <algorithm>

#include "api/c/guard.h"
#include "api/c/wasm.h"

// `copy_element(element)` gives a copy, `delete_element(element)` takes one.
#define GANTRY_DEFINE_VEC(name, Element, copy_element, delete_element)                       \
  void wasm_##name##_vec_new_empty(wasm_##name##_vec_t* out) { *out = {0, nullptr}; }        \
  void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t* out, size_t size) {          \
    *out = {0, nullptr};                                                                     \
    if (size == 0) return;                                                                   \
    gantry::c_api::GuardVoid([&] {                                                           \
      out->data = new Element[size]();                                                       \
      out->size = size;                                                                      \
    });                                                                                      \
  }                                                                                          \
  void wasm_##name##_vec_new(wasm_##name##_vec_t* out, size_t size, Element const taken[]) { \
    wasm_##name##_vec_new_uninitialized(out, size);                                          \
    if (out->data != nullptr) {                                                              \
      std::copy(taken, taken + size, out->data);                                             \
    } else {                                                                                 \
      for (size_t i = 0; i < size; ++i) {                                                    \
        Element element = taken[i];                                                          \
        delete_element(element);                                                             \
      }                                                                                      \
    }                                                                                        \
  }                                                                                          \
  void wasm_##name##_vec_copy(wasm_##name##_vec_t* out, const wasm_##name##_vec_t* from) {   \
    wasm_##name##_vec_t copy;                                                                \
    wasm_##name##_vec_new_uninitialized(&copy, from->size);                                  \
    for (size_t i = 0; i < copy.size; ++i) copy.data[i] = copy_element(from->data[i]);       \
    *out = copy;                                                                             \
  }                                                                                          \
  void wasm_##name##_vec_delete(wasm_##name##_vec_t* taken) {                                \
    if (taken == nullptr) return;                                                            \
    for (size_t i = 0; i < taken->size; ++i) delete_element(taken->data[i]);                 \
    delete[] taken->data;                                                                    \
    *taken = {0, nullptr};                                                                   \
  }

#endif  // GANTRY_API_C_VECTORS_H_
