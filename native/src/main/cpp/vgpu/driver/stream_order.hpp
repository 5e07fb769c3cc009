// Which work follows which: streams, the legacy stream, events and capture.
#pragma once

#include "driver/call.hpp"

namespace vgpu::driver {

/// The stream behind a handle. Null means the legacy stream, or the thread's own inside a _ptsz or _ptds entry point.
std::shared_ptr<Stream> resolveStream(Call& call, CUstream handle);

/// While one lives, a null stream on this thread means the per-thread default stream.
class PerThreadDefault {
public:
    PerThreadDefault();
    ~PerThreadDefault();
    PerThreadDefault(const PerThreadDefault&) = delete;
    PerThreadDefault& operator=(const PerThreadDefault&) = delete;
};

/// Queues work on a stream, or adds it to the graph that the stream captures.
void enqueue(Call& call, const std::shared_ptr<Stream>& stream, Work work);
/// Appends an operation to a stream behind everything that stream order demands and the given dependencies.
void submit(Call& call, Stream& stream, const OperationPtr& operation, std::vector<OperationPtr> after = {});

/// Waits for all the work of the stream; throws the fault that it met.
void synchronise(Call& call, const std::shared_ptr<Stream>& stream);
/// Waits for all the work of the context.
void synchronise(Call& call, const std::shared_ptr<Context>& context);

/// Throws if a capture in progress forbids calls that may synchronise, and invalidates that capture.
void forbidDuringCapture(Call& call);
/// Throws if the stream captures, and invalidates the capture.
void forbidCapturing(const Stream& stream, const char* what);

void recordEvent(Call& call, const std::shared_ptr<Event>& event, const std::shared_ptr<Stream>& stream, unsigned flags);
void waitEvent(Call& call, const std::shared_ptr<Stream>& stream, const std::shared_ptr<Event>& event, unsigned flags);

void beginCapture(Call& call, const std::shared_ptr<Stream>& stream, CUstreamCaptureMode mode);
std::shared_ptr<Graph> endCapture(Call& call, const std::shared_ptr<Stream>& stream);
/// How calls of this thread interact with captures: cuThreadExchangeStreamCaptureMode.
CUstreamCaptureMode& threadCaptureMode();

}  // namespace vgpu::driver
