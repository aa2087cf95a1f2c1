// Sequences of WASI calls with hostile arguments, over a directory full of links that lead out.
//
// The input is a program of 24-byte steps: which function, which of a few useful values each
// argument takes, and bytes to put in guest memory. After it the world outside the sandbox has to
// be as it was, and no host descriptor may be left open.
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/check.h"
#include "wasi/function_table.h"
#include "wasi/test_guest.h"

namespace gantry::wasi {
namespace {

// A file of a guest that asks for terabytes must not fill the disk: beyond this, EFBIG.
void LimitFileSize() {
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit;
  CHECK_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = 1 << 20;
  CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

void Plant(const TempTree& tree) {
  tree.WriteFile("outside/secret", "secret");
  tree.MakeDirectory("outside/dir");
  tree.MakeDirectory("sandbox/d/d");
  tree.WriteFile("sandbox/f", "inside");
  tree.MakeLink("..", "sandbox/u");
  tree.MakeLink("../../outside", "sandbox/d/o");
  tree.MakeLink(tree.outside() + "/secret", "sandbox/s");
  tree.MakeLink("d", "sandbox/l");
  tree.MakeLink("../outside/new", "sandbox/n");
}

// Paths at fixed places, so that arguments find them.
constexpr const char* kPaths[] = {"f",
                                  "d",
                                  "u",
                                  "u/outside/secret",
                                  "d/o/secret",
                                  "s",
                                  "l/../f",
                                  "n",
                                  "..",
                                  ".",
                                  "d/../../outside",
                                  "new",
                                  "l/d/../new2",
                                  "/etc/passwd",
                                  "d/o/dir/new",
                                  "d/d/",
                                  "l/o/.",
                                  "./u/",
                                  "x/y",
                                  ""};
constexpr uint32_t kPathStride = 32, kPathBase = 0x1000;

uint64_t Argument(uint8_t choice, uint8_t detail) {
  switch (choice % 10) {
    case 0:
      return detail % 8;  // descriptors, flags, counts
    case 1:
      return kPathBase + uint64_t{detail} % std::size(kPaths) * kPathStride;
    case 2:
      return std::strlen(kPaths[detail % std::size(kPaths)]);
    case 3:
      return uint64_t{1} << (detail % 64);
    case 4:
      return UINT64_MAX >> (detail % 64);
    case 5:
      return 0x2000 + uint64_t{detail} * 8;  // where iovecs and results lie
    case 6:
      return rights::kAll;
    case 7:
      return 65536 - detail % 16;
    case 8:
      return detail;
    default:
      return 3;
  }
}

}  // namespace
}  // namespace gantry::wasi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gantry::wasi;  // NOLINT: the entry point has to be outside
  static const bool limited = (LimitFileSize(), true);
  static_cast<void>(limited);
  constexpr size_t kStep = 24, kMaxSteps = 64;
  const size_t descriptors = CountHostDescriptors();
  {
    TempTree tree;
    Plant(tree);
    const std::string before = tree.Snapshot("outside");
    const ResolveStrategy strategy =
        size > 0 && data[0] % 2 == 0 ? DetectResolveStrategy() : ResolveStrategy::kWalk;
    TestGuest guest = MakeGuest(tree, strategy);
    for (size_t i = 0; i < std::size(kPaths); ++i) {
      guest.StoreText(kPathBase + static_cast<uint32_t>(i) * kPathStride, kPaths[i]);
    }
    for (size_t step = 0; step < kMaxSteps && (step + 1) * kStep <= size; ++step) {
      const uint8_t* bytes = data + step * kStep;
      const FunctionInfo& function = FunctionTable()[bytes[0] % FunctionTable().size()];
      uint64_t args[kMaxParams];
      for (size_t i = 0; i < kMaxParams; ++i) {
        args[i] = Argument(bytes[1 + 2 * i], bytes[2 + 2 * i]);
      }
      // Some guest memory under the program's control: iovecs, subscriptions, strings.
      guest.StoreText(0x2000 + bytes[19] * 8u,
                      absl::string_view(reinterpret_cast<const char*>(bytes + 20), 4));
      uint32_t result = 0;
      if (function.call(guest.context(), guest.memory(), args, &result) == Outcome::kExited) break;
      CHECK_LE(result, static_cast<uint32_t>(Errno::kNotcapable));
    }
    CHECK_EQ(tree.Snapshot("outside"), before);
  }
  CHECK_EQ(CountHostDescriptors(), descriptors);
  return 0;
}
