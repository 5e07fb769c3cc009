#include "driver/modules.hpp"

#include "driver/stream_order.hpp"

#include <cstring>
#include <fstream>
#include <iterator>

namespace vgpu::driver {

namespace {

void writeLog(const std::string& text, void* buffer, void** size) {
    size_t capacity = size ? reinterpret_cast<size_t>(*size) & 0xffffffff : 0;
    size_t written = 0;
    if (buffer && capacity > 0) {
        written = std::min(text.size(), capacity - 1);
        std::memcpy(buffer, text.data(), written);
        static_cast<char*>(buffer)[written] = '\0';
    }
    if (size) *size = reinterpret_cast<void*>(written);
}

}  // namespace

void JitOptions::writeLogs(const std::string& info, const std::string& error) const {
    void* infoBuffer = nullptr;
    void* errorBuffer = nullptr;
    void** infoSize = nullptr;
    void** errorSize = nullptr;
    for (unsigned i = 0; i < count; i++) {
        switch (names[i]) {
            case CU_JIT_INFO_LOG_BUFFER: infoBuffer = values[i]; break;
            case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES: infoSize = &values[i]; break;
            case CU_JIT_ERROR_LOG_BUFFER: errorBuffer = values[i]; break;
            case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES: errorSize = &values[i]; break;
            default: break;  // hints to a compiler that is not here
        }
    }
    writeLog(info, infoBuffer, infoSize);
    writeLog(error, errorBuffer, errorSize);
}

std::shared_ptr<LoadedModule> loadModule(Call& call, const std::string& ptx, const JitOptions& options) {
    std::shared_ptr<Context> context = call.context();
    forbidDuringCapture(call);
    if (options.count > 0) {
        requirePointer(options.names, "options");
        requirePointer(options.values, "optionValues");
        for (unsigned i = 0; i < options.count; i++) {
            require(options.names[i] >= 0 && options.names[i] < CU_JIT_NUM_OPTIONS + 8, CUDA_ERROR_INVALID_VALUE,
                    "unknown JIT option");
        }
    }
    auto module = std::make_shared<LoadedModule>();
    module->context = context;
    module->memory = call.driver.memory;
    try {
        module->code = Module::load(*module->memory, ptx);
    } catch (const LoadError& e) {
        options.writeLogs("", e.what());
        fail(static_cast<CUresult>(e.status()), e.what());
    }
    options.writeLogs("", "");
    for (const std::string& name : module->code->kernelNames()) {
        auto function = std::make_shared<Function>();
        function->owner = module;
        function->kernel = module->code->kernel(name);
        function->handle = call.driver.functions.add(function);
        function->kernelHandle = call.driver.kernels.add(function);
        module->functions.emplace(name, function);
    }
    context->modules.insert(module);
    return module;
}

std::string readImage(const char* path) {
    requirePointer(path, "the file name");
    std::ifstream file(path, std::ios::binary);
    require(file.good(), CUDA_ERROR_FILE_NOT_FOUND, "the file cannot be opened");
    std::string image((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    require(!file.bad(), CUDA_ERROR_OPERATING_SYSTEM, "the file cannot be read");
    return image;
}

std::shared_ptr<Function> findFunction(Call&, const std::shared_ptr<LoadedModule>& module, const char* name) {
    requirePointer(name, "name");
    auto found = module->functions.find(name);
    if (found == module->functions.end()) {
        std::string names;
        for (const auto& entry : module->functions) names += " " + entry.first;
        fail(CUDA_ERROR_NOT_FOUND, std::string("no kernel '") + name + "'; the module has:" + names);
    }
    return found->second;
}

void unloadModule(Call& call, const std::shared_ptr<LoadedModule>& module) {
    forbidDuringCapture(call);
    std::shared_ptr<Context> context = module->context.lock();
    if (context) {
        call.driver.queue.finishAll(call.lock, call.driver.queue.pending(*context));
        context->modules.erase(module);
    }
    for (const auto& [name, function] : module->functions) {
        call.driver.functions.remove(function->handle);
        call.driver.kernels.remove(function->kernelHandle);
    }
    call.driver.modules.remove(module->handle);
    call.driver.libraries.remove(module->library);
}

int functionAttribute(const Function& function, int attribute) {
    const KernelInfo& info = function.info();
    switch (attribute) {
        case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: return static_cast<int>(info.maxThreads);
        case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: return static_cast<int>(info.staticSharedBytes);
        case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES: return static_cast<int>(info.constantBytes);
        case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES: return static_cast<int>(info.localBytes);
        case CU_FUNC_ATTRIBUTE_NUM_REGS: return static_cast<int>(info.registers);
        case CU_FUNC_ATTRIBUTE_PTX_VERSION: return static_cast<int>(info.target);
        case CU_FUNC_ATTRIBUTE_BINARY_VERSION: return 80;
        case CU_FUNC_ATTRIBUTE_CACHE_MODE_CA: return 0;
        case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: return static_cast<int>(function.maxDynamicShared);
        case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT: return function.carveout;
        default: break;
    }
    // The rest are about clusters, which compute_80 has none of.
    require(attribute >= CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET &&
                attribute <= CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE,
            CUDA_ERROR_INVALID_VALUE, "unknown function attribute");
    return 0;
}

void setFunctionAttribute(Driver& driver, Function& function, int attribute, int value) {
    if (attribute == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) {
        int64_t limit = int64_t(driver.profile().sharedPerBlock) - function.info().staticSharedBytes;
        if (value < 0 || value > limit) {
            fail(CUDA_ERROR_INVALID_VALUE, "kernel " + function.info().name + " can have 0 to " + std::to_string(limit) +
                                               " bytes of dynamic shared memory, not " + std::to_string(value));
        }
        function.maxDynamicShared = static_cast<uint32_t>(value);
    } else if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) {
        require(value >= -1 && value <= 100, CUDA_ERROR_INVALID_VALUE, "the carveout is -1 or a percentage");
        function.carveout = value;
    } else {
        fail(CUDA_ERROR_INVALID_VALUE, "this function attribute cannot be set");
    }
}

std::shared_ptr<Function> functionOf(Driver& driver, CUfunction handle) {
    std::shared_ptr<Function> function = driver.functions.find(handle);
    return function ? function : driver.kernels.get(reinterpret_cast<CUkernel>(handle));
}

}  // namespace vgpu::driver
