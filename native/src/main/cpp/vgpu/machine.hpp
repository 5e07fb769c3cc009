// The seam between the CUDA driver API and the machine that executes PTX. The driver owns contexts, streams and handles
// and knows nothing of PTX; the machine owns memory, modules and launches and knows nothing of CUDA handles.
//
// Thread-safety: Memory may be used from any thread, also while launches run. A Module is immutable once loaded. launch()
// may run concurrently for different calls; each call uses its own host threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vgpu {

/// Outcomes, with the numbers of the CUresult that a driver returns for them.
enum class Status : int {
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    InvalidImage = 200,           // not PTX text at all
    NoBinaryForGpu = 209,         // PTX for a newer architecture than the device (for example sm_90a)
    InvalidPtx = 218,             // malformed, or an instruction that is not implemented
    UnsupportedPtxVersion = 222,  // .version newer than 9.x
    NotFound = 500,
    IllegalAddress = 700,
    LaunchOutOfResources = 701,
    LaunchTimeout = 702,  // the instruction limit was reached
    AssertFailed = 710,
    HardwareStackError = 714,  // device stack overflow: recursion too deep
    IllegalInstruction = 715,  // trap-like: executed something undefined
    MisalignedAddress = 716,
    InvalidPc = 718,     // indirect call to something that is not a function
    LaunchFailed = 719,  // trap, deadlock
    NotSupported = 801,
};

struct Dim3 {
    uint32_t x = 1, y = 1, z = 1;
    uint64_t count() const { return uint64_t(x) * y * z; }
};

/// A module that cannot be loaded. what() is the log: one line for each problem, naming instruction and source line.
class LoadError : public std::runtime_error {
public:
    LoadError(Status status, const std::string& log) : std::runtime_error(log), status_(status) {}
    Status status() const { return status_; }

private:
    Status status_;
};

/// A launch that cannot start (wrong sizes, resources); nothing was executed. what() says what to change.
class LaunchError : public std::runtime_error {
public:
    LaunchError(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}
    Status status() const { return status_; }

private:
    Status status_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Memory

enum class MemoryKind { Device, Constant, Host };

struct Allocation {
    uint64_t address = 0;
    uint64_t size = 0;  // as asked for
    MemoryKind kind = MemoryKind::Device;
    bool freed = false;    // still in quarantine
    std::string site;      // who asked: free text such as "cuMemAlloc_v2 #12" or "module global lut"
    std::string freeSite;  // who freed it, when freed
    uint64_t serial = 0;   // order of allocation in this memory
};

enum class FreeResult { Freed, NotAnAllocation, AlreadyFreed };

/// One device address space. A device address is also a valid host address of the same bytes, so host-registered memory
/// needs no translation (CUDA's unified addressing). Allocations are separated by redzones; freed ones stay in a
/// quarantine before their addresses are used again.
class Memory {
public:
    /// Reserves address space only; pages are committed on first touch. Throws std::bad_alloc if even that fails.
    explicit Memory(uint64_t capacityBytes);
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    /// 0 when capacity does not suffice. The address is a multiple of 256 and of alignment (a power of two).
    uint64_t allocate(uint64_t bytes, const std::string& site, MemoryKind kind = MemoryKind::Device,
                      uint64_t alignment = 256);
    FreeResult free(uint64_t address, const std::string& site);

    /// Makes [host, host+bytes) legal for kernels, as initialised memory. False if it overlaps a registered range.
    bool registerHost(void* host, uint64_t bytes, const std::string& site);
    bool unregisterHost(void* host);

    /// The allocation (live, quarantined or registered) that holds this address.
    std::optional<Allocation> find(uint64_t address) const;
    /// Text for reports: which allocation the address is in, or what it is next to.
    std::string describe(uint64_t address) const;
    /// Host pointer to the range, or null when it does not lie within one live allocation. bytes may be 0.
    void* host(uint64_t address, uint64_t bytes) const;
    /// The live allocation that holds the whole range.
    std::optional<Allocation> enclosing(uint64_t address, uint64_t bytes) const;

    /// Tells initcheck what copies, memsets and the host have written.
    void markInitialised(uint64_t address, uint64_t bytes);
    bool isInitialised(uint64_t address, uint64_t bytes) const;
    /// What a device-to-device copy does to initcheck's knowledge.
    void copyInitialised(uint64_t destination, uint64_t source, uint64_t bytes);

    /// Live allocations other than module globals and registered host memory, oldest first: what leaks at the end.
    std::vector<Allocation> live() const;
    uint64_t capacity() const;
    uint64_t used() const;  // bytes held by live device allocations

    struct State;
    State& state() const { return *state_; }  // for the executor

private:
    std::unique_ptr<State> state_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Modules

struct Parameter {
    uint32_t offset = 0, size = 0, alignment = 1;
};

struct KernelInfo {
    std::string name;
    std::vector<Parameter> parameters;
    uint32_t parameterBytes = 0;   // packed size: what LaunchConfig::parameters must hold
    uint32_t staticSharedBytes = 0;
    uint32_t localBytes = 0;       // per thread, without recursion
    uint32_t constantBytes = 0;    // user-allocated constants of the module
    uint32_t registers = 0;        // 32-bit registers per thread: the maximum that are live at once
    uint32_t maxThreads = 1024;    // per block: .maxntid or .reqntid, else 1024
    Dim3 requiredBlock{0, 0, 0};   // .reqntid, zeros if absent
    uint32_t minBlocksPerSm = 0;   // .minnctapersm, 0 if absent
    uint32_t ptxVersion = 0;       // 80 for 8.0
    uint32_t target = 0;           // 80 for sm_80
    bool usesGridDependency = false;
};

struct GlobalVariable {
    std::string name;
    uint64_t address = 0;
    uint64_t size = 0;
    MemoryKind kind = MemoryKind::Device;
};

class Kernel {
public:
    virtual ~Kernel() = default;
    virtual const KernelInfo& info() const = 0;
};

/// Loaded PTX: decoded kernels, and globals that live in the memory until the module is destroyed.
class Module {
public:
    /// ptx is the text, without a terminating NUL. Throws LoadError; nothing stays allocated then.
    static std::unique_ptr<Module> load(Memory& memory, const std::string& ptx);
    virtual ~Module() = default;

    virtual std::vector<std::string> kernelNames() const = 0;
    virtual const Kernel* kernel(const std::string& name) const = 0;  // null if absent; valid as long as the module
    virtual const GlobalVariable* global(const std::string& name) const = 0;
    virtual std::vector<GlobalVariable> globals() const = 0;
};

// ---------------------------------------------------------------------------------------------------------------------
// Launches

enum Check : uint32_t {
    CheckNone = 0,
    CheckMemory = 1,
    CheckRace = 2,
    CheckInit = 4,
    CheckSync = 8,
    CheckAll = 15,
};

struct Schedule {
    enum Order { Forward, Reverse, Random } order = Forward;
    uint64_t seed = 0;
};

struct LaunchConfig {
    Dim3 grid, block;
    uint32_t dynamicSharedBytes = 0;
    std::vector<uint8_t> parameters;  // packed as KernelInfo::parameters says
    Schedule schedule;
    uint32_t checks = CheckNone;
    bool counters = false;
    bool lineCounters = false;       // also per source line, and which lines of the PTX; implies counters
    unsigned hostThreads = 1;        // host threads that execute blocks; 0 means all cores
    uint64_t instructionLimit = 0;   // warp instructions for the whole launch; 0 means no limit
    std::vector<uint64_t> blocks;    // linear indices (x fastest) of the blocks to execute; empty means all
    double approximationError = 0;   // 0..1 of the bound that the ISA allows for approximate functions
    uint64_t approximationSeed = 0;
    uint32_t residentBlocks = 0;     // blocks that may be in flight together; 0 means a default; cooperative launches
                                     // must pass the whole grid
    bool cooperative = false;
    uint32_t maxSharedBytes = 166912;  // static plus dynamic limit of the device (a100: 163 KiB)
    uint32_t stackBytes = 65536;       // device stack per thread for recursion
    uint32_t smCount = 108;            // %nsmid
    std::function<void(const std::string&)> print;  // receives vprintf output; called under a lock
    std::function<bool()> cancelled;                // polled now and then; true ends the launch with LaunchFailed
};

enum class DiagnosticKind { Memcheck, Racecheck, Initcheck, Synccheck, Leakcheck, Deadlock, Trap };

const char* name(DiagnosticKind kind);

struct Diagnostic {
    DiagnosticKind kind = DiagnosticKind::Memcheck;
    std::string message;  // one line, without the position
    std::string kernel;
    std::string file;       // of the CUDA source if the PTX has .loc, else empty
    uint32_t line = 0;      // in file
    uint32_t ptxLine = 0;   // in the PTX text
    std::string instruction;  // the PTX instruction's opcode
    Dim3 block{0, 0, 0}, thread{0, 0, 0};
    std::optional<Dim3> otherBlock, otherThread;  // the other party of a race
    uint32_t otherLine = 0;                       // source line of the other access of a race, 0 if unknown
    uint64_t address = 0;   // generic address, or offset for shared and local
    uint32_t size = 0;      // bytes accessed
    std::string allocation;  // Memory::describe
    uint64_t count = 1;      // how often the same problem occurred at this instruction

    std::string text() const;  // the whole report in a few lines
};

/// Exact counts. They depend on the kernel and its data only, never on schedule or host threads, for race-free programs
/// without spinning.
struct AccessCounters {
    uint64_t requests = 0;      // warp-level instructions that accessed memory
    uint64_t sectors = 0;       // 32-byte sectors, by request
    uint64_t idealSectors = 0;  // sectors if the bytes of each request were dense
    uint64_t bytes = 0;         // bytes asked for by threads
    uint64_t uniqueBytes = 0;   // footprint: distinct 32-byte sectors times 32
};

struct SharedCounters {
    uint64_t requests = 0, wavefronts = 0, idealWavefronts = 0, bytes = 0;
};

struct LineCounters {
    std::string file;
    uint32_t line = 0;
    uint64_t warpInstructions = 0, threadInstructions = 0;
    uint64_t globalSectors = 0, idealGlobalSectors = 0;
    uint64_t sharedWavefronts = 0, idealSharedWavefronts = 0;
};

struct Counters {
    uint64_t warpInstructions = 0, threadInstructions = 0;
    AccessCounters globalLoad, globalStore, globalAtomic;
    SharedCounters sharedLoad, sharedStore, sharedAtomic;
    SharedCounters asyncCopyShared;  // the shared-memory side of cp.async
    AccessCounters localLoad, localStore;
    uint64_t ldmatrix = 0;       // instructions
    SharedCounters ldmatrixWaves;  // 8x8 matrices as requests
    uint64_t mma = 0, mmaFlops = 0;  // useful or not: 2*m*n*k each
    std::map<std::string, uint64_t> mmaFlopsByType;  // "f16", "bf16", "tf32", "f64", "s8", ...
    uint64_t branches = 0, divergentBranches = 0;
    uint64_t barriers = 0;     // warp-level
    uint64_t asyncCopies = 0;  // warp-level cp.async instructions
    std::map<std::string, uint64_t> mix;  // warp instructions by class: "fp32", "int", "ldglobal", "control", ...
    std::vector<LineCounters> lines;
    std::vector<uint32_t> executedLines;  // of the PTX, ascending: some lane has executed them; with lineCounters
    uint64_t blocks = 0;  // executed
};

struct LaunchResult {
    Status status = Status::Success;
    std::string message;  // of the first problem, for the log; empty on success
    std::vector<Diagnostic> diagnostics;
    Counters counters;
};

/// Runs a kernel to its end. Throws LaunchError if it cannot start. Anything that goes wrong while it runs is in the
/// result. With checks on, a diagnostic of any kind is listed; status is not Success only for what a real device would
/// fail on (illegal or misaligned address, trap, assert, deadlock, limits): a faulting access ends the launch unless
/// CheckMemory is on, in which case the lane's access is skipped and the launch continues to find more.
LaunchResult launch(Memory& memory, const Kernel& kernel, const LaunchConfig& config);

}  // namespace vgpu
