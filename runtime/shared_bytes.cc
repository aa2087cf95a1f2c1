#include "runtime/shared_bytes.h"

#include <atomic>
#include <bit>
#include <cstring>

namespace gantry::runtime {
namespace {

static_assert(std::endian::native == std::endian::little,
              "words are put together from bytes in little-endian order");

constexpr size_t kWord = sizeof(uint64_t);

uint8_t LoadByte(const uint8_t* at) {
  return std::atomic_ref<uint8_t>(*const_cast<uint8_t*>(at)).load(std::memory_order_relaxed);
}
void StoreByte(uint8_t* at, uint8_t byte) {
  std::atomic_ref<uint8_t>(*at).store(byte, std::memory_order_relaxed);
}
uint64_t LoadWord(const uint8_t* at) {
  return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(const_cast<uint8_t*>(at)))
      .load(std::memory_order_relaxed);
}
void StoreWord(uint8_t* at, uint64_t word) {
  std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(at))
      .store(word, std::memory_order_relaxed);
}

// Bytes past the last word boundary, and to the next one.
size_t BytesPastWord(const uint8_t* at) { return reinterpret_cast<uintptr_t>(at) % kWord; }
size_t BytesToWord(const uint8_t* at) { return -reinterpret_cast<uintptr_t>(at) % kWord; }

// Eight bytes that begin `shift` bits into the first of two neighbouring words.
uint64_t Join(uint64_t low, uint64_t high, unsigned shift) {
  return low >> shift | high << (64 - shift);
}

// Ascending: right where `to` is below `from`, or the two do not overlap.
void MoveUp(uint8_t* to, const uint8_t* from, size_t count) {
  size_t head = BytesToWord(to);
  if (head > count) head = count;
  for (size_t i = 0; i < head; ++i) StoreByte(to + i, LoadByte(from + i));
  to += head;
  from += head;
  count -= head;
  const size_t past = BytesPastWord(from);
  if (past == 0) {
    for (; count >= kWord; count -= kWord, to += kWord, from += kWord) {
      StoreWord(to, LoadWord(from));
    }
  } else if (count >= kWord) {
    const unsigned shift = static_cast<unsigned>(8 * past);
    const uint8_t* next = from - past;
    uint64_t low = LoadWord(next);
    for (; count >= kWord; count -= kWord, to += kWord, from += kWord) {
      next += kWord;
      const uint64_t high = LoadWord(next);
      StoreWord(to, Join(low, high, shift));
      low = high;
    }
  }
  for (size_t i = 0; i < count; ++i) StoreByte(to + i, LoadByte(from + i));
}

// Descending: right where `to` is above `from`. `to` and `from` are the ends.
void MoveDown(uint8_t* to, const uint8_t* from, size_t count) {
  size_t tail = BytesPastWord(to);
  if (tail > count) tail = count;
  for (; tail > 0; --tail, --count) StoreByte(--to, LoadByte(--from));
  const size_t past = BytesPastWord(from);
  if (past == 0) {
    for (; count >= kWord; count -= kWord) {
      to -= kWord;
      from -= kWord;
      StoreWord(to, LoadWord(from));
    }
  } else if (count >= kWord) {
    const unsigned shift = static_cast<unsigned>(8 * past);
    const uint8_t* next = from - past;
    uint64_t high = LoadWord(next);
    for (; count >= kWord; count -= kWord) {
      next -= kWord;
      to -= kWord;
      from -= kWord;
      const uint64_t low = LoadWord(next);
      StoreWord(to, Join(low, high, shift));
      high = low;
    }
  }
  for (; count > 0; --count) StoreByte(--to, LoadByte(--from));
}

}  // namespace

void CopyToShared(uint8_t* to, const uint8_t* from, size_t count) {
  for (; count > 0 && BytesPastWord(to) != 0; --count) StoreByte(to++, *from++);
  for (; count >= kWord; count -= kWord, to += kWord, from += kWord) {
    uint64_t word;
    std::memcpy(&word, from, kWord);
    StoreWord(to, word);
  }
  for (; count > 0; --count) StoreByte(to++, *from++);
}

void CopyFromShared(uint8_t* to, const uint8_t* from, size_t count) {
  for (; count > 0 && BytesPastWord(from) != 0; --count) *to++ = LoadByte(from++);
  for (; count >= kWord; count -= kWord, to += kWord, from += kWord) {
    const uint64_t word = LoadWord(from);
    std::memcpy(to, &word, kWord);
  }
  for (; count > 0; --count) *to++ = LoadByte(from++);
}

void MoveShared(uint8_t* to, const uint8_t* from, size_t count) {
  // Addresses of different objects compare as numbers.
  if (reinterpret_cast<uintptr_t>(to) <= reinterpret_cast<uintptr_t>(from)) {
    MoveUp(to, from, count);
  } else {
    MoveDown(to + count, from + count, count);
  }
}

void FillShared(uint8_t* to, uint8_t byte, size_t count) {
  for (; count > 0 && BytesPastWord(to) != 0; --count) StoreByte(to++, byte);
  const uint64_t word = 0x0101010101010101u * byte;
  for (; count >= kWord; count -= kWord, to += kWord) StoreWord(to, word);
  for (; count > 0; --count) StoreByte(to++, byte);
}

}  // namespace gantry::runtime
