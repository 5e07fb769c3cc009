// Copies and memsets, with the waiting that the driver API documents for each.
#include "driver/copy.hpp"
#include "driver/stream_order.hpp"

#include <cstring>

using namespace vgpu;
using namespace vgpu::driver;

namespace {

uint64_t number(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

bool pageable(Call& call, uint64_t address, uint64_t bytes) { return !call.driver.memory->enclosing(address, bytes); }

uint64_t sourceSpan(const CopyWork& copy) {
    return (copy.depth - 1) * copy.sourceSlice + (copy.height - 1) * copy.sourcePitch + copy.width;
}

uint64_t destinationSpan(const CopyWork& copy) {
    return (copy.depth - 1) * copy.destinationSlice + (copy.height - 1) * copy.destinationPitch + copy.width;
}

/// An asynchronous copy. From pageable memory the source is read during the call and to pageable memory the call
/// returns when the copy is done; with pinned memory both happen whenever the stream gets there.
void copyAsync(Call& call, CopyWork copy, CUstream stream) {
    std::shared_ptr<Stream> resolved = resolveStream(call, stream);
    call.bytes(copy.bytes());
    if (copy.bytes() == 0) return;
    bool wait = false;
    if (!resolved->capture) {
        if (!copy.sourceIsDevice && pageable(call, copy.source, sourceSpan(copy))) {
            const uint8_t* source = reinterpret_cast<const uint8_t*>(copy.source);
            copy.staged = std::make_shared<std::vector<uint8_t>>(source, source + sourceSpan(copy));
            copy.source = number(copy.staged->data());
        }
        wait = !copy.destinationIsDevice && pageable(call, copy.destination, destinationSpan(copy));
    }
    enqueue(call, resolved, std::move(copy));
    if (wait) synchronise(call, resolved);
}

/// A synchronous copy. Between device addresses it is only ordered, not waited for.
void copySync(Call& call, CopyWork copy) {
    std::shared_ptr<Stream> resolved = resolveStream(call, nullptr);
    forbidDuringCapture(call);
    bool wait = !(copy.sourceIsDevice && copy.destinationIsDevice);
    call.bytes(copy.bytes());
    if (copy.bytes() == 0) return;
    enqueue(call, resolved, std::move(copy));
    if (wait) synchronise(call, resolved);
}

void fillOn(Call& call, const FillWork& fill, CUstream stream) {
    std::shared_ptr<Stream> resolved = resolveStream(call, stream);
    call.bytes(uint64_t(fill.width) * fill.height * fill.elementSize);
    if (fill.width == 0 || fill.height == 0) return;
    enqueue(call, resolved, fill);
}

CUresult fill(const char* name, CUdeviceptr destination, size_t pitch, uint32_t value, uint32_t element, size_t width,
              size_t height, CUstream stream, bool synchronous) {
    return api(name, [&](Call& call) {
        call.context();
        if (synchronous) forbidDuringCapture(call);
        fillOn(call, fillWork(call, destination, pitch, value, element, width, height), stream);
    });
}

}  // namespace

VGPU_DRIVER_API cuMemcpy(CUdeviceptr destination, CUdeviceptr source, size_t bytes) {
    return api("cuMemcpy", [&](Call& call) {
        call.context();
        copySync(call, linearCopy(call, destination, false, source, false, bytes));
    });
}

VGPU_DRIVER_API cuMemcpyHtoD_v2(CUdeviceptr destination, const void* source, size_t bytes) {
    return api("cuMemcpyHtoD_v2", [&](Call& call) {
        call.context();
        copySync(call, linearCopy(call, destination, true, number(source), false, bytes));
    });
}

VGPU_DRIVER_API cuMemcpyDtoH_v2(void* destination, CUdeviceptr source, size_t bytes) {
    return api("cuMemcpyDtoH_v2", [&](Call& call) {
        call.context();
        copySync(call, linearCopy(call, number(destination), false, source, true, bytes));
    });
}

VGPU_DRIVER_API cuMemcpyDtoD_v2(CUdeviceptr destination, CUdeviceptr source, size_t bytes) {
    return api("cuMemcpyDtoD_v2", [&](Call& call) {
        call.context();
        copySync(call, linearCopy(call, destination, true, source, true, bytes));
    });
}

VGPU_DRIVER_API cuMemcpyPeer(CUdeviceptr destination, CUcontext destinationContext, CUdeviceptr source,
                             CUcontext sourceContext, size_t bytes) {
    return api("cuMemcpyPeer", [&](Call& call) {
        call.context();
        call.driver.contexts.get(destinationContext);
        call.driver.contexts.get(sourceContext);
        copySync(call, linearCopy(call, destination, true, source, true, bytes));
    });
}

VGPU_DRIVER_API cuMemcpy2D_v2(const CUDA_MEMCPY2D* parameters) {
    return api("cuMemcpy2D_v2", [&](Call& call) {
        requirePointer(parameters, "pCopy");
        call.context();
        copySync(call, boxCopy(call, boxOf(*parameters)));
    });
}

VGPU_DRIVER_API cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D* parameters) { return cuMemcpy2D_v2(parameters); }

VGPU_DRIVER_API cuMemcpy3D_v2(const CUDA_MEMCPY3D* parameters) {
    return api("cuMemcpy3D_v2", [&](Call& call) {
        requirePointer(parameters, "pCopy");
        call.context();
        copySync(call, boxCopy(call, *parameters));
    });
}

VGPU_DRIVER_API cuMemcpy3DPeer(const CUDA_MEMCPY3D* parameters) { return cuMemcpy3D_v2(parameters); }

VGPU_DRIVER_API cuMemcpyAsync(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream) {
    return api("cuMemcpyAsync", [&](Call& call) {
        call.context();
        copyAsync(call, linearCopy(call, destination, false, source, false, bytes), stream);
    });
}

VGPU_DRIVER_API cuMemcpyHtoDAsync_v2(CUdeviceptr destination, const void* source, size_t bytes, CUstream stream) {
    return api("cuMemcpyHtoDAsync_v2", [&](Call& call) {
        call.context();
        copyAsync(call, linearCopy(call, destination, true, number(source), false, bytes), stream);
    });
}

VGPU_DRIVER_API cuMemcpyDtoHAsync_v2(void* destination, CUdeviceptr source, size_t bytes, CUstream stream) {
    return api("cuMemcpyDtoHAsync_v2", [&](Call& call) {
        call.context();
        copyAsync(call, linearCopy(call, number(destination), false, source, true, bytes), stream);
    });
}

VGPU_DRIVER_API cuMemcpyDtoDAsync_v2(CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream) {
    return api("cuMemcpyDtoDAsync_v2", [&](Call& call) {
        call.context();
        copyAsync(call, linearCopy(call, destination, true, source, true, bytes), stream);
    });
}

VGPU_DRIVER_API cuMemcpyPeerAsync(CUdeviceptr destination, CUcontext destinationContext, CUdeviceptr source,
                                  CUcontext sourceContext, size_t bytes, CUstream stream) {
    return api("cuMemcpyPeerAsync", [&](Call& call) {
        call.context();
        call.driver.contexts.get(destinationContext);
        call.driver.contexts.get(sourceContext);
        copyAsync(call, linearCopy(call, destination, true, source, true, bytes), stream);
    });
}

VGPU_DRIVER_API cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D* parameters, CUstream stream) {
    return api("cuMemcpy2DAsync_v2", [&](Call& call) {
        requirePointer(parameters, "pCopy");
        call.context();
        copyAsync(call, boxCopy(call, boxOf(*parameters)), stream);
    });
}

VGPU_DRIVER_API cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D* parameters, CUstream stream) {
    return api("cuMemcpy3DAsync_v2", [&](Call& call) {
        requirePointer(parameters, "pCopy");
        call.context();
        copyAsync(call, boxCopy(call, *parameters), stream);
    });
}

VGPU_DRIVER_API cuMemcpy3DPeerAsync(const CUDA_MEMCPY3D* parameters, CUstream stream) {
    return cuMemcpy3DAsync_v2(parameters, stream);
}

VGPU_DRIVER_API cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t count) {
    return fill("cuMemsetD8_v2", to, 0, value, 1, count, 1, nullptr, true);
}
VGPU_DRIVER_API cuMemsetD16_v2(CUdeviceptr to, unsigned short value, size_t count) {
    return fill("cuMemsetD16_v2", to, 0, value, 2, count, 1, nullptr, true);
}
VGPU_DRIVER_API cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
    return fill("cuMemsetD32_v2", to, 0, value, 4, count, 1, nullptr, true);
}
VGPU_DRIVER_API cuMemsetD2D8_v2(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height) {
    return fill("cuMemsetD2D8_v2", to, pitch, value, 1, width, height, nullptr, true);
}
VGPU_DRIVER_API cuMemsetD2D16_v2(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height) {
    return fill("cuMemsetD2D16_v2", to, pitch, value, 2, width, height, nullptr, true);
}
VGPU_DRIVER_API cuMemsetD2D32_v2(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height) {
    return fill("cuMemsetD2D32_v2", to, pitch, value, 4, width, height, nullptr, true);
}
VGPU_DRIVER_API cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t count, CUstream stream) {
    return fill("cuMemsetD8Async", to, 0, value, 1, count, 1, stream, false);
}
VGPU_DRIVER_API cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t count, CUstream stream) {
    return fill("cuMemsetD16Async", to, 0, value, 2, count, 1, stream, false);
}
VGPU_DRIVER_API cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t count, CUstream stream) {
    return fill("cuMemsetD32Async", to, 0, value, 4, count, 1, stream, false);
}
VGPU_DRIVER_API cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height,
                                  CUstream stream) {
    return fill("cuMemsetD2D8Async", to, pitch, value, 1, width, height, stream, false);
}
VGPU_DRIVER_API cuMemsetD2D16Async(CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height,
                                   CUstream stream) {
    return fill("cuMemsetD2D16Async", to, pitch, value, 2, width, height, stream, false);
}
VGPU_DRIVER_API cuMemsetD2D32Async(CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height,
                                   CUstream stream) {
    return fill("cuMemsetD2D32Async", to, pitch, value, 4, width, height, stream, false);
}
