#include "wasi/guest_io.h"

#include <fcntl.h>
#include <limits.h>

#include <algorithm>

#include "base/status_macros.h"

namespace gantry::wasi {
namespace {

constexpr uint64_t kNanosPerSecond = 1'000'000'000;

// Times before 1970 and beyond 2554 cannot be told to the guest: the nearest that can.
uint64_t ToTimestamp(const timespec& time) {
  if (time.tv_sec < 0) return 0;
  const uint64_t seconds = static_cast<uint64_t>(time.tv_sec);
  if (seconds >= UINT64_MAX / kNanosPerSecond) return UINT64_MAX;
  return seconds * kNanosPerSecond + static_cast<uint64_t>(time.tv_nsec);
}

timespec ToTimespec(uint64_t timestamp) {
  timespec time;
  time.tv_sec = static_cast<time_t>(timestamp / kNanosPerSecond);
  time.tv_nsec = static_cast<long>(timestamp % kNanosPerSecond);
  return time;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto at = [&](size_t k) {
      return i + k < text.size() ? static_cast<uint8_t>(text[i + k]) : uint8_t{0};
    };
    const uint8_t first = at(0);
    if (first < 0x80) {
      ++i;
      continue;
    }
    // The second byte's range depends on the first; all later ones are 80..BF.
    size_t length;
    uint8_t low = 0x80, high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
      length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
      length = 3;
      if (first == 0xE0) low = 0xA0;
      if (first == 0xED) high = 0x9F;
    } else if (first >= 0xF0 && first <= 0xF4) {
      length = 4;
      if (first == 0xF0) low = 0x90;
      if (first == 0xF4) high = 0x8F;
    } else {
      return false;
    }
    if (at(1) < low || at(1) > high) return false;
    for (size_t k = 2; k < length; ++k) {
      if (at(k) < 0x80 || at(k) > 0xBF) return false;
    }
    i += length;
  }
  return true;
}

ErrnoOr<std::string> LoadPath(const GuestMemory& memory, uint32_t address, uint32_t length) {
  ASSIGN_OR_RETURN(const absl::Span<uint8_t> bytes, memory.Range(address, length));
  if (length >= PATH_MAX) return Errno::kNametoolong;
  std::string path(bytes.begin(), bytes.end());
  if (path.find('\0') != std::string::npos) return Errno::kInval;
  if (!IsUtf8(path)) return Errno::kIlseq;
  return path;
}

ErrnoOr<std::vector<iovec>> LoadIovecs(const GuestMemory& memory, uint32_t address,
                                       uint32_t count) {
  using layout::Iovec;
  ASSIGN_OR_RETURN(const absl::Span<uint8_t> records, memory.Array(address, count, Iovec::kSize));
  const uint32_t used = std::min(count, kMaxIovecs);
  std::vector<iovec> vectors;
  vectors.reserve(used);
  uint32_t room = kMaxTransfer;
  for (uint32_t i = 0; i < used; ++i) {
    const uint32_t buffer =
        GuestMemory::LoadFrom<uint32_t>(records, i * Iovec::kSize + Iovec::kBuf);
    const uint32_t length =
        GuestMemory::LoadFrom<uint32_t>(records, i * Iovec::kSize + Iovec::kBufLen);
    ASSIGN_OR_RETURN(const absl::Span<uint8_t> range, memory.Range(buffer, length));
    const uint32_t taken = std::min(length, room);
    vectors.push_back({range.data(), taken});
    room -= taken;
    if (taken < length) break;
  }
  return vectors;
}

Errno StoreFilestat(const GuestMemory& memory, uint32_t address, const struct stat& status,
                    Filetype type) {
  using layout::Filestat;
  ErrnoOr<absl::Span<uint8_t>> range = memory.Range(address, Filestat::kSize);
  if (!range.ok()) return range.status();
  const absl::Span<uint8_t> record = *range;
  std::fill(record.begin(), record.end(), uint8_t{0});
  GuestMemory::StoreTo<uint64_t>(record, Filestat::kDev, status.st_dev);
  GuestMemory::StoreTo<uint64_t>(record, Filestat::kIno, status.st_ino);
  GuestMemory::StoreTo<uint8_t>(record, Filestat::kFiletype, static_cast<uint8_t>(type));
  GuestMemory::StoreTo<uint64_t>(record, Filestat::kNlink, status.st_nlink);
  GuestMemory::StoreTo<uint64_t>(record, Filestat::kFileSize,
                                 static_cast<uint64_t>(status.st_size));
  GuestMemory::StoreTo<uint64_t>(record, Filestat::kAtim, ToTimestamp(status.st_atim));
  GuestMemory::StoreTo<uint64_t>(record, Filestat::kMtim, ToTimestamp(status.st_mtim));
  GuestMemory::StoreTo<uint64_t>(record, Filestat::kCtim, ToTimestamp(status.st_ctim));
  return Errno::kSuccess;
}

ErrnoOr<std::array<timespec, 2>> MakeTimes(uint64_t access_time, uint64_t modification_time,
                                           uint32_t flags) {
  using namespace fstflags;
  if ((flags & ~kKnown) != 0) return Errno::kInval;
  if ((flags & kAtim) != 0 && (flags & kAtimNow) != 0) return Errno::kInval;
  if ((flags & kMtim) != 0 && (flags & kMtimNow) != 0) return Errno::kInval;
  std::array<timespec, 2> times;
  times[0] = (flags & kAtim) != 0 ? ToTimespec(access_time) : timespec{0, UTIME_OMIT};
  if ((flags & kAtimNow) != 0) times[0].tv_nsec = UTIME_NOW;
  times[1] = (flags & kMtim) != 0 ? ToTimespec(modification_time) : timespec{0, UTIME_OMIT};
  if ((flags & kMtimNow) != 0) times[1].tv_nsec = UTIME_NOW;
  return times;
}

}  // namespace gantry::wasi
