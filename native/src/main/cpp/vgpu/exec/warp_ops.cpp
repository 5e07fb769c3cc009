#include "exec/warp_ops.hpp"

#include "exec/address.hpp"
#include "exec/block.hpp"
#include "exec/isa.hpp"

#include <chrono>

namespace vgpu {

namespace baseline {
#include "exec/lanes.inl"
}  // namespace baseline

using namespace baseline;

namespace {

/// The source lane and whether it lies within the segment; the lane itself if not.
VGPU_INLINE int sourceLane(ShuffleMode mode, int lane, u32 b, u32 c, bool& inside) {
    int by = static_cast<int>(b & 31), clamp = static_cast<int>(c & 31), segment = static_cast<int>(c >> 8 & 31);
    int last = (lane & segment) | (clamp & ~segment), first = lane & segment, source;
    switch (mode) {
        case ShuffleMode::Up:
            source = lane - by;
            inside = source >= last;
            break;
        case ShuffleMode::Down:
            source = lane + by;
            inside = source <= last;
            break;
        case ShuffleMode::Bfly:
            source = lane ^ by;
            inside = source <= last;
            break;
        default:
            source = first | (by & ~segment);
            inside = source <= last;
    }
    return inside ? source : lane;
}

template <ShuffleMode MODE>
void shuffle(Warp& w, const Instr& I, u32 m) {
    const u32 *a = w.row<u32>(I.a), *b = w.row<u32>(I.b), *c = w.row<u32>(I.c);
    u32 values[32], valid = 0;
    eachLane(m, [&](int i) {
        bool inside;
        values[i] = a[sourceLane(MODE, i, b[i], c[i], inside)];
        valid |= static_cast<u32>(inside) << i;
    });
    u32* d = w.row<u32>(I.d);
    if (I.d != Instr::SINK) eachLane(m, [&](int i) { d[i] = values[i]; });
    if (I.e != Instr::SINK) setPredicate(w, I.e, m, valid);
}

template <VoteMode MODE>
void vote(Warp& w, const Instr& I, u32 m) {
    u32 p = (*w.row<u32>(I.a) ^ (I.flag ? ALL : 0)) & m;
    if (MODE == VoteMode::Ballot) {
        forLanes(m, w.row<u32>(I.d), [=](int) { return p; });
        return;
    }
    bool r = MODE == VoteMode::All ? p == m : MODE == VoteMode::Any ? p != 0 : p == 0 || p == m;
    setPredicate(w, I.d, m, r ? m : 0);
}

template <class T, bool ALL_EQUAL>
void match(Warp& w, const Instr& I, u32 m) {
    const T* a = w.row<T>(I.a);
    u32 masks[32];
    eachLane(m, [&](int i) {
        u32 equal = 0;
        eachLane(m, [&](int j) { equal |= (a[i] == a[j] ? 1u : 0u) << j; });
        masks[i] = ALL_EQUAL ? (equal == m ? m : 0) : equal;
    });
    u32 same = 0;
    eachLane(m, [&](int i) { same |= (masks[i] != 0 ? 1u : 0u) << i; });
    if (I.d != Instr::SINK) eachLane(m, [&](int i) { w.row<u32>(I.d)[i] = masks[i]; });
    if (I.e != Instr::SINK) setPredicate(w, I.e, m, same);
}

template <class T, ReduxOp OP>
void redux(Warp& w, const Instr& I, u32 m) {
    const T* a = w.row<T>(I.a);
    T r = a[firstLane(m)];
    eachLane(m & (m - 1), [&](int i) {
        switch (OP) {
            case ReduxOp::Add: r = static_cast<T>(static_cast<u32>(r) + static_cast<u32>(a[i])); break;
            case ReduxOp::Min: r = a[i] < r ? a[i] : r; break;
            case ReduxOp::Max: r = a[i] > r ? a[i] : r; break;
            case ReduxOp::And: r &= a[i]; break;
            case ReduxOp::Or: r |= a[i]; break;
            case ReduxOp::Xor: r ^= a[i]; break;
        }
    });
    forLanes(m, w.row<T>(I.d), [=](int) { return r; });
}

template <class WHOLE, class PART>
void pack(Warp& w, const Instr& I, u32 m) {
    constexpr u32 N = sizeof(WHOLE) / sizeof(PART);
    WHOLE values[32] = {};
    for (u32 k = 0; k < N; ++k) {
        const PART* part = w.row<PART>(I.v[k]);
        for (int i = 0; i < 32; ++i) values[i] |= static_cast<WHOLE>(part[i]) << (k * BITS<PART>);
    }
    forLanes(m, w.row<WHOLE>(I.d), [&](int i) { return values[i]; });
}

template <class WHOLE, class PART>
void unpack(Warp& w, const Instr& I, u32 m) {
    constexpr u32 N = sizeof(WHOLE) / sizeof(PART);
    WHOLE values[32];
    __builtin_memcpy(values, w.row<WHOLE>(I.a), sizeof values);
    for (u32 k = 0; k < N; ++k) {
        if (I.v[k] == Instr::SINK) continue;
        forLanes(m, w.row<PART>(I.v[k]), [&](int i) { return static_cast<PART>(values[i] >> (k * BITS<PART>)); });
    }
}

// A register of ldmatrix is an 8x8 matrix in row-major order, 16 bytes a row: see mma_half.inl.
template <bool TRANSPOSED>
void matrixLoad(Warp& w, const Instr& I, u32 m) {
    u64 p[32];
    u32 rows = I.n * 8u;
    u32 needed = rows == 32 ? ALL : (1u << rows) - 1;
    if (resolveAddresses(w, I, m & needed, 16, false, p) != (m & needed)) return;
    u16 out[4][64];
    for (u32 j = 0; j < I.n; ++j) {
        for (u32 r = 0; r < 8; ++r) {
            const void* row = reinterpret_cast<const void*>(p[8 * j + r]);
            if (TRANSPOSED) {
                u16 line[8];
                __builtin_memcpy(line, row, 16);
                for (u32 c = 0; c < 8; ++c) out[j][8 * c + r] = line[c];
            } else {
                __builtin_memcpy(&out[j][8 * r], row, 16);
            }
        }
    }
    for (u32 j = 0; j < I.n; ++j) {
        if (I.v[j] != Instr::SINK) __builtin_memcpy(w.row<u16>(I.v[j]), out[j], 128);
    }
}

/// Word k of row r of the matrix in a fragment row, or of its transpose.
template <bool TRANSPOSED>
VGPU_INLINE u32 matrixWord(const u32* fragment, u32 r, u32 k) {
    if (!TRANSPOSED) return fragment[4 * r + k];
    const u32 shift = 16 * (r & 1);
    return (fragment[8 * k + r / 2] >> shift & 0xffff) | fragment[8 * k + 4 + r / 2] >> shift << 16;
}

template <bool TRANSPOSED>
void matrixRows(Warp& w, const Instr& I, u32 m) {
    u32 words[4][32] = {};
    for (u32 j = 0; j < I.n; ++j) {
        const u32* fragment = w.row<u32>(I.v[j]);
        for (u32 r = 0; r < 8; ++r) {
            for (u32 k = 0; k < 4; ++k) words[k][8 * j + r] = matrixWord<TRANSPOSED>(fragment, r, k);
        }
    }
    const u32 rows = I.n == 4 ? ALL : (1u << 8 * I.n) - 1;
    for (u32 k = 0; k < 4; ++k) forLanes(m & rows, w.row<u32>(I.v[I.n + k]), [&](int i) { return words[k][i]; });
    setPredicate(w, I.e, ALL, m & rows);
}

void writeCounter(Warp& w, const Instr& I, u32 m, u64 value) {
    if (I.imm == 2) forLanes(m, w.row<u64>(I.d), [=](int) { return value; });
    else forLanes(m, w.row<u32>(I.d), [=](int) { return static_cast<u32>(I.imm == 1 ? value >> 32 : value); });
}

}  // namespace

Handler shuffleHandler(ShuffleMode mode) {
    switch (mode) {
        case ShuffleMode::Up: return shuffle<ShuffleMode::Up>;
        case ShuffleMode::Down: return shuffle<ShuffleMode::Down>;
        case ShuffleMode::Bfly: return shuffle<ShuffleMode::Bfly>;
        default: return shuffle<ShuffleMode::Idx>;
    }
}

int shuffleSource(const Warp& w, const Instr& I, int lane) {
    bool inside;
    return sourceLane(static_cast<ShuffleMode>(I.size), lane, w.row<u32>(I.b)[lane], w.row<u32>(I.c)[lane], inside);
}

Handler voteHandler(VoteMode mode) {
    switch (mode) {
        case VoteMode::All: return vote<VoteMode::All>;
        case VoteMode::Any: return vote<VoteMode::Any>;
        case VoteMode::Uni: return vote<VoteMode::Uni>;
        default: return vote<VoteMode::Ballot>;
    }
}

Handler matchHandler(bool all, uint32_t bytes) {
    if (bytes == 8) return all ? match<u64, true> : match<u64, false>;
    return all ? match<u32, true> : match<u32, false>;
}

Handler reduxHandler(ReduxOp op, ptx::Type type) {
    bool isSigned = ptx::isSigned(type);
    switch (op) {
        case ReduxOp::Add: return redux<u32, ReduxOp::Add>;
        case ReduxOp::Min: return isSigned ? redux<i32, ReduxOp::Min> : redux<u32, ReduxOp::Min>;
        case ReduxOp::Max: return isSigned ? redux<i32, ReduxOp::Max> : redux<u32, ReduxOp::Max>;
        case ReduxOp::And: return redux<u32, ReduxOp::And>;
        case ReduxOp::Or: return redux<u32, ReduxOp::Or>;
        case ReduxOp::Xor: return redux<u32, ReduxOp::Xor>;
    }
    return nullptr;
}

void elect(Warp& w, const Instr& I, uint32_t m) {
    u32 leader = static_cast<u32>(firstLane(m));
    if (I.d != Instr::SINK) forLanes(m, w.row<u32>(I.d), [=](int) { return leader; });
    if (I.e != Instr::SINK) setPredicate(w, I.e, m, 1u << leader);
}

void activeMask(Warp& w, const Instr& I, uint32_t m) {
    forLanes(m, w.row<u32>(I.d), [=](int) { return m; });
}

void nothing(Warp&, const Instr&, uint32_t) {}

void trap(Warp& w, const Instr&, uint32_t m) { faultStop(w, firstLane(m), Status::LaunchFailed, "trap"); }

// Time is counted in instructions of the warp: repeatable, and it only ever grows.
void readClock(Warp& w, const Instr& I, uint32_t m) { writeCounter(w, I, m, w.instructions + 16 * ++w.clockReads); }

void readTimer(Warp& w, const Instr& I, uint32_t m) {
    auto now = std::chrono::steady_clock::now().time_since_epoch();
    writeCounter(w, I, m, static_cast<u64>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
}

void addImmediate64(Warp& w, const Instr& I, uint32_t m) {
    const u64 imm = static_cast<u64>(I.imm);
    unary<u64, u64>(w, I, m, [=](u64 a) { return a + imm; });
}

void isSpace(Warp& w, const Instr& I, uint32_t m) {
    const u64* a = w.row<u64>(I.a);
    u32 q = 0;
    eachLane(m, [&](int i) {
        u64 window = a[i] >> 56;
        bool r = I.imm == 0 ? window == 0 : window == static_cast<u64>(I.imm);
        q |= static_cast<u32>(r) << i;
    });
    setPredicate(w, I.d, m, q);
}

Handler packHandler(uint32_t bytes, uint32_t parts) {
    if (bytes == 4 && parts == 2) return pack<u32, u16>;
    if (bytes == 8 && parts == 2) return pack<u64, u32>;
    if (bytes == 8 && parts == 4) return pack<u64, u16>;
    return nullptr;
}

Handler unpackHandler(uint32_t bytes, uint32_t parts) {
    if (bytes == 4 && parts == 2) return unpack<u32, u16>;
    if (bytes == 8 && parts == 2) return unpack<u64, u32>;
    if (bytes == 8 && parts == 4) return unpack<u64, u16>;
    return nullptr;
}

void predicatesToHalves(Warp& w, const Instr& I, uint32_t m) {
    u32 low = *w.row<u32>(I.a), high = *w.row<u32>(I.b), one = static_cast<u32>(I.imm);
    forLanes(m, w.row<u32>(I.d), [=](int i) { return ((low >> i & 1) ? one : 0) | ((high >> i & 1) ? one << 16 : 0); });
}

Handler matrixRowsHandler(bool transposed) { return transposed ? matrixRows<true> : matrixRows<false>; }

void matrixTranspose(Warp& w, const Instr& I, uint32_t m) {
    u32 fragment[32];
    __builtin_memcpy(fragment, w.row<u32>(I.a), sizeof fragment);
    eachLane(m, [&](int i) { w.row<u32>(I.d)[i] = matrixWord<true>(fragment, static_cast<u32>(i) / 4, i & 3); });
}

uint32_t matrixWordLanes(bool transposed, uint32_t r, uint32_t k) {
    return transposed ? (1u << (8 * k + r / 2)) | (1u << (8 * k + 4 + r / 2)) : 1u << (4 * r + k);
}

Handler matrixLoadHandler(bool transposed) { return transposed ? matrixLoad<true> : matrixLoad<false>; }

}  // namespace vgpu
