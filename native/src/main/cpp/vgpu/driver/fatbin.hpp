// The container that nvcc writes with -fatbin: several images for several architectures, compressed or not.
#pragma once

#include <cstddef>
#include <string>

namespace vgpu::driver {

enum class ImageKind { Ptx, FatBinary, FatBinaryWrapper, MachineCode };

/// Looks at the first bytes of an image, of which at least four must be readable.
ImageKind imageKind(const void* image);

/// The PTX for the highest architecture that is not above compute_80. Throws DriverError: NO_BINARY_FOR_GPU when there is
/// none, INVALID_IMAGE when the container is damaged.
std::string ptxOfFatBinary(const void* image);

/// Whatever the image is, its PTX text. `size` 0 means that PTX ends at its NUL.
std::string ptxOfImage(const void* image, size_t size);

}  // namespace vgpu::driver
