// Recording streams into a graph.
#include "driver/execution.hpp"
#include "driver/stream_order.hpp"

#include <algorithm>
#include <set>

namespace vgpu::driver {

namespace {

thread_local CUstreamCaptureMode thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

void leave(Driver& driver, const std::shared_ptr<Capture>& capture) {
    for (const auto& weak : capture->streams) {
        if (std::shared_ptr<Stream> stream = weak.lock()) {
            stream->capture = nullptr;
            stream->heads.clear();
        }
    }
    driver.captures.erase(std::remove(driver.captures.begin(), driver.captures.end(), capture), driver.captures.end());
}

void collectAncestors(const std::vector<std::shared_ptr<GraphNode>>& heads, std::set<const GraphNode*>& found) {
    std::vector<std::shared_ptr<GraphNode>> open = heads;
    while (!open.empty()) {
        std::shared_ptr<GraphNode> node = open.back();
        open.pop_back();
        if (!found.insert(node.get()).second) continue;
        for (const auto& weak : node->after) {
            if (std::shared_ptr<GraphNode> before = weak.lock()) open.push_back(before);
        }
    }
}

}  // namespace

CUstreamCaptureMode& threadCaptureMode() { return thread_mode; }

void forbidCapturing(const Stream& stream, const char* what) {
    if (!stream.capture) return;
    stream.capture->invalidated = true;
    fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, std::string(what) + " is not possible on a stream that captures");
}

void forbidDuringCapture(Call& call) {
    if (thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED) return;
    for (const auto& capture : call.driver.captures) {
        bool mine = capture->thread == std::this_thread::get_id() && capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED;
        bool global = thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL && capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
        if (mine || global) {
            capture->invalidated = true;
            fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                 std::string(call.name) + " may synchronise: not allowed during a stream capture");
        }
    }
}

void beginCapture(Call& call, const std::shared_ptr<Stream>& stream, CUstreamCaptureMode mode) {
    require(mode >= CU_STREAM_CAPTURE_MODE_GLOBAL && mode <= CU_STREAM_CAPTURE_MODE_RELAXED, CUDA_ERROR_INVALID_VALUE,
            "unknown capture mode");
    require(!stream->legacy, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the legacy stream cannot capture");
    require(!stream->capture, CUDA_ERROR_ILLEGAL_STATE, "the stream already captures");
    auto capture = std::make_shared<Capture>();
    capture->id = call.driver.nextId();
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    capture->graph = std::make_shared<Graph>();
    capture->graph->handle = call.driver.graphs.add(capture->graph);
    capture->origin = stream;
    capture->streams.push_back(stream);
    stream->capture = capture;
    stream->heads.clear();
    call.driver.captures.push_back(capture);
}

std::shared_ptr<Graph> endCapture(Call& call, const std::shared_ptr<Stream>& stream) {
    std::shared_ptr<Capture> capture = stream->capture;
    require(capture != nullptr, CUDA_ERROR_ILLEGAL_STATE, "the stream does not capture");
    require(capture->origin.lock() == stream, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED,
            "end the capture on the stream where it began");
    require(capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED || capture->thread == std::this_thread::get_id(),
            CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "end the capture on the thread that began it");
    std::set<const GraphNode*> joined;
    collectAncestors(stream->heads, joined);
    bool unjoined = false;
    for (const auto& weak : capture->streams) {
        std::shared_ptr<Stream> other = weak.lock();
        if (other == nullptr) continue;
        for (const auto& head : other->heads) unjoined = unjoined || joined.count(head.get()) == 0;
    }
    bool broken = capture->invalidated;
    leave(call.driver, capture);
    if (broken || unjoined) {
        destroyGraph(call.driver, capture->graph);
        require(!broken, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "an earlier call broke this capture");
        fail(CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
             "a stream that joined the capture was not joined back: let the first stream wait for its last event");
    }
    return capture->graph;
}

}  // namespace vgpu::driver
