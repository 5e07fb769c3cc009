// The epilogue of the matrix kernels, one row piece of four columns a lane. Accumulators reach it as whole rows, so all
// global accesses are dense: a warp reads and writes complete 32-byte sectors.
#pragma once

#include "common/activation.cuh"
#include "common/epilogue_params.hpp"
#include "common/four.cuh"
#include "common/reduce.cuh"
#include "common/tile.hpp"

namespace d4j {

/// What the storage type keeps of x.
template <DType TYPE>
D4J_DEVICE float asStored(float x) {
    return Element<TYPE>::toFloat(Element<TYPE>::fromFloat(x));
}

/// One lane's four columns, over the rows that the lane meets. LANES neighbouring lanes make up one row of the warp's
/// columns; 32 / LANES rows are handled at once.
template <DType TYPE, int LANES>
class RowEpilogue {
public:
    static constexpr int ROWS_AT_ONCE = kWarp / LANES;

    /// column: the first of this lane's four.
    D4J_DEVICE RowEpilogue(const EpilogueParams& params, int column)
        : p(params), column(column), count(params.n - column) {
        bias[0] = bias[1] = bias[2] = bias[3] = 0.0f;
        if (p.bias != nullptr && count > 0) {
            loadFour<DType::F32>(bias, p.bias + column, p.vectors, count);
        }
    }

    /// x: accumulators of (row, column .. column + 3). Called by all lanes of a warp together, for one block of statistics
    /// after another; first and last say where one begins and ends.
    D4J_DEVICE void apply(int row, bool first, bool last, float (&x)[4]) {
        const bool inside = row < p.m && count > 0;
        if (inside) {
            finish(row, x);
        }
        if (p.stats != nullptr) {
            accumulate(row, first, last, x);
        }
    }

private:
    D4J_DEVICE void finish(int row, float (&x)[4]) {
        using Storage = typename Element<TYPE>::Storage;
        float term[4];
        add(x, bias);
        if (p.embedding != nullptr) {
            const int64_t sample = static_cast<uint32_t>(row) / static_cast<uint32_t>(p.rowsPerSample);
            loadFour<DType::F32>(term, p.embedding + sample * p.embeddingPitch + column, p.vectors, count);
            add(x, term);
        }
        if (p.residual != nullptr) {
            const Storage* source = static_cast<const Storage*>(p.residual) + row * p.residualPitch + column;
            loadFour<TYPE>(term, source, p.vectors, count);
            add(x, term);
        }
        if (p.activation == Activation::Geglu) {
            storeGeglu(row, x);
            return;
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            x[i] = activate(p.activation, x[i] * p.scale);
        }
        Storage* destination = static_cast<Storage*>(p.destination) + row * p.destinationPitch + column;
        storeFour<TYPE>(destination, x, p.vectors, count);
    }

    /// Columns are interleaved pairs (value, gate); the pair leaves one column.
    D4J_DEVICE void storeGeglu(int row, const float (&x)[4]) {
        using Storage = typename Element<TYPE>::Storage;
        const float first = x[0] * geluErf(x[1]) * p.scale, second = x[2] * geluErf(x[3]) * p.scale;
        Storage* destination = static_cast<Storage*>(p.destination) + row * p.destinationPitch + column / 2;
        if (p.vectors) {
            if constexpr (bytesOf(TYPE) == 4) {
                *reinterpret_cast<float2*>(destination) = make_float2(first, second);
            } else {
                *reinterpret_cast<uint32_t*>(destination) = Element<TYPE>::pack(first, second);
            }
            return;
        }
        destination[0] = Element<TYPE>::fromFloat(first);
        if (count > 2) {
            destination[1] = Element<TYPE>::fromFloat(second);
        }
    }

    static D4J_DEVICE void add(float (&x)[4], const float (&y)[4]) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            x[i] += y[i];
        }
    }

    /// Sums of deviations from the block's first row: near the mean, so that little is lost in their difference.
    D4J_DEVICE void accumulate(int row, bool first, bool last, const float (&x)[4]) {
        const int lane = threadIdx.x % kWarp;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const float value = asStored<TYPE>(x[i]);
            if (first) {
                shift[i] = __shfl_sync(kAllLanes, value, lane % LANES);
                sum[i] = square[i] = 0.0f;
            }
            const float deviation = value - shift[i];
            sum[i] += deviation;
            square[i] += deviation * deviation;
        }
        if (last) {
            storeStats(row);
        }
    }

    D4J_DEVICE void storeStats(int row) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
#pragma unroll
            for (int distance = LANES; distance < kWarp; distance *= 2) {
                sum[i] += __shfl_xor_sync(kAllLanes, sum[i], distance);
                square[i] += __shfl_xor_sync(kAllLanes, square[i], distance);
            }
        }
        ChannelStats result[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const float m2 = square[i] - sum[i] * sum[i] * (1.0f / kStatsRows);
            result[i] = {sum[i] + kStatsRows * shift[i], fmaxf(m2, 0.0f)};
        }
        ChannelStats* block = p.stats + static_cast<int64_t>(row / kStatsRows) * p.n;
        if (p.vectors) {
            storeStatsDense(block, row, result);
        } else if (threadIdx.x % kWarp < LANES && row < p.m) {
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                if (i < count) {
                    block[column + i] = result[i];
                }
            }
        }
    }

    /// Lane i takes the channels 2 i and 2 i + 1 of the warp's columns, so that the store is dense.
    D4J_DEVICE void storeStatsDense(ChannelStats* block, int row, const ChannelStats (&result)[4]) {
        const int lane = threadIdx.x % kWarp, owner = lane / 2;
        const bool upper = lane % 2 == 1;
        float4 pair;
        const auto take = [&](float low, float high) {
            const float fromLow = __shfl_sync(kAllLanes, low, owner), fromHigh = __shfl_sync(kAllLanes, high, owner);
            return upper ? fromHigh : fromLow;
        };
        pair.x = take(result[0].sum, result[2].sum);
        pair.y = take(result[0].m2, result[2].m2);
        pair.z = take(result[1].sum, result[3].sum);
        pair.w = take(result[1].m2, result[3].m2);
        const int channel = column - 4 * (lane % LANES) + 2 * lane;
        if (lane < 2 * LANES && channel < p.n && row < p.m) {
            *reinterpret_cast<float4*>(block + channel) = pair;
        }
    }

    const EpilogueParams& p;
    const int column;
    const int count;  // columns from this lane's first to the end of the row; not positive: nothing to do
    float bias[4];
    float shift[4], sum[4], square[4];
};

}  // namespace d4j
