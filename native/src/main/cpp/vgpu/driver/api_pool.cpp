// Stream-ordered memory and what an address is.
#include "driver/call.hpp"
#include "driver/stream_order.hpp"

using namespace vgpu;
using namespace vgpu::driver;

namespace {

CUresult allocateAsync(const char* name, CUdeviceptr* address, size_t bytes, CUmemoryPool* pool, CUstream stream,
                       const void* returnAddress) {
    return api(name, [&](Call& call) {
        requirePointer(address, "dptr");
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        if (resolved->capture) {
            resolved->capture->invalidated = true;
            fail(CUDA_ERROR_NOT_SUPPORTED, "allocation nodes in graphs are not implemented: allocate before the capture");
        }
        require(bytes > 0, CUDA_ERROR_INVALID_VALUE, "the size is 0");
        Driver& driver = call.driver;
        OwnedMemory memory;
        memory.size = bytes;
        memory.context = resolved->context;
        memory.pool = pool ? driver.pools.get(*pool) : driver.currentPool;
        memory.id = driver.nextId();
        memory.site = callerSite(name, call.serial(), returnAddress);
        memory.address = driver.memory->allocate(bytes, memory.site);
        if (memory.address == 0) {
            // Queued frees may give back what is missing.
            driver.queue.finishAll(call.lock, driver.queue.pending(*resolved->context.lock()));
            memory.address = driver.memory->allocate(bytes, memory.site);
        }
        require(memory.address != 0, CUDA_ERROR_OUT_OF_MEMORY, "not enough device memory left");
        memory.pool->used += bytes;
        memory.pool->usedHigh = std::max(memory.pool->usedHigh, memory.pool->used);
        driver.owned[memory.address] = memory;
        call.bytes(bytes);
        *address = memory.address;
    });
}

}  // namespace

VGPU_DRIVER_API cuMemAllocAsync(CUdeviceptr* address, size_t bytes, CUstream stream) {
    return allocateAsync("cuMemAllocAsync", address, bytes, nullptr, stream, __builtin_return_address(0));
}

VGPU_DRIVER_API cuMemAllocFromPoolAsync(CUdeviceptr* address, size_t bytes, CUmemoryPool pool, CUstream stream) {
    return allocateAsync("cuMemAllocFromPoolAsync", address, bytes, &pool, stream, __builtin_return_address(0));
}

VGPU_DRIVER_API cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
    const void* caller = __builtin_return_address(0);
    return api("cuMemFreeAsync", [&](Call& call) {
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        auto found = call.driver.owned.find(address);
        require(found != call.driver.owned.end() && !found->second.freeing &&
                    found->second.ownership == Ownership::Device,
                CUDA_ERROR_INVALID_VALUE, "the address is no live device allocation");
        enqueue(call, resolved, FreeWork{address, callerSite(call.name, call.serial(), caller)});
        // The free may have run already, if the queue was full.
        found = call.driver.owned.find(address);
        if (found != call.driver.owned.end()) found->second.freeing = true;
    });
}

VGPU_DRIVER_API cuMemPoolCreate(CUmemoryPool* pool, const CUmemPoolProps* properties) {
    return api("cuMemPoolCreate", [&](Call& call) {
        call.requireInitialised();
        requirePointer(pool, "pool");
        requirePointer(properties, "poolProps");
        require(properties->allocType == 1, CUDA_ERROR_INVALID_VALUE, "allocType must be CU_MEM_ALLOCATION_TYPE_PINNED");
        require(properties->location.type == CU_MEM_LOCATION_TYPE_DEVICE && properties->location.id == 0,
                CUDA_ERROR_INVALID_VALUE, "the location must be device 0");
        require(properties->handleTypes == 0, CUDA_ERROR_NOT_SUPPORTED, "shareable pools are not implemented");
        auto created = std::make_shared<MemoryPool>();
        created->handle = call.driver.pools.add(created);
        *pool = created->handle;
    });
}

VGPU_DRIVER_API cuMemPoolDestroy(CUmemoryPool pool) {
    return api("cuMemPoolDestroy", [&](Call& call) {
        std::shared_ptr<MemoryPool> found = call.driver.pools.get(pool);
        require(found != call.driver.defaultPool, CUDA_ERROR_INVALID_VALUE, "the default pool cannot be destroyed");
        if (call.driver.currentPool == found) call.driver.currentPool = call.driver.defaultPool;
        call.driver.pools.remove(pool);
    });
}

VGPU_DRIVER_API cuMemPoolTrimTo(CUmemoryPool pool, size_t) {
    return api("cuMemPoolTrimTo", [&](Call& call) { call.driver.pools.get(pool); });  // nothing is held back
}

VGPU_DRIVER_API cuMemPoolSetAccess(CUmemoryPool pool, const CUmemAccessDesc* access, size_t count) {
    return api("cuMemPoolSetAccess", [&](Call& call) {
        call.driver.pools.get(pool);
        if (count > 0) requirePointer(access, "map");
    });
}

VGPU_DRIVER_API cuMemPoolGetAccess(int* flags, CUmemoryPool pool, CUmemLocation* location) {
    return api("cuMemPoolGetAccess", [&](Call& call) {
        requirePointer(flags, "flags");
        requirePointer(location, "location");
        call.driver.pools.get(pool);
        *flags = 3;  // read and write
    });
}

VGPU_DRIVER_API cuMemPoolSetAttribute(CUmemoryPool pool, int attribute, void* value) {
    return api("cuMemPoolSetAttribute", [&](Call& call) {
        requirePointer(value, "value");
        std::shared_ptr<MemoryPool> found = call.driver.pools.get(pool);
        if (attribute >= CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES &&
            attribute <= CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES) {
            found->reuse[attribute - 1] = *static_cast<int*>(value);
        } else if (attribute == CU_MEMPOOL_ATTR_RELEASE_THRESHOLD) {
            found->releaseThreshold = *static_cast<uint64_t*>(value);
        } else if (attribute == CU_MEMPOOL_ATTR_USED_MEM_HIGH || attribute == CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH) {
            require(*static_cast<uint64_t*>(value) == 0, CUDA_ERROR_INVALID_VALUE, "a high-water mark is only reset to 0");
            found->usedHigh = found->used;
        } else {
            fail(CUDA_ERROR_INVALID_VALUE, "this pool attribute cannot be set");
        }
    });
}

VGPU_DRIVER_API cuMemPoolGetAttribute(CUmemoryPool pool, int attribute, void* value) {
    return api("cuMemPoolGetAttribute", [&](Call& call) {
        requirePointer(value, "value");
        std::shared_ptr<MemoryPool> found = call.driver.pools.get(pool);
        uint64_t* wide = static_cast<uint64_t*>(value);
        switch (attribute) {
            case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
            case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
            case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
                *static_cast<int*>(value) = found->reuse[attribute - 1];
                break;
            case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: *wide = found->releaseThreshold; break;
            case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
            case CU_MEMPOOL_ATTR_USED_MEM_CURRENT: *wide = found->used; break;
            case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
            case CU_MEMPOOL_ATTR_USED_MEM_HIGH: *wide = found->usedHigh; break;
            default: fail(CUDA_ERROR_INVALID_VALUE, "unknown pool attribute");
        }
    });
}

namespace {

CUresult poolOfDevice(const char* name, CUmemoryPool* pool, CUdevice device, bool current) {
    return api(name, [&](Call& call) {
        call.requireDevice(device);
        requirePointer(pool, "pool");
        // The pools come with the first context.
        require(call.driver.defaultPool != nullptr, CUDA_ERROR_INVALID_CONTEXT, "create a context first");
        *pool = (current ? call.driver.currentPool : call.driver.defaultPool)->handle;
    });
}

}  // namespace

VGPU_DRIVER_API cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice device) {
    return poolOfDevice("cuDeviceGetDefaultMemPool", pool, device, false);
}

VGPU_DRIVER_API cuDeviceGetMemPool(CUmemoryPool* pool, CUdevice device) {
    return poolOfDevice("cuDeviceGetMemPool", pool, device, true);
}

VGPU_DRIVER_API cuDeviceSetMemPool(CUdevice device, CUmemoryPool pool) {
    return api("cuDeviceSetMemPool", [&](Call& call) {
        call.requireDevice(device);
        call.driver.currentPool = call.driver.pools.get(pool);
    });
}

namespace {

/// False when the attribute is not known or has no value for this address.
bool pointerAttribute(Call& call, int attribute, CUdeviceptr address, void* value) {
    Driver& driver = call.driver;
    std::optional<Allocation> found = driver.memory ? driver.memory->enclosing(address, 1) : std::nullopt;
    if (!found) return false;
    auto owned = driver.owned.find(found->address);
    const OwnedMemory* memory = owned == driver.owned.end() ? nullptr : &owned->second;
    bool host = found->kind == MemoryKind::Host;
    bool managed = memory && memory->ownership == Ownership::Managed;
    switch (attribute) {
        case CU_POINTER_ATTRIBUTE_CONTEXT: {
            std::shared_ptr<Context> context = memory ? memory->context.lock() : nullptr;
            *static_cast<CUcontext*>(value) = context ? context->handle : nullptr;
            return true;
        }
        case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
            *static_cast<unsigned*>(value) = host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
            return true;
        case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
            *static_cast<CUdeviceptr*>(value) = address;
            return true;
        case CU_POINTER_ATTRIBUTE_HOST_POINTER:
            if (!host && !managed) return false;
            *static_cast<void**>(value) = reinterpret_cast<void*>(address);
            return true;
        case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
            *static_cast<unsigned*>(value) = 0;
            return true;
        case CU_POINTER_ATTRIBUTE_BUFFER_ID:
            *static_cast<uint64_t*>(value) = memory ? memory->id : found->serial;
            return true;
        case CU_POINTER_ATTRIBUTE_IS_MANAGED:
            *static_cast<unsigned*>(value) = managed;
            return true;
        case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
            *static_cast<int*>(value) = 0;
            return true;
        case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
            *static_cast<CUdeviceptr*>(value) = found->address;
            return true;
        case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
            *static_cast<size_t*>(value) = found->size;
            return true;
        case CU_POINTER_ATTRIBUTE_MAPPED:
            *static_cast<unsigned*>(value) = 1;
            return true;
        case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE:
            *static_cast<CUmemoryPool*>(value) = memory && memory->pool ? memory->pool->handle : nullptr;
            return true;
        default:
            return false;
    }
}

}  // namespace

VGPU_DRIVER_API cuPointerGetAttribute(void* value, int attribute, CUdeviceptr address) {
    return api("cuPointerGetAttribute", [&](Call& call) {
        requirePointer(value, "data");
        call.context();
        require(pointerAttribute(call, attribute, address, value), CUDA_ERROR_INVALID_VALUE,
                "the address is in no allocation, or has no such attribute");
    });
}

VGPU_DRIVER_API cuPointerGetAttributes(unsigned count, int* attributes, void** values, CUdeviceptr address) {
    return api("cuPointerGetAttributes", [&](Call& call) {
        call.context();
        if (count > 0) {
            requirePointer(attributes, "attributes");
            requirePointer(values, "data");
        }
        for (unsigned i = 0; i < count; i++) {
            requirePointer(values[i], "an element of data");
            // What is not known about an address is zero, of as many bytes as surely exist.
            if (!pointerAttribute(call, attributes[i], address, values[i])) *static_cast<unsigned*>(values[i]) = 0;
        }
    });
}
