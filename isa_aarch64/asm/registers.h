// The registers of AArch64. The width in which an instruction reads or writes a general register
// is part of the operand's C++ type: W and X are different types, so that adding a 32-bit register
// to a 64-bit one does not compile. Encoding 31 is the zero register in a W or X, and the stack
// pointer in an XSp, which is what instructions take that can read or write sp.
//
//   X base = x2;
//   W low = base.w();      // Another view of the same register, said aloud.
//   XSp stack = sp;        // or any X but xzr
#ifndef GANTRY_ISA_AARCH64_ASM_REGISTERS_H_
#define GANTRY_ISA_AARCH64_ASM_REGISTERS_H_

#include <cstdint>

#include "base/check.h"

namespace gantry::aarch64 {

class X;

// The low 32 bits of a general register; writing it clears the upper half. 31 is wzr.
class W {
 public:
  explicit constexpr W(uint8_t encoding) : encoding_(encoding) { DCHECK(encoding < 32); }
  constexpr uint8_t encoding() const { return encoding_; }
  constexpr X x() const;
  friend constexpr bool operator==(W, W) = default;

 private:
  uint8_t encoding_;
};

// A general register's 64 bits. 31 is xzr.
class X {
 public:
  explicit constexpr X(uint8_t encoding) : encoding_(encoding) { DCHECK(encoding < 32); }
  constexpr uint8_t encoding() const { return encoding_; }
  constexpr W w() const { return W(encoding_); }
  friend constexpr bool operator==(X, X) = default;

 private:
  uint8_t encoding_;
};
constexpr X W::x() const { return X(encoding_); }

// Any of x0 to x30, or sp.
class XSp {
 public:
  constexpr XSp(X reg)  // NOLINT(google-explicit-constructor): an X but xzr is one of them
      : encoding_(reg.encoding()) {
    CHECK(reg.encoding() != 31) << "xzr where sp could stand";
  }
  static constexpr XSp Sp() { return XSp(); }
  static constexpr XSp FromEncoding(uint8_t encoding) {
    return encoding == 31 ? Sp() : XSp(X(encoding));
  }
  constexpr uint8_t encoding() const { return encoding_; }
  friend constexpr bool operator==(XSp, XSp) = default;

 private:
  constexpr XSp() : encoding_(31) {}
  uint8_t encoding_;
};

// A vector register; which of its bits count is the instruction's to say.
class V {
 public:
  explicit constexpr V(uint8_t encoding) : encoding_(encoding) { DCHECK(encoding < 32); }
  constexpr uint8_t encoding() const { return encoding_; }
  friend constexpr bool operator==(V, V) = default;

 private:
  uint8_t encoding_;
};

// The registers' own names.
// clang-format off
inline constexpr X x0{0}, x1{1}, x2{2}, x3{3}, x4{4}, x5{5}, x6{6}, x7{7}, x8{8}, x9{9}, x10{10};
inline constexpr X x11{11}, x12{12}, x13{13}, x14{14}, x15{15}, x16{16}, x17{17}, x18{18}, x19{19};
inline constexpr X x20{20}, x21{21}, x22{22}, x23{23}, x24{24}, x25{25}, x26{26}, x27{27}, x28{28};
inline constexpr X x29{29}, x30{30}, xzr{31};
inline constexpr W w0{0}, w1{1}, w2{2}, w3{3}, w4{4}, w5{5}, w6{6}, w7{7}, w8{8}, w9{9}, w16{16};
inline constexpr W w17{17}, wzr{31};
inline constexpr XSp sp = XSp::Sp();
inline constexpr V v0{0}, v1{1}, v2{2}, v3{3}, v4{4}, v5{5}, v6{6}, v7{7}, v31{31};
// clang-format on

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_ASM_REGISTERS_H_
