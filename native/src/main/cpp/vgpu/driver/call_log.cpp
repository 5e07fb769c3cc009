#include "driver/call_log.hpp"

namespace vgpu::driver {

namespace {

bool matches(const std::string& pattern, const std::string& name) {
    if (pattern != "*") return pattern == name;
    return name.rfind("cuGetError", 0) != 0 && name.rfind("cuGetProcAddress", 0) != 0;
}

}  // namespace

CUresult CallLog::enter(const char* name, uint64_t& place) {
    std::lock_guard<std::mutex> guard(mutex_);
    place = nextPlace_++;
    totals_[name].calls++;
    if (sequence_.size() < capacity) sequence_.emplace_back(name, 0);
    for (Fault& fault : faults_) {
        if (fault.times == 0 || !matches(fault.name, name)) continue;
        if (fault.skip > 0) {
            fault.skip--;
            continue;
        }
        fault.times--;
        return fault.code;
    }
    return CUDA_SUCCESS;
}

void CallLog::addBytes(const char* name, uint64_t place, uint64_t bytes) {
    std::lock_guard<std::mutex> guard(mutex_);
    totals_[name].bytes += bytes;
    uint64_t index = place - firstPlace_;  // wraps to a large number when the log was cleared in between
    if (index < sequence_.size()) sequence_[index].second += bytes;
}

void CallLog::failCalls(const std::string& name, uint64_t skip, uint64_t times, CUresult code) {
    std::lock_guard<std::mutex> guard(mutex_);
    faults_.push_back({name, skip, times, code});
}

void CallLog::clearFaults() {
    std::lock_guard<std::mutex> guard(mutex_);
    faults_.clear();
}

std::map<std::string, CallLog::Total> CallLog::totals() const {
    std::lock_guard<std::mutex> guard(mutex_);
    return totals_;
}

std::vector<CallLog::Entry> CallLog::sequence() const {
    std::lock_guard<std::mutex> guard(mutex_);
    std::vector<Entry> entries;
    entries.reserve(sequence_.size());
    for (const auto& [name, bytes] : sequence_) entries.push_back({name, bytes});
    return entries;
}

void CallLog::clear() {
    std::lock_guard<std::mutex> guard(mutex_);
    totals_.clear();
    sequence_.clear();
    firstPlace_ = nextPlace_;
}

}  // namespace vgpu::driver
