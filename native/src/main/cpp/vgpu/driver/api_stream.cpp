// Streams, events and capture.
#include "driver/execution.hpp"
#include "driver/stream_order.hpp"

using namespace vgpu;
using namespace vgpu::driver;

VGPU_DRIVER_API cuStreamCreateWithPriority(CUstream* stream, unsigned flags, int priority) {
    return api("cuStreamCreateWithPriority", [&](Call& call) {
        requirePointer(stream, "phStream");
        require(flags <= CU_STREAM_NON_BLOCKING, CUDA_ERROR_INVALID_VALUE, "unknown stream flags");
        std::shared_ptr<Context> context = call.context();
        auto created = std::make_shared<Stream>();
        created->context = context;
        created->blocking = flags == CU_STREAM_DEFAULT;
        created->priority = std::max(-5, std::min(0, priority));  // as documented: out of range is clamped
        created->id = call.driver.nextId();
        created->handle = call.driver.streams.add(created);
        context->streams.insert(created);
        *stream = created->handle;
    });
}

VGPU_DRIVER_API cuStreamCreate(CUstream* stream, unsigned flags) { return cuStreamCreateWithPriority(stream, flags, 0); }

VGPU_DRIVER_API cuStreamDestroy_v2(CUstream handle) {
    return api("cuStreamDestroy_v2", [&](Call& call) {
        call.requireInitialised();
        std::shared_ptr<Stream> stream = call.driver.streams.get(handle);
        forbidCapturing(*stream, "destroying");
        // Its queued work stays queued: other work, or a synchronisation of the context, still waits for it.
        if (std::shared_ptr<Context> context = stream->context.lock()) {
            context->streams.erase(stream);
            if (stream->blocking && stream->tail && stream->tail->state != Operation::State::Done) {
                context->orphans.push_back(stream->tail);
            }
        }
        call.driver.streams.remove(handle);
    });
}

VGPU_DRIVER_API cuStreamDestroy(CUstream handle) { return cuStreamDestroy_v2(handle); }

VGPU_DRIVER_API cuStreamSynchronize(CUstream stream) {
    return api("cuStreamSynchronize", [&](Call& call) {
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        if (resolved->legacy) forbidDuringCapture(call);
        synchronise(call, resolved);
    });
}

VGPU_DRIVER_API cuStreamQuery(CUstream stream) {
    return api("cuStreamQuery", [&](Call& call) {
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        forbidCapturing(*resolved, "querying");
        OperationPtr tail = resolved->tail;
        // A question makes some progress, or a program that polls would wait for ever.
        if (!call.driver.queue.advance(call.lock, tail)) call.result = CUDA_ERROR_NOT_READY;
        Call::check(*resolved->context.lock());
    });
}

VGPU_DRIVER_API cuStreamGetPriority(CUstream stream, int* priority) {
    return api("cuStreamGetPriority", [&](Call& call) {
        requirePointer(priority, "priority");
        *priority = resolveStream(call, stream)->priority;
    });
}

VGPU_DRIVER_API cuStreamGetFlags(CUstream stream, unsigned* flags) {
    return api("cuStreamGetFlags", [&](Call& call) {
        requirePointer(flags, "flags");
        *flags = resolveStream(call, stream)->blocking ? CU_STREAM_DEFAULT : CU_STREAM_NON_BLOCKING;
    });
}

VGPU_DRIVER_API cuStreamGetId(CUstream stream, unsigned long long* id) {
    return api("cuStreamGetId", [&](Call& call) {
        requirePointer(id, "streamId");
        *id = resolveStream(call, stream)->id;
    });
}

VGPU_DRIVER_API cuStreamGetDevice(CUstream stream, CUdevice* device) {
    return api("cuStreamGetDevice", [&](Call& call) {
        requirePointer(device, "device");
        resolveStream(call, stream);
        *device = 0;
    });
}

VGPU_DRIVER_API cuStreamGetCtx(CUstream stream, CUcontext* context) {
    return api("cuStreamGetCtx", [&](Call& call) {
        requirePointer(context, "pctx");
        *context = resolveStream(call, stream)->context.lock()->handle;
    });
}

VGPU_DRIVER_API cuStreamGetCtx_v2(CUstream stream, CUcontext* context, void** greenContext) {
    if (greenContext) *greenContext = nullptr;
    return cuStreamGetCtx(stream, context);
}

VGPU_DRIVER_API cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
    return api("cuStreamWaitEvent", [&](Call& call) {
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        waitEvent(call, resolved, call.driver.events.get(event), flags);
    });
}

// Deprecated, but still called: a host function that is also told the status.
VGPU_DRIVER_API cuStreamAddCallback(CUstream stream, void (*callback)(CUstream, CUresult, void*), void* argument,
                                    unsigned flags) {
    return api("cuStreamAddCallback", [&](Call& call) {
        if (callback == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "callback is null");
        require(flags == 0, CUDA_ERROR_INVALID_VALUE, "flags must be 0");
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        forbidCapturing(*resolved, "a callback");
        struct Bound {
            void (*callback)(CUstream, CUresult, void*);
            CUstream stream;
            void* argument;
        };
        auto bound = std::make_unique<Bound>(Bound{callback, stream, argument});
        auto run = [](void* data) {
            std::unique_ptr<Bound> b(static_cast<Bound*>(data));
            b->callback(b->stream, CUDA_SUCCESS, b->argument);
        };
        enqueue(call, resolved, HostWork{run, bound.get()});
        bound.release();
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// Events

VGPU_DRIVER_API cuEventCreate(CUevent* event, unsigned flags) {
    return api("cuEventCreate", [&](Call& call) {
        requirePointer(event, "phEvent");
        require(flags <= 7, CUDA_ERROR_INVALID_VALUE, "unknown event flags");
        require(!(flags & CU_EVENT_INTERPROCESS), CUDA_ERROR_NOT_SUPPORTED, "events across processes are not implemented");
        auto created = std::make_shared<Event>();
        created->context = call.context();
        created->timing = !(flags & CU_EVENT_DISABLE_TIMING);
        created->handle = call.driver.events.add(created);
        *event = created->handle;
    });
}

VGPU_DRIVER_API cuEventDestroy_v2(CUevent event) {
    return api("cuEventDestroy_v2", [&](Call& call) {
        call.requireInitialised();
        call.driver.events.get(event);
        call.driver.events.remove(event);
    });
}

VGPU_DRIVER_API cuEventDestroy(CUevent event) { return cuEventDestroy_v2(event); }

VGPU_DRIVER_API cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) {
    return api("cuEventRecordWithFlags", [&](Call& call) {
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        recordEvent(call, call.driver.events.get(event), resolved, flags);
    });
}

VGPU_DRIVER_API cuEventRecord(CUevent event, CUstream stream) {
    return api("cuEventRecord", [&](Call& call) {
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        recordEvent(call, call.driver.events.get(event), resolved, 0);
    });
}

namespace {

std::shared_ptr<Event> liveEvent(Call& call, CUevent handle) {
    call.requireInitialised();
    std::shared_ptr<Event> event = call.driver.events.get(handle);
    std::shared_ptr<Context> context = event->context.lock();
    require(context != nullptr, CUDA_ERROR_CONTEXT_IS_DESTROYED, "the event's context was destroyed");
    Call::check(*context);
    if (event->capture) {
        event->capture->invalidated = true;
        fail(CUDA_ERROR_CAPTURED_EVENT, "the event was last recorded in a capturing stream");
    }
    return event;
}

}  // namespace

VGPU_DRIVER_API cuEventQuery(CUevent handle) {
    return api("cuEventQuery", [&](Call& call) {
        std::shared_ptr<Event> event = liveEvent(call, handle);
        OperationPtr recorded = event->recorded;
        if (!call.driver.queue.advance(call.lock, recorded)) call.result = CUDA_ERROR_NOT_READY;
        Call::check(*event->context.lock());
    });
}

VGPU_DRIVER_API cuEventSynchronize(CUevent handle) {
    return api("cuEventSynchronize", [&](Call& call) {
        std::shared_ptr<Event> event = liveEvent(call, handle);
        OperationPtr recorded = event->recorded;
        call.driver.queue.finish(call.lock, recorded);
        Call::check(*event->context.lock());
    });
}

VGPU_DRIVER_API cuEventElapsedTime_v2(float* milliseconds, CUevent startHandle, CUevent endHandle) {
    return api("cuEventElapsedTime_v2", [&](Call& call) {
        requirePointer(milliseconds, "pMilliseconds");
        std::shared_ptr<Event> start = liveEvent(call, startHandle);
        std::shared_ptr<Event> end = liveEvent(call, endHandle);
        require(start->timing && end->timing, CUDA_ERROR_INVALID_HANDLE, "an event was created without timing");
        require(start->recorded && end->recorded, CUDA_ERROR_INVALID_HANDLE, "an event was never recorded");
        if (start->recorded->state != Operation::State::Done || end->recorded->state != Operation::State::Done) {
            call.result = CUDA_ERROR_NOT_READY;
            return;
        }
        *milliseconds = static_cast<float>((end->recorded->end - start->recorded->end) / 1e6);
    });
}

VGPU_DRIVER_API cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
    return cuEventElapsedTime_v2(milliseconds, start, end);
}

// ---------------------------------------------------------------------------------------------------------------------
// Capture

VGPU_DRIVER_API cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
    return api("cuStreamBeginCapture_v2",
               [&](Call& call) { beginCapture(call, resolveStream(call, stream), mode); });
}

VGPU_DRIVER_API cuStreamBeginCapture(CUstream stream) {
    return cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
}

VGPU_DRIVER_API cuStreamEndCapture(CUstream stream, CUgraph* graph) {
    return api("cuStreamEndCapture", [&](Call& call) {
        requirePointer(graph, "phGraph");
        *graph = nullptr;
        *graph = endCapture(call, resolveStream(call, stream))->handle;
    });
}

VGPU_DRIVER_API cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus* status) {
    return api("cuStreamIsCapturing", [&](Call& call) {
        requirePointer(status, "captureStatus");
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        *status = !resolved->capture               ? CU_STREAM_CAPTURE_STATUS_NONE
                  : resolved->capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                                   : CU_STREAM_CAPTURE_STATUS_ACTIVE;
    });
}

VGPU_DRIVER_API cuStreamGetCaptureInfo_v3(CUstream stream, CUstreamCaptureStatus* status, uint64_t* id, CUgraph* graph,
                                          const CUgraphNode** dependencies, const CUgraphEdgeData** edges,
                                          size_t* count) {
    return api("cuStreamGetCaptureInfo_v3", [&](Call& call) {
        requirePointer(status, "captureStatus_out");
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        *status = CU_STREAM_CAPTURE_STATUS_NONE;
        if (!resolved->capture) return;
        *status = resolved->capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE;
        if (id) *id = resolved->capture->id;
        if (graph) *graph = resolved->capture->graph->handle;
        // The array stays valid until the stream captures more, as documented.
        resolved->headHandles.clear();
        for (const auto& head : resolved->heads) resolved->headHandles.push_back(head->handle);
        if (dependencies) *dependencies = resolved->headHandles.data();
        if (edges) *edges = nullptr;
        if (count) *count = resolved->headHandles.size();
    });
}

VGPU_DRIVER_API cuStreamGetCaptureInfo_v2(CUstream stream, CUstreamCaptureStatus* status, uint64_t* id, CUgraph* graph,
                                          const CUgraphNode** dependencies, size_t* count) {
    return cuStreamGetCaptureInfo_v3(stream, status, id, graph, dependencies, nullptr, count);
}

VGPU_DRIVER_API cuStreamUpdateCaptureDependencies_v2(CUstream stream, CUgraphNode* dependencies, const CUgraphEdgeData*,
                                                     size_t count, unsigned flags) {
    return api("cuStreamUpdateCaptureDependencies_v2", [&](Call& call) {
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        require(resolved->capture != nullptr, CUDA_ERROR_ILLEGAL_STATE, "the stream does not capture");
        require(flags <= 1, CUDA_ERROR_INVALID_VALUE, "unknown flags");
        if (count > 0) requirePointer(dependencies, "dependencies");
        std::vector<std::shared_ptr<GraphNode>> heads;
        if (flags == 0) heads = resolved->heads;  // add; 1 sets
        for (size_t i = 0; i < count; i++) {
            std::shared_ptr<GraphNode> node = call.driver.nodes.get(dependencies[i]);
            require(node->graph.lock() == resolved->capture->graph, CUDA_ERROR_INVALID_VALUE,
                    "a dependency belongs to another graph");
            if (std::find(heads.begin(), heads.end(), node) == heads.end()) heads.push_back(node);
        }
        resolved->heads = heads;
    });
}

VGPU_DRIVER_API cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
    return api("cuThreadExchangeStreamCaptureMode", [&](Call&) {
        requirePointer(mode, "mode");
        require(*mode >= CU_STREAM_CAPTURE_MODE_GLOBAL && *mode <= CU_STREAM_CAPTURE_MODE_RELAXED,
                CUDA_ERROR_INVALID_VALUE, "unknown capture mode");
        std::swap(*mode, threadCaptureMode());
    });
}
