// Which sanitizers this build has: under AddressSanitizer and ThreadSanitizer frames are
// larger and address space is dear.
#ifndef GANTRY_RUNTIME_SANITIZERS_H_
#define GANTRY_RUNTIME_SANITIZERS_H_

// GCC defines macros, Clang answers a question.
#if defined(__has_feature)
#define GANTRY_HAS_FEATURE(feature) __has_feature(feature)
#else
#define GANTRY_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_THREAD__) || GANTRY_HAS_FEATURE(thread_sanitizer)
#define GANTRY_THREAD_SANITIZER 1
#else
#define GANTRY_THREAD_SANITIZER 0
#endif

#if defined(__SANITIZE_ADDRESS__) || GANTRY_HAS_FEATURE(address_sanitizer)
#define GANTRY_ADDRESS_SANITIZER 1
#else
#define GANTRY_ADDRESS_SANITIZER 0
#endif

namespace gantry::runtime {

inline constexpr bool kThreadSanitizer = GANTRY_THREAD_SANITIZER;
inline constexpr bool kAddressSanitizer = GANTRY_ADDRESS_SANITIZER;
inline constexpr bool kSanitized = kThreadSanitizer || kAddressSanitizer;

}  // namespace gantry::runtime

#undef GANTRY_HAS_FEATURE

#endif  // GANTRY_RUNTIME_SANITIZERS_H_
