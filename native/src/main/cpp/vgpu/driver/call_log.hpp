// What a program called, and which calls are told to fail. Has a lock of its own: entering a call must not wait for the
// driver's.
#pragma once

#include "driver/cuda_abi.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace vgpu::driver {

class CallLog {
public:
    struct Total {
        uint64_t calls = 0;
        uint64_t bytes = 0;
    };
    struct Entry {
        std::string name;
        uint64_t bytes = 0;
    };

    /// Counts the call; the code it must fail with, or CUDA_SUCCESS. Returns the call's place in the sequence.
    CUresult enter(const char* name, uint64_t& place);
    void addBytes(const char* name, uint64_t place, uint64_t bytes);

    /// From the next call on, lets `skip` matching calls pass and fails the `times` after them. The name "*" matches every
    /// call that can fail for a reason of the device.
    void failCalls(const std::string& name, uint64_t skip, uint64_t times, CUresult code);
    void clearFaults();

    std::map<std::string, Total> totals() const;
    /// The calls in order since the last clear, at most `capacity` of them: the newest are dropped beyond it.
    std::vector<Entry> sequence() const;
    void clear();

    static constexpr size_t capacity = 1 << 20;

private:
    struct Fault {
        std::string name;
        uint64_t skip, times;
        CUresult code;
    };

    mutable std::mutex mutex_;
    std::map<std::string, Total> totals_;
    std::vector<std::pair<const char*, uint64_t>> sequence_;
    uint64_t firstPlace_ = 0, nextPlace_ = 0;
    std::vector<Fault> faults_;
};

}  // namespace vgpu::driver
