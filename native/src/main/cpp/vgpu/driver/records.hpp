// The texts that the control API hands out; their form is described in control.hpp.
#pragma once

#include "driver/driver.hpp"

namespace vgpu::driver {

std::string diagnosticRecords(const Driver& driver);
std::string callRecords(const Driver& driver);
std::string sequenceRecords(const Driver& driver);
std::string launchRecords(const Driver& driver);
std::string allocationRecords(const Driver& driver);

}  // namespace vgpu::driver
