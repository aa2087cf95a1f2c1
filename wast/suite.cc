#include "wast/suite.h"

#include <stdlib.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace gantry::wast {
namespace {

namespace fs = std::filesystem;

// A fresh folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code error;
    path_ = (fs::temp_directory_path(error) / "gantry-wast-XXXXXX").string();
    made_ = mkdtemp(path_.data()) != nullptr;
  }
  ~TemporaryFolder() {
    std::error_code error;
    if (made_) fs::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool made_ = false;
};

}  // namespace

SuiteReport RunSuite(absl::Span<const std::string> files,
                     const std::function<std::unique_ptr<ScriptEngine>()>& make_engine,
                     const KnownFailures& known, const ConvertOptions& options) {
  SuiteReport suite;
  for (const std::string& file : files) {
    const std::string name = file.substr(file.rfind('/') + 1);
    const TemporaryFolder folder;
    absl::StatusOr<Converted> converted = ConvertScript(file, folder.path(), options);
    if (!converted.ok()) {
      suite.unreadable.push_back(absl::StrCat(name, ": ", converted.status().message()));
      continue;
    }
    suite.unreadable.insert(suite.unreadable.end(), converted->unreadable.begin(),
                            converted->unreadable.end());
    suite.dependent += converted->dependent;
    const std::unique_ptr<ScriptEngine> engine = make_engine();
    const Report report = RunScript(converted->script, *engine, known);
    suite.files.push_back(absl::StrCat(name, ": ", report.Summary()));
    suite.report.Add(report);
  }
  return suite;
}

}  // namespace gantry::wast
