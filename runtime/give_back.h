// GiveBack: pages of private mappings go back to the host.
#ifndef GANTRY_RUNTIME_GIVE_BACK_H_
#define GANTRY_RUNTIME_GIVE_BACK_H_

#include <cstdint>

namespace gantry::runtime {

// From now on the range, whole pages, reads as what is mapped there: zero, or a file's bytes. False
// where that is not certain, and then it may read as before: the host refused, as for locked
// memory, or does nothing on such a call, which is tried out once (emulators do that).
bool GiveBack(uint8_t* start, uint64_t size);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_GIVE_BACK_H_
