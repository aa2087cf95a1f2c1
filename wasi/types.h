// The types of WASI preview 1 as numbers and memory layouts: rights, flags, file types,
// clock ids, and the size and field offsets of each record that crosses the boundary.
//
// All integers in guest memory are little-endian. Records are written field by field with
// these offsets (guest_memory.h), never by copying a host struct.
//
// Source: typenames.witx of wasi_snapshot_preview1.
#ifndef GANTRY_WASI_TYPES_H_
#define GANTRY_WASI_TYPES_H_

#include <cstdint>

namespace gantry::wasi {

// What may be done with a descriptor (base), and with those opened through it (inheriting).
using Rights = uint64_t;

namespace rights {
inline constexpr Rights kFdDatasync = 1u << 0;
inline constexpr Rights kFdRead = 1u << 1;
inline constexpr Rights kFdSeek = 1u << 2;
inline constexpr Rights kFdFdstatSetFlags = 1u << 3;
inline constexpr Rights kFdSync = 1u << 4;
inline constexpr Rights kFdTell = 1u << 5;
inline constexpr Rights kFdWrite = 1u << 6;
inline constexpr Rights kFdAdvise = 1u << 7;
inline constexpr Rights kFdAllocate = 1u << 8;
inline constexpr Rights kPathCreateDirectory = 1u << 9;
inline constexpr Rights kPathCreateFile = 1u << 10;
inline constexpr Rights kPathLinkSource = 1u << 11;
inline constexpr Rights kPathLinkTarget = 1u << 12;
inline constexpr Rights kPathOpen = 1u << 13;
inline constexpr Rights kFdReaddir = 1u << 14;
inline constexpr Rights kPathReadlink = 1u << 15;
inline constexpr Rights kPathRenameSource = 1u << 16;
inline constexpr Rights kPathRenameTarget = 1u << 17;
inline constexpr Rights kPathFilestatGet = 1u << 18;
inline constexpr Rights kPathFilestatSetSize = 1u << 19;
inline constexpr Rights kPathFilestatSetTimes = 1u << 20;
inline constexpr Rights kFdFilestatGet = 1u << 21;
inline constexpr Rights kFdFilestatSetSize = 1u << 22;
inline constexpr Rights kFdFilestatSetTimes = 1u << 23;
inline constexpr Rights kPathSymlink = 1u << 24;
inline constexpr Rights kPathRemoveDirectory = 1u << 25;
inline constexpr Rights kPathUnlinkFile = 1u << 26;
inline constexpr Rights kPollFdReadwrite = 1u << 27;
inline constexpr Rights kSockShutdown = 1u << 28;
inline constexpr Rights kSockAccept = 1u << 29;
inline constexpr Rights kAll = (1u << 30) - 1;

// The rights that mean something on each kind of descriptor; path_open drops the others.
inline constexpr Rights kRegularFile =
    kFdDatasync | kFdRead | kFdSeek | kFdFdstatSetFlags | kFdSync | kFdTell | kFdWrite | kFdAdvise |
    kFdAllocate | kFdFilestatGet | kFdFilestatSetSize | kFdFilestatSetTimes | kPollFdReadwrite;
inline constexpr Rights kDirectory =
    kFdFdstatSetFlags | kFdDatasync | kFdSync | kFdAdvise | kPathCreateDirectory | kPathCreateFile |
    kPathLinkSource | kPathLinkTarget | kPathOpen | kFdReaddir | kPathReadlink | kPathRenameSource |
    kPathRenameTarget | kPathFilestatGet | kPathFilestatSetSize | kPathFilestatSetTimes |
    kFdFilestatGet | kFdFilestatSetTimes | kPathSymlink | kPathRemoveDirectory | kPathUnlinkFile |
    kPollFdReadwrite;
inline constexpr Rights kDirectoryInheriting = kDirectory | kRegularFile;
// Pipes and terminals. A terminal must not have kFdSeek or kFdTell: that is how C libraries
// tell one (isatty).
inline constexpr Rights kStream =
    kFdRead | kFdFdstatSetFlags | kFdWrite | kFdFilestatGet | kPollFdReadwrite;
inline constexpr Rights kSocket = kStream | kSockShutdown;
inline constexpr Rights kListeningSocket =
    kFdFdstatSetFlags | kFdFilestatGet | kPollFdReadwrite | kFdRead | kSockAccept;

// What changes files or directories, or hands them to a place where they can be changed: refused
// with kRofs below a directory that was handed in read-only.
inline constexpr Rights kMutation =
    kFdWrite | kFdAllocate | kPathCreateDirectory | kPathCreateFile | kPathLinkSource |
    kPathLinkTarget | kPathRenameSource | kPathRenameTarget | kPathFilestatSetSize |
    kPathFilestatSetTimes | kFdFilestatSetSize | kFdFilestatSetTimes | kPathSymlink |
    kPathRemoveDirectory | kPathUnlinkFile;
}  // namespace rights

enum class Filetype : uint8_t {
  kUnknown = 0,
  kBlockDevice = 1,
  kCharacterDevice = 2,
  kDirectory = 3,
  kRegularFile = 4,
  kSocketDgram = 5,
  kSocketStream = 6,
  kSymbolicLink = 7,
};

namespace fdflags {
inline constexpr uint32_t kAppend = 1, kDsync = 2, kNonblock = 4, kRsync = 8, kSync = 16;
inline constexpr uint32_t kKnown = 31;
}  // namespace fdflags

namespace oflags {
inline constexpr uint32_t kCreat = 1, kDirectory = 2, kExcl = 4, kTrunc = 8;
inline constexpr uint32_t kKnown = 15;
}  // namespace oflags

namespace lookupflags {
inline constexpr uint32_t kSymlinkFollow = 1;
}  // namespace lookupflags

namespace fstflags {
inline constexpr uint32_t kAtim = 1, kAtimNow = 2, kMtim = 4, kMtimNow = 8;
inline constexpr uint32_t kKnown = 15;
}  // namespace fstflags

namespace riflags {
inline constexpr uint32_t kRecvPeek = 1, kRecvWaitall = 2;
inline constexpr uint32_t kKnown = 3;
}  // namespace riflags

namespace roflags {
inline constexpr uint16_t kRecvDataTruncated = 1;
}  // namespace roflags

namespace sdflags {
inline constexpr uint32_t kRd = 1, kWr = 2;
inline constexpr uint32_t kKnown = 3;
}  // namespace sdflags

namespace subclockflags {
inline constexpr uint32_t kAbstime = 1;
}  // namespace subclockflags

namespace eventrwflags {
inline constexpr uint16_t kHangup = 1;
}  // namespace eventrwflags

enum class ClockId : uint32_t {
  kRealtime = 0,
  kMonotonic = 1,
  kProcessCputime = 2,
  kThreadCputime = 3,
};

enum class EventType : uint8_t { kClock = 0, kFdRead = 1, kFdWrite = 2 };

enum class Whence : uint32_t { kSet = 0, kCur = 1, kEnd = 2 };

// Sizes and field offsets of the records in guest memory.
namespace layout {
struct Iovec {
  static constexpr uint32_t kSize = 8, kBuf = 0, kBufLen = 4;
};
struct Fdstat {
  static constexpr uint32_t kSize = 24, kFiletype = 0, kFlags = 2, kRightsBase = 8,
                            kRightsInheriting = 16;
};
struct Filestat {
  static constexpr uint32_t kSize = 64, kDev = 0, kIno = 8, kFiletype = 16, kNlink = 24,
                            kFileSize = 32, kAtim = 40, kMtim = 48, kCtim = 56;
};
struct Dirent {
  static constexpr uint32_t kSize = 24, kNext = 0, kIno = 8, kNamlen = 16, kType = 20;
};
struct Prestat {
  static constexpr uint32_t kSize = 8, kTag = 0, kNameLen = 4;
};
struct Subscription {
  static constexpr uint32_t kSize = 48, kUserdata = 0, kTag = 8, kClockId = 16, kTimeout = 24,
                            kPrecision = 32, kClockFlags = 40, kFd = 16;
};
struct Event {
  static constexpr uint32_t kSize = 32, kUserdata = 0, kError = 8, kType = 10, kNbytes = 16,
                            kFlags = 24;
};
}  // namespace layout

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_TYPES_H_
