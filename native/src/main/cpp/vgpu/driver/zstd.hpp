// The Zstandard frame format (RFC 8878), without dictionaries: nvcc 13 compresses PTX with it unless told otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace vgpu::driver {

/// Throws std::invalid_argument for anything but one frame of exactly plainBytes.
std::string zstdDecompress(const uint8_t* data, size_t size, size_t plainBytes);

}  // namespace vgpu::driver
