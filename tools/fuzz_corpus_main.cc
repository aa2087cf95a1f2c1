// Runs a fuzz target without libFuzzer: on every corpus file given, then on seeded
// variations of them. The same bytes on every machine, so that a failure can be repeated:
// the input of a crash is printed as hex before the process ends.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) __attribute__((weak));

namespace {

using Bytes = std::vector<uint8_t>;

const Bytes* current_input = nullptr;

void PrintCurrentInput(int signal_number) {
  static const char kDigits[] = "0123456789abcdef";
  const char prefix[] = "\ninput of the failure, in hex:\n";
  ssize_t unused = write(STDERR_FILENO, prefix, sizeof(prefix) - 1);
  if (current_input != nullptr) {
    for (size_t i = 0; i < current_input->size() && i < 65536; ++i) {
      const uint8_t byte = (*current_input)[i];
      const char pair[2] = {kDigits[byte >> 4], kDigits[byte & 15]};
      unused = write(STDERR_FILENO, pair, 2);
    }
  }
  unused = write(STDERR_FILENO, "\n", 1);
  (void)unused;
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

void RunOne(const Bytes& input) {
  current_input = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
  current_input = nullptr;
}

Bytes Mutate(const std::vector<Bytes>& corpus, std::mt19937_64& random) {
  auto below = [&](size_t bound) { return bound == 0 ? 0 : random() % bound; };
  Bytes bytes = corpus[below(corpus.size())];
  static const uint8_t kInteresting[] = {0, 1, 0x7f, 0x80, 0xff, 0x40, 0x0b, 0x20};
  const size_t edits = 1 + below(4);
  for (size_t i = 0; i < edits; ++i) {
    switch (below(6)) {
      case 0:
        if (!bytes.empty()) bytes[below(bytes.size())] = static_cast<uint8_t>(random());
        break;
      case 1:
        if (!bytes.empty()) bytes[below(bytes.size())] = kInteresting[below(8)];
        break;
      case 2:
        bytes.insert(bytes.begin() + below(bytes.size() + 1), static_cast<uint8_t>(random()));
        break;
      case 3:
        if (!bytes.empty()) {
          const size_t first = below(bytes.size());
          const size_t count = 1 + below(std::min<size_t>(8, bytes.size() - first));
          bytes.erase(bytes.begin() + first, bytes.begin() + first + count);
        }
        break;
      case 4:
        bytes.resize(below(bytes.size() + 1));
        break;
      case 5: {
        const Bytes& other = corpus[below(corpus.size())];
        const size_t keep = below(bytes.size() + 1);
        const size_t from = below(other.size() + 1);
        bytes.resize(keep);
        bytes.insert(bytes.end(), other.begin() + from, other.end());
        break;
      }
    }
  }
  if (bytes.size() > (1u << 20)) bytes.resize(1u << 20);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&argc, &argv);
  for (int signal_number : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE}) {
    std::signal(signal_number, PrintCurrentInput);
  }
  long mutations = 2000;
  std::vector<Bytes> corpus;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind("--mutations=", 0) == 0) {
      mutations = std::atol(argument.c_str() + std::strlen("--mutations="));
      continue;
    }
    std::ifstream file(argument, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read corpus file %s\n", argument.c_str());
      return 1;
    }
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  const size_t files = corpus.size();
  std::mt19937_64 random(20260601);
  if (corpus.empty()) {
    corpus.push_back({});
    for (int i = 0; i < 32; ++i) {
      Bytes bytes(1 + random() % 256);
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      corpus.push_back(std::move(bytes));
    }
  }
  for (const Bytes& input : corpus) RunOne(input);
  for (long i = 0; i < mutations; ++i) RunOne(Mutate(corpus, random));
  std::printf("%zu corpus files and %ld variations ran\n", files, mutations);
  return 0;
}
