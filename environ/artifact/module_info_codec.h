// ModuleInfo as bytes: how an artifact carries what instantiation needs.
//
//   std::vector<uint8_t> bytes = EncodeModuleInfo(info);
//   ASSIGN_OR_RETURN(ModuleInfo again, DecodeModuleInfo(bytes));   // equal to `info`
//
// Encoder and decoder are one function over an archive, so that they cannot disagree. The
// decoder trusts nothing: lengths are checked against the bytes that are left before memory
// is taken, and every index of the result against its index space.
#ifndef GANTRY_ENVIRON_ARTIFACT_MODULE_INFO_CODEC_H_
#define GANTRY_ENVIRON_ARTIFACT_MODULE_INFO_CODEC_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "environ/core/module_info.h"

namespace gantry::environ {

std::vector<uint8_t> EncodeModuleInfo(const ModuleInfo& info);

// kInvalidArgument, saying where, if the bytes are not from EncodeModuleInfo or what they
// describe does not hold together. Ranges of data segments are within `data_size` bytes.
absl::StatusOr<ModuleInfo> DecodeModuleInfo(absl::Span<const uint8_t> bytes, uint64_t data_size);

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_ARTIFACT_MODULE_INFO_CODEC_H_
