// A kernel decoded for execution: a flat array of instructions over rows of a register file.
//
// A row is one register of all 32 lanes, element i belonging to lane i; a predicate is one 32-bit mask. Every operand is
// the byte offset of a row from the start of the warp's register file; immediates and special registers are rows too, so
// that a handler needs no cases. Row 0 is a predicate that is always true: the guard of unguarded instructions.
#pragma once

#include "machine.hpp"
#include "ptx/ast.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace vgpu {

struct Warp;
struct Instr;

/// Executes one instruction for the lanes of mask (never empty).
using Handler = void (*)(Warp& warp, const Instr& instr, uint32_t mask);

/// What the interpreter itself does for an instruction; everything else is only its handler.
enum class Control : uint8_t {
    None,
    Branch,         // to target where the guard holds
    BranchIndexed,  // to v[index]
    Call,           // calls[target]
    Return,
    Exit,
    Barrier,     // bar, barrier: barriers[imm]
    Convergent,  // waits for the lanes named by row sync, then runs the handler for them together
    Yield,       // handler, then another warp gets its turn
};

struct Instr {
    Handler run = nullptr;
    union {
        const uint32_t* v = nullptr;  // more operand rows
        uint64_t pool;                // their index while the program is built
    };
    int64_t imm = 0;
    uint32_t d = 0, a = 0, b = 0, c = 0, e = 0;
    uint32_t guard = 0;   // row of the predicate
    uint32_t negate = 0;  // xor for the guard: all ones for @!p
    union {
        uint32_t target = 0;
        uint32_t sync;
    };
    uint32_t reconverge = 0;  // where a divergent branch joins again, END if nowhere
    Control control = Control::None;
    uint8_t n = 0;     // number of operands in v, or bytes
    uint8_t size = 0;  // bytes of an element in memory
    uint8_t flag = 0;

    static constexpr uint32_t END = UINT32_MAX;
    static constexpr uint32_t SINK = UINT32_MAX;  // row of a result that nobody wants
};
static_assert(sizeof(Instr) == 64, "one cache line an instruction");

/// How an instruction touches memory, for checkers and counters.
struct Access {
    enum Kind : uint8_t { NoAccess, Load, Store, Atomic, MatrixLoad, AsyncCopy } kind = NoAccess;
    ptx::Space space = ptx::Space::None;  // None: generic
    uint8_t bytes = 0;       // per lane
    bool strong = false;     // volatile, relaxed and stronger: not a data race with another strong access
    bool acquire = false, release = false;
    uint8_t scope = 0;       // 0 cta, 1 gpu, 2 sys
    bool wideAddress = true;  // 64-bit row
    bool storesResult = false;
    uint32_t address = 0;    // row
    int64_t offset = 0;
};

/// How undefined values flow through an instruction.
enum class PoisonRule : uint8_t { Any, Load, Store, Select, BothPredicates, Shuffle, WarpWide, Matrix, MatrixRows, MatrixMultiply, None };

/// Everything about an instruction that plain execution does not need.
struct InstrInfo {
    uint32_t ptxLine = 0;
    ptx::SourceLocation location;
    uint32_t text = 0;  // index in Program::opcodes
    uint8_t mix = 0;    // index in Program::mixNames
    PoisonRule poison = PoisonRule::Any;
    uint8_t fence = 0;  // 1 cta, 2 gpu, 3 sys
    Access access;
    uint32_t mmaFlops = 0;
    uint8_t mmaType = 0;  // ptx::Type of the A operand, for reports
    struct Row {
        uint32_t offset;
        uint8_t bytes;  // of one lane; 0 for a predicate
    };
    std::vector<Row> reads, writes;
};

/// A call site.
struct CallSite {
    bool indirect = false;
    uint32_t function = 0;  // index in Program::functions, when direct
    uint32_t pointer = 0;   // row of the function pointer, when indirect
    struct Argument {
        bool fromRow = false;
        uint32_t source = 0;  // offset in the caller's frame, or row
        uint32_t size = 0;
    };
    std::vector<Argument> arguments;
    std::vector<Argument> results;
    uint32_t callerBase = 0;  // row of the caller's frame base
    enum Builtin : uint8_t { NotBuiltin, Vprintf, AssertFail, NonReturning } builtin = NotBuiltin;
};

/// A device function within a program.
struct FunctionCode {
    std::string name;
    uint32_t entry = 0;
    uint32_t moduleIndex = 0;
    bool recursive = false;
    uint32_t registersBegin = 0, registersEnd = 0;  // its rows, saved around recursive calls
    uint32_t frameOffset = 0, frameBytes = 0;       // in local memory: parameters, call space, variables
    std::vector<Parameter> parameters, results;     // offsets within the frame
};

struct BarrierSite {
    enum Kind : uint8_t { Sync, Arrive, Reduce } kind = Sync;
    enum Reduction : uint8_t { Popc, And, Or } reduction = Popc;
    bool aligned = true;
    bool hasCount = false;
    bool negatePredicate = false;
    uint32_t id = 0, count = 0, predicate = 0;  // rows
};

/// Special registers that differ by lane, warp, block or launch and are filled in when a block starts.
enum class Special : uint8_t {
    TidX, TidY, TidZ, NtidX, NtidY, NtidZ, CtaidX, CtaidY, CtaidZ, NctaidX, NctaidY, NctaidZ,
    LaneId, WarpId, NWarpId, SmId, NSmId, GridId, LaneMaskEq, LaneMaskLe, LaneMaskLt, LaneMaskGe, LaneMaskGt,
    DynamicSmemSize, TotalSmemSize, Zero,
};

struct Program {
    std::vector<Instr> code;
    std::vector<InstrInfo> info;
    std::vector<uint32_t> pool;        // rows named by Instr::v
    std::vector<uint32_t> targets;     // pcs named by branch tables
    std::vector<CallSite> calls;
    std::vector<BarrierSite> barriers;
    std::vector<FunctionCode> functions;
    std::vector<std::string> opcodes;
    std::vector<std::string> mixNames;
    std::vector<std::string> files;    // by .file index

    std::vector<uint8_t> constants;    // image of the first bytes of the register file
    struct SpecialRow {
        Special special;
        uint32_t row;
        uint8_t bytes;
    };
    std::vector<SpecialRow> specials;
    struct UndefinedRow {
        uint32_t row, bytes;
    };
    std::vector<UndefinedRow> undefined;  // may be read before they are written: zeroed for every block
    uint32_t registerBytes = 0;           // of a warp
    uint32_t frameBaseRow = 0;            // u32 row, only if some function is recursive
    bool hasRecursion = false;
    bool usesPartialBarriers = false;     // named or counted barriers beyond bar.sync 0
    bool usesAsyncCopies = false;
    bool sleeps = false;  // there is a nanosleep
    uint32_t sharedGranularity = 4;       // bytes: the smallest access to shared memory
    uint32_t localBytes = 0;              // per lane, static part
    uint32_t registerPressure = 0;
};

/// Where the generic address space shows shared, local and kernel parameters. Host addresses stay below 2^47.
constexpr uint64_t SHARED_WINDOW = 1ull << 56, LOCAL_WINDOW = 2ull << 56, PARAM_WINDOW = 3ull << 56;
/// Function pointers: FUNCTION_BASE + 16 * (index of the function in its module).
constexpr uint64_t FUNCTION_BASE = 5ull << 56;

}  // namespace vgpu
