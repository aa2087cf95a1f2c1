#include "wast/converter.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "wast/file.h"

extern char** environ;

namespace gantry::wast {
namespace {

// The table index may be left out in the text format of today.
constexpr std::pair<const char*, const char*> kSpellings[] = {
    {"(table.get (", "(table.get 0 ("},   {"(table.set (", "(table.set 0 ("},
    {"(table.grow (", "(table.grow 0 ("}, {"(table.fill (", "(table.fill 0 ("},
    {"table.size)", "table.size 0)"},
};

constexpr int kMaxAttempts = 200;

struct Outcome {
  // Whether the converter came to an end at all.
  bool exited = false;
  int code = 0;
  std::string errors;
};

absl::StatusOr<Outcome> RunConverter(const std::string& input, const std::string& output,
                                     const std::string& errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  std::string name = "wast2json";
  std::string all = "--enable-all";
  std::string input_argument = input;
  std::string flag = "-o";
  std::string output_argument = output;
  char* arguments[] = {
      name.data(), all.data(), input_argument.data(), flag.data(), output_argument.data(), nullptr};
  pid_t child;
  const int error = posix_spawnp(&child, name.c_str(), &actions, nullptr, arguments, ::environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return absl::NotFoundError(
        absl::StrCat("cannot run wast2json (Debian package wabt): ", std::strerror(error)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  Outcome outcome;
  outcome.exited = WIFEXITED(status);
  outcome.code = outcome.exited ? WEXITSTATUS(status) : 0;
  ASSIGN_OR_RETURN(outcome.errors, ReadFile(errors));
  return outcome;
}

// The line in "FILE:LINE:COLUMN: error: WHAT" and what; false where there is none.
bool ParseError(absl::string_view errors, absl::string_view file, int* line, std::string* what) {
  const std::string prefix = absl::StrCat(file, ":");
  const size_t at = errors.find(prefix);
  if (at == absl::string_view::npos) return false;
  absl::string_view rest = errors.substr(at + prefix.size());
  const size_t colon = rest.find(':');
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(rest.substr(0, colon), line)) {
    return false;
  }
  const size_t message = rest.find("error: ");
  if (message == absl::string_view::npos) return false;
  rest = rest.substr(message + 7);
  *what = std::string(rest.substr(0, rest.find('\n')));
  return true;
}

// Blanks a form and keeps its lines.
void Blank(const Form& form, std::string& text) {
  for (size_t i = form.begin; i < form.end; ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

bool IsModule(const Form& form) { return form.head == "module"; }
// Instances come and go with these; assertions about modules stand for themselves.
bool DependsOnModule(const Form& form) {
  return form.head == "invoke" || form.head == "get" || form.head == "register" ||
         form.head == "assert_return" || form.head == "assert_trap" ||
         form.head == "assert_exhaustion" || form.head == "assert_exception";
}

}  // namespace

std::vector<Form> TopLevelForms(absl::string_view text) {
  std::vector<Form> forms;
  int depth = 0;
  int comment_depth = 0;
  int line = 1;
  Form form;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\n') ++line;
    if (comment_depth > 0) {
      if (c == '(' && next == ';') {
        ++comment_depth;
        ++i;
      } else if (c == ';' && next == ')') {
        --comment_depth;
        ++i;
      }
    } else if (c == ';' && next == ';') {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else if (c == '(' && next == ';') {
      ++comment_depth;
      ++i;
    } else if (c == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\n') ++line;
        if (text[i] == '\\') ++i;
      }
    } else if (c == '(') {
      if (depth++ == 0) {
        form = Form();
        form.begin = i;
        form.line = line;
        size_t at = i + 1;
        for (std::string* word : {&form.head, &form.second}) {
          while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) ++at;
          while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) ||
                                      (text[at] != '\0' && std::strchr("_$-.", text[at])))) {
            word->push_back(text[at++]);
          }
        }
      }
    } else if (c == ')' && depth > 0 && --depth == 0) {
      form.end = i + 1;
      forms.push_back(form);
    }
  }
  return forms;
}

namespace {

// The fields of a module written out, with positions in the whole text.
std::vector<Form> Fields(absl::string_view text, const Form& module) {
  const size_t begin = module.begin + 1;
  std::vector<Form> fields = TopLevelForms(text.substr(begin, module.end - 1 - begin));
  const int first_line = module.line;
  for (Form& field : fields) {
    field.begin += begin;
    field.end += begin;
    field.line += first_line - 1;
  }
  return fields;
}

// The last form that begins at or before the line; null where there is none that still stands.
const Form* FormAt(const std::vector<Form>& forms, int line, const std::string& text) {
  const Form* found = nullptr;
  for (const Form& form : forms) {
    if (form.line <= line) found = &form;
  }
  return found != nullptr && text[found->begin] == '(' ? found : nullptr;
}

// The names under which a field is exported in place.
std::vector<std::string> InlineExports(absl::string_view field) {
  std::vector<std::string> names;
  constexpr absl::string_view kExport = "(export \"";
  for (size_t at = field.find(kExport); at != absl::string_view::npos;
       at = field.find(kExport, at + 1)) {
    const size_t begin = at + kExport.size();
    const size_t end = field.find('"', begin);
    if (end != absl::string_view::npos) names.emplace_back(field.substr(begin, end - begin));
  }
  return names;
}

// Takes forms out of the text of one script, or fields out of its modules, until the converter can
// read the rest.
class Reducer {
 public:
  Reducer(std::string name, std::string text, Converted* converted)
      : name_(std::move(name)),
        text_(std::move(text)),
        forms_(TopLevelForms(text_)),
        converted_(converted) {}

  const std::string& text() const { return text_; }
  const std::vector<Form>& forms() const { return forms_; }

  // Takes out what stands at a line. False where nothing does.
  bool Remove(int line, const std::string& what) {
    const Form* culprit = FormAt(forms_, line, text_);
    if (culprit == nullptr) return false;
    if (IsModule(*culprit) && (culprit->second.empty() || culprit->second[0] == '$')) {
      // One field may be enough, unless too many have gone already.
      const std::vector<Form> fields = Fields(text_, *culprit);
      const Form* field = FormAt(fields, line, text_);
      if (field != nullptr && !StubOf(*field).empty() && ++removed_fields_[culprit->line] < 8) {
        RemoveField(*culprit, *field, what);
        return true;
      }
    }
    RemoveForm(*culprit, what);
    return true;
  }

  void RemoveTags() {
    for (const Form& form : forms_) {
      if (!IsModule(form) || !(form.second.empty() || form.second[0] == '$')) continue;
      for (const Form& field : Fields(text_, form)) {
        const absl::string_view text =
            absl::string_view(text_).substr(field.begin, field.end - field.begin);
        const bool names_tag =
            (field.head == "export" || field.head == "import") && absl::StrContains(text, "(tag");
        if (field.head == "tag" || names_tag) RemoveField(form, field, "a tag");
      }
    }
  }

  void RemoveForm(const Form& form, const std::string& what) {
    Blank(form, text_);
    Note(form.line, what);
    if (IsModule(form) && form.second != "definition") {
      ForEachDependent(form, [](const Form&) { return true; });
    }
  }

 private:
  void Note(int line, const std::string& what) {
    converted_->unreadable.push_back(absl::StrCat(name_, ":", line, ": ", what));
  }

  // Whether a table says more than the type of its elements: then an empty one cannot stand
  // for it.
  bool HasSizeOrIndexType(const Form& field) const {
    size_t at = text_.find(field.second, field.begin) + field.second.size();
    while (at < field.end && std::isspace(static_cast<unsigned char>(text_[at]))) ++at;
    return text_[at] == 'i' || std::isdigit(static_cast<unsigned char>(text_[at]));
  }

  void NoteUnregistered(const Form& form) {
    const std::string text = text_.substr(form.begin, form.end - form.begin);
    const size_t begin = text.find('"');
    const size_t end = text.find('"', begin + 1);
    if (begin == std::string::npos || end == std::string::npos) return;
    converted_->unregistered.push_back(text.substr(begin + 1, end - begin - 1));
  }

  // What takes the place of a field, so that indices stay; empty where none does.
  std::string StubOf(const Form& field) const {
    const bool named = !field.second.empty() && field.second[0] == '$';
    std::string stub;
    if (field.head == "func") {
      stub = absl::StrCat("(func", named ? " " : "", named ? field.second : "", ")");
    } else if (field.head == "table" && named && !HasSizeOrIndexType(field)) {
      stub = absl::StrCat("(table ", field.second, " 0 funcref)");
    }
    return stub.size() <= field.end - field.begin ? stub : "";
  }

  void RemoveField(const Form& module, const Form& field, const std::string& what) {
    const std::vector<std::string> exports =
        InlineExports(absl::string_view(text_).substr(field.begin, field.end - field.begin));
    const std::string stub = StubOf(field);
    Blank(field, text_);
    text_.replace(field.begin, stub.size(), stub);
    Note(field.line, what);
    ForEachDependent(module, [&](const Form& form) {
      const absl::string_view text =
          absl::string_view(text_).substr(form.begin, form.end - form.begin);
      return std::any_of(exports.begin(), exports.end(), [&](const std::string& name) {
        return absl::StrContains(text, absl::StrCat("\"", name, "\""));
      });
    });
  }

  // Takes out what follows a module up to the next one, where it depends on it and `remove`
  // agrees.
  template <typename F>
  void ForEachDependent(const Form& module, F remove) {
    for (const Form& form : forms_) {
      if (form.begin <= module.begin) continue;
      if (IsModule(form)) break;
      if (!DependsOnModule(form) || text_[form.begin] != '(' || !remove(form)) continue;
      if (form.head == "register") NoteUnregistered(form);
      Blank(form, text_);
      ++converted_->dependent;
    }
  }

  const std::string name_;
  std::string text_;
  const std::vector<Form> forms_;
  Converted* converted_;
  // By the line of the module.
  std::map<int, int> removed_fields_;
};

}  // namespace

absl::StatusOr<Converted> ConvertScript(const std::string& wast_path, const std::string& directory,
                                        const ConvertOptions& options) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(wast_path));
  for (const auto& [from, to] : kSpellings) {
    text = absl::StrReplaceAll(text, {{from, to}});
  }
  const std::string name = wast_path.substr(wast_path.rfind('/') + 1);
  const std::string input = absl::StrCat(directory, "/", name);
  const std::string output = absl::StrCat(input, ".json");
  Converted converted;
  Reducer reducer(name, std::move(text), &converted);
  // Where tags are thrown, nothing would be left to run.
  if (options.without_tags && !absl::StrContains(reducer.text(), "(throw")) reducer.RemoveTags();
  const std::string errors = absl::StrCat(directory, "/errors");
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    RETURN_IF_ERROR(WriteFile(input, reducer.text()));
    ASSIGN_OR_RETURN(const Outcome outcome, RunConverter(input, output, errors));
    if (outcome.exited && outcome.code == 0) {
      ASSIGN_OR_RETURN(converted.script, ReadScript(output));
      converted.script.source = wast_path;
      converted.script.unregistered = converted.unregistered;
      return converted;
    }
    int line = 0;
    std::string what;
    if (outcome.exited && ParseError(outcome.errors, input, &line, &what)) {
      if (reducer.Remove(line, what)) continue;
      return absl::InvalidArgumentError(absl::StrCat("wast2json: ", what));
    }
    // It died: look for the forms on which it dies alone.
    bool found = false;
    for (const Form& form : reducer.forms()) {
      if (reducer.text()[form.begin] != '(') continue;
      RETURN_IF_ERROR(WriteFile(input, reducer.text().substr(form.begin, form.end - form.begin)));
      ASSIGN_OR_RETURN(const Outcome alone, RunConverter(input, output, errors));
      if (alone.exited) continue;
      reducer.RemoveForm(form, "wast2json dies of it");
      found = true;
    }
    if (!found) return absl::InvalidArgumentError("wast2json dies");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("wast2json cannot read ", kMaxAttempts, " forms or more"));
}

}  // namespace gantry::wast
