// Reaching the control API of the libcuda.so.1 in this process. It is found by name at run time: a process with a real
// driver, or with none, loads this library too.
#include "d4j_vgpu.h"

#include "status.hpp"

#include <dlfcn.h>

namespace {

using d4j::require;

class NotLoaded : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The function of the loaded driver, or null if that driver is not ours or there is none.
void* find(const char* name, bool* driverLoaded = nullptr) {
    void* library = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    if (driverLoaded) *driverLoaded = library != nullptr;
    if (library == nullptr) return nullptr;
    using GetProcAddress = int (*)(const char*, void**, int, uint64_t, int*);
    void* function = nullptr;
    int query = 0;
    if (auto get = reinterpret_cast<GetProcAddress>(dlsym(library, "cuGetProcAddress_v2"))) {
        if (get(name, &function, 12000, 0, &query) != 0) function = nullptr;
    }
    dlclose(library);  // RTLD_NOLOAD counted a reference; the library itself stays
    return function;
}

template <class Function>
Function need(const char* name) {
    auto function = reinterpret_cast<Function>(find(name));
    if (function == nullptr) throw NotLoaded("the virtual GPU is not loaded in this process");
    return function;
}

std::string message() {
    auto read = need<size_t (*)(const char*, char*, size_t)>("d4jVgpuRead");
    std::string text(read("message", nullptr, 0), '\0');
    read("message", text.data(), text.size());
    return text.c_str();
}

/// Runs a control call whose result is a CUresult.
template <class Body>
int controlled(Body&& body) noexcept {
    bool missing = false;
    int status = d4j::guarded([&] {
        try {
            int result = body();
            if (result != 0) throw std::invalid_argument(message());
        } catch (const NotLoaded&) {
            missing = true;
            throw;
        }
    });
    return missing ? D4J_UNSUPPORTED : status;
}

}  // namespace

int d4j_vgpu_driver(void) {
    bool loaded = false;
    bool ours = find("d4jVgpuConfigure", &loaded) != nullptr;
    return ours ? D4J_VGPU_VIRTUAL : loaded ? D4J_VGPU_OTHER_DRIVER : D4J_VGPU_NO_DRIVER;
}

int d4j_cuda_driver_found(void) {
    void* library = dlopen("libcuda.so.1", RTLD_LAZY);
    if (library == nullptr) return 0;
    // The linker looks in this library's folder, too, where the virtual GPU's driver may have been unpacked.
    const bool ours = find("d4jVgpuConfigure") != nullptr;
    dlclose(library);
    return ours ? 0 : 1;
}

int d4j_vgpu_configure(const char* settings) {
    return controlled([&] { return need<int (*)(const char*)>("d4jVgpuConfigure")(settings); });
}

int d4j_vgpu_reset(void) {
    return controlled([] { return need<int (*)()>("d4jVgpuReset")(); });
}

int d4j_vgpu_label_caller(const char* label) {
    return controlled([&] { return need<int (*)(const char*)>("d4jVgpuLabelCaller")(label); });
}

int d4j_vgpu_fail_calls(const char* name, int64_t skip, int64_t times, int result) {
    return controlled([&] {
        require(skip >= 0 && times >= 0, "skip and times must not be negative");
        using Fail = int (*)(const char*, uint64_t, uint64_t, int);
        return need<Fail>("d4jVgpuFailCalls")(name, static_cast<uint64_t>(skip), static_cast<uint64_t>(times), result);
    });
}

int d4j_vgpu_clear(const char* what) {
    return controlled([&] { return need<int (*)(const char*)>("d4jVgpuClear")(what); });
}

int64_t d4j_vgpu_read(const char* what, char* buffer, int64_t capacity) {
    int64_t bytes = 0;
    int status = d4j::guarded([&] {
        auto read = need<size_t (*)(const char*, char*, size_t)>("d4jVgpuRead");
        bytes = static_cast<int64_t>(read(what, buffer, capacity < 0 ? 0 : static_cast<size_t>(capacity)));
        if (bytes == 0) throw std::invalid_argument(message());
    });
    return status == D4J_OK ? bytes : 0;
}
