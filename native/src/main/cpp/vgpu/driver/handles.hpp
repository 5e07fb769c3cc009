// Handles are numbers that are never used twice: a destroyed handle, or one of another kind, is always noticed.
#pragma once

#include "driver/errors.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace vgpu::driver {

class HandleNumbers {
public:
    // Above every special value of the API (CU_STREAM_LEGACY is 1), and a multiple of 16 like a real pointer.
    uintptr_t next() { return next_ += 16; }

private:
    uintptr_t next_ = 0x10000;
};

template <class Handle, class Object>
class HandleTable {
public:
    explicit HandleTable(HandleNumbers& numbers, const char* kind) : numbers_(numbers), kind_(kind) {}

    Handle add(const std::shared_ptr<Object>& object) {
        Handle handle = reinterpret_cast<Handle>(numbers_.next());
        live_.emplace(handle, object);
        return handle;
    }

    std::shared_ptr<Object> find(Handle handle) const {
        auto found = live_.find(handle);
        return found == live_.end() ? nullptr : found->second;
    }

    /// Throws INVALID_HANDLE for what is not, or no longer, such a handle.
    std::shared_ptr<Object> get(Handle handle) const {
        std::shared_ptr<Object> object = find(handle);
        if (object == nullptr) {
            fail(CUDA_ERROR_INVALID_HANDLE, std::string(handle ? "not a live " : "null instead of a ") + kind_ + " handle");
        }
        return object;
    }

    void remove(Handle handle) { live_.erase(handle); }
    void clear() { live_.clear(); }

    std::vector<std::shared_ptr<Object>> all() const {
        std::vector<std::shared_ptr<Object>> objects;
        for (const auto& entry : live_) objects.push_back(entry.second);
        return objects;
    }

private:
    HandleNumbers& numbers_;
    const char* kind_;
    std::unordered_map<Handle, std::shared_ptr<Object>> live_;
};

}  // namespace vgpu::driver
