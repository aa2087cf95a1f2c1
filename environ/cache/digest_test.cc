#include "environ/cache/digest.h"

#include <openssl/evp.h>

#include <string>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

TEST(DigestTest, IsSha256OfLengthsAndPieces) {
  Digester digester;
  // SHA-256 of eight zero bytes, which are the length of nothing.
  EXPECT_EQ(absl::BytesToHexString(KeyOf(digester.Add(absl::string_view()).Finish())),
            "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc");
}

TEST(DigestTest, PiecesAreNotShiftedIntoEachOther) {
  Digester digester;
  const Digest one = digester.Add("ab").Add("c").Finish();
  EXPECT_NE(digester.Add("a").Add("bc").Finish(), one);
  EXPECT_NE(digester.Add("abc").Finish(), one);
  EXPECT_EQ(digester.Add("ab").Add("c").Finish(), one) << "a finished digester starts anew";
  EXPECT_NE(digester.Add(uint64_t{1}).Finish(), digester.Add(uint64_t{2}).Finish());
}

// Pieces of all sizes, on both sides of what is collected.
TEST(DigestTest, SizesOfPiecesDoNotMatter) {
  Digester digester;
  std::string all;
  for (size_t i = 0; i < 40; ++i) {
    const std::string piece(i * i * 3 % 2500, static_cast<char>('a' + i % 26));
    const uint64_t size = piece.size();
    digester.Add(piece).Add(uint64_t{i});
    all.append(reinterpret_cast<const char*>(&size), sizeof size);
    all += piece;
    const uint64_t number = i;
    all.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  Digest expected;
  ASSERT_EQ(EVP_Digest(all.data(), all.size(), expected.data(), nullptr, EVP_sha256(), nullptr), 1);
  EXPECT_EQ(digester.Finish(), expected);
}

}  // namespace
}  // namespace gantry::environ
