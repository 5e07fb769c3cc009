// What all blocks of a launch share.
#pragma once

#include "check/counting.hpp"
#include "exec/program.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <tuple>

namespace vgpu {

class GlobalRaces;

struct LaunchContext {
    LaunchContext(Memory& memory, const Program& program, const KernelInfo& info, const LaunchConfig& config)
        : memory(memory), program(program), info(info), config(config) {}

    Memory& memory;
    const Program& program;
    const KernelInfo& info;
    const LaunchConfig& config;

    std::vector<uint8_t> params;  // padded copy
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> instructions{0};
    std::mutex printing;
    std::shared_ptr<GlobalRaces> races;  // null unless races are looked for

    /// Adds to the count of the same problem at the same instruction, or lists it. The lowest block and thread among
    /// equals is kept, so that the report does not depend on the schedule.
    void report(Diagnostic diagnostic);
    /// A failure that a checker has survived: decides the status, and the launch goes on.
    void note(Status status, const std::string& message);
    /// The first failure decides the status. Ends the launch.
    void fail(Status status, const std::string& message);

    std::vector<Diagnostic> takeDiagnostics();
    Status status() const { return status_; }
    const std::string& message() const { return message_; }

    std::mutex footprintMutex;
    Footprint loadFootprint, storeFootprint, atomicFootprint;

private:
    std::mutex mutex_;
    std::map<std::tuple<int, std::string, uint32_t>, Diagnostic> diagnostics_;
    Status status_ = Status::Success;
    std::string message_;
};

struct Warp;

/// A diagnostic with everything that the position of the warp tells.
Diagnostic diagnosticAt(const Warp& warp, uint32_t pc, int lane, DiagnosticKind kind, const std::string& message);

}  // namespace vgpu
