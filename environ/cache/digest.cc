#include "environ/cache/digest.h"

#include <openssl/evp.h>

#include <cstring>

#include "base/check.h"

namespace gantry::environ {
namespace {

// Looked up once: OpenSSL takes longer to find the algorithm than to digest a small piece.
const EVP_MD* Algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CHECK(algorithm != nullptr);
  return algorithm;
}

}  // namespace

// Small pieces are collected: a call of OpenSSL takes as long as the digest of a hundred bytes.
struct Digester::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  size_t collected_size = 0;
  uint8_t collected[1024];

  ~State() { EVP_MD_CTX_free(context); }
  void Start() { CHECK(EVP_DigestInit_ex2(context, Algorithm(), nullptr) == 1); }
  void Update(const void* bytes, size_t size) {
    if (size > sizeof collected - collected_size) {
      Flush();
      if (size > sizeof collected) {
        CHECK(EVP_DigestUpdate(context, bytes, size) == 1);
        return;
      }
    }
    if (size != 0) std::memcpy(collected + collected_size, bytes, size);
    collected_size += size;
  }
  void Flush() {
    CHECK(EVP_DigestUpdate(context, collected, collected_size) == 1);
    collected_size = 0;
  }
};

Digester::Digester() : state_(std::make_unique<State>()) {
  CHECK(state_->context != nullptr);
  state_->Start();
}
Digester::~Digester() = default;

Digester& Digester::Add(absl::Span<const uint8_t> bytes) {
  const uint64_t size = bytes.size();
  state_->Update(&size, sizeof size);
  state_->Update(bytes.data(), bytes.size());
  return *this;
}

Digester& Digester::Add(absl::string_view text) {
  return Add(absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

Digester& Digester::Add(uint64_t number) {
  state_->Update(&number, sizeof number);
  return *this;
}

Digest Digester::Finish() {
  Digest digest;
  unsigned int size = 0;
  state_->Flush();
  CHECK(EVP_DigestFinal_ex(state_->context, digest.data(), &size) == 1 && size == digest.size());
  state_->Start();
  return digest;
}

}  // namespace gantry::environ
