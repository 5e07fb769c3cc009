// Allocating and freeing: device, managed and pinned host memory.
#include "driver/call.hpp"
#include "driver/stream_order.hpp"

#include <cstdlib>
#include <cstring>

using namespace vgpu;
using namespace vgpu::driver;

namespace {

constexpr size_t pageBytes = 4096;
constexpr size_t pitchAlignment = 512;

OwnedMemory allocate(Call& call, size_t bytes, Ownership ownership, const void* returnAddress) {
    std::shared_ptr<Context> context = call.context();
    forbidDuringCapture(call);
    require(bytes > 0, CUDA_ERROR_INVALID_VALUE, "the size is 0");
    Driver& driver = call.driver;
    OwnedMemory memory;
    memory.ownership = ownership;
    memory.size = bytes;
    memory.context = context;
    memory.id = driver.nextId();
    memory.site = callerSite(call.name, call.serial(), returnAddress);
    memory.address = driver.memory->allocate(bytes, memory.site);
    if (memory.address == 0) {
        fail(CUDA_ERROR_OUT_OF_MEMORY, std::to_string(bytes) + " bytes asked for, " +
                                           std::to_string(driver.memory->capacity() - driver.memory->used()) + " of " +
                                           std::to_string(driver.memory->capacity()) + " left");
    }
    // The host writes managed memory where nobody sees it.
    if (ownership == Ownership::Managed) driver.memory->markInitialised(memory.address, bytes);
    driver.owned[memory.address] = memory;
    call.bytes(bytes);
    return memory;
}

void adoptHost(Call& call, void* host, size_t bytes, Ownership ownership, unsigned flags, const void* returnAddress) {
    Driver& driver = call.driver;
    OwnedMemory memory;
    memory.ownership = ownership;
    memory.address = reinterpret_cast<uint64_t>(host);
    memory.size = bytes;
    memory.context = call.context();
    memory.flags = flags;
    memory.id = driver.nextId();
    memory.site = callerSite(call.name, call.serial(), returnAddress);
    require(driver.memory->registerHost(host, bytes, memory.site), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED,
            "the range overlaps host memory that is already registered");
    driver.owned[memory.address] = memory;
    call.bytes(bytes);
}

CUresult hostAllocate(const char* name, void** host, size_t bytes, unsigned flags, const void* returnAddress) {
    return api(name, [&](Call& call) {
        requirePointer(host, "pp");
        call.context();
        forbidDuringCapture(call);
        require(flags <= 7, CUDA_ERROR_INVALID_VALUE, "unknown host allocation flags");
        require(bytes > 0, CUDA_ERROR_INVALID_VALUE, "the size is 0");
        // Host memory does not count against the device's, but a size beyond any machine must not reach malloc's overcommit.
        require(bytes <= uint64_t(1) << 40, CUDA_ERROR_OUT_OF_MEMORY, "more than 1 TiB of host memory asked for");
        void* fresh = std::aligned_alloc(pageBytes, (bytes + pageBytes - 1) / pageBytes * pageBytes);
        require(fresh != nullptr, CUDA_ERROR_OUT_OF_MEMORY, "out of host memory");
        try {
            adoptHost(call, fresh, bytes, Ownership::Pinned, flags, returnAddress);
        } catch (...) {
            std::free(fresh);
            throw;
        }
        *host = fresh;
    });
}

OwnedMemory& findOwned(Call& call, uint64_t address, CUresult code, const std::string& what) {
    auto found = call.driver.owned.find(address);
    if (found == call.driver.owned.end()) {
        fail(code, hex(address) + " is not " + what + ": " +
                       (call.driver.memory ? call.driver.memory->describe(address) : std::string("nothing is allocated")));
    }
    return found->second;
}

/// A bad free is a finding as well as an error: compute-sanitizer reports it too.
void diagnoseBadFree(Call& call, uint64_t address) {
    Diagnostic diagnostic;
    diagnostic.kind = DiagnosticKind::Memcheck;
    std::optional<Allocation> known = call.driver.memory->find(address);
    diagnostic.message = std::string(call.name) +
                         (known && known->freed ? " of memory that was freed before" : " of an address that was not allocated");
    diagnostic.address = address;
    diagnostic.allocation = call.driver.memory->describe(address);
    call.driver.diagnose(diagnostic);
}

CUresult freeHost(const char* name, void* host, Ownership ownership) {
    return api(name, [&](Call& call) {
        std::shared_ptr<Context> context = call.context();
        forbidDuringCapture(call);
        CUresult code = ownership == Ownership::Pinned ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
        uint64_t address = reinterpret_cast<uint64_t>(host);
        const char* what = ownership == Ownership::Pinned ? "pinned host memory" : "registered host memory";
        require(findOwned(call, address, code, what).ownership == ownership, code, "the memory is of another kind");
        synchronise(call, context);
        call.driver.release(findOwned(call, address, code, what));
    });
}

}  // namespace

VGPU_DRIVER_API cuMemGetInfo_v2(size_t* free, size_t* total) {
    return api("cuMemGetInfo_v2", [&](Call& call) {
        call.context();
        if (total) *total = call.driver.memory->capacity();
        if (free) *free = call.driver.memory->capacity() - call.driver.memory->used();
    });
}

VGPU_DRIVER_API cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
    const void* caller = __builtin_return_address(0);
    return api("cuMemAlloc_v2", [&](Call& call) {
        requirePointer(address, "dptr");
        *address = allocate(call, bytes, Ownership::Device, caller).address;
    });
}

VGPU_DRIVER_API cuMemAllocPitch_v2(CUdeviceptr* address, size_t* pitch, size_t width, size_t height, unsigned element) {
    const void* caller = __builtin_return_address(0);
    return api("cuMemAllocPitch_v2", [&](Call& call) {
        requirePointer(address, "dptr");
        requirePointer(pitch, "pPitch");
        require(element == 4 || element == 8 || element == 16, CUDA_ERROR_INVALID_VALUE, "elements are 4, 8 or 16 bytes");
        require(width > 0 && height > 0, CUDA_ERROR_INVALID_VALUE, "width and height must be positive");
        require(width <= SIZE_MAX / 2 && (width + pitchAlignment) <= SIZE_MAX / height, CUDA_ERROR_OUT_OF_MEMORY,
                "the size overflows");
        size_t padded = (width + pitchAlignment - 1) / pitchAlignment * pitchAlignment;
        *address = allocate(call, padded * height, Ownership::Device, caller).address;
        *pitch = padded;
    });
}

VGPU_DRIVER_API cuMemAllocManaged(CUdeviceptr* address, size_t bytes, unsigned flags) {
    const void* caller = __builtin_return_address(0);
    return api("cuMemAllocManaged", [&](Call& call) {
        requirePointer(address, "dptr");
        require(flags == 1 || flags == 2, CUDA_ERROR_INVALID_VALUE, "flags are CU_MEM_ATTACH_GLOBAL or CU_MEM_ATTACH_HOST");
        *address = allocate(call, bytes, Ownership::Managed, caller).address;
    });
}

VGPU_DRIVER_API cuMemFree_v2(CUdeviceptr address) {
    const void* caller = __builtin_return_address(0);
    return api("cuMemFree_v2", [&](Call& call) {
        std::shared_ptr<Context> context = call.context();
        forbidDuringCapture(call);
        if (address == 0) return;
        auto found = call.driver.owned.find(address);
        if (found == call.driver.owned.end() || found->second.freeing ||
            (found->second.ownership != Ownership::Device && found->second.ownership != Ownership::Managed)) {
            diagnoseBadFree(call, address);
            fail(CUDA_ERROR_INVALID_VALUE, hex(address) + " is no live allocation: " + call.driver.memory->describe(address));
        }
        // As on a device, freeing waits for the work that may still use the memory.
        found->second.freeing = true;
        try {
            synchronise(call, context);
        } catch (...) {
            if (call.driver.owned.count(address)) call.driver.owned[address].freeing = false;
            throw;
        }
        OwnedMemory& memory = call.driver.owned.at(address);
        memory.site = callerSite(call.name, call.serial(), caller);
        call.driver.release(memory);
    });
}

VGPU_DRIVER_API cuMemGetAddressRange_v2(CUdeviceptr* base, size_t* size, CUdeviceptr address) {
    return api("cuMemGetAddressRange_v2", [&](Call& call) {
        call.context();
        std::optional<Allocation> found = call.driver.memory->find(address);
        require(found && !found->freed, CUDA_ERROR_NOT_FOUND, "the address is in no allocation");
        if (base) *base = found->address;
        if (size) *size = found->size;
    });
}

VGPU_DRIVER_API cuMemAllocHost_v2(void** host, size_t bytes) {
    return hostAllocate("cuMemAllocHost_v2", host, bytes, 0, __builtin_return_address(0));
}

VGPU_DRIVER_API cuMemHostAlloc(void** host, size_t bytes, unsigned flags) {
    return hostAllocate("cuMemHostAlloc", host, bytes, flags, __builtin_return_address(0));
}

VGPU_DRIVER_API cuMemFreeHost(void* host) { return freeHost("cuMemFreeHost", host, Ownership::Pinned); }

VGPU_DRIVER_API cuMemHostRegister_v2(void* host, size_t bytes, unsigned flags) {
    const void* caller = __builtin_return_address(0);
    return api("cuMemHostRegister_v2", [&](Call& call) {
        requirePointer(host, "p");
        call.context();
        forbidDuringCapture(call);
        require(bytes > 0, CUDA_ERROR_INVALID_VALUE, "the size is 0");
        require(flags <= 15, CUDA_ERROR_INVALID_VALUE, "unknown registration flags");
        adoptHost(call, host, bytes, Ownership::Registered, flags, caller);
    });
}

VGPU_DRIVER_API cuMemHostUnregister(void* host) { return freeHost("cuMemHostUnregister", host, Ownership::Registered); }

VGPU_DRIVER_API cuMemHostGetDevicePointer_v2(CUdeviceptr* address, void* host, unsigned flags) {
    return api("cuMemHostGetDevicePointer_v2", [&](Call& call) {
        requirePointer(address, "pdptr");
        require(flags == 0, CUDA_ERROR_INVALID_VALUE, "flags must be 0");
        call.context();
        uint64_t value = reinterpret_cast<uint64_t>(host);
        std::optional<Allocation> found = call.driver.memory->enclosing(value, 1);
        require(found && found->kind == MemoryKind::Host, CUDA_ERROR_INVALID_VALUE, "not pinned or registered host memory");
        *address = value;  // one address space
    });
}

VGPU_DRIVER_API cuMemHostGetFlags(unsigned* flags, void* host) {
    return api("cuMemHostGetFlags", [&](Call& call) {
        requirePointer(flags, "pFlags");
        call.context();
        const OwnedMemory& memory = findOwned(call, reinterpret_cast<uint64_t>(host), CUDA_ERROR_INVALID_VALUE,
                                              "the start of pinned host memory");
        require(memory.ownership == Ownership::Pinned, CUDA_ERROR_INVALID_VALUE, "not pinned host memory");
        *flags = memory.flags;
    });
}

// Managed memory is where both sides see it already.
VGPU_DRIVER_API cuMemPrefetchAsync_v2(CUdeviceptr address, size_t bytes, CUmemLocation, unsigned, CUstream stream) {
    return api("cuMemPrefetchAsync_v2", [&](Call& call) {
        resolveStream(call, stream);
        require(call.driver.memory->enclosing(address, bytes).has_value(), CUDA_ERROR_INVALID_VALUE,
                "the range is in no allocation");
    });
}

VGPU_DRIVER_API cuMemAdvise_v2(CUdeviceptr address, size_t bytes, int, CUmemLocation) {
    return api("cuMemAdvise_v2", [&](Call& call) {
        call.context();
        require(call.driver.memory->enclosing(address, bytes).has_value(), CUDA_ERROR_INVALID_VALUE,
                "the range is in no allocation");
    });
}

VGPU_DRIVER_API cuStreamAttachMemAsync(CUstream stream, CUdeviceptr address, size_t, unsigned) {
    return api("cuStreamAttachMemAsync", [&](Call& call) {
        resolveStream(call, stream);
        findOwned(call, address, CUDA_ERROR_INVALID_VALUE, "managed memory");
    });
}
