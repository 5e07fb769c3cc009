// A CUDA device for the tests, through the driver API of a given libcuda: the virtual GPU's, or a real one. Every failed
// call throws. The handful of declarations that are needed stand here, so that no CUDA headers are.
#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace d4j::test {

class Gpu {
public:
    explicit Gpu(const std::string& library) : library_(dlopen(library.c_str(), RTLD_NOW)) {
        if (library_ == nullptr) {
            throw std::runtime_error(dlerror());
        }
        call("cuInit", 0u);
        int device = 0;
        call("cuDeviceGet", &device, 0);
        call("cuDevicePrimaryCtxRetain", &context_, device);
        call("cuCtxSetCurrent", context_);
    }

    virtual ~Gpu() = default;

    void* loadModule(const std::string& ptx) {
        void* module = nullptr;
        call("cuModuleLoadData", &module, ptx.c_str());
        return module;
    }

    virtual void* kernel(void* module, const char* name, int dynamicSharedBytes) {
        constexpr int kMaxDynamicSharedSizeBytes = 8;
        void* function = nullptr;
        call("cuModuleGetFunction", &function, module, name);
        call("cuFuncSetAttribute", function, kMaxDynamicSharedSizeBytes, dynamicSharedBytes);
        return function;
    }

    struct Grid {
        int x, y, z;
    };

    /// A kernel whose only parameter is a struct. together: a cooperative launch, whose blocks wait for one another.
    template <class Params>
    void launch(void* function, Grid grid, int threads, int dynamicSharedBytes, const Params& params,
                bool together = false) {
        Params copy = params;
        void* arguments[] = {&copy};
        execute(function, grid, threads, dynamicSharedBytes, arguments, together);
    }

    virtual uint64_t allocate(size_t bytes) {
        uint64_t address = 0;
        call("cuMemAlloc_v2", &address, bytes);
        return address;
    }

    /// For destructors: after a fault every call fails, and the fault is what must be reported.
    virtual void free(uint64_t address) noexcept {
        reinterpret_cast<int (*)(uint64_t)>(dlsym(library_, "cuMemFree_v2"))(address);
    }

    void upload(uint64_t address, const void* source, size_t bytes) { call("cuMemcpyHtoD_v2", address, source, bytes); }

    void download(void* destination, uint64_t address, size_t bytes) {
        call("cuMemcpyDtoH_v2", destination, address, bytes);
    }

    int multiprocessors() {
        constexpr int kMultiprocessorCount = 16;  // CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT
        int device = 0, count = 0;
        call("cuCtxGetDevice", &device);
        call("cuDeviceGetAttribute", &count, kMultiprocessorCount, device);
        return count;
    }

    /// What the virtual GPU's checkers found since the last call; empty on a real one.
    std::string takeDiagnostics() {
        const std::string found = read("diagnostics");
        clear("diagnostics");
        return found;
    }

    /// The virtual GPU's record of the last launch: its fields by name.
    std::map<std::string, std::string> lastLaunch() {
        std::map<std::string, std::string> fields;
        std::istringstream text(read("launches"));
        for (std::string line, previous = "x"; std::getline(text, line); previous = line) {
            if (previous.empty()) {
                fields.clear();  // a blank line ends a record; the last is wanted
            }
            const size_t equals = line.find('=');
            if (equals != std::string::npos) {
                fields[line.substr(0, equals)] = line.substr(equals + 1);
            }
        }
        return fields;
    }

    /// Changes settings of the virtual GPU.
    void configure(const std::string& settings) {
        const auto function = reinterpret_cast<int (*)(const char*)>(control("d4jVgpuConfigure"));
        if (function == nullptr || function(settings.c_str()) != 0) {
            throw std::runtime_error("the virtual GPU takes no " + settings);
        }
    }

    /// A text of the virtual GPU; empty on a real one.
    std::string read(const char* what) {
        const auto function = reinterpret_cast<size_t (*)(const char*, char*, size_t)>(control("d4jVgpuRead"));
        if (function == nullptr) {
            return {};
        }
        std::vector<char> text(function(what, nullptr, 0) + 1);
        function(what, text.data(), text.size());
        return text.data();
    }

    /// Forgets such a text.
    void clear(const char* what) {
        const auto function = reinterpret_cast<int (*)(const char*)>(control("d4jVgpuClear"));
        if (function != nullptr) {
            function(what);
        }
    }

protected:
    virtual void execute(void* function, Grid grid, int threads, int dynamicSharedBytes, void** arguments, bool together) {
        const auto x = unsigned(grid.x), y = unsigned(grid.y), z = unsigned(grid.z);
        const auto width = unsigned(threads), shared = unsigned(dynamicSharedBytes);
        void* const stream = nullptr;
        if (together) {
            call("cuLaunchCooperativeKernel", function, x, y, z, width, 1u, 1u, shared, stream, arguments);
        } else {
            call("cuLaunchKernel", function, x, y, z, width, 1u, 1u, shared, stream, arguments,
                 static_cast<void**>(nullptr));
        }
        call("cuCtxSynchronize");
    }

private:
    template <class... Arguments>
    void call(const char* name, Arguments... arguments) {
        const auto function = reinterpret_cast<int (*)(Arguments...)>(dlsym(library_, name));
        const int result = function == nullptr ? -1 : function(arguments...);
        if (result != 0) {
            throw std::runtime_error(std::string(name) + " returned " + std::to_string(result));
        }
    }

    void* control(const char* name) {
        using Find = int (*)(const char*, void**, int, uint64_t, int*);
        const auto find = reinterpret_cast<Find>(dlsym(library_, "cuGetProcAddress_v2"));
        constexpr int kCudaVersion = 12000;
        void* function = nullptr;
        int status = 0;
        return find != nullptr && find(name, &function, kCudaVersion, 0, &status) == 0 ? function : nullptr;
    }

    void* library_;
    void* context_ = nullptr;
};

}  // namespace d4j::test
