// Queued device work and the order in which it really happens.
//
// Nothing runs when it is submitted. Work runs when something needs it: a synchronisation, a query, a full queue. Which
// work then runs is the schedule's choice among all that the program's dependencies allow:
//   forward       only what is needed, in the order it was submitted: work nobody waited for has not happened yet
//   reverse       always the latest submitted work that may run: other streams overtake
//   random:SEED   any work that may run
// So a missing event or synchronisation shows stale or overwritten data in one of them.
#pragma once

#include "machine.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

namespace vgpu::driver {

struct Context;
struct Operation;
using OperationPtr = std::shared_ptr<Operation>;
using Lock = std::unique_lock<std::mutex>;

/// What executes an operation on a device; operations of one engine do not overlap in modelled time.
enum class Engine { None, Compute, CopyIn, CopyOut };
constexpr int engineCount = 4;

struct Operation {
    enum class State { Queued, Running, Done };

    /// Does the work without the driver's lock; returns its modelled duration in nanoseconds. May throw DriverError: the
    /// context is then faulty. Empty for joins and markers.
    std::function<double()> run;
    Engine engine = Engine::None;
    std::shared_ptr<Context> context;

    State state = State::Queued;
    uint64_t sequence = 0;
    double start = 0, end = 0;  // modelled, nanoseconds since the driver began

private:
    friend class WorkQueue;
    std::vector<OperationPtr> after;       // unfinished dependencies, cleared as they finish
    std::vector<Operation*> dependents;    // each still queued, and owned by the queue
    double earliest = 0;
};

class WorkQueue {
public:
    /// All functions expect the driver's mutex to be held; those that take the lock release it while work runs.
    void submit(const OperationPtr& operation, const std::vector<OperationPtr>& after);
    void finish(Lock& lock, const OperationPtr& operation);
    void finishAll(Lock& lock, const std::vector<OperationPtr>& operations);
    /// Runs one operation that this one needs, if there is one; true if the operation is done.
    bool advance(Lock& lock, const OperationPtr& operation);
    /// Unfinished operations of the context.
    std::vector<OperationPtr> pending(const Context& context) const;

    void setSchedule(const Schedule& schedule);
    /// The modelled time that the host has seen pass.
    double hostTime() const { return hostTime_; }
    /// Forgets modelled time; only while nothing is queued.
    void resetTime();
    bool idle() const { return pending_.empty(); }
    size_t size() const { return pending_.size(); }
    void finishOldest(Lock& lock) { finish(lock, OperationPtr(pending_.begin()->second)); }

private:
    std::vector<OperationPtr> needed(const OperationPtr& operation) const;
    OperationPtr choose(const std::vector<OperationPtr>& needed);
    void execute(Lock& lock, const OperationPtr& operation);

    std::map<uint64_t, OperationPtr> pending_;  // queued or running, by sequence
    std::map<uint64_t, Operation*> ready_;      // queued, with nothing left to wait for
    std::condition_variable finished_;
    Schedule schedule_;
    std::mt19937_64 random_{0};
    uint64_t nextSequence_ = 1;
    double hostTime_ = 0;
    double engineFree_[engineCount] = {};
};

}  // namespace vgpu::driver
