// Finding the driver's entry points by name.
#pragma once

#include <cstdint>
#include <string>

namespace vgpu::driver {

using EntryPoint = void (*)();

/// CUdriverProcAddressQueryResult.
enum Query : int { Found = 0, NotFound = 1, VersionNotSufficient = 2 };

/// The entry point that a program built for this CUDA version means by the name, or null and the reason in `query`.
EntryPoint lookUp(const std::string& name, int version, uint64_t flags, Query& query);

}  // namespace vgpu::driver
