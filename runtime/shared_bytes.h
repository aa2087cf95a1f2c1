// Bulk operations on bytes that other threads may read and write at the same time, such as
// those of a shared memory.
//
//   CopyToShared(shared.base() + offset, segment.data(), segment.size());
//
// Every access to shared bytes is an atomic one without order, of single bytes or of aligned
// words of eight, so that races are defined (and ThreadSanitizer sees none), and what a race
// gives is some mixture of the bytes there were: a word may hold bytes of either writer, as
// WebAssembly allows for its bulk operations. Words are read and written whole wherever
// possible, whatever the alignment of the two sides to each other.
//
// Reads may touch bytes outside of the range, within an aligned word of which a byte is in it:
// memory has to be there in whole words of eight.
#ifndef GANTRY_RUNTIME_SHARED_BYTES_H_
#define GANTRY_RUNTIME_SHARED_BYTES_H_

#include <cstddef>
#include <cstdint>

namespace gantry::runtime {

// From bytes that no other thread writes.
void CopyToShared(uint8_t* to, const uint8_t* from, size_t count);
// To bytes that no other thread uses.
void CopyFromShared(uint8_t* to, const uint8_t* from, size_t count);
// Between shared bytes, which may overlap: as if by way of a copy.
void MoveShared(uint8_t* to, const uint8_t* from, size_t count);
void FillShared(uint8_t* to, uint8_t byte, size_t count);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_SHARED_BYTES_H_
