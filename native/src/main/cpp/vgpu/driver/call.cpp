#include "driver/call.hpp"

namespace vgpu::driver {

namespace {
thread_local std::vector<std::shared_ptr<Context>> stack;
thread_local bool inside_host_function = false;
thread_local std::string last_message;
}  // namespace

std::vector<std::shared_ptr<Context>>& contextStack() { return stack; }

bool& insideHostFunction() { return inside_host_function; }

void setLastMessage(const char* call, int code, const std::string& message) noexcept {
    try {
        const char* name = errorName(code);
        last_message = std::string(call) + ": " + (name ? name : std::to_string(code).c_str()) + ": " + message;
        Driver& driver = Driver::instance();
        std::lock_guard<std::mutex> guard(driver.mutex);
        driver.write(last_message);
    } catch (...) {
        last_message.clear();  // never throws; the code still says what happened
    }
}

const std::string& lastMessage() { return last_message; }

void Call::requireInitialised() const {
    require(driver.initialised, CUDA_ERROR_NOT_INITIALIZED, "call cuInit first");
}

void Call::requireDevice(CUdevice device) const {
    requireInitialised();
    require(device == 0, CUDA_ERROR_INVALID_DEVICE, "there is one virtual device, number 0");
}

std::shared_ptr<Context> Call::context() const {
    requireInitialised();
    require(!stack.empty() && stack.back() != nullptr, CUDA_ERROR_INVALID_CONTEXT,
            "no context is current on this thread: call cuCtxSetCurrent");
    require(!stack.back()->destroyed, CUDA_ERROR_CONTEXT_IS_DESTROYED, "the current context was destroyed");
    check(*stack.back());
    return stack.back();
}

void Call::check(const Context& context) {
    if (context.fault != CUDA_SUCCESS) {
        fail(context.fault, "the context is unusable after an earlier fault: " + context.faultMessage);
    }
}

}  // namespace vgpu::driver
