// How the normalisation kernels divide their work: plain C++17 for NVRTC and for the host.
#pragma once

#include "common/types.hpp"
#include "norm/norm_params.hpp"

namespace d4j {

/// Channels that one thread moves at a time: 16 bytes, or one where rows are no multiple of that.
D4J_HOST_DEVICE constexpr int normVector(DType type, int channels0, int channels1) {
    const int vector = 16 / bytesOf(type);
    return channels0 % vector == 0 && channels1 % vector == 0 ? vector : 1;
}

/// A block covers `columns` vectors of a row, at most 128 so that at least two rows are under way, in as few and as
/// even pieces as possible; 256 / columns rows at a time. Several pieces are multiples of 8 vectors, which read their
/// parameters without bank conflicts.
D4J_HOST_DEVICE constexpr int normColumns(int vectors, int most = 128) {
    return vectors <= most ? vectors : ceilDiv(ceilDiv(vectors, ceilDiv(vectors, most)), 8) * 8;
}

/// Rows of a block of group_norm_stats. Statistics are 8 bytes a channel: 64 rows of 16-bit data make them 1/16 of what
/// is read. Few pixels give fewer rows, for more blocks.
D4J_HOST_DEVICE constexpr int groupNormStatsRows(int pixels) { return pixels >= 1024 ? 64 : 32; }

/// Rows of a block of the second part of group_norm. It reads 8 bytes of parameters a channel: beside 64 rows of 16-bit
/// data, read and written, that is 8 / 256 = 3%.
constexpr int kGroupNormRows = 64;

/// Rows of a block of layer_norm. Scale and shift are 8 bytes a channel: beside 32 rows of 16-bit data, read and
/// written, 8 / 128 = 6%.
constexpr int kLayerNormRows = 32;

/// Vectors of channels whose parameters a block of group_norm has in shared memory.
constexpr int kNormColumnsMax = 128;

}  // namespace d4j
