// Convolution forward as an implicit GEMM: rows are output pixels, columns output channels, and the sum runs over the
// kernel's taps and the input channels. The input is never unfolded: a table of pixels (conv/pixel_table.cuh) says where
// each row finds its channels at each tap. 1x1, 3x3, strided, asymmetrically padded, upsampled, two-source, temporal and
// 3D convolutions differ in that table only.
//
// Names are conv_fprop_TYPE_MxNxK after the tile, with _any for unaligned channel counts.
#include "common/mainloop.cuh"
#include "conv/conv_loader.cuh"
#include "conv/conv_tiles.hpp"

namespace d4j {

template <class Config, template <class> class Loader>
D4J_DEVICE void convFprop(const ConvParams& p) {
    extern __shared__ __align__(128) float shared[];
    constexpr TileShape TILE = Config::TILE;
    const int segments = Loader<Config>::segments(p);
    auto* list = reinterpret_cast<ConvSegment*>(shared + convListOffset(TILE) / 4);
    auto* table = reinterpret_cast<int*>(shared + convTableOffset(TILE, segments) / 4);
    const int splits = ceilDiv(p.slices, p.slicesPerSplit);
    const int items = static_cast<int>(matrixItems(Config::TILE, p.epilogue.m, p.epilogue.n, splits));
    const WarpPosition<Config> warp;
#pragma unroll 1
    for (int i = blockIdx.x; i < items; i += gridDim.x) {
        const MatrixItem<Config> item(p.epilogue, i);
        const int firstSlice = item.split * p.slicesPerSplit;
        const int slices = min(p.slicesPerSplit, p.slices - firstSlice);
        if constexpr (Loader<Config>::WALKS_SEGMENTS) {
            fillSegments<Config>(list, p, firstSlice, slices);
        }
        fillPixelTable<TILE.m, TILE.threads()>(table, p, item.firstRow, segments);
        __syncthreads();  // of the table, and before the slices, where the last item's output may still be on its way
        WarpTile<Config> tile(warp);
        Loader<Config> a(p, list, table, firstSlice, slices);
        WeightLoader<Config> b(p.weights, item.firstColumn, p.epilogue.n, firstSlice, slices);
        multiplySlices<Config>(tile, a, b, sharedAddress(shared), slices);
        storeTile<Config>(tile, warp, p.epilogue, sharedAddress(shared), item.firstRow, item.firstColumn, item.split);
    }
    runTail<Config>(p.epilogue, p.tail);
}

#define D4J_CONV(NAME, TABLE, INDEX, LOADER)                                                                     \
    struct NAME##_config {                                                                                       \
        static constexpr TileShape TILE = TABLE[INDEX].shape;                                                    \
    };                                                                                                           \
    static_assert(TABLE[INDEX].isNamed(#NAME), "the table's row has another name");                              \
    extern "C" __global__ void __launch_bounds__(NAME##_config::TILE.threads(), NAME##_config::TILE.blocksPerSm) \
        NAME(const __grid_constant__ ConvParams p) {                                                             \
        convFprop<NAME##_config, LOADER>(p);                                                                     \
    }

D4J_CONV(conv_fprop_f16_128x128x32, kConvTiles, 0, TapLoader)
D4J_CONV(conv_fprop_f16_128x64x32, kConvTiles, 1, TapLoader)
D4J_CONV(conv_fprop_f16_64x64x32, kConvTiles, 2, TapLoader)
D4J_CONV(conv_fprop_f16_64x32x32, kConvTiles, 3, TapLoader)
D4J_CONV(conv_fprop_bf16_128x128x32, kConvTiles, 4, TapLoader)
D4J_CONV(conv_fprop_bf16_128x64x32, kConvTiles, 5, TapLoader)
D4J_CONV(conv_fprop_bf16_64x64x32, kConvTiles, 6, TapLoader)
D4J_CONV(conv_fprop_bf16_64x32x32, kConvTiles, 7, TapLoader)
D4J_CONV(conv_fprop_tf32_128x64x16, kConvTiles, 8, TapLoader)
D4J_CONV(conv_fprop_tf32_64x64x16, kConvTiles, 9, TapLoader)
D4J_CONV(conv_fprop_f32_128x64x16, kConvTiles, 10, TapLoader)
D4J_CONV(conv_fprop_f32_64x64x16, kConvTiles, 11, TapLoader)
D4J_CONV(conv_fprop_f16_64x64x32_any, kConvAnyTiles, 0, ElementLoader)
D4J_CONV(conv_fprop_bf16_64x64x32_any, kConvAnyTiles, 1, ElementLoader)
D4J_CONV(conv_fprop_tf32_64x64x16_any, kConvAnyTiles, 2, ElementLoader)
D4J_CONV(conv_fprop_f32_64x64x16_any, kConvAnyTiles, 3, ElementLoader)

}  // namespace d4j
