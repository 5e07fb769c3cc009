// What the handles of the driver API stand for. All fields are guarded by the driver's mutex unless they never change.
#pragma once

#include "driver/cuda_abi.hpp"
#include "driver/work_queue.hpp"
#include "machine.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace vgpu::driver {

struct Graph;
struct GraphNode;
struct Capture;

struct Stream {
    CUstream handle = nullptr;
    std::weak_ptr<Context> context;
    bool blocking = true;  // ordered with the legacy stream
    bool legacy = false;
    int priority = 0;
    uint64_t id = 0;
    OperationPtr tail;  // the last work submitted

    std::shared_ptr<Capture> capture;                // null unless capturing
    std::vector<std::shared_ptr<GraphNode>> heads;   // what the next captured node depends on
    std::vector<CUgraphNode> headHandles;            // the array that cuStreamGetCaptureInfo lends out
};

struct Event {
    CUevent handle = nullptr;
    std::weak_ptr<Context> context;
    bool timing = true;
    OperationPtr recorded;  // null: never recorded, which counts as complete

    std::shared_ptr<Capture> capture;  // set when last recorded in a capturing stream
    std::vector<std::shared_ptr<GraphNode>> heads;
};

/// cuLibrary and cuModule are one thing here: there is one device, and loading is eager.
struct LoadedModule {
    std::shared_ptr<Memory> memory;  // outlives the code's globals
    std::unique_ptr<Module> code;
    std::weak_ptr<Context> context;
    std::map<std::string, std::shared_ptr<struct Function>> functions;
    CUmodule handle = nullptr;
    CUlibrary library = nullptr;  // set when loaded as a library
};

struct Function {
    std::weak_ptr<LoadedModule> owner;
    const Kernel* kernel = nullptr;  // lives as long as the owner's code
    CUfunction handle = nullptr;
    CUkernel kernelHandle = nullptr;
    uint32_t maxDynamicShared = 48 * 1024;
    int carveout = -1;  // the driver's choice

    const KernelInfo& info() const { return kernel->info(); }
};

struct MemoryPool {
    CUmemoryPool handle = nullptr;
    uint64_t releaseThreshold = 0;
    uint64_t used = 0, usedHigh = 0;
    int reuse[3] = {1, 1, 1};  // the three reuse policies, kept for their getters: freed memory is never reused early
};

struct Context : std::enable_shared_from_this<Context> {
    CUcontext handle = nullptr;
    uint64_t id = 0;
    bool primary = false;
    bool destroyed = false;
    unsigned flags = 0;
    std::map<int, size_t> limits;
    CUresult fault = CUDA_SUCCESS;  // sticky
    std::string faultMessage;

    std::shared_ptr<Stream> legacy;
    std::map<std::thread::id, std::shared_ptr<Stream>> perThread;
    std::set<std::shared_ptr<Stream>> streams;  // created ones
    std::vector<OperationPtr> orphans;          // unfinished work of destroyed streams that the legacy stream waits for
    std::set<std::shared_ptr<LoadedModule>> modules;
};

// ---------------------------------------------------------------------------------------------------------------------
// Work, as streams queue it and as graphs hold it.

struct KernelWork {
    std::shared_ptr<Function> function;
    std::shared_ptr<LoadedModule> code;  // stays loaded while this work exists
    Dim3 grid, block;
    uint32_t dynamicShared = 0;
    bool cooperative = false;
    std::vector<uint8_t> parameters;
    std::vector<void*> parameterPointers;  // into `parameters`, lent out by node-parameter getters
};

/// A box of bytes between two pitched regions. Addresses are host addresses of the first byte; `device` says which side
/// must lie in device memory.
struct CopyWork {
    uint64_t destination = 0, source = 0;
    bool destinationIsDevice = false, sourceIsDevice = false;
    size_t destinationPitch = 0, destinationSlice = 0;
    size_t sourcePitch = 0, sourceSlice = 0;
    size_t width = 0, height = 1, depth = 1;
    std::shared_ptr<std::vector<uint8_t>> staged;  // owns the source when it was staged from pageable memory
    CUDA_MEMCPY3D asked{};                         // what node-parameter getters return

    uint64_t bytes() const { return uint64_t(width) * height * depth; }
};

struct FillWork {
    CUdeviceptr destination = 0;
    size_t pitch = 0;
    uint32_t value = 0;
    uint32_t elementSize = 1;  // 1, 2 or 4 bytes
    size_t width = 0, height = 1;  // elements
};

struct HostWork {
    CUhostFn function = nullptr;
    void* argument = nullptr;
};

struct FreeWork {
    CUdeviceptr address = 0;
    std::string site;
};

struct EmptyWork {};
struct RecordWork {
    std::shared_ptr<Event> event;
};
struct WaitWork {
    std::shared_ptr<Event> event;
};
struct ChildWork {
    std::shared_ptr<Graph> graph;
};

using Work = std::variant<EmptyWork, KernelWork, CopyWork, FillWork, HostWork, FreeWork, RecordWork, WaitWork, ChildWork>;

struct GraphNode {
    CUgraphNode handle = nullptr;
    std::weak_ptr<Graph> graph;
    Work work;
    std::vector<std::weak_ptr<GraphNode>> after;
    std::shared_ptr<Graph> child;  // a child node's own copy of its graph
    bool enabled = true;
    CUgraphNode clonedFrom = nullptr;
};

struct Graph {
    CUgraph handle = nullptr;
    std::vector<std::shared_ptr<GraphNode>> nodes;  // in order of creation: not necessarily topological
    bool owned = false;                             // by a child node: its handle is not the program's to destroy
};

struct GraphExec {
    CUgraphExec handle = nullptr;
    std::shared_ptr<Context> context;
    uint64_t flags = 0;
    std::shared_ptr<Graph> graph;                              // its own copy
    std::vector<std::shared_ptr<GraphNode>> order;             // topological
    std::map<CUgraphNode, std::shared_ptr<GraphNode>> byOriginal;
    OperationPtr lastLaunch;  // launches of one executable graph never overlap
};

struct Capture {
    uint64_t id = 0;
    CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
    std::thread::id thread;
    bool invalidated = false;
    std::shared_ptr<Graph> graph;
    std::weak_ptr<Stream> origin;
    std::vector<std::weak_ptr<Stream>> streams;  // all that take part, the origin included
};

}  // namespace vgpu::driver
