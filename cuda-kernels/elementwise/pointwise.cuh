// Operations on single elements and on rows of them: SiLU, add, scale, GEGLU, per-sample embedding, strided copy with
// conversion, table lookup, image bytes.
#pragma once

#include "common/activation.cuh"
#include "elementwise/run.cuh"

namespace d4j {

template <DType SRC, DType DST>
D4J_DEVICE void pointwise(const PointwiseParams& p) {
    constexpr int RUN = runOf(SRC, DST);
    const int64_t index = itemOfThread() * RUN;
    if (index >= p.count) return;
    const int length = static_cast<int>(p.count - index < RUN ? p.count - index : RUN);
    const bool aligned = p.aligned != 0 && length == RUN;
    float a[RUN], b[RUN];
    loadRun<SRC>(a, p.a, index, length, aligned);
    if (p.kind == Pointwise::Add) loadRun<SRC>(b, p.b, index % p.bCount, length, aligned);
#pragma unroll
    for (int i = 0; i < RUN; ++i) {
        if (p.kind == Pointwise::Silu) {
            a[i] = silu(a[i]);
        } else {
            a[i] = p.scale * (p.kind == Pointwise::Add ? a[i] + b[i] : a[i]);
        }
    }
    storeRun<DST>(p.dst, index, a, length, aligned);
}

/// Which run of which row a thread has.
struct RowRun {
    int64_t row;
    int column, length;
    bool aligned, exists;

    D4J_DEVICE RowRun(const RowsParams& p, int elements) {
        const int runs = ceilDiv(p.columns, elements);
        const int64_t item = itemOfThread();
        row = item / runs;
        column = static_cast<int>(item % runs) * elements;
        length = min(p.columns - column, elements);
        aligned = p.aligned != 0;
        exists = row < p.rows;
    }
};

template <DType SRC, DType DST>
D4J_DEVICE void copyRows(const RowsParams& p) {
    constexpr int RUN = runOf(SRC, DST);
    const RowRun run(p, RUN);
    if (!run.exists) return;
    float x[RUN];
    loadRun<SRC>(x, p.src, run.row * p.srcStride + run.column, run.length, run.aligned);
    storeRun<DST>(p.dst, run.row * p.dstStride + run.column, x, run.length, run.aligned);
}

template <DType TYPE>
D4J_DEVICE void geglu(const RowsParams& p) {
    constexpr int RUN = runOf(TYPE, TYPE);
    const RowRun run(p, RUN);
    if (!run.exists) return;
    float a[RUN], b[RUN];
    loadRun<TYPE>(a, p.src, run.row * p.srcStride + run.column, run.length, run.aligned);
    loadRun<TYPE>(b, p.src, run.row * p.srcStride + p.columns + run.column, run.length, run.aligned);
#pragma unroll
    for (int i = 0; i < RUN; ++i) a[i] *= geluErf(b[i]);
    storeRun<TYPE>(p.dst, run.row * p.dstStride + run.column, a, run.length, run.aligned);
}

template <DType TYPE>
D4J_DEVICE void addEmbedding(const RowsParams& p) {
    constexpr int RUN = runOf(TYPE, TYPE);
    const RowRun run(p, RUN);
    if (!run.exists) return;
    float x[RUN], embedding[RUN];
    loadRun<TYPE>(x, p.src, run.row * p.srcStride + run.column, run.length, run.aligned);
    loadRun<DType::F32>(embedding, p.extra, run.row / p.rowsPerSample * p.extraStride + run.column, run.length,
                        run.aligned);
#pragma unroll
    for (int i = 0; i < RUN; ++i) x[i] += embedding[i];
    storeRun<TYPE>(p.dst, run.row * p.dstStride + run.column, x, run.length, run.aligned);
}

template <DType TYPE>
D4J_DEVICE void embeddingLookup(const RowsParams& p) {
    constexpr int RUN = runOf(TYPE, TYPE);
    const RowRun run(p, RUN);
    if (!run.exists) return;
    const int64_t id = static_cast<const int32_t*>(p.extra)[run.row];
    float x[RUN];
    loadRun<TYPE>(x, p.src, id * p.srcStride + run.column, run.length, run.aligned);
    storeRun<TYPE>(p.dst, run.row * p.dstStride + run.column, x, run.length, run.aligned);
}

D4J_DEVICE bool isAligned(const void* a, const void* b) {
    return (reinterpret_cast<uint64_t>(a) | reinterpret_cast<uint64_t>(b)) % 16 == 0;
}

/// The bytes of a run: 8 or 4, moved together.
template <int RUN>
struct RunOfBytes {
    uint32_t words[RUN / 4];

    D4J_DEVICE uint8_t get(int i) const { return static_cast<uint8_t>(words[i / 4] >> (i % 4 * 8)); }
    D4J_DEVICE void set(int i, uint32_t byte) { words[i / 4] |= byte << (i % 4 * 8); }

    D4J_DEVICE void load(const uint8_t* from) {
        if constexpr (RUN == 8) {
            const uint2 both = *reinterpret_cast<const uint2*>(from);
            words[0] = both.x;
            words[1] = both.y;
        } else {
            words[0] = *reinterpret_cast<const uint32_t*>(from);
        }
    }
    D4J_DEVICE void store(uint8_t* to) const {
        if constexpr (RUN == 8) {
            *reinterpret_cast<uint2*>(to) = make_uint2(words[0], words[1]);
        } else {
            *reinterpret_cast<uint32_t*>(to) = words[0];
        }
    }
};

template <DType TYPE>
D4J_DEVICE void imageEncode(const ImageParams& p) {
    constexpr int RUN = runOf(TYPE, TYPE);
    const int64_t index = itemOfThread() * RUN;
    if (index >= p.count) return;
    const uint8_t* src = static_cast<const uint8_t*>(p.src) + index;
    const int length = static_cast<int>(p.count - index < RUN ? p.count - index : RUN);
    const bool whole = length == RUN && isAligned(p.src, p.dst);
    RunOfBytes<RUN> bytes = {};
    if (whole) {
        bytes.load(src);
    } else {
#pragma unroll
        for (int i = 0; i < RUN; ++i) {
            if (i < length) bytes.set(i, src[i]);
        }
    }
    float x[RUN];
#pragma unroll
    for (int i = 0; i < RUN; ++i) x[i] = static_cast<float>(bytes.get(i)) / 127.5f - 1.0f;
    storeRun<TYPE>(p.dst, index, x, length, whole);
}

template <DType TYPE>
D4J_DEVICE void imageDecode(const ImageParams& p) {
    constexpr int RUN = runOf(TYPE, TYPE);
    const int64_t index = itemOfThread() * RUN;
    if (index >= p.count) return;
    uint8_t* dst = static_cast<uint8_t*>(p.dst) + index;
    const int length = static_cast<int>(p.count - index < RUN ? p.count - index : RUN);
    const bool whole = length == RUN && isAligned(p.src, p.dst);
    float x[RUN];
    loadRun<TYPE>(x, p.src, index, length, whole);
    RunOfBytes<RUN> bytes = {};
#pragma unroll
    for (int i = 0; i < RUN; ++i) {
        // fmaxf drops a NaN: a byte is written whatever the network gave.
        const float unit = fminf(fmaxf(x[i] * 0.5f + 0.5f, 0.0f), 1.0f);
        bytes.set(i, __float2uint_rn(unit * 255.0f));
    }
    if (whole) {
        bytes.store(dst);
    } else {
#pragma unroll
        for (int i = 0; i < RUN; ++i) {
            if (i < length) dst[i] = bytes.get(i);
        }
    }
}

}  // namespace d4j
