// What DIFFUSE4J_VGPU and the control API can set.
#pragma once

#include "machine.hpp"
#include "model/device_profile.hpp"

#include <string>

namespace vgpu::driver {

struct Settings {
    const model::DeviceProfile* profile = nullptr;
    uint32_t checks = CheckNone;
    bool counters = true;  // the time model reads them
    bool lines = false;    // counters also say which lines of the PTX were executed
    Schedule schedule;     // of blocks in a launch, and of streams among each other
    uint64_t memoryBytes = 0;  // 0 means the profile's
    unsigned hostThreads = 0;  // 0 means all cores
    uint64_t instructionLimit = 0;
    double approximationError = 0;
    std::string report;  // empty, "stderr" or a file: where diagnostics, leaks and refused calls are written

    uint64_t capacity() const { return memoryBytes ? memoryBytes : profile->memoryBytes; }

    /// Applies one KEY=VALUE. Throws std::invalid_argument naming the key, the value and what is allowed.
    void set(const std::string& key, const std::string& value);
    /// Applies KEY=VALUE,KEY=VALUE,...; several checks are joined with '+'.
    void parse(const std::string& text);
    static Settings defaults();
};

}  // namespace vgpu::driver
