#include "runtime/firefox_profile.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/code_object.h"
#include "runtime/stack_walk.h"

namespace gantry::runtime {
namespace {

// Of version 47 of the format; the profiler upgrades older ones.
constexpr int kVersion = 24;
constexpr int kProcessedVersion = 47;

std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Numbers, or null, of one column of a table.
class Column {
 public:
  void Add(uint64_t value) { absl::StrAppend(&text_, text_.empty() ? "" : ",", value); }
  void AddText(absl::string_view value) {
    absl::StrAppend(&text_, text_.empty() ? "" : ",", value);
  }
  void AddOptional(std::optional<uint64_t> value) {
    if (value) {
      Add(*value);
    } else {
      AddText("null");
    }
  }
  std::string Json() const { return absl::StrCat("[", text_, "]"); }

 private:
  std::string text_;
};

std::string Repeated(absl::string_view value, size_t count) {
  std::vector<absl::string_view> values(count, value);
  return absl::StrCat("[", absl::StrJoin(values, ","), "]");
}

// Gives equal keys the same small number.
template <typename Key>
class Numbering {
 public:
  // The number, and whether it is new.
  std::pair<uint32_t, bool> Of(const Key& key) {
    const auto [place, is_new] = numbers_.emplace(key, static_cast<uint32_t>(numbers_.size()));
    return {place->second, is_new};
  }
  size_t size() const { return numbers_.size(); }

 private:
  std::map<Key, uint32_t> numbers_;
};

// The tables of the one thread.
class Thread {
 public:
  uint32_t Text(absl::string_view text) {
    const auto [number, is_new] = texts_.Of(std::string(text));
    if (is_new) strings_.AddText(Quoted(text));
    return number;
  }

  // A frame and what it is called from; none for the outermost.
  uint32_t Stack(uint32_t frame, std::optional<uint32_t> prefix, bool host) {
    const auto [number, is_new] = stacks_.Of({frame, prefix});
    if (is_new) {
      stack_frame_.Add(frame);
      stack_prefix_.AddOptional(prefix);
      stack_category_.Add(host ? 1 : 0);
    }
    return number;
  }

  uint32_t Frame(absl::string_view name, absl::string_view file, uint32_t line, bool host) {
    const uint32_t text = Text(name);
    const std::optional<uint32_t> file_text =
        file.empty() ? std::nullopt : std::optional<uint32_t>(Text(file));
    const auto [function, new_function] = functions_.Of({text, file_text});
    if (new_function) {
      func_name_.Add(text);
      func_file_.AddOptional(file_text);
    }
    const auto [number, is_new] = frames_.Of({function, line});
    if (is_new) {
      frame_func_.Add(function);
      frame_line_.AddOptional(line == 0 ? std::nullopt : std::optional<uint64_t>(line));
      frame_category_.Add(host ? 1 : 0);
    }
    return number;
  }

  void Sample(uint32_t stack, double time_ms) {
    sample_stack_.Add(stack);
    sample_time_.AddText(absl::StrFormat("%.3f", time_ms));
    ++samples_;
  }

  std::string Json(absl::string_view name) const {
    const size_t functions = functions_.size();
    const size_t frames = frames_.size();
    std::string out = absl::StrCat(
        R"({"processType":"default","processStartupTime":0,"processShutdownTime":null,)",
        R"("registerTime":0,"unregisterTime":null,"pausedRanges":[],"name":)", Quoted(name),
        R"(,"isMainThread":true,"processName":)", Quoted(name),
        R"(,"pid":"1","tid":1,"showMarkersInTimeline":false,)");
    absl::StrAppend(&out, R"("samples":{"length":)", samples_, R"(,"stack":)", sample_stack_.Json(),
                    R"(,"time":)", sample_time_.Json(),
                    R"(,"weight":null,"weightType":"samples"},)");
    absl::StrAppend(&out, R"("markers":{"length":0,"category":[],"data":[],"endTime":[],)",
                    R"("name":[],"phase":[],"startTime":[]},)");
    absl::StrAppend(&out, R"("stackTable":{"length":)", stacks_.size(), R"(,"prefix":)",
                    stack_prefix_.Json(), R"(,"frame":)", stack_frame_.Json(), R"(,"category":)",
                    stack_category_.Json(), R"(,"subcategory":)", Repeated("0", stacks_.size()),
                    "},");
    absl::StrAppend(&out, R"("frameTable":{"length":)", frames, R"(,"address":)",
                    Repeated("-1", frames), R"(,"inlineDepth":)", Repeated("0", frames),
                    R"(,"category":)", frame_category_.Json(), R"(,"subcategory":)",
                    Repeated("0", frames), R"(,"func":)", frame_func_.Json(), R"(,"nativeSymbol":)",
                    Repeated("null", frames), R"(,"innerWindowID":)", Repeated("0", frames));
    absl::StrAppend(&out, R"(,"implementation":)", Repeated("null", frames), R"(,"line":)",
                    frame_line_.Json(), R"(,"column":)", Repeated("null", frames),
                    R"(,"optimizations":)", Repeated("null", frames), "},");
    absl::StrAppend(&out, R"("funcTable":{"length":)", functions, R"(,"name":)", func_name_.Json(),
                    R"(,"isJS":)", Repeated("false", functions), R"(,"relevantForJS":)",
                    Repeated("false", functions), R"(,"resource":)", Repeated("-1", functions),
                    R"(,"fileName":)", func_file_.Json(), R"(,"lineNumber":)",
                    Repeated("null", functions), R"(,"columnNumber":)", Repeated("null", functions),
                    "},");
    absl::StrAppend(&out, R"("resourceTable":{"length":0,"lib":[],"name":[],"host":[],"type":[]},)",
                    R"("nativeSymbols":{"length":0,"libIndex":[],"address":[],"name":[],)",
                    R"("functionSize":[]},"stringArray":)", strings_.Json(), "}");
    return out;
  }

 private:
  Numbering<std::string> texts_;
  Numbering<std::pair<uint32_t, std::optional<uint32_t>>> functions_;
  Numbering<std::pair<uint32_t, uint32_t>> frames_;
  Numbering<std::pair<uint32_t, std::optional<uint32_t>>> stacks_;
  Column strings_, func_name_, func_file_, frame_func_, frame_line_, frame_category_;
  Column stack_frame_, stack_prefix_, stack_category_, sample_stack_, sample_time_;
  size_t samples_ = 0;
};

}  // namespace

std::string FirefoxProfile(const Sampler::Samples& samples, absl::string_view name,
                           double start_ms) {
  Thread thread;
  const uint32_t host_frame = thread.Frame("host", "", 0, true);
  for (const Sampler::Sample& sample : samples.samples) {
    std::vector<uint32_t> frames;  // innermost first
    for (const uintptr_t address : sample.addresses) {
      VisitWasmFrames(address, [&](const WasmFrame& frame) {
        std::string function(frame.module->FuncNameOf(frame.function));
        if (function.empty()) function = absl::StrCat("function[", frame.function.raw(), "]");
        if (!frame.module->name.empty()) {
          function = absl::StrCat(frame.module->name, "!", function);
        }
        const std::optional<environ::SourcePosition> source = frame.Source();
        frames.push_back(source ? thread.Frame(function, source->file, source->line, false)
                                : thread.Frame(function, "", 0, false));
      });
    }
    std::optional<uint32_t> stack;
    for (size_t i = frames.size(); i > 0; --i) stack = thread.Stack(frames[i - 1], stack, false);
    if (!sample.in_guest || !stack) stack = thread.Stack(host_frame, stack, true);
    thread.Sample(*stack, static_cast<double>(sample.time.count()) * 1e-6);
  }
  return absl::StrCat(
      R"({"meta":{"categories":[{"name":"WebAssembly","color":"blue","subcategories":["Other"]},)",
      R"({"name":"Host","color":"grey","subcategories":["Other"]}],"debug":false,"interval":)",
      absl::StrFormat("%.3f", static_cast<double>(samples.interval.count()) * 1e-3),
      R"(,"preprocessedProfileVersion":)", kProcessedVersion, R"(,"processType":0,"product":)",
      Quoted(name), R"(,"stackwalk":1,"startTime":)", absl::StrFormat("%.3f", start_ms),
      R"(,"symbolicated":true,"version":)", kVersion,
      R"(,"extensions":{"length":0,"baseURL":[],"id":[],"name":[]},"markerSchema":[],)",
      R"("usesOnlyOneStackType":true,"doesNotUseFrameImplementation":true,)",
      R"("sourceCodeIsNotOnSearchfox":true},"libs":[],"pages":[],"profilerOverhead":[],)",
      R"("counters":[],"threads":[)", thread.Json(name), "]}\n");
}

}  // namespace gantry::runtime
