// Primary and own contexts.
#include "driver/call.hpp"
#include "driver/stream_order.hpp"

using namespace vgpu;
using namespace vgpu::driver;

namespace {

constexpr unsigned contextFlags = 0xff;  // scheduling, mapping and reporting flags: all without effect here
constexpr unsigned apiVersion = 3020;    // what drivers report for every context created since CUDA 4.0

std::map<int, size_t> defaultLimits() {
    return {{CU_LIMIT_STACK_SIZE, 1024},
            {CU_LIMIT_PRINTF_FIFO_SIZE, 1 << 20},
            {CU_LIMIT_MALLOC_HEAP_SIZE, 8 << 20},
            {CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH, 2},
            {CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT, 2048},
            {CU_LIMIT_MAX_L2_FETCH_GRANULARITY, 64},
            {CU_LIMIT_PERSISTING_L2_CACHE_SIZE, 0}};
}

CUresult createContext(const char* name, CUcontext* context, unsigned flags, CUdevice device) {
    return api(name, [&](Call& call) {
        call.requireDevice(device);
        requirePointer(context, "context");
        require((flags & ~contextFlags) == 0, CUDA_ERROR_INVALID_VALUE, "unknown context flags");
        std::shared_ptr<Context> created = call.driver.createContext(false, flags);
        created->limits = defaultLimits();
        contextStack().push_back(created);
        *context = created->handle;
    });
}

std::shared_ptr<Context> contextOrCurrent(Call& call, CUcontext handle) {
    return handle ? call.driver.contexts.get(handle) : call.context();
}

}  // namespace

VGPU_DRIVER_API cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
    return api("cuDevicePrimaryCtxRetain", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(context, "context");
        Driver& driver = call.driver;
        if (driver.primary == nullptr) {
            driver.primary = driver.createContext(true, driver.primaryFlags);
            driver.primary->limits = defaultLimits();
        }
        driver.primaryReferences++;
        *context = driver.primary->handle;
    });
}

VGPU_DRIVER_API cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    return api("cuDevicePrimaryCtxRelease_v2", [&](Call& call) {
        call.requireDevice(device);
        require(call.driver.primaryReferences > 0, CUDA_ERROR_INVALID_CONTEXT, "the primary context is not retained");
        if (--call.driver.primaryReferences == 0) call.driver.destroyContext(call.lock, call.driver.primary);
    });
}

VGPU_DRIVER_API cuDevicePrimaryCtxReset_v2(CUdevice device) {
    return api("cuDevicePrimaryCtxReset_v2", [&](Call& call) {
        call.requireDevice(device);
        if (call.driver.primary) call.driver.destroyContext(call.lock, call.driver.primary);
    });
}

VGPU_DRIVER_API cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) {
    return api("cuDevicePrimaryCtxSetFlags_v2", [&](Call& call) {
        call.requireDevice(device);
        require((flags & ~contextFlags) == 0, CUDA_ERROR_INVALID_VALUE, "unknown context flags");
        call.driver.primaryFlags = flags;
        if (call.driver.primary) call.driver.primary->flags = flags;
    });
}

VGPU_DRIVER_API cuDevicePrimaryCtxGetState(CUdevice device, unsigned* flags, int* active) {
    return api("cuDevicePrimaryCtxGetState", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(flags, "flags");
        requirePointer(active, "active");
        *flags = call.driver.primaryFlags;
        *active = call.driver.primary != nullptr;
    });
}

VGPU_DRIVER_API cuDevicePrimaryCtxRelease(CUdevice device) { return cuDevicePrimaryCtxRelease_v2(device); }
VGPU_DRIVER_API cuDevicePrimaryCtxReset(CUdevice device) { return cuDevicePrimaryCtxReset_v2(device); }
VGPU_DRIVER_API cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags) {
    return cuDevicePrimaryCtxSetFlags_v2(device, flags);
}

VGPU_DRIVER_API cuCtxCreate_v2(CUcontext* context, unsigned flags, CUdevice device) {
    return createContext("cuCtxCreate_v2", context, flags, device);
}

// The parameters of the newer forms ask for SM partitions and graphics interoperability, which there are none of.
VGPU_DRIVER_API cuCtxCreate_v3(CUcontext* context, void* affinity, int affinityCount, unsigned flags, CUdevice device) {
    if (affinity != nullptr || affinityCount != 0) {
        return api("cuCtxCreate_v3", [](Call&) { fail(CUDA_ERROR_NOT_SUPPORTED, "execution affinity is not implemented"); });
    }
    return createContext("cuCtxCreate_v3", context, flags, device);
}

VGPU_DRIVER_API cuCtxCreate_v4(CUcontext* context, void* parameters, unsigned flags, CUdevice device) {
    if (parameters != nullptr) {
        return api("cuCtxCreate_v4", [](Call&) { fail(CUDA_ERROR_NOT_SUPPORTED, "context parameters are not implemented"); });
    }
    return createContext("cuCtxCreate_v4", context, flags, device);
}

VGPU_DRIVER_API cuCtxDestroy_v2(CUcontext handle) {
    return api("cuCtxDestroy_v2", [&](Call& call) {
        std::shared_ptr<Context> context = call.driver.contexts.get(handle);
        require(!context->primary, CUDA_ERROR_INVALID_CONTEXT,
                "the primary context is released with cuDevicePrimaryCtxRelease");
        call.driver.destroyContext(call.lock, context);
        if (!contextStack().empty() && contextStack().back() == context) contextStack().pop_back();
    });
}

VGPU_DRIVER_API cuCtxDestroy(CUcontext handle) { return cuCtxDestroy_v2(handle); }

VGPU_DRIVER_API cuCtxPushCurrent_v2(CUcontext handle) {
    return api("cuCtxPushCurrent_v2", [&](Call& call) {
        call.requireInitialised();
        contextStack().push_back(call.driver.contexts.get(handle));
    });
}

VGPU_DRIVER_API cuCtxPushCurrent(CUcontext handle) { return cuCtxPushCurrent_v2(handle); }

VGPU_DRIVER_API cuCtxPopCurrent_v2(CUcontext* popped) {
    return api("cuCtxPopCurrent_v2", [&](Call& call) {
        call.requireInitialised();
        auto& stack = contextStack();
        require(!stack.empty(), CUDA_ERROR_INVALID_CONTEXT, "no context is current on this thread");
        if (popped) *popped = stack.back() ? stack.back()->handle : nullptr;
        stack.pop_back();
    });
}

VGPU_DRIVER_API cuCtxPopCurrent(CUcontext* popped) { return cuCtxPopCurrent_v2(popped); }

VGPU_DRIVER_API cuCtxSetCurrent(CUcontext handle) {
    return api("cuCtxSetCurrent", [&](Call& call) {
        call.requireInitialised();
        auto& stack = contextStack();
        if (handle == nullptr) {
            if (!stack.empty()) stack.pop_back();
            return;
        }
        std::shared_ptr<Context> context = call.driver.contexts.get(handle);
        if (stack.empty()) stack.push_back(context);
        else stack.back() = context;
    });
}

VGPU_DRIVER_API cuCtxGetCurrent(CUcontext* handle) {
    return api("cuCtxGetCurrent", [&](Call& call) {
        call.requireInitialised();
        requirePointer(handle, "context");
        auto& stack = contextStack();
        *handle = stack.empty() || stack.back() == nullptr ? nullptr : stack.back()->handle;
    });
}

VGPU_DRIVER_API cuCtxGetDevice(CUdevice* device) {
    return api("cuCtxGetDevice", [&](Call& call) {
        requirePointer(device, "device");
        call.context();
        *device = 0;
    });
}

VGPU_DRIVER_API cuCtxGetDevice_v2(CUdevice* device, CUcontext handle) {
    return api("cuCtxGetDevice_v2", [&](Call& call) {
        requirePointer(device, "device");
        contextOrCurrent(call, handle);
        *device = 0;
    });
}

VGPU_DRIVER_API cuCtxSynchronize() {
    return api("cuCtxSynchronize", [&](Call& call) {
        std::shared_ptr<Context> context = call.context();
        forbidDuringCapture(call);
        synchronise(call, context);
    });
}

VGPU_DRIVER_API cuCtxSynchronize_v2(CUcontext handle) {
    return api("cuCtxSynchronize_v2", [&](Call& call) {
        std::shared_ptr<Context> context = contextOrCurrent(call, handle);
        Call::check(*context);
        forbidDuringCapture(call);
        synchronise(call, context);
    });
}

VGPU_DRIVER_API cuCtxGetFlags(unsigned* flags) {
    return api("cuCtxGetFlags", [&](Call& call) {
        requirePointer(flags, "flags");
        *flags = call.context()->flags;
    });
}

VGPU_DRIVER_API cuCtxSetFlags(unsigned flags) {
    return api("cuCtxSetFlags", [&](Call& call) {
        require((flags & ~contextFlags) == 0, CUDA_ERROR_INVALID_VALUE, "unknown context flags");
        call.context()->flags = flags;
    });
}

VGPU_DRIVER_API cuCtxGetId(CUcontext handle, unsigned long long* id) {
    return api("cuCtxGetId", [&](Call& call) {
        requirePointer(id, "id");
        *id = contextOrCurrent(call, handle)->id;
    });
}

VGPU_DRIVER_API cuCtxGetApiVersion(CUcontext handle, unsigned* version) {
    return api("cuCtxGetApiVersion", [&](Call& call) {
        requirePointer(version, "version");
        contextOrCurrent(call, handle);
        *version = apiVersion;
    });
}

VGPU_DRIVER_API cuCtxGetLimit(size_t* value, int limit) {
    return api("cuCtxGetLimit", [&](Call& call) {
        requirePointer(value, "value");
        std::shared_ptr<Context> context = call.context();
        auto found = context->limits.find(limit);
        require(found != context->limits.end(), CUDA_ERROR_UNSUPPORTED_LIMIT, "unknown limit");
        *value = found->second;
    });
}

VGPU_DRIVER_API cuCtxSetLimit(int limit, size_t value) {
    return api("cuCtxSetLimit", [&](Call& call) {
        std::shared_ptr<Context> context = call.context();
        auto found = context->limits.find(limit);
        require(found != context->limits.end(), CUDA_ERROR_UNSUPPORTED_LIMIT, "unknown limit");
        found->second = value;
    });
}

// Cache and bank configurations are hints for hardware that this device does not have.
VGPU_DRIVER_API cuCtxGetCacheConfig(int* config) {
    return api("cuCtxGetCacheConfig", [&](Call& call) {
        requirePointer(config, "config");
        call.context();
        *config = 0;
    });
}
VGPU_DRIVER_API cuCtxSetCacheConfig(int config) {
    return api("cuCtxSetCacheConfig", [&](Call& call) {
        call.context();
        require(config >= 0 && config <= 3, CUDA_ERROR_INVALID_VALUE, "unknown cache configuration");
    });
}
VGPU_DRIVER_API cuCtxGetSharedMemConfig(int* config) {
    return api("cuCtxGetSharedMemConfig", [&](Call& call) {
        requirePointer(config, "config");
        call.context();
        *config = 1;  // four-byte banks
    });
}
VGPU_DRIVER_API cuCtxSetSharedMemConfig(int config) {
    return api("cuCtxSetSharedMemConfig", [&](Call& call) {
        call.context();
        require(config >= 0 && config <= 2, CUDA_ERROR_INVALID_VALUE, "unknown bank configuration");
    });
}
VGPU_DRIVER_API cuCtxResetPersistingL2Cache() {
    return api("cuCtxResetPersistingL2Cache", [](Call& call) { call.context(); });
}

VGPU_DRIVER_API cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    return api("cuCtxGetStreamPriorityRange", [&](Call& call) {
        call.context();
        if (least) *least = 0;
        if (greatest) *greatest = -5;  // what GPUs since Ampere report
    });
}

// Profilers attach to a real driver; programs that mark what to profile must run all the same.
VGPU_DRIVER_API cuProfilerStart() {
    return api("cuProfilerStart", [](Call& call) { call.context(); });
}
VGPU_DRIVER_API cuProfilerStop() {
    return api("cuProfilerStop", [](Call& call) { call.context(); });
}
