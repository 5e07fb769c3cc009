// What happens to the accumulators of a matrix kernel before they are stored. Part of the launch ABI.
#pragma once

#include "common/channel_stats.hpp"
#include "common/types.hpp"

namespace d4j {

/// destination = activation(scale * (accumulator + bias[n] + embedding[sample][n] + residual[m][n])).
/// Pitches are in elements. Null pointers leave their term out.
struct EpilogueParams {
    void* destination;       // [m, n], of the kernel's type (f32 for tf32); with Geglu [m, n / 2]
    const void* residual;    // [m, n], of the same type; may be the destination
    const float* bias;       // [n]
    const float* embedding;  // [samples, n]
    ChannelStats* stats;     // [m / kStatsRows, n] or null: statistics of what is stored; m is a multiple of kStatsRows
    float* partials;         // [splits, m, n]: if not null, raw accumulators are stored here and nothing else happens
    int64_t destinationPitch;
    int64_t residualPitch;
    int32_t embeddingPitch;
    int32_t rowsPerSample;   // of the embedding: sample = m / rowsPerSample
    int32_t m, n;
    Activation activation;
    float scale;
    int32_t vectors;  // 1: n and all pitches are multiples of 4 and all addresses of 4 elements, see vectorsPossible
};

/// Whether four neighbouring columns can be accessed at once: 16 bytes of f32, 8 bytes of 16-bit types.
inline D4J_HOST_DEVICE bool vectorsPossible(const EpilogueParams& p, DType type) {
    const uint64_t element = 4 * bytesOf(type), single = 16;
    const auto aligned = [](const void* pointer, uint64_t to) { return reinterpret_cast<uint64_t>(pointer) % to == 0; };
    return p.n % 4 == 0 && p.destinationPitch % 4 == 0 && aligned(p.destination, element) &&
           (p.residual == nullptr || (p.residualPitch % 4 == 0 && aligned(p.residual, element))) &&
           (p.embedding == nullptr || (p.embeddingPitch % 4 == 0 && aligned(p.embedding, single))) &&
           aligned(p.bias, single) && aligned(p.stats, single) && aligned(p.partials, single);
}

}  // namespace d4j
