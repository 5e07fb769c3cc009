// Linear layers: D [m, n] = epilogue(A [m, k] B [n, k]^T), one kernel for each row of the tile table.
//
// Names are gemm_TYPE_MxNxK after the tile. Rows of A are copied 16 bytes at a time, so its address and pitch must be
// multiples of 16 bytes, and k one of 16 bytes' elements; everything else goes to the general path of conv.
#include "common/mainloop.cuh"
#include "gemm/gemm_params.hpp"
#include "gemm/gemm_tiles.hpp"

namespace d4j {

/// Rows of a matrix. Rows behind m and chunks behind k are zeros.
template <class Config>
class RowLoader {
    using Pattern = CopyPattern<Config>;
    static constexpr int K = sliceElements(Config::TILE.type);

public:
    D4J_DEVICE RowLoader(const GemmParams& p, int firstRow, int firstSlice, int slices) {
        constexpr int BYTES = bytesOf(Config::TILE.type);
        const int row = firstRow + Pattern::row();
        const int firstK = firstSlice * K + Pattern::chunk() * (K / kChunksPerSlice);
        source = static_cast<const char*>(p.a) + (row * p.pitch + firstK) * BYTES;
        step = Pattern::ROW_STEP * p.pitch * BYTES;
        rows = (p.epilogue.m - row + Pattern::ROW_STEP - 1) / Pattern::ROW_STEP;
        const int end = min(p.k, (firstSlice + slices) * K);
        left = end - firstK;
        shared = Pattern::sharedOffset();
    }

    D4J_DEVICE void copy(uint32_t stage) {
        const int valid = left > 0 ? rows : 0;
#pragma unroll
        for (int i = 0; i < Pattern::A_ROWS; ++i) {
            cpAsync16(stage + shared + i * Pattern::STEP_BYTES, source + i * step, i < valid);
        }
        source += kSliceBytes;
        left -= K;
    }

private:
    const char* source;
    int64_t step;
    int rows;  // of this thread that exist, counted in steps
    int left;  // elements of k from this thread's chunk to the end
    uint32_t shared;
};

template <class Config>
D4J_DEVICE void gemm(const GemmParams& p) {
    extern __shared__ __align__(128) float shared[];
    const int splits = ceilDiv(p.slices, p.slicesPerSplit);
    const int items = static_cast<int>(matrixItems(Config::TILE, p.epilogue.m, p.epilogue.n, splits));
    const WarpPosition<Config> warp;
#pragma unroll 1
    for (int i = blockIdx.x; i < items; i += gridDim.x) {
        const MatrixItem<Config> item(p.epilogue, i);
        const int firstSlice = item.split * p.slicesPerSplit;
        const int slices = min(p.slicesPerSplit, p.slices - firstSlice);
        WarpTile<Config> tile(warp);
        RowLoader<Config> a(p, item.firstRow, firstSlice, slices);
        WeightLoader<Config> b(p.weights, item.firstColumn, p.epilogue.n, firstSlice, slices);
        multiplySlices<Config>(tile, a, b, sharedAddress(shared), slices);
        storeTile<Config>(tile, warp, p.epilogue, sharedAddress(shared), item.firstRow, item.firstColumn, item.split);
        __syncthreads();  // before the next item's slices
    }
    runTail<Config>(p.epilogue, p.tail);
}

#define D4J_GEMM(NAME, INDEX)                                                                                    \
    struct NAME##_config {                                                                                       \
        static constexpr TileShape TILE = kGemmTiles[INDEX].shape;                                               \
    };                                                                                                           \
    static_assert(kGemmTiles[INDEX].isNamed(#NAME), "the table's row has another name");                         \
    extern "C" __global__ void __launch_bounds__(NAME##_config::TILE.threads(), NAME##_config::TILE.blocksPerSm) \
        NAME(const __grid_constant__ GemmParams p) {                                                             \
        gemm<NAME##_config>(p);                                                                                  \
    }

D4J_GEMM(gemm_f16_128x128x32, 0)
D4J_GEMM(gemm_f16_128x64x32, 1)
D4J_GEMM(gemm_f16_64x64x32, 2)
D4J_GEMM(gemm_bf16_128x128x32, 3)
D4J_GEMM(gemm_bf16_128x64x32, 4)
D4J_GEMM(gemm_bf16_64x64x32, 5)
D4J_GEMM(gemm_tf32_128x64x16, 6)
D4J_GEMM(gemm_tf32_64x64x16, 7)
D4J_GEMM(gemm_f32_128x64x16, 8)
D4J_GEMM(gemm_f32_64x64x16, 9)

}  // namespace d4j
