#include "driver/execution.hpp"

#include "driver/stream_order.hpp"

#include <algorithm>
#include <cstring>

namespace vgpu::driver {

namespace {

/// Calls body(destination, source, bytes) for each contiguous piece of the box.
template <class Body>
void forEachRow(const CopyWork& copy, Body&& body) {
    if (copy.bytes() == 0) return;
    bool dense = copy.destinationPitch == copy.width && copy.sourcePitch == copy.width && copy.depth == 1;
    if (dense || (copy.height == 1 && copy.depth == 1)) {
        body(copy.destination, copy.source, copy.bytes());
        return;
    }
    for (size_t z = 0; z < copy.depth; z++) {
        for (size_t y = 0; y < copy.height; y++) {
            body(copy.destination + z * copy.destinationSlice + y * copy.destinationPitch,
                 copy.source + z * copy.sourceSlice + y * copy.sourcePitch, uint64_t(copy.width));
        }
    }
}

void requireLive(Driver& driver, Memory& memory, uint64_t address, uint64_t bytes, const char* what) {
    if (memory.host(address, bytes) != nullptr) return;
    Diagnostic diagnostic;
    diagnostic.kind = DiagnosticKind::Memcheck;
    diagnostic.message = std::string(what) + " of " + std::to_string(bytes) + " bytes touches memory that is not allocated";
    diagnostic.address = address;
    diagnostic.size = static_cast<uint32_t>(std::min<uint64_t>(bytes, UINT32_MAX));
    diagnostic.allocation = memory.describe(address);
    std::lock_guard<std::mutex> guard(driver.mutex);
    driver.diagnose(diagnostic);
    fail(CUDA_ERROR_ILLEGAL_ADDRESS, diagnostic.text());
}

double runKernel(Driver& driver, Memory& memory, const KernelWork& work, const Settings& settings) {
    const KernelInfo& info = work.function->info();
    const model::DeviceProfile& profile = *settings.profile;
    LaunchConfig config;
    config.grid = work.grid;
    config.block = work.block;
    config.dynamicSharedBytes = work.dynamicShared;
    config.parameters = work.parameters;
    config.schedule = settings.schedule;
    config.checks = settings.checks;
    config.counters = settings.counters;
    config.lineCounters = settings.lines;
    config.hostThreads = settings.hostThreads;
    config.instructionLimit = settings.instructionLimit;
    config.approximationError = settings.approximationError;
    config.approximationSeed = settings.schedule.seed;
    config.cooperative = work.cooperative;
    if (work.cooperative) config.residentBlocks = static_cast<uint32_t>(work.grid.count());
    config.maxSharedBytes = profile.sharedPerBlock;
    config.smCount = profile.smCount;
    config.print = [](const std::string& text) {
        std::fwrite(text.data(), 1, text.size(), stdout);
        std::fflush(stdout);
    };
    LaunchResult result;
    try {
        result = launch(memory, *work.function->kernel, config);
    } catch (const LaunchError& e) {
        fail(static_cast<CUresult>(e.status()), "kernel " + info.name + ": " + e.what());
    }
    LaunchRecord record;
    record.kernel = info.name;
    record.grid = work.grid;
    record.block = work.block;
    record.sharedBytes = info.staticSharedBytes + work.dynamicShared;
    record.registers = info.registers;
    record.time = model::estimate(profile, {work.grid, work.block, info.registers, record.sharedBytes}, result.counters);
    record.counters = std::move(result.counters);
    double duration = record.time.total;
    {
        std::lock_guard<std::mutex> guard(driver.mutex);
        for (const Diagnostic& diagnostic : result.diagnostics) driver.diagnose(diagnostic);
        driver.launches.push_back(std::move(record));
        driver.launchCount++;
        if (driver.launches.size() > Driver::launchCapacity) driver.launches.pop_front();
    }
    if (result.status != Status::Success) {
        fail(static_cast<CUresult>(result.status), "kernel " + info.name + ": " + result.message);
    }
    return duration;
}

double runCopy(Driver& driver, Memory& memory, const CopyWork& copy, const model::DeviceProfile& profile) {
    forEachRow(copy, [&](uint64_t destination, uint64_t source, uint64_t bytes) {
        if (copy.destinationIsDevice) requireLive(driver, memory, destination, bytes, "a copy");
        if (copy.sourceIsDevice) requireLive(driver, memory, source, bytes, "a copy");
        std::memmove(reinterpret_cast<void*>(destination), reinterpret_cast<const void*>(source), bytes);
        if (copy.destinationIsDevice && copy.sourceIsDevice) {
            memory.copyInitialised(destination, source, bytes);
        } else if (copy.destinationIsDevice) {
            memory.markInitialised(destination, bytes);
        }
    });
    return model::copyNanoseconds(profile, copy.bytes(), !(copy.destinationIsDevice && copy.sourceIsDevice));
}

template <class Element>
void fillRow(uint64_t address, uint32_t value, size_t count) {
    std::fill_n(reinterpret_cast<Element*>(address), count, static_cast<Element>(value));
}

double runFill(Driver& driver, Memory& memory, const FillWork& fill, const model::DeviceProfile& profile) {
    uint64_t rowBytes = uint64_t(fill.width) * fill.elementSize;
    for (size_t y = 0; y < fill.height; y++) {
        uint64_t row = fill.destination + y * fill.pitch;
        requireLive(driver, memory, row, rowBytes, "a memset");
        if (fill.elementSize == 1) fillRow<uint8_t>(row, fill.value, fill.width);
        else if (fill.elementSize == 2) fillRow<uint16_t>(row, fill.value, fill.width);
        else fillRow<uint32_t>(row, fill.value, fill.width);
        memory.markInitialised(row, rowBytes);
    }
    return model::copyNanoseconds(profile, rowBytes * fill.height, false);
}

double runHost(const HostWork& host) {
    insideHostFunction() = true;
    host.function(host.argument);
    insideHostFunction() = false;
    return 0;
}

double runFree(Driver& driver, const FreeWork& work) {
    std::lock_guard<std::mutex> guard(driver.mutex);
    auto found = driver.owned.find(work.address);
    if (found != driver.owned.end()) {
        found->second.site = work.site;
        driver.release(found->second);
    }
    return 0;
}

Engine copyEngine(const CopyWork& copy) {
    if (copy.destinationIsDevice && copy.sourceIsDevice) return Engine::Compute;
    return copy.destinationIsDevice ? Engine::CopyIn : Engine::CopyOut;
}

}  // namespace

OperationPtr makeOperation(Driver& driver, const std::shared_ptr<Context>& context, Work work) {
    auto operation = std::make_shared<Operation>();
    operation->context = context;
    std::shared_ptr<Memory> memory = driver.memory;
    // The settings of now: changing them later must not change work that is already queued.
    if (auto* kernel = std::get_if<KernelWork>(&work)) {
        operation->engine = Engine::Compute;
        operation->run = [&driver, memory, kernel = std::move(*kernel), settings = driver.settings] {
            return runKernel(driver, *memory, kernel, settings);
        };
    } else if (auto* copy = std::get_if<CopyWork>(&work)) {
        operation->engine = copyEngine(*copy);
        operation->run = [&driver, memory, copy = std::move(*copy), &profile = driver.profile()] {
            return runCopy(driver, *memory, copy, profile);
        };
    } else if (auto* fill = std::get_if<FillWork>(&work)) {
        operation->engine = Engine::Compute;
        operation->run = [&driver, memory, fill = *fill, &profile = driver.profile()] {
            return runFill(driver, *memory, fill, profile);
        };
    } else if (auto* host = std::get_if<HostWork>(&work)) {
        operation->run = [host = *host] { return runHost(host); };
    } else if (auto* free = std::get_if<FreeWork>(&work)) {
        operation->run = [&driver, free = std::move(*free)] { return runFree(driver, free); };
    }
    return operation;
}

void submitGraph(Call& call, Stream& stream, const Graph& graph) {
    std::shared_ptr<Context> context = stream.context.lock();
    auto begin = std::make_shared<Operation>();
    begin->context = context;
    submit(call, stream, begin);
    std::map<const GraphNode*, OperationPtr> last;  // by node: what its dependents follow
    auto end = std::make_shared<Operation>();
    end->context = context;
    std::vector<OperationPtr> all{begin};
    for (const std::shared_ptr<GraphNode>& node : topological(graph)) {
        std::vector<OperationPtr> after{begin};
        for (const auto& weak : node->after) {
            if (std::shared_ptr<GraphNode> before = weak.lock()) after.push_back(last.at(before.get()));
        }
        OperationPtr operation;
        if (node->child && node->enabled) {
            // A stream of its own lends the child graph its order.
            Stream inner;
            inner.context = stream.context;
            inner.blocking = false;
            auto join = std::make_shared<Operation>();
            join->context = context;
            call.driver.queue.submit(join, after);
            inner.tail = join;
            submitGraph(call, inner, *node->child);
            operation = inner.tail;
        } else {
            Work work = node->enabled ? node->work : Work{EmptyWork{}};
            if (auto* wait = std::get_if<WaitWork>(&work)) after.push_back(wait->event->recorded);
            operation = makeOperation(call.driver, context, work);
            call.driver.queue.submit(operation, after);
            if (auto* record = std::get_if<RecordWork>(&work)) {
                record->event->recorded = operation;
                record->event->capture = nullptr;
            }
        }
        last[node.get()] = operation;
        all.push_back(operation);
    }
    submit(call, stream, end, all);
}

}  // namespace vgpu::driver
