#include "driver/call.hpp"
#include "driver/control.hpp"
#include "driver/proc_address.hpp"

using namespace vgpu;
using namespace vgpu::driver;

VGPU_DRIVER_API cuGetProcAddress_v2(const char* name, void** function, int version,
                                    uint64_t flags, int* query) {
    // Asking for the control API is not part of what the program does: it stays out of the log.
    EntryPoint control = name && function ? controlFunction(name) : nullptr;
    if (control != nullptr) {
        *function = reinterpret_cast<void*>(control);
        if (query) *query = Found;
        return CUDA_SUCCESS;
    }
    return api("cuGetProcAddress_v2", [&](Call&) {
        requirePointer(name, "symbol");
        requirePointer(function, "pfn");
        Query answer = NotFound;
        EntryPoint address = lookUp(name, version, flags, answer);
        *function = reinterpret_cast<void*>(address);
        if (query) *query = answer;
        // With a place for the answer the call itself succeeds, as documented.
        require(address != nullptr || query != nullptr, CUDA_ERROR_NOT_FOUND, "no such entry point");
    });
}

VGPU_DRIVER_API cuGetProcAddress(const char* name, void** function, int version,
                                 uint64_t flags) {
    return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}

// Undocumented tables through which NVIDIA's own libraries reach into the driver.
VGPU_DRIVER_API cuGetExportTable(const void** table, const CUuuid*) {
    return api("cuGetExportTable", [&](Call&) {
        if (table) *table = nullptr;
        fail(CUDA_ERROR_NOT_SUPPORTED, "the CUDA runtime and NVIDIA's libraries need the real driver");
    });
}
