// The LZ4 block format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace vgpu::driver {

/// Throws std::invalid_argument for anything but a block of exactly plainBytes.
std::string lz4Decompress(const uint8_t* data, size_t size, size_t plainBytes);

}  // namespace vgpu::driver
