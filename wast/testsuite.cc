#include "wast/testsuite.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace gantry::wast {

namespace fs = std::filesystem;

std::optional<std::string> TestsuiteFolder() {
  std::error_code error;
  if (const char* named = std::getenv("GANTRY_TESTSUITE"); named != nullptr && *named != '\0') {
    if (fs::is_directory(named, error)) return std::string(named);
  }
  // A test runs in a tree of links: the README's target lies in the workspace itself.
  const fs::path readme = fs::canonical("wast/README.md", error);
  const fs::path workspace = error ? fs::current_path() : readme.parent_path().parent_path();
  const fs::path beside = workspace.parent_path() / "shared" / "testsuite";
  if (fs::is_directory(beside, error)) return beside.string();
  return std::nullopt;
}

std::vector<std::string> WastFiles(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  const fs::recursive_directory_iterator end;
  for (fs::recursive_directory_iterator at(folder, error); !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".wast") files.push_back(at->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace gantry::wast
