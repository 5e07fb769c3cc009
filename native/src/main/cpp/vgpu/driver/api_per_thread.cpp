// The entry points that programs compiled with a per-thread default stream call: the same calls, with a null stream
// meaning the thread's own.
#include "driver/stream_order.hpp"

using namespace vgpu;
using namespace vgpu::driver;

#define VGPU_PER_THREAD(name, suffix, parameters, arguments) \
    extern "C" CUresult name parameters;                     \
    VGPU_DRIVER_API name##suffix parameters {                \
        PerThreadDefault scope;                              \
        return name arguments;                               \
    }

VGPU_PER_THREAD(cuMemcpyHtoD_v2, _ptds,
                (CUdeviceptr destination, const void* source, size_t bytes),
                (destination, source, bytes))
VGPU_PER_THREAD(cuMemcpyDtoH_v2, _ptds,
                (void* destination, CUdeviceptr source, size_t bytes),
                (destination, source, bytes))
VGPU_PER_THREAD(cuMemcpyDtoD_v2, _ptds,
                (CUdeviceptr destination, CUdeviceptr source, size_t bytes),
                (destination, source, bytes))
VGPU_PER_THREAD(cuMemcpy2D_v2, _ptds, (const CUDA_MEMCPY2D* parameters), (parameters))
VGPU_PER_THREAD(cuMemcpy2DUnaligned_v2, _ptds, (const CUDA_MEMCPY2D* parameters), (parameters))
VGPU_PER_THREAD(cuMemcpy3D_v2, _ptds, (const CUDA_MEMCPY3D* parameters), (parameters))
VGPU_PER_THREAD(cuMemsetD8_v2, _ptds, (CUdeviceptr to, unsigned char value, size_t count), (to, value, count))
VGPU_PER_THREAD(cuMemsetD16_v2, _ptds, (CUdeviceptr to, unsigned short value, size_t count), (to, value, count))
VGPU_PER_THREAD(cuMemsetD32_v2, _ptds, (CUdeviceptr to, unsigned value, size_t count), (to, value, count))
VGPU_PER_THREAD(cuMemsetD2D8_v2, _ptds,
                (CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height),
                (to, pitch, value, width, height))
VGPU_PER_THREAD(cuMemsetD2D16_v2, _ptds,
                (CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height),
                (to, pitch, value, width, height))
VGPU_PER_THREAD(cuMemsetD2D32_v2, _ptds,
                (CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height),
                (to, pitch, value, width, height))
VGPU_PER_THREAD(cuMemcpy, _ptds,
                (CUdeviceptr destination, CUdeviceptr source, size_t bytes),
                (destination, source, bytes))
VGPU_PER_THREAD(cuMemcpyPeer, _ptds,
                (CUdeviceptr destination, CUcontext destinationContext, CUdeviceptr source, CUcontext sourceContext,
                 size_t bytes),
                (destination, destinationContext, source, sourceContext, bytes))
VGPU_PER_THREAD(cuMemcpy3DPeer, _ptds, (const CUDA_MEMCPY3D* parameters), (parameters))
VGPU_PER_THREAD(cuMemPrefetchAsync_v2, _ptsz,
                (CUdeviceptr address, size_t bytes, CUmemLocation location, unsigned flags, CUstream stream),
                (address, bytes, location, flags, stream))
VGPU_PER_THREAD(cuMemcpyHtoDAsync_v2, _ptsz,
                (CUdeviceptr destination, const void* source, size_t bytes, CUstream stream),
                (destination, source, bytes, stream))
VGPU_PER_THREAD(cuMemcpyDtoHAsync_v2, _ptsz,
                (void* destination, CUdeviceptr source, size_t bytes, CUstream stream),
                (destination, source, bytes, stream))
VGPU_PER_THREAD(cuMemcpyDtoDAsync_v2, _ptsz,
                (CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream),
                (destination, source, bytes, stream))
VGPU_PER_THREAD(cuMemcpy2DAsync_v2, _ptsz, (const CUDA_MEMCPY2D* parameters, CUstream stream), (parameters, stream))
VGPU_PER_THREAD(cuMemcpy3DAsync_v2, _ptsz, (const CUDA_MEMCPY3D* parameters, CUstream stream), (parameters, stream))
VGPU_PER_THREAD(cuStreamBeginCapture_v2, _ptsz, (CUstream stream, CUstreamCaptureMode mode), (stream, mode))
VGPU_PER_THREAD(cuStreamGetCaptureInfo_v3, _ptsz,
                (CUstream stream, CUstreamCaptureStatus* status, uint64_t* id, CUgraph* graph, const CUgraphNode**
                 dependencies, const CUgraphEdgeData** edges, size_t* count),
                (stream, status, id, graph, dependencies, edges, count))
VGPU_PER_THREAD(cuStreamUpdateCaptureDependencies_v2, _ptsz,
                (CUstream stream, CUgraphNode* dependencies, const CUgraphEdgeData*a2, size_t count, unsigned flags),
                (stream, dependencies, a2, count, flags))
VGPU_PER_THREAD(cuMemcpyAsync, _ptsz,
                (CUdeviceptr destination, CUdeviceptr source, size_t bytes, CUstream stream),
                (destination, source, bytes, stream))
VGPU_PER_THREAD(cuMemcpyPeerAsync, _ptsz,
                (CUdeviceptr destination, CUcontext destinationContext, CUdeviceptr source, CUcontext sourceContext,
                 size_t bytes, CUstream stream),
                (destination, destinationContext, source, sourceContext, bytes, stream))
VGPU_PER_THREAD(cuMemcpy3DPeerAsync, _ptsz, (const CUDA_MEMCPY3D* parameters, CUstream stream), (parameters, stream))
VGPU_PER_THREAD(cuMemsetD8Async, _ptsz,
                (CUdeviceptr to, unsigned char value, size_t count, CUstream stream),
                (to, value, count, stream))
VGPU_PER_THREAD(cuMemsetD16Async, _ptsz,
                (CUdeviceptr to, unsigned short value, size_t count, CUstream stream),
                (to, value, count, stream))
VGPU_PER_THREAD(cuMemsetD32Async, _ptsz,
                (CUdeviceptr to, unsigned value, size_t count, CUstream stream),
                (to, value, count, stream))
VGPU_PER_THREAD(cuMemsetD2D8Async, _ptsz,
                (CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height, CUstream stream),
                (to, pitch, value, width, height, stream))
VGPU_PER_THREAD(cuMemsetD2D16Async, _ptsz,
                (CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height, CUstream stream),
                (to, pitch, value, width, height, stream))
VGPU_PER_THREAD(cuMemsetD2D32Async, _ptsz,
                (CUdeviceptr to, size_t pitch, unsigned value, size_t width, size_t height, CUstream stream),
                (to, pitch, value, width, height, stream))
VGPU_PER_THREAD(cuStreamGetPriority, _ptsz, (CUstream stream, int* priority), (stream, priority))
VGPU_PER_THREAD(cuStreamGetId, _ptsz, (CUstream stream, unsigned long long* id), (stream, id))
VGPU_PER_THREAD(cuStreamGetFlags, _ptsz, (CUstream stream, unsigned* flags), (stream, flags))
VGPU_PER_THREAD(cuStreamGetDevice, _ptsz, (CUstream stream, CUdevice* device), (stream, device))
VGPU_PER_THREAD(cuStreamGetCtx, _ptsz, (CUstream stream, CUcontext* context), (stream, context))
VGPU_PER_THREAD(cuStreamGetCtx_v2, _ptsz,
                (CUstream stream, CUcontext* context, void** greenContext),
                (stream, context, greenContext))
VGPU_PER_THREAD(cuStreamWaitEvent, _ptsz, (CUstream stream, CUevent event, unsigned flags), (stream, event, flags))
VGPU_PER_THREAD(cuStreamEndCapture, _ptsz, (CUstream stream, CUgraph* graph), (stream, graph))
VGPU_PER_THREAD(cuStreamIsCapturing, _ptsz, (CUstream stream, CUstreamCaptureStatus* status), (stream, status))
VGPU_PER_THREAD(cuStreamAddCallback, _ptsz,
                (CUstream stream, void (*callback)(CUstream, CUresult, void*), void* argument, unsigned flags),
                (stream, callback, argument, flags))
VGPU_PER_THREAD(cuStreamAttachMemAsync, _ptsz,
                (CUstream stream, CUdeviceptr address, size_t a2, unsigned a3),
                (stream, address, a2, a3))
VGPU_PER_THREAD(cuStreamQuery, _ptsz, (CUstream stream), (stream))
VGPU_PER_THREAD(cuStreamSynchronize, _ptsz, (CUstream stream), (stream))
VGPU_PER_THREAD(cuEventRecord, _ptsz, (CUevent event, CUstream stream), (event, stream))
VGPU_PER_THREAD(cuEventRecordWithFlags, _ptsz, (CUevent event, CUstream stream, unsigned flags), (event, stream, flags))
VGPU_PER_THREAD(cuLaunchKernel, _ptsz,
                (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                 unsigned blockZ, unsigned sharedBytes, CUstream stream, void** kernelParams, void** extra),
                (function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, kernelParams, extra))
VGPU_PER_THREAD(cuLaunchKernelEx, _ptsz,
                (const CUlaunchConfig* config, CUfunction function, void** kernelParams, void** extra),
                (config, function, kernelParams, extra))
VGPU_PER_THREAD(cuLaunchHostFunc, _ptsz,
                (CUstream stream, CUhostFn function, void* argument),
                (stream, function, argument))
VGPU_PER_THREAD(cuLaunchCooperativeKernel, _ptsz,
                (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                 unsigned blockZ, unsigned sharedBytes, CUstream stream, void** kernelParams),
                (function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, kernelParams))
VGPU_PER_THREAD(cuGraphInstantiateWithParams, _ptsz,
                (CUgraphExec* executable, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS* parameters),
                (executable, graph, parameters))
VGPU_PER_THREAD(cuGraphUpload, _ptsz, (CUgraphExec executable, CUstream stream), (executable, stream))
VGPU_PER_THREAD(cuGraphLaunch, _ptsz, (CUgraphExec handle, CUstream stream), (handle, stream))
VGPU_PER_THREAD(cuMemFreeAsync, _ptsz, (CUdeviceptr address, CUstream stream), (address, stream))
VGPU_PER_THREAD(cuMemAllocAsync, _ptsz, (CUdeviceptr* address, size_t bytes, CUstream stream), (address, bytes, stream))
VGPU_PER_THREAD(cuMemAllocFromPoolAsync, _ptsz,
                (CUdeviceptr* address, size_t bytes, CUmemoryPool pool, CUstream stream),
                (address, bytes, pool, stream))
VGPU_PER_THREAD(cuStreamBeginCapture, _ptsz, (CUstream stream), (stream))
VGPU_PER_THREAD(cuStreamGetCaptureInfo_v2, _ptsz,
                (CUstream stream, CUstreamCaptureStatus* status, uint64_t* id, CUgraph* graph, const CUgraphNode**
                 dependencies, size_t* count),
                (stream, status, id, graph, dependencies, count))
VGPU_PER_THREAD(cuLaunchHostFunc_v2, _ptsz,
                (CUstream stream, CUhostFn function, void* argument, unsigned a3),
                (stream, function, argument, a3))
