#include "environ/cache/digest.h"

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

}  // namespace
}  // namespace gantry::environ
