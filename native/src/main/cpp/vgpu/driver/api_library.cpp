// Libraries and kernels: modules by another name, because there is one device and one way to load.
#include "driver/fatbin.hpp"
#include "driver/modules.hpp"

using namespace vgpu;
using namespace vgpu::driver;

namespace {

void load(Call& call, CUlibrary* library, const std::string& ptx, const JitOptions& options) {
    std::shared_ptr<LoadedModule> loaded = loadModule(call, ptx, options);
    loaded->library = call.driver.libraries.add(loaded);
    *library = loaded->library;
}

CUresult global(const char* name, CUdeviceptr* address, size_t* bytes, CUlibrary library, const char* symbol) {
    return api(name, [&](Call& call) {
        requirePointer(symbol, "name");
        const GlobalVariable* found = call.driver.libraries.get(library)->code->global(symbol);
        require(found != nullptr, CUDA_ERROR_NOT_FOUND, "the library has no such global variable");
        if (address) *address = found->address;
        if (bytes) *bytes = found->size;
    });
}

}  // namespace

VGPU_DRIVER_API cuLibraryLoadData(CUlibrary* library, const void* code, CUjit_option* options, void** values,
                                  unsigned count, int*, void**, unsigned) {
    return api("cuLibraryLoadData", [&](Call& call) {
        requirePointer(library, "library");
        requirePointer(code, "code");
        load(call, library, ptxOfImage(code, 0), {count, options, values});
    });
}

VGPU_DRIVER_API cuLibraryLoadFromFile(CUlibrary* library, const char* path, CUjit_option* options, void** values,
                                      unsigned count, int*, void**, unsigned) {
    return api("cuLibraryLoadFromFile", [&](Call& call) {
        requirePointer(library, "library");
        std::string image = readImage(path);
        require(!image.empty(), CUDA_ERROR_INVALID_IMAGE, "the file is empty");
        load(call, library, ptxOfImage(image.data(), image.size()), {count, options, values});
    });
}

VGPU_DRIVER_API cuLibraryUnload(CUlibrary library) {
    return api("cuLibraryUnload", [&](Call& call) { unloadModule(call, call.driver.libraries.get(library)); });
}

VGPU_DRIVER_API cuLibraryGetKernel(CUkernel* kernel, CUlibrary library, const char* name) {
    return api("cuLibraryGetKernel", [&](Call& call) {
        requirePointer(kernel, "kernel");
        *kernel = findFunction(call, call.driver.libraries.get(library), name)->kernelHandle;
    });
}

VGPU_DRIVER_API cuLibraryGetKernelCount(unsigned* count, CUlibrary library) {
    return api("cuLibraryGetKernelCount", [&](Call& call) {
        requirePointer(count, "count");
        *count = static_cast<unsigned>(call.driver.libraries.get(library)->functions.size());
    });
}

VGPU_DRIVER_API cuLibraryEnumerateKernels(CUkernel* kernels, unsigned capacity, CUlibrary library) {
    return api("cuLibraryEnumerateKernels", [&](Call& call) {
        requirePointer(kernels, "kernels");
        unsigned count = 0;
        for (const auto& entry : call.driver.libraries.get(library)->functions) {
            if (count < capacity) kernels[count++] = entry.second->kernelHandle;
        }
    });
}

VGPU_DRIVER_API cuLibraryGetModule(CUmodule* module, CUlibrary library) {
    return api("cuLibraryGetModule", [&](Call& call) {
        requirePointer(module, "module");
        std::shared_ptr<LoadedModule> loaded = call.driver.libraries.get(library);
        if (loaded->handle == nullptr) loaded->handle = call.driver.modules.add(loaded);
        *module = loaded->handle;
    });
}

VGPU_DRIVER_API cuLibraryGetGlobal(CUdeviceptr* address, size_t* bytes, CUlibrary library, const char* name) {
    return global("cuLibraryGetGlobal", address, bytes, library, name);
}

VGPU_DRIVER_API cuKernelGetFunction(CUfunction* function, CUkernel kernel) {
    return api("cuKernelGetFunction", [&](Call& call) {
        requirePointer(function, "function");
        *function = call.driver.kernels.get(kernel)->handle;
    });
}

VGPU_DRIVER_API cuKernelGetLibrary(CUlibrary* library, CUkernel kernel) {
    return api("cuKernelGetLibrary", [&](Call& call) {
        requirePointer(library, "library");
        std::shared_ptr<LoadedModule> owner = call.driver.kernels.get(kernel)->owner.lock();
        require(owner && owner->library, CUDA_ERROR_INVALID_HANDLE, "the kernel does not come from a library");
        *library = owner->library;
    });
}

VGPU_DRIVER_API cuKernelGetName(const char** name, CUkernel kernel) {
    return api("cuKernelGetName", [&](Call& call) {
        requirePointer(name, "name");
        *name = call.driver.kernels.get(kernel)->info().name.c_str();
    });
}

VGPU_DRIVER_API cuKernelGetAttribute(int* value, int attribute, CUkernel kernel, CUdevice device) {
    return api("cuKernelGetAttribute", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(value, "value");
        *value = functionAttribute(*call.driver.kernels.get(kernel), attribute);
    });
}

VGPU_DRIVER_API cuKernelSetAttribute(int attribute, int value, CUkernel kernel, CUdevice device) {
    return api("cuKernelSetAttribute", [&](Call& call) {
        call.requireDevice(device);
        setFunctionAttribute(call.driver, *call.driver.kernels.get(kernel), attribute, value);
    });
}

VGPU_DRIVER_API cuKernelSetCacheConfig(CUkernel kernel, int config, CUdevice device) {
    return api("cuKernelSetCacheConfig", [&](Call& call) {
        call.requireDevice(device);
        call.driver.kernels.get(kernel);
        require(config >= 0 && config <= 3, CUDA_ERROR_INVALID_VALUE, "unknown cache configuration");
    });
}

VGPU_DRIVER_API cuKernelGetParamInfo(CUkernel kernel, size_t index, size_t* offset, size_t* size) {
    return api("cuKernelGetParamInfo", [&](Call& call) {
        const auto& parameters = call.driver.kernels.get(kernel)->info().parameters;
        require(index < parameters.size(), CUDA_ERROR_INVALID_VALUE, "the kernel has fewer parameters");
        if (offset) *offset = parameters[index].offset;
        if (size) *size = parameters[index].size;
    });
}

VGPU_DRIVER_API cuKernelGetParamCount(CUkernel kernel, size_t* count) {
    return api("cuKernelGetParamCount", [&](Call& call) {
        requirePointer(count, "count");
        *count = call.driver.kernels.get(kernel)->info().parameters.size();
    });
}
