#include "runtime/branch_targets.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#include <sys/mman.h>

#include "absl/strings/str_cat.h"
#endif

namespace gantry::runtime::host_arch {

#if defined(__aarch64__)

absl::Status RefuseUnmarkedTargets(void* begin, size_t size) {
  // Linux's names (asm/mman.h, asm/hwcap.h), which older headers lack.
  constexpr int kProtBti = 0x10;
  constexpr unsigned long kHwcap2Bti = 1ul << 17;
  static const bool has_bti = (getauxval(AT_HWCAP2) & kHwcap2Bti) != 0;
  if (!has_bti || size == 0) return absl::OkStatus();
  if (mprotect(begin, size, PROT_READ | PROT_EXEC | kProtBti) == 0) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the host cannot protect the branch targets of ", size, " bytes of code"));
}

#else

absl::Status RefuseUnmarkedTargets(void*, size_t) { return absl::OkStatus(); }

#endif

}  // namespace gantry::runtime::host_arch
