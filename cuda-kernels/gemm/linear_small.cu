// Linear layers of few rows: time embeddings and their projections. Bound by reading the weights, so each is read once
// for every eight rows, by neighbouring lanes, and everything else is f32 (time embeddings always are).
//
// A warp has one output column; its lanes share k and add up in a fixed order.
#include "common/activation.cuh"
#include "common/four.cuh"
#include "common/reduce.cuh"
#include "gemm/gemm_params.hpp"

namespace d4j {

template <DType TYPE>
class SmallLinear {
    using Storage = typename Element<TYPE>::Storage;
    // Of weights and inputs alike: neighbouring lanes then read neighbouring bytes of both, whatever the weights' type.
    static constexpr int VECTOR = 4;

public:
    D4J_DEVICE SmallLinear(const LinearSmallParams& params, int column)
        : p(params), column(column), firstRow(blockIdx.y * kLinearSmallRows), rows(min(p.m - firstRow, kLinearSmallRows)) {}

    D4J_DEVICE void run() {
        const Storage* weights = static_cast<const Storage*>(p.weights) + column * p.weightPitch;
        const int lane = threadIdx.x % kWarp;
        const int whole = p.vectors ? p.k / VECTOR * VECTOR : 0;
        for (int k = lane * VECTOR; k < whole; k += kWarp * VECTOR) {
            float w[VECTOR];
            loadFour<TYPE>(w, weights + k, true, VECTOR);
            addVector(w, k);
        }
        for (int k = whole + lane; k < p.k; k += kWarp) {
            const float w = Element<TYPE>::toFloat(weights[k]);
#pragma unroll
            for (int i = 0; i < kLinearSmallRows; ++i) {
                if (i < rows) {
                    sums[i] = fmaf(input(p.x[(firstRow + i) * p.pitch + k]), w, sums[i]);
                }
            }
        }
        store(lane);
    }

private:
    D4J_DEVICE float input(float x) const { return p.siluInput ? silu(x) : x; }

    D4J_DEVICE void addVector(const float (&w)[VECTOR], int k) {
#pragma unroll
        for (int i = 0; i < kLinearSmallRows; ++i) {
            if (i >= rows) {
                continue;
            }
            const float4 x = *reinterpret_cast<const float4*>(p.x + (firstRow + i) * p.pitch + k);
            sums[i] = fmaf(input(x.x), w[0], sums[i]);
            sums[i] = fmaf(input(x.y), w[1], sums[i]);
            sums[i] = fmaf(input(x.z), w[2], sums[i]);
            sums[i] = fmaf(input(x.w), w[3], sums[i]);
        }
    }

    D4J_DEVICE void store(int lane) {
        const float bias = p.bias == nullptr ? 0.0f : p.bias[column];
#pragma unroll
        for (int i = 0; i < kLinearSmallRows; ++i) {
            const float sum = warpReduce<Sum>(sums[i]);
            if (lane == i && i < rows) {
                p.destination[(firstRow + i) * p.destinationPitch + column] = activate(p.activation, sum + bias);
            }
        }
    }

    const LinearSmallParams& p;
    const int column, firstRow, rows;
    float sums[kLinearSmallRows] = {};
};

template <DType TYPE>
D4J_DEVICE void linearSmall(const LinearSmallParams& p) {
    const int column = blockIdx.x * kLinearSmallWarps + threadIdx.x / kWarp;
    if (column < p.n) {
        SmallLinear<TYPE>(p, column).run();
    }
}

extern "C" __global__ void __launch_bounds__(kLinearSmallWarps * 32, 8)
    linear_small_f16(const __grid_constant__ LinearSmallParams p) {
    linearSmall<DType::F16>(p);
}

extern "C" __global__ void __launch_bounds__(kLinearSmallWarps * 32, 8)
    linear_small_bf16(const __grid_constant__ LinearSmallParams p) {
    linearSmall<DType::BF16>(p);
}

/// Of f32 and tf32.
extern "C" __global__ void __launch_bounds__(kLinearSmallWarps * 32, 8)
    linear_small_f32(const __grid_constant__ LinearSmallParams p) {
    linearSmall<DType::F32>(p);
}

}  // namespace d4j
