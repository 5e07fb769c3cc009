// Modules, the functions in them, and the linker.
#include "driver/fatbin.hpp"
#include "driver/modules.hpp"
#include "driver/stream_order.hpp"

using namespace vgpu;
using namespace vgpu::driver;

namespace {

CUresult load(const char* name, CUmodule* module, const void* image, const JitOptions& options) {
    return api(name, [&](Call& call) {
        requirePointer(module, "module");
        requirePointer(image, "image");
        call.context();
        std::shared_ptr<LoadedModule> loaded;
        try {
            loaded = loadModule(call, ptxOfImage(image, 0), options);
        } catch (const DriverError& e) {
            options.writeLogs("", e.what());
            throw;
        }
        loaded->handle = call.driver.modules.add(loaded);
        *module = loaded->handle;
    });
}

}  // namespace

VGPU_DRIVER_API cuModuleLoadData(CUmodule* module, const void* image) {
    return load("cuModuleLoadData", module, image, {});
}

VGPU_DRIVER_API cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned count, CUjit_option* options,
                                   void** values) {
    return load("cuModuleLoadDataEx", module, image, {count, options, values});
}

VGPU_DRIVER_API cuModuleLoadFatBinary(CUmodule* module, const void* image) {
    return load("cuModuleLoadFatBinary", module, image, {});
}

VGPU_DRIVER_API cuModuleLoad(CUmodule* module, const char* path) {
    return api("cuModuleLoad", [&](Call& call) {
        requirePointer(module, "module");
        call.context();
        std::string image = readImage(path);
        require(!image.empty(), CUDA_ERROR_INVALID_IMAGE, "the file is empty");
        std::shared_ptr<LoadedModule> loaded = loadModule(call, ptxOfImage(image.data(), image.size()), {});
        loaded->handle = call.driver.modules.add(loaded);
        *module = loaded->handle;
    });
}

VGPU_DRIVER_API cuModuleUnload(CUmodule module) {
    return api("cuModuleUnload", [&](Call& call) {
        call.context();
        unloadModule(call, call.driver.modules.get(module));
    });
}

VGPU_DRIVER_API cuModuleGetLoadingMode(int* mode) {
    return api("cuModuleGetLoadingMode", [&](Call& call) {
        call.requireInitialised();
        requirePointer(mode, "mode");
        *mode = 1;  // eager
    });
}

VGPU_DRIVER_API cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    return api("cuModuleGetFunction", [&](Call& call) {
        requirePointer(function, "function");
        call.context();
        *function = findFunction(call, call.driver.modules.get(module), name)->handle;
    });
}

VGPU_DRIVER_API cuModuleGetFunctionCount(unsigned* count, CUmodule module) {
    return api("cuModuleGetFunctionCount", [&](Call& call) {
        requirePointer(count, "count");
        *count = static_cast<unsigned>(call.driver.modules.get(module)->functions.size());
    });
}

VGPU_DRIVER_API cuModuleEnumerateFunctions(CUfunction* functions, unsigned capacity, CUmodule module) {
    return api("cuModuleEnumerateFunctions", [&](Call& call) {
        requirePointer(functions, "functions");
        unsigned count = 0;
        for (const auto& entry : call.driver.modules.get(module)->functions) {
            if (count < capacity) functions[count++] = entry.second->handle;
        }
    });
}

VGPU_DRIVER_API cuModuleGetGlobal_v2(CUdeviceptr* address, size_t* bytes, CUmodule module, const char* name) {
    return api("cuModuleGetGlobal_v2", [&](Call& call) {
        requirePointer(name, "name");
        call.context();
        const GlobalVariable* global = call.driver.modules.get(module)->code->global(name);
        require(global != nullptr, CUDA_ERROR_NOT_FOUND, "the module has no such global variable");
        if (address) *address = global->address;
        if (bytes) *bytes = global->size;
    });
}

VGPU_DRIVER_API cuFuncGetAttribute(int* value, int attribute, CUfunction function) {
    return api("cuFuncGetAttribute", [&](Call& call) {
        requirePointer(value, "value");
        *value = functionAttribute(*functionOf(call.driver, function), attribute);
    });
}

VGPU_DRIVER_API cuFuncSetAttribute(CUfunction function, int attribute, int value) {
    return api("cuFuncSetAttribute", [&](Call& call) {
        setFunctionAttribute(call.driver, *functionOf(call.driver, function), attribute, value);
    });
}

VGPU_DRIVER_API cuFuncSetCacheConfig(CUfunction function, int config) {
    return api("cuFuncSetCacheConfig", [&](Call& call) {
        functionOf(call.driver, function);
        require(config >= 0 && config <= 3, CUDA_ERROR_INVALID_VALUE, "unknown cache configuration");
    });
}

VGPU_DRIVER_API cuFuncSetSharedMemConfig(CUfunction function, int config) {
    return api("cuFuncSetSharedMemConfig", [&](Call& call) {
        functionOf(call.driver, function);
        require(config >= 0 && config <= 2, CUDA_ERROR_INVALID_VALUE, "unknown bank configuration");
    });
}

VGPU_DRIVER_API cuFuncGetModule(CUmodule* module, CUfunction function) {
    return api("cuFuncGetModule", [&](Call& call) {
        requirePointer(module, "module");
        std::shared_ptr<LoadedModule> owner = functionOf(call.driver, function)->owner.lock();
        require(owner != nullptr, CUDA_ERROR_INVALID_HANDLE, "the function's module was unloaded");
        if (owner->handle == nullptr) owner->handle = call.driver.modules.add(owner);
        *module = owner->handle;
    });
}

VGPU_DRIVER_API cuFuncGetName(const char** name, CUfunction function) {
    return api("cuFuncGetName", [&](Call& call) {
        requirePointer(name, "name");
        *name = functionOf(call.driver, function)->info().name.c_str();
    });
}

VGPU_DRIVER_API cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* size) {
    return api("cuFuncGetParamInfo", [&](Call& call) {
        const auto& parameters = functionOf(call.driver, function)->info().parameters;
        require(index < parameters.size(), CUDA_ERROR_INVALID_VALUE, "the kernel has fewer parameters");
        if (offset) *offset = parameters[index].offset;
        if (size) *size = parameters[index].size;
    });
}

VGPU_DRIVER_API cuFuncGetParamCount(CUfunction function, size_t* count) {
    return api("cuFuncGetParamCount", [&](Call& call) {
        requirePointer(count, "count");
        *count = functionOf(call.driver, function)->info().parameters.size();
    });
}

VGPU_DRIVER_API cuFuncIsLoaded(int* state, CUfunction function) {
    return api("cuFuncIsLoaded", [&](Call& call) {
        requirePointer(state, "state");
        functionOf(call.driver, function);
        *state = 1;
    });
}

VGPU_DRIVER_API cuFuncLoad(CUfunction function) {
    return api("cuFuncLoad", [&](Call& call) { functionOf(call.driver, function); });
}

// ---------------------------------------------------------------------------------------------------------------------
// The linker passes one PTX input through: joining several needs machine code.

VGPU_DRIVER_API cuLinkCreate_v2(unsigned count, CUjit_option* options, void** values, CUlinkState* state) {
    return api("cuLinkCreate_v2", [&](Call& call) {
        requirePointer(state, "state");
        call.context();
        if (count > 0) {
            requirePointer(options, "options");
            requirePointer(values, "optionValues");
        }
        *state = call.driver.links.add(std::make_shared<std::string>());
    });
}

namespace {

void addLinkInput(Call& call, CUlinkState state, int type, const void* data, size_t size) {
    std::shared_ptr<std::string> linked = call.driver.links.get(state);
    requirePointer(data, "data");
    require(type == CU_JIT_INPUT_PTX || type == CU_JIT_INPUT_FATBINARY, CUDA_ERROR_NO_BINARY_FOR_GPU,
            "the virtual GPU links PTX, not machine code");
    require(linked->empty(), CUDA_ERROR_NOT_SUPPORTED, "linking several inputs is not implemented: compile them as one");
    *linked = ptxOfImage(data, size);
}

}  // namespace

VGPU_DRIVER_API cuLinkAddData_v2(CUlinkState state, int type, void* data, size_t size, const char*, unsigned,
                                 CUjit_option*, void**) {
    return api("cuLinkAddData_v2", [&](Call& call) {
        require(size > 0, CUDA_ERROR_INVALID_VALUE, "size is 0");
        addLinkInput(call, state, type, data, size);
    });
}

VGPU_DRIVER_API cuLinkAddFile_v2(CUlinkState state, int type, const char* path, unsigned, CUjit_option*, void**) {
    return api("cuLinkAddFile_v2", [&](Call& call) {
        std::string image = readImage(path);
        require(!image.empty(), CUDA_ERROR_INVALID_IMAGE, "the file is empty");
        addLinkInput(call, state, type, image.data(), image.size());
    });
}

VGPU_DRIVER_API cuLinkComplete(CUlinkState state, void** image, size_t* size) {
    return api("cuLinkComplete", [&](Call& call) {
        requirePointer(image, "image");
        std::shared_ptr<std::string> linked = call.driver.links.get(state);
        require(!linked->empty(), CUDA_ERROR_INVALID_VALUE, "nothing was added to link");
        *image = linked->data();  // until cuLinkDestroy
        if (size) *size = linked->size() + 1;
    });
}

VGPU_DRIVER_API cuLinkDestroy(CUlinkState state) {
    return api("cuLinkDestroy", [&](Call& call) {
        call.driver.links.get(state);
        call.driver.links.remove(state);
    });
}
