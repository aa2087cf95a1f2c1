#include "tests/threads/threaded_guest.h"

#include <thread>
#include <utility>

#include "api/testing/test_flags.h"
#include "base/check.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry::testing {
namespace {

template <typename T>
T Value(absl::StatusOr<T> value) {
  CHECK(value.ok()) << value.status();
  return *std::move(value);
}

Engine MakeEngine(OptLevel level) {
  Config config;
  AddTestCompilerFlags(config);
  config.OptLevel(level).WasmFeature(wasm::Feature::kThreads, true);
  return Value(Engine::Create(config));
}

SharedMemory MakeMemory(const Engine& engine, uint64_t pages) {
  MemoryType type;
  type.limits = {pages, 2 * pages};
  type.shared = true;
  return Value(SharedMemory::Create(engine, type));
}

}  // namespace

void Rendezvous::Arrive() {
  std::unique_lock<std::mutex> lock(mutex_);
  const uint64_t mine = generation_;
  if (++arrived_ < threads_) {
    condition_.wait(lock, [&] { return generation_ != mine; });
    return;
  }
  arrived_ = 0;
  ++generation_;
  condition_.notify_all();
}

ThreadedGuest::Thread::Thread(const Module& module, const SharedMemory& memory, int number)
    : number_(number), store_(std::make_unique<Store>(module.engine())) {
  instance_ = std::make_unique<Instance>(Value(Instance::Create(*store_, module, {memory})));
}

int64_t ThreadedGuest::Thread::Call(const char* name, std::vector<Val> arguments) {
  const std::vector<Val> results =
      Value(Value(instance_->GetFunc(*store_, name)).Call(*store_, arguments));
  if (results.empty()) return 0;
  return results[0].kind() == Val::Kind::kI32 ? results[0].i32() : results[0].i64();
}

ThreadedGuest::ThreadedGuest(OptLevel level, const std::string& text, uint64_t pages, int threads)
    : engine_(MakeEngine(level)), memory_(MakeMemory(engine_, pages)) {
  const auto assembled = Value(wasm::text::ParseText(wasm::text::SourceText("test", text)));
  const Module module = Value(Module::Compile(engine_, assembled.bytes));
  for (int i = 0; i < threads; ++i) threads_.emplace_back(module, memory_, i);
}

void ThreadedGuest::OnEachThread(const std::function<void(Thread&)>& body) {
  std::vector<std::thread> running;
  for (Thread& thread : threads_) running.emplace_back([&] { body(thread); });
  for (std::thread& thread : running) thread.join();
}

}  // namespace gantry::testing
