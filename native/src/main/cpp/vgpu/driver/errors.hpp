// Inside the driver C++ throws DriverError; api() in call.hpp is the one place where it becomes a CUresult.
#pragma once

#include "driver/cuda_abi.hpp"

#include <stdexcept>
#include <string>

namespace vgpu::driver {

/// A call that fails. what() tells the reader what to change; the program sees only the code, the control API and the
/// report show the message.
class DriverError : public std::runtime_error {
public:
    DriverError(CUresult code, const std::string& message) : std::runtime_error(message), code_(code) {}
    CUresult code() const { return code_; }

private:
    CUresult code_;
};

[[noreturn]] void fail(CUresult code, const std::string& message);

inline void require(bool condition, CUresult code, const char* message) {
    if (!condition) fail(code, message);
}

template <class T>
void requirePointer(const T* pointer, const char* name) {
    if (pointer == nullptr) fail(CUDA_ERROR_INVALID_VALUE, std::string(name) + " is null");
}

/// Null for a number that is no CUresult.
const char* errorName(int code);
const char* errorDescription(int code);

}  // namespace vgpu::driver
