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

template <DType TYPE>
D4J_DEVICE void imageEncode(const ImageParams& p) {
    constexpr int RUN = runOf(TYPE, TYPE);
    const int64_t index = itemOfThread() * RUN;
    const uint8_t* src = static_cast<const uint8_t*>(p.src);
    auto* dst = static_cast<Stored<TYPE>*>(p.dst);
#pragma unroll
    for (int i = 0; i < RUN; ++i) {
        if (index + i < p.count) {
            dst[index + i] = Element<TYPE>::fromFloat(static_cast<float>(src[index + i]) / 127.5f - 1.0f);
        }
    }
}

template <DType TYPE>
D4J_DEVICE void imageDecode(const ImageParams& p) {
    constexpr int RUN = runOf(TYPE, TYPE);
    const int64_t index = itemOfThread() * RUN;
    const auto* src = static_cast<const Stored<TYPE>*>(p.src);
    uint8_t* dst = static_cast<uint8_t*>(p.dst);
#pragma unroll
    for (int i = 0; i < RUN; ++i) {
        if (index + i < p.count) {
            // fmaxf drops a NaN: a byte is written whatever the network gave.
            const float unit = fminf(fmaxf(Element<TYPE>::toFloat(src[index + i]) * 0.5f + 0.5f, 0.0f), 1.0f);
            dst[index + i] = static_cast<uint8_t>(__float2uint_rn(unit * 255.0f));
        }
    }
}

}  // namespace d4j
