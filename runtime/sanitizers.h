// Whether this is a build with AddressSanitizer or ThreadSanitizer, under which frames are
// larger and address space is dear.
#ifndef GANTRY_RUNTIME_SANITIZERS_H_
#define GANTRY_RUNTIME_SANITIZERS_H_

namespace gantry::runtime {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_SANITIZERS_H_
