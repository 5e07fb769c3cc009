#include "driver/stream_order.hpp"

#include "driver/execution.hpp"

#include <algorithm>

namespace vgpu::driver {

namespace {

thread_local int per_thread_default = 0;

// As deep as a real driver's queue: a program that never waits is slowed down, not given all the memory there is.
constexpr size_t queueDepth = 1024;

/// The last work of everything that the legacy stream is ordered with.
std::vector<OperationPtr> blockingTails(Context& context) {
    auto& orphans = context.orphans;
    orphans.erase(std::remove_if(orphans.begin(), orphans.end(),
                                 [](const OperationPtr& o) { return o->state == Operation::State::Done; }),
                  orphans.end());
    std::vector<OperationPtr> tails = orphans;
    for (const auto& stream : context.streams) {
        if (stream->blocking) tails.push_back(stream->tail);
    }
    for (const auto& entry : context.perThread) tails.push_back(entry.second->tail);
    return tails;
}

}  // namespace

PerThreadDefault::PerThreadDefault() { per_thread_default++; }
PerThreadDefault::~PerThreadDefault() { per_thread_default--; }

std::shared_ptr<Stream> resolveStream(Call& call, CUstream handle) {
    std::shared_ptr<Context> context = call.context();
    if (handle == nullptr) handle = per_thread_default > 0 ? CU_STREAM_PER_THREAD : CU_STREAM_LEGACY;
    if (handle == CU_STREAM_LEGACY) return context->legacy;
    if (handle == CU_STREAM_PER_THREAD) {
        std::shared_ptr<Stream>& own = context->perThread[std::this_thread::get_id()];
        if (own == nullptr) {
            own = std::make_shared<Stream>();
            own->handle = CU_STREAM_PER_THREAD;
            own->context = context;
            own->id = call.driver.nextId();
        }
        return own;
    }
    std::shared_ptr<Stream> stream = call.driver.streams.get(handle);
    std::shared_ptr<Context> owner = stream->context.lock();
    require(owner != nullptr, CUDA_ERROR_CONTEXT_IS_DESTROYED, "the stream's context was destroyed");
    Call::check(*owner);
    return stream;
}

void submit(Call& call, Stream& stream, const OperationPtr& operation, std::vector<OperationPtr> after) {
    std::shared_ptr<Context> context = stream.context.lock();
    after.push_back(stream.tail);
    if (stream.legacy) {
        for (const OperationPtr& tail : blockingTails(*context)) after.push_back(tail);
    } else if (stream.blocking) {
        after.push_back(context->legacy->tail);
    }
    call.driver.queue.submit(operation, after);
    stream.tail = operation;
    if (call.driver.queue.size() > queueDepth) call.driver.queue.finishOldest(call.lock);
}

void enqueue(Call& call, const std::shared_ptr<Stream>& stream, Work work) {
    if (stream->capture) {
        Capture& capture = *stream->capture;
        require(!capture.invalidated, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "an earlier call broke this capture");
        if (std::holds_alternative<FreeWork>(work)) {
            capture.invalidated = true;
            fail(CUDA_ERROR_NOT_SUPPORTED, "allocation and free nodes in graphs are not implemented");
        }
        std::shared_ptr<GraphNode> node = addNode(call.driver, capture.graph, std::move(work), stream->heads);
        stream->heads = {node};
        return;
    }
    std::shared_ptr<Context> context = stream->context.lock();
    if (stream->legacy) {
        for (const auto& capture : call.driver.captures) {
            std::shared_ptr<Stream> origin = capture->origin.lock();
            if (origin && origin->blocking && origin->context.lock() == context &&
                capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED) {
                capture->invalidated = true;
                fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
                     "the legacy stream would wait for a stream that captures: use another stream");
            }
        }
    }
    if (auto* child = std::get_if<ChildWork>(&work)) {
        submitGraph(call, *stream, *child->graph);
        return;
    }
    submit(call, *stream, makeOperation(call.driver, context, std::move(work)));
}

void synchronise(Call& call, const std::shared_ptr<Stream>& stream) {
    forbidCapturing(*stream, "synchronising");
    std::shared_ptr<Context> context = stream->context.lock();
    std::vector<OperationPtr> tails;
    if (stream->legacy) tails = blockingTails(*context);
    tails.push_back(stream->tail);
    call.driver.queue.finishAll(call.lock, tails);
    Call::check(*context);
}

void synchronise(Call& call, const std::shared_ptr<Context>& context) {
    call.driver.queue.finishAll(call.lock, call.driver.queue.pending(*context));
    Call::check(*context);
}

void recordEvent(Call& call, const std::shared_ptr<Event>& event, const std::shared_ptr<Stream>& stream,
                 unsigned flags) {
    require(flags <= CU_EVENT_RECORD_EXTERNAL, CUDA_ERROR_INVALID_VALUE, "flags must be 0 or CU_EVENT_RECORD_EXTERNAL");
    require(event->context.lock() == stream->context.lock(), CUDA_ERROR_INVALID_HANDLE,
            "event and stream belong to different contexts");
    if (stream->capture) {
        require(!stream->capture->invalidated, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
                "an earlier call broke this capture");
        if (flags & CU_EVENT_RECORD_EXTERNAL) {
            enqueue(call, stream, RecordWork{event});
        } else {
            event->capture = stream->capture;
            event->heads = stream->heads;
        }
        return;
    }
    event->capture = nullptr;
    event->heads.clear();
    enqueue(call, stream, RecordWork{event});
    event->recorded = stream->tail;
}

void waitEvent(Call& call, const std::shared_ptr<Stream>& stream, const std::shared_ptr<Event>& event,
               unsigned flags) {
    require(flags <= CU_EVENT_WAIT_EXTERNAL, CUDA_ERROR_INVALID_VALUE, "flags must be 0 or CU_EVENT_WAIT_EXTERNAL");
    if (event->capture && !(flags & CU_EVENT_WAIT_EXTERNAL)) {
        std::shared_ptr<Capture> capture = event->capture;
        require(!capture->invalidated, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "an earlier call broke this capture");
        bool active = std::find(call.driver.captures.begin(), call.driver.captures.end(), capture) !=
                      call.driver.captures.end();
        require(active, CUDA_ERROR_CAPTURED_EVENT, "the event was last recorded in a capture that has ended");
        if (stream->capture && stream->capture != capture) {
            stream->capture->invalidated = capture->invalidated = true;
            fail(CUDA_ERROR_STREAM_CAPTURE_MERGE, "stream and event belong to different captures");
        }
        if (stream->legacy) {
            capture->invalidated = true;
            fail(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the legacy stream cannot take part in a capture");
        }
        if (!stream->capture) {
            stream->capture = capture;
            stream->heads.clear();
            capture->streams.push_back(stream);
        }
        for (const auto& head : event->heads) {
            if (std::find(stream->heads.begin(), stream->heads.end(), head) == stream->heads.end()) {
                stream->heads.push_back(head);
            }
        }
        return;
    }
    if (stream->capture) {
        require(!stream->capture->invalidated, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
                "an earlier call broke this capture");
        if (!(flags & CU_EVENT_WAIT_EXTERNAL)) {
            stream->capture->invalidated = true;
            fail(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "a captured stream waits for an event recorded outside the capture");
        }
        enqueue(call, stream, WaitWork{event});
        return;
    }
    if (event->recorded == nullptr) return;
    // Also behind finished work: the modelled time of what follows starts after it.
    submit(call, *stream, makeOperation(call.driver, stream->context.lock(), EmptyWork{}), {event->recorded});
}

}  // namespace vgpu::driver
