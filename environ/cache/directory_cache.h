// DirectoryCache: a compilation cache in a directory, for any number of processes at once.
//
//   ASSIGN_OR_RETURN(std::shared_ptr<DirectoryCache> cache,
//                    DirectoryCache::Open({.path = path, .max_bytes = 1 << 30}));
//
// An entry is a file, written under another name and then renamed, so that nobody sees half of
// one; readers of an entry that another process removes have it to the end. Using an entry sets
// its time. When all of them take more than the limit, whoever writes removes those whose time
// is longest ago; a file keeps count of the bytes, so that a directory is only listed then.
//
// The directory must be the user's own and closed to others: what lies in it is code that will
// run. A failure to read or write costs nothing but the caching; the first one is reported.
#ifndef GANTRY_ENVIRON_CACHE_DIRECTORY_CACHE_H_
#define GANTRY_ENVIRON_CACHE_DIRECTORY_CACHE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "environ/translation/compilation_cache.h"

namespace gantry::environ {

class DirectoryCache final : public CompilationCache {
 public:
  struct Options {
    // Made if it is not there, with the directories above it.
    std::string path;
    // Of all entries; those of the moment may take as much again as one process writes at a time.
    uint64_t max_bytes = uint64_t{1} << 30;
    // An entry's time is set when it is used and the time is so many seconds old.
    uint32_t touch_after_seconds = 60;
    // Called with the first failure, by whatever thread it happens in; may be empty.
    std::function<void(const absl::Status&)> report = nullptr;
  };

  // Errors: kFailedPrecondition where the directory is somebody else's or open to others;
  // kUnavailable where it can't be made or opened. Each names the directory and the reason.
  static absl::StatusOr<std::shared_ptr<DirectoryCache>> Open(Options options);
  // Counts what was written, and removes what is too much.
  ~DirectoryCache() override;

  std::optional<std::string> Get(absl::string_view key) override;
  void Insert(absl::string_view key, absl::string_view value) override;

  // The path of the entry with that key, whether or not there is one: for who maps entries.
  std::string PathOf(absl::string_view key) const;
  // Sets the time of an entry that was used by its path.
  void Touch(absl::string_view key);
  // Does at once what the destructor does.
  void Settle();

 private:
  class File;

  DirectoryCache(Options options, int directory)
      : options_(std::move(options)), directory_(directory) {}

  absl::Status Write(const std::string& name, absl::string_view value);
  absl::Status Count();
  absl::Status Trim(uint64_t* total);
  void Report(const absl::Status& status);

  const Options options_;
  const int directory_;
  // Bytes that are not counted yet.
  std::atomic<uint64_t> written_{0};
  std::atomic<uint64_t> next_name_{0};
  // Nothing is written any more.
  std::atomic<bool> is_broken_{false};
  std::mutex settling_;
  std::once_flag reported_;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CACHE_DIRECTORY_CACHE_H_
