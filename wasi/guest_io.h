// What several calls share: loading paths and I/O vectors from guest memory, and writing
// records to it.
#ifndef GANTRY_WASI_GUEST_IO_H_
#define GANTRY_WASI_GUEST_IO_H_

#include <sys/stat.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasi/errno.h"
#include "wasi/guest_memory.h"
#include "wasi/types.h"

namespace gantry::wasi {

// More vectors than this, or more bytes than fit in 31 bits, make a call shorter, which reads and
// writes may always be.
inline constexpr uint32_t kMaxIovecs = 1024;
inline constexpr uint32_t kMaxTransfer = 0x7ffff000;

// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms; Unicode 15, table 3-7).
bool IsUtf8(absl::string_view text);

// The path at `address`. kFault, kNametoolong, kInval for a NUL in it, kIlseq for what is not
// UTF-8.
ErrnoOr<std::string> LoadPath(const GuestMemory& memory, uint32_t address, uint32_t length);

// Host vectors over the guest's buffers. The whole array must lie in memory, and every buffer
// that is used; the records are read once, before any buffer is written.
ErrnoOr<std::vector<iovec>> LoadIovecs(const GuestMemory& memory, uint32_t address, uint32_t count);

// Writes a filestat record. `type` is given because a mode cannot tell kinds of sockets.
Errno StoreFilestat(const GuestMemory& memory, uint32_t address, const struct stat& status,
                    Filetype type);

// The times for utimensat(2) that a call with `flags` (fstflags) sets; kInval for contradictions
// and unknown flags.
ErrnoOr<std::array<timespec, 2>> MakeTimes(uint64_t access_time, uint64_t modification_time,
                                           uint32_t flags);

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_GUEST_IO_H_
