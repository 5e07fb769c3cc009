// Handlers that are compiled once for each instruction set, and the table that picks one set at run time. The .inl files
// are included by a *_baseline.cpp and a *_avx2.cpp each; everything in them lives in namespace vgpu::VGPU_ISA so that
// the linker can never mix the two.
#pragma once

#include "exec/warp.hpp"

#if defined(__x86_64__)
// GCC 12's AVX-512 header uses an undefined register on purpose and warns of it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

namespace vgpu {

enum class IntOp : uint8_t {
    Add, Sub, AddSat, SubSat, MulLo, MulHi, MulWide, Mul24Lo, Mul24Hi, MadLo, MadHi, MadHiSat, MadWide, Mad24Lo, Mad24Hi,
    Mad24HiSat, Sad, Div, Rem, Abs, Neg, Min, Max,
    And, Or, Xor, Not, Cnot, Lop3, Shl, Shr, ShfLeftClamp, ShfLeftWrap, ShfRightClamp, ShfRightWrap,
    Popc, Clz, Bfind, BfindShift, Brev, Bfe, Bfi, Szext, SzextWrap, BmskClamp, BmskWrap,
    AddCarryOut, AddCarryIn, AddCarryInOut, SubCarryOut, SubCarryIn, SubCarryInOut,
    MadLoCarryOut, MadHiCarryOut, MadLoCarryIn, MadHiCarryIn, MadLoCarryInOut, MadHiCarryInOut,
    Dp4aUU, Dp4aUS, Dp4aSU, Dp4aSS, Dp2aLoUU, Dp2aLoUS, Dp2aLoSU, Dp2aLoSS, Dp2aHiUU, Dp2aHiUS, Dp2aHiSU, Dp2aHiSS,
    Prmt, PrmtF4e, PrmtB4e, PrmtRc8, PrmtEcl, PrmtEcr, PrmtRc16, Fns,
    Selp, Mov, PredAnd, PredOr, PredXor, PredNot, PredMov,
};

enum class FloatOp : uint8_t {
    Add, Sub, Mul, Fma, FmaRelu, Div, Rcp, Sqrt, Neg, Abs, Min, Max, MinNan, MaxNan, MinXorsign, MaxXorsign,
    MinNanXorsign, MaxNanXorsign, Copysign,
    TestFinite, TestInfinite, TestNumber, TestNotanumber, TestNormal, TestSubnormal,
};

enum class Compare : uint8_t { Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan };

/// flag bits of comparisons
enum : uint8_t { COMBINE_AND = 1, COMBINE_OR = 2, COMBINE_XOR = 3, COMBINE_MASK = 3, COMBINE_NEGATED = 4, COMPARE_FTZ = 8 };

struct IsaTable {
    Handler (*integer)(IntOp op, ptx::Type type);
    Handler (*floating)(FloatOp op, ptx::Type type, bool ftz, bool sat);
    Handler (*compare)(Compare op, ptx::Type type, bool ftz);
    /// Conversions that need no modifier or only round to nearest; null where convert.cpp must do it.
    Handler (*convert)(ptx::Type to, uint32_t toBytes, ptx::Type from, uint32_t fromBytes);
    Handler (*narrowPair)(ptx::Type to);  // cvt.rn.{f16x2,bf16x2}.f32
    Handler (*load)(ptx::Type type, uint32_t registerBytes);
    Handler (*store)(ptx::Type type, uint32_t registerBytes);
    Handler (*mmaHalf)(ptx::Type operand, uint32_t k);
    /// From lanes to host addresses, see address.hpp.
    uint32_t (*resolve)(Warp& warp, const Instr& instr, uint32_t mask, uint32_t bytes, bool store, uint64_t* host);
    void (*neighbours)(const uint64_t* address, uint32_t bytes, uint32_t& same, uint32_t& next);
};

/// The widest set that this CPU has.
const IsaTable& isa();

#define VGPU_DECLARE_HANDLERS \
    Handler integerHandler(IntOp op, ptx::Type type); \
    Handler floatHandler(FloatOp op, ptx::Type type, bool ftz, bool sat); \
    Handler compareHandler(Compare op, ptx::Type type, bool ftz); \
    Handler fastConvertHandler(ptx::Type to, uint32_t toBytes, ptx::Type from, uint32_t fromBytes); \
    Handler narrowPairHandler(ptx::Type to); \
    Handler loadHandler(ptx::Type type, uint32_t registerBytes); \
    Handler storeHandler(ptx::Type type, uint32_t registerBytes); \
    Handler mmaHalfHandler(ptx::Type operand, uint32_t k); \
    uint32_t resolveLanes(Warp& warp, const Instr& instr, uint32_t mask, uint32_t bytes, bool store, uint64_t* host); \
    void neighbours(const uint64_t* address, uint32_t bytes, uint32_t& same, uint32_t& next);

namespace baseline {
VGPU_DECLARE_HANDLERS
}
namespace avx2 {
VGPU_DECLARE_HANDLERS
}
// Where vectors of 64 bytes pay; the rest is as fast with 32.
namespace avx512 {
Handler mmaHalfHandler(ptx::Type operand, uint32_t k);
}

}  // namespace vgpu
