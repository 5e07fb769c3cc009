// The tiles of the linear kernels. 128x128 does most arithmetic for each byte, 64x64 gives small products enough blocks.
#pragma once

#include "common/tile.hpp"

namespace d4j {

constexpr NamedTile kGemmTiles[] = {
    {"gemm_f16_128x128x32", {DType::F16, 128, 128, 2, 2, 3, 2}},
    {"gemm_f16_128x64x32", {DType::F16, 128, 64, 2, 2, 4, 3}},
    {"gemm_f16_64x64x32", {DType::F16, 64, 64, 2, 2, 4, 4}},
    {"gemm_bf16_128x128x32", {DType::BF16, 128, 128, 2, 2, 3, 2}},
    {"gemm_bf16_128x64x32", {DType::BF16, 128, 64, 2, 2, 4, 3}},
    {"gemm_bf16_64x64x32", {DType::BF16, 64, 64, 2, 2, 4, 4}},
    {"gemm_tf32_128x64x16", {DType::TF32, 128, 64, 2, 2, 4, 3}},
    {"gemm_tf32_64x64x16", {DType::TF32, 64, 64, 2, 2, 4, 4}},
    {"gemm_f32_128x64x16", {DType::F32, 128, 64, 2, 2, 4, 2}},
    {"gemm_f32_64x64x16", {DType::F32, 64, 64, 2, 2, 4, 3}},
};

}  // namespace d4j
