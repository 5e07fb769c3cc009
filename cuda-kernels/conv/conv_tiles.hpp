// The tiles of the convolution kernels.
//
// 128x128 does most arithmetic for each byte; 128x64 fits 320 output channels without waste; 64x64 and 64x32 give small
// images enough blocks. The general kernels (`_any`) take channel counts that do not fill 16 bytes: the first and last
// convolutions of a network, where little work is done.
#pragma once

#include "common/tile.hpp"

namespace d4j {

constexpr NamedTile kConvTiles[] = {
    {"conv_fprop_f16_128x128x32", {DType::F16, 128, 128, 2, 2, 3, 2}},
    {"conv_fprop_f16_128x64x32", {DType::F16, 128, 64, 2, 2, 4, 3}},
    {"conv_fprop_f16_64x64x32", {DType::F16, 64, 64, 2, 2, 4, 4}},
    {"conv_fprop_f16_64x32x32", {DType::F16, 64, 32, 2, 1, 4, 4}},
    {"conv_fprop_bf16_128x128x32", {DType::BF16, 128, 128, 2, 2, 3, 2}},
    {"conv_fprop_bf16_128x64x32", {DType::BF16, 128, 64, 2, 2, 4, 3}},
    {"conv_fprop_bf16_64x64x32", {DType::BF16, 64, 64, 2, 2, 4, 4}},
    {"conv_fprop_bf16_64x32x32", {DType::BF16, 64, 32, 2, 1, 4, 4}},
    {"conv_fprop_tf32_128x64x16", {DType::TF32, 128, 64, 2, 2, 4, 3}},
    {"conv_fprop_tf32_64x64x16", {DType::TF32, 64, 64, 2, 2, 4, 4}},
    {"conv_fprop_f32_128x64x16", {DType::F32, 128, 64, 2, 2, 4, 2}},
    {"conv_fprop_f32_64x64x16", {DType::F32, 64, 64, 2, 2, 4, 3}},
};

constexpr NamedTile kConvAnyTiles[] = {
    {"conv_fprop_f16_64x64x32_any", {DType::F16, 64, 64, 2, 2, 4, 4}},
    {"conv_fprop_bf16_64x64x32_any", {DType::BF16, 64, 64, 2, 2, 4, 4}},
    {"conv_fprop_tf32_64x64x16_any", {DType::TF32, 64, 64, 2, 2, 4, 4}},
    {"conv_fprop_f32_64x64x16_any", {DType::F32, 64, 64, 2, 2, 4, 3}},
};

}  // namespace d4j
