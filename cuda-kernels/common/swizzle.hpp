// Shared-memory swizzles: where the 16-byte chunk (row, chunk) of a tile of short rows is kept, so that both the rows'
// writers and ldmatrix touch all 32 banks once. Plain values, checked on the host in test/.
//
// ldmatrix reads 8 rows at one chunk position; a bank group is 16 bytes, and 8 of them make the 128 bytes that shared
// memory serves at once. So the 8 rows must land in 8 different groups: chunk ^ f(row), where f walks through all chunk
// positions of a row while (row modulo rows-per-128-bytes) takes care of the rest.
#pragma once

#include "common/types.hpp"

namespace d4j {

constexpr int kChunkBytes = 16;        // one cp.async, one ldmatrix row
constexpr int kWavefrontBytes = 128;   // 32 banks of 4 bytes

/// Byte offset of a chunk in a tile whose rows have ROW_BYTES = 32, 64 or 128 bytes (16, 32 or 64 halves), or a multiple
/// of 128. Adding 8 rows keeps the pattern, so offset(row + 8 i, chunk) = offset(row, chunk) + 8 i ROW_BYTES.
template <int ROW_BYTES>
D4J_HOST_DEVICE constexpr int swizzledOffset(int row, int chunk) {
    static_assert(ROW_BYTES == 32 || ROW_BYTES == 64 || ROW_BYTES % 128 == 0, "rows of 32, 64 or n * 128 bytes");
    // 128-byte rows: f = row mod 8. 64-byte rows: two rows a wavefront, f = (row / 2) mod 4. 32-byte rows: four, mod 2.
    constexpr int rowsPerWavefront = ROW_BYTES >= kWavefrontBytes ? 1 : kWavefrontBytes / ROW_BYTES;
    constexpr int positions = 8 / rowsPerWavefront;
    return row * ROW_BYTES + (chunk ^ ((row / rowsPerWavefront) % positions)) * kChunkBytes;
}

}  // namespace d4j
