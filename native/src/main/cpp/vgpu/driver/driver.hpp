// The state of the driver: one a process, never destroyed, because programs call it while they exit.
#pragma once

#include "driver/call_log.hpp"
#include "driver/handles.hpp"
#include "driver/objects.hpp"
#include "driver/settings.hpp"
#include "driver/work_queue.hpp"
#include "machine.hpp"
#include "model/time_model.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace vgpu::driver {

enum class Ownership { Device, Managed, Pinned, Registered };

/// Memory that the program owns.
struct OwnedMemory {
    Ownership ownership = Ownership::Device;
    uint64_t address = 0, size = 0;
    std::weak_ptr<Context> context;
    std::shared_ptr<MemoryPool> pool;  // null unless stream-ordered
    unsigned flags = 0;
    uint64_t id = 0;
    bool freeing = false;  // a stream-ordered free is queued
    std::string site;
};

struct LaunchRecord {
    std::string kernel;
    Dim3 grid, block;
    uint32_t sharedBytes = 0, registers = 0;
    Counters counters;
    model::TimeEstimate time;
};

class Driver {
public:
    static Driver& instance();

    std::mutex mutex;  // guards everything below except `log`
    CallLog log;

    Settings settings = Settings::defaults();
    std::string settingsError;  // what is wrong with DIFFUSE4J_VGPU
    bool initialised = false;
    std::shared_ptr<Memory> memory;

    HandleNumbers numbers;
    HandleTable<CUcontext, Context> contexts{numbers, "context"};
    HandleTable<CUstream, Stream> streams{numbers, "stream"};
    HandleTable<CUevent, Event> events{numbers, "event"};
    HandleTable<CUmodule, LoadedModule> modules{numbers, "module"};
    HandleTable<CUlibrary, LoadedModule> libraries{numbers, "library"};
    HandleTable<CUfunction, Function> functions{numbers, "function"};
    HandleTable<CUkernel, Function> kernels{numbers, "kernel"};
    HandleTable<CUgraph, Graph> graphs{numbers, "graph"};
    HandleTable<CUgraphNode, GraphNode> nodes{numbers, "graph node"};
    HandleTable<CUgraphExec, GraphExec> executables{numbers, "executable graph"};
    HandleTable<CUmemoryPool, MemoryPool> pools{numbers, "memory pool"};
    HandleTable<CUlinkState, std::string> links{numbers, "link state"};

    std::shared_ptr<Context> primary;
    unsigned primaryReferences = 0;
    unsigned primaryFlags = 0;
    std::shared_ptr<MemoryPool> defaultPool, currentPool;
    std::map<uint64_t, OwnedMemory> owned;  // by address
    std::vector<std::shared_ptr<Capture>> captures;
    WorkQueue queue;

    std::vector<Diagnostic> diagnostics;
    std::deque<LaunchRecord> launches;  // the newest `launchCapacity`
    uint64_t launchCount = 0;
    static constexpr size_t launchCapacity = 4096;

    uint64_t nextId() { return ++lastId_; }
    const model::DeviceProfile& profile() const { return *settings.profile; }

    /// Adds a diagnostic and writes it where the settings say.
    void diagnose(const Diagnostic& diagnostic);
    void write(const std::string& text) const;

    std::shared_ptr<Context> createContext(bool isPrimary, unsigned flags);
    /// Waits for the context's work, reports what leaked and invalidates all of its handles.
    void destroyContext(Lock& lock, const std::shared_ptr<Context>& context);
    /// Destroys everything and starts again with the settings as they are.
    void reset(Lock& lock);
    void reportLeaks(const Context* context);  // null: of all contexts

    /// Frees and forgets owned memory; the caller has waited for the work that uses it.
    void release(const OwnedMemory& owned);

private:
    Driver();
    uint64_t lastId_ = 0;
};

/// Numbers of allocations and copies in words, for messages.
std::string hex(uint64_t value);
/// Where the program called from: a symbol or a module and offset, as far as the dynamic linker knows.
std::string callerSite(const char* call, uint64_t serial, const void* returnAddress);
/// A label that a binding sets for its thread: takes the place of the return address, which means nothing to a JVM.
void setCallerLabel(const std::string& label);

}  // namespace vgpu::driver
