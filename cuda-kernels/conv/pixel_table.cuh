// The index map of the implicit GEMM, computed once a block into shared memory: which input pixel each output pixel of
// the block meets at each tap, and where the channels of each segment lie. After that stride, padding, upsampling, time
// and the second source cost the main loop nothing.
//
// A segment is one tap of one source: all taps of source 0, then all of source 1, then the shortcut's one tap of each.
#pragma once

#include "conv/conv_params.hpp"

namespace d4j {

struct alignas(16) ConvSegment {
    const char* source;  // channels of pixel 0
    int32_t pitch;       // bytes from one pixel to the next
    int32_t position;    // minus the bytes of a pixel that are summed; a slice's bytes or more: nothing follows
};

constexpr int kOutside = -1;  // in the padding, or a row behind the last output pixel

/// Where the slices of each source begin, along the whole sum.
template <class Config>
struct ConvSources {
    static constexpr int K = sliceElements(Config::TILE.type);
    int taps, slices0, slices1, shortcutSlices0;

    D4J_DEVICE explicit ConvSources(const ConvParams& p)
        : taps(convTaps(p)), slices0(ceilDiv(p.c0, K)), slices1(ceilDiv(p.c1, K)),
          shortcutSlices0(ceilDiv(p.s0, K)) {}

    D4J_DEVICE int shortcut() const { return taps * (slices0 + slices1); }
};

/// The slice that the sum starts with lies in this segment.
template <class Config>
D4J_DEVICE int segmentOf(const ConvParams& p, int slice) {
    const ConvSources<Config> at(p);
    if (slice >= at.shortcut()) return convFilterSegments(p) + (slice >= at.shortcut() + at.shortcutSlices0 ? 1 : 0);
    const int inSource0 = at.taps * at.slices0;
    return slice < inSource0 ? slice / at.slices0 : at.taps + (slice - inSource0) / at.slices1;
}

/// The part of each segment that lies in [firstSlice, firstSlice + slices), and an empty one at the end.
template <class Config>
D4J_DEVICE void fillSegments(ConvSegment* list, const ConvParams& p, int firstSlice, int slices) {
    constexpr int K = sliceElements(Config::TILE.type), BYTES = bytesOf(Config::TILE.type);
    const ConvSources<Config> at(p);
    const int count = convSegments(p), shortcut = convFilterSegments(p);
    for (int i = threadIdx.x; i <= count; i += Config::TILE.threads()) {
        const void* source = p.source0;
        int channels = p.c0, start = i * at.slices0;
        if (i >= shortcut) {
            const bool second = i > shortcut;
            source = second ? p.shortcut1 : p.shortcut0;
            channels = second ? p.s1 : p.s0;
            start = at.shortcut() + (second ? at.shortcutSlices0 : 0);
        } else if (i >= at.taps) {
            source = p.source1;
            channels = p.c1;
            start = at.taps * at.slices0 + (i - at.taps) * at.slices1;
        }
        const int from = max(firstSlice - start, 0) * K;
        const int to = min((firstSlice + slices - start) * K, channels);
        const bool empty = i == count || from >= to;
        list[i] = {static_cast<const char*>(source) + from * BYTES, channels * BYTES,
                   empty ? kSliceBytes : (from - to) * BYTES};
    }
}

template <int ROWS, int THREADS>
D4J_DEVICE void fillPixelTable(int* table, const ConvParams& p, int firstRow, int segments) {
    static_assert(THREADS % ROWS == 0, "a thread keeps to one row");
    const int row = threadIdx.x % ROWS;
    const uint32_t output = firstRow + row;
    const uint32_t x = output % p.outW, lines = output / p.outW;
    const uint32_t y = lines % p.outH, frames = lines / p.outH;
    const uint32_t z = frames % p.outT, sample = frames / p.outT;
    const int x0 = static_cast<int>(x) * p.strideW - p.padLeft;
    const int y0 = static_cast<int>(y) * p.strideH - p.padTop;
    const int z0 = static_cast<int>(z) * p.strideT - p.padFront;
    const bool exists = output < static_cast<uint32_t>(p.epilogue.m);
    const uint32_t height = p.h << p.upsample, width = p.w << p.upsample;
    const int taps = convTaps(p), shortcut = convFilterSegments(p);
    for (int segment = threadIdx.x / ROWS; segment < segments; segment += THREADS / ROWS) {
        const int tap = segment < taps ? segment : segment - taps;
        const uint32_t line = static_cast<uint32_t>(tap) / p.kernelW;
        const uint32_t dx = tap - line * p.kernelW, dz = line / p.kernelH, dy = line - dz * p.kernelH;
        const uint32_t inX = x0 + dx, inY = y0 + dy, inZ = z0 + dz;
        // Unsigned: what is left of the first pixel becomes larger than any size.
        const bool inside = exists && inX < width && inY < height && inZ < static_cast<uint32_t>(p.t);
        const int pixel = ((sample * p.t + inZ) * p.h + (inY >> p.upsample)) * p.w + (inX >> p.upsample);
        const int own = exists ? static_cast<int>(output) : kOutside;
        table[segment * ROWS + row] = segment >= shortcut ? own : inside ? pixel : kOutside;
    }
}

}  // namespace d4j
