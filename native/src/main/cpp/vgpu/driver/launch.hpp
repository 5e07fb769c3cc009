// Checking a launch before anything is queued, as a driver does.
#pragma once

#include "driver/call.hpp"

namespace vgpu::driver {

/// The work of a launch, its parameters copied. Throws what a driver returns for bad sizes and missing resources.
KernelWork kernelWork(Driver& driver, const CUDA_KERNEL_NODE_PARAMS& parameters, bool cooperative);

/// Throws unless all blocks can be resident together, as a cooperative launch needs.
void requireResident(Driver& driver, const KernelWork& work);

model::Occupancy functionOccupancy(Driver& driver, const Function& function, uint32_t threads, uint64_t dynamicShared);

}  // namespace vgpu::driver
