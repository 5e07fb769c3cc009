// Checked copies and memsets, before they are queued or become graph nodes.
#pragma once

#include "driver/call.hpp"

namespace vgpu::driver {

/// A plain copy. Each side may be device or host memory; `asDevice` sides must be memory the driver knows.
CopyWork linearCopy(Call& call, uint64_t destination, bool destinationAsDevice, uint64_t source, bool sourceAsDevice,
                    size_t bytes);
CopyWork boxCopy(Call& call, const CUDA_MEMCPY3D& parameters);
CUDA_MEMCPY3D boxOf(const CUDA_MEMCPY2D& parameters);

FillWork fillWork(Call& call, CUdeviceptr destination, size_t pitch, uint32_t value, uint32_t elementSize, size_t width,
                  size_t height);

}  // namespace vgpu::driver
