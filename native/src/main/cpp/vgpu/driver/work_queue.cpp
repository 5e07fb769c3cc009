#include "driver/work_queue.hpp"

#include "driver/errors.hpp"
#include "driver/objects.hpp"

#include <algorithm>
#include <unordered_set>

namespace vgpu::driver {

void WorkQueue::submit(const OperationPtr& operation, const std::vector<OperationPtr>& after) {
    operation->sequence = nextSequence_++;
    operation->earliest = hostTime_;
    for (const OperationPtr& dependency : after) {
        if (dependency == nullptr) continue;
        if (dependency->state == Operation::State::Done) {
            operation->earliest = std::max(operation->earliest, dependency->end);
        } else if (std::find(operation->after.begin(), operation->after.end(), dependency) == operation->after.end()) {
            operation->after.push_back(dependency);
            dependency->dependents.push_back(operation.get());
        }
    }
    pending_.emplace(operation->sequence, operation);
    if (operation->after.empty()) ready_.emplace(operation->sequence, operation.get());
}

std::vector<OperationPtr> WorkQueue::needed(const OperationPtr& operation) const {
    std::vector<OperationPtr> found;
    if (operation->state == Operation::State::Done) return found;
    std::unordered_set<const Operation*> seen{operation.get()};
    found.push_back(operation);
    for (size_t i = 0; i < found.size(); i++) {
        // By index: push_back may move the vector.
        for (size_t j = 0; j < found[i]->after.size(); j++) {
            OperationPtr dependency = found[i]->after[j];
            if (seen.insert(dependency.get()).second) found.push_back(dependency);
        }
    }
    std::sort(found.begin(), found.end(),
              [](const OperationPtr& a, const OperationPtr& b) { return a->sequence < b->sequence; });
    return found;
}

OperationPtr WorkQueue::choose(const std::vector<OperationPtr>& needed) {
    if (ready_.empty()) return nullptr;
    switch (schedule_.order) {
        case Schedule::Reverse:
            return pending_.at(ready_.rbegin()->first);
        case Schedule::Random: {
            auto chosen = ready_.begin();
            std::advance(chosen, random_() % ready_.size());
            return pending_.at(chosen->first);
        }
        case Schedule::Forward:
            break;
    }
    for (const OperationPtr& operation : needed) {
        if (ready_.count(operation->sequence)) return operation;
    }
    return nullptr;
}

void WorkQueue::execute(Lock& lock, const OperationPtr& operation) {
    ready_.erase(operation->sequence);
    operation->state = Operation::State::Running;
    double duration = 0;
    Context* context = operation->context.get();
    if (operation->run && !(context && context->fault != CUDA_SUCCESS)) {
        CUresult fault = CUDA_SUCCESS;
        std::string message;
        lock.unlock();
        try {
            duration = operation->run();
        } catch (const DriverError& e) {
            fault = e.code();
            message = e.what();
        } catch (const std::exception& e) {
            fault = CUDA_ERROR_UNKNOWN;
            message = e.what();
        }
        operation->run = nullptr;  // releases what it holds before the lock is taken again
        lock.lock();
        if (fault != CUDA_SUCCESS && context && context->fault == CUDA_SUCCESS) {
            context->fault = fault;
            context->faultMessage = message;
        }
    } else {
        operation->run = nullptr;
    }
    double& engineFree = engineFree_[static_cast<int>(operation->engine)];
    operation->start = operation->earliest;
    if (operation->engine != Engine::None) operation->start = std::max(operation->start, engineFree);
    operation->end = operation->start + duration;
    if (operation->engine != Engine::None) engineFree = operation->end;
    operation->state = Operation::State::Done;
    for (Operation* dependent : operation->dependents) {
        dependent->earliest = std::max(dependent->earliest, operation->end);
        auto& after = dependent->after;
        after.erase(std::remove(after.begin(), after.end(), operation), after.end());
        if (after.empty()) ready_.emplace(dependent->sequence, dependent);
    }
    operation->dependents.clear();
    pending_.erase(operation->sequence);
    finished_.notify_all();
}

void WorkQueue::finish(Lock& lock, const OperationPtr& operation) {
    if (operation == nullptr) return;
    std::vector<OperationPtr> all = needed(operation);
    while (operation->state != Operation::State::Done) {
        OperationPtr next = choose(all);
        if (next) {
            execute(lock, next);
        } else {
            finished_.wait(lock);  // another thread runs what this one needs
        }
    }
    hostTime_ = std::max(hostTime_, operation->end);
}

void WorkQueue::finishAll(Lock& lock, const std::vector<OperationPtr>& operations) {
    for (const OperationPtr& operation : operations) finish(lock, operation);
}

bool WorkQueue::advance(Lock& lock, const OperationPtr& operation) {
    if (operation == nullptr || operation->state == Operation::State::Done) return true;
    OperationPtr next = choose(needed(operation));
    if (next) execute(lock, next);
    return operation->state == Operation::State::Done;
}

std::vector<OperationPtr> WorkQueue::pending(const Context& context) const {
    std::vector<OperationPtr> found;
    for (const auto& [sequence, operation] : pending_) {
        if (operation->context.get() == &context) found.push_back(operation);
    }
    return found;
}

void WorkQueue::setSchedule(const Schedule& schedule) {
    schedule_ = schedule;
    random_.seed(schedule.seed);
}

void WorkQueue::resetTime() {
    hostTime_ = 0;
    std::fill(std::begin(engineFree_), std::end(engineFree_), 0.0);
}

}  // namespace vgpu::driver
