// What every entry point is made of: logged, told to fail if a test wants it, locked, and with exceptions turned into a
// CUresult in one place.
#pragma once

#include "driver/driver.hpp"

#include <new>

#define VGPU_DRIVER_API extern "C" __attribute__((visibility("default"))) CUresult

namespace vgpu::driver {

class Call {
public:
    Call(Driver& driver, const char* name, uint64_t place)
        : driver(driver), lock(driver.mutex), name(name), place_(place) {}

    Driver& driver;
    Lock lock;
    const char* const name;
    CUresult result = CUDA_SUCCESS;  // for calls whose answer is not an error, such as NOT_READY

    void requireInitialised() const;
    void requireDevice(CUdevice device) const;
    /// The current context of this thread, without a fault.
    std::shared_ptr<Context> context() const;
    /// Throws the context's sticky error, if it has one.
    static void check(const Context& context);
    void bytes(uint64_t count) { driver.log.addBytes(name, place_, count); }
    uint64_t serial() const { return place_ + 1; }

private:
    uint64_t place_;
};

/// The contexts pushed by this thread; the last is current.
std::vector<std::shared_ptr<Context>>& contextStack();

/// True while this thread runs a host function of a stream, which must not call the driver.
bool& insideHostFunction();

/// The message behind the last failed call of this thread.
void setLastMessage(const char* call, int code, const std::string& message) noexcept;
const std::string& lastMessage();

template <class Body>
CUresult api(const char* name, Body&& body) noexcept {
    try {
        Driver& driver = Driver::instance();
        uint64_t place = 0;
        if (CUresult injected = driver.log.enter(name, place)) {
            setLastMessage(name, injected, "told to fail by fault injection");
            return injected;
        }
        if (insideHostFunction()) fail(CUDA_ERROR_NOT_PERMITTED, "a host function of a stream must not call the driver");
        Call call(driver, name, place);
        body(call);
        return call.result;
    } catch (const DriverError& e) {
        setLastMessage(name, e.code(), e.what());
        return e.code();
    } catch (const std::bad_alloc&) {
        setLastMessage(name, CUDA_ERROR_OUT_OF_MEMORY, "out of host memory");
        return CUDA_ERROR_OUT_OF_MEMORY;
    } catch (const std::exception& e) {
        setLastMessage(name, CUDA_ERROR_UNKNOWN, e.what());
        return CUDA_ERROR_UNKNOWN;
    } catch (...) {
        setLastMessage(name, CUDA_ERROR_UNKNOWN, "unknown C++ exception");
        return CUDA_ERROR_UNKNOWN;
    }
}

}  // namespace vgpu::driver
