// The activations' side of the implicit GEMM: slices of input channels, tap by tap.
#pragma once

#include "common/mainloop.cuh"
#include "conv/pixel_table.cuh"

namespace d4j {

/// For channel counts that fill 16 bytes. Walks through segments: within one, pointers only move along the channels; at
/// its end the thread looks up the pixels of its rows for the next.
template <class Config>
class TapLoader {
    using Pattern = CopyPattern<Config>;

public:
    static constexpr bool WALKS_SEGMENTS = true;
    static D4J_DEVICE int segments(const ConvParams& p) { return convSegments(p); }

    D4J_DEVICE TapLoader(const ConvParams& p, const ConvSegment* list, const int* table, int firstSlice, int)
        : chunkBytes(Pattern::chunk() * kChunkBytes) {
        const int first = segmentOf<Config>(p, firstSlice);
        segment = list + first;
        pixels = table + first * Config::TILE.m + Pattern::row();
        shared = Pattern::sharedOffset();
        begin();
    }

    D4J_DEVICE void copy(uint32_t stage) {
        const bool present = position + chunkBytes < 0;
#pragma unroll
        for (int i = 0; i < Pattern::A_ROWS; ++i) {
            cpAsync16(stage + shared + i * Pattern::STEP_BYTES, source[i], present && pixel[i] != kOutside);
            source[i] += kSliceBytes;
        }
        position += kSliceBytes;
        // From -length in steps of a slice: the end is the first position from 0 on. Behind the last segment the position
        // starts above that and the walk never goes on.
        if (static_cast<uint32_t>(position) < kSliceBytes) {
            begin();
        }
    }

private:
    D4J_DEVICE void begin() {
        const ConvSegment current = *segment;
        position = current.position;
        if (position >= 0) {
            return;
        }
#pragma unroll
        for (int i = 0; i < Pattern::A_ROWS; ++i) {
            pixel[i] = pixels[i * Pattern::ROW_STEP];
            source[i] = current.source + chunkBytes + static_cast<int64_t>(pixel[i]) * current.pitch;
        }
        ++segment;
        pixels += Config::TILE.m;
    }

    const ConvSegment* segment;
    const int* pixels;                    // this thread's first row at the next segment
    const char* source[Pattern::A_ROWS];
    int pixel[Pattern::A_ROWS];
    int position;                         // in the segment, in bytes, counted from its end
    int chunkBytes;
    uint32_t shared;
};

/// For any channel count: (tap, channel) as one long row, element by element through registers.
template <class Config>
class ElementLoader {
    using Pattern = CopyPattern<Config>;
    static constexpr int K = sliceElements(Config::TILE.type), BYTES = bytesOf(Config::TILE.type);
    static constexpr int ELEMENTS = kChunkBytes / BYTES;
    using Bits = typename Element<Config::TILE.type>::Storage;

public:
    static constexpr bool WALKS_SEGMENTS = false;
    /// The table has one entry for each tap, whatever the number of sources.
    static D4J_DEVICE int segments(const ConvParams& p) { return convTaps(p); }

    D4J_DEVICE ElementLoader(const ConvParams& p, const ConvSegment*, const int* table, int firstSlice, int slices)
        : p(p), table(table + Pattern::row()), k(firstSlice * K + Pattern::chunk() * ELEMENTS) {
        const int taps = convTaps(p);
        end = min(taps * (p.c0 + p.c1), (firstSlice + slices) * K);
        shared = Pattern::sharedOffset();
    }

    D4J_DEVICE void copy(uint32_t stage) {
#pragma unroll 1
        for (int i = 0; i < Pattern::A_ROWS; ++i) {
            union {
                Bits elements[ELEMENTS];
                uint4 bits;
            } chunk;
            chunk.bits = make_uint4(0, 0, 0, 0);
#pragma unroll
            for (int e = 0; e < ELEMENTS; ++e) {
                if (k + e < end) {
                    load(chunk.elements[e], k + e, i);
                }
            }
            storeShared4(stage + shared + i * Pattern::STEP_BYTES, chunk.bits);
        }
        k += K;
    }

private:
    D4J_DEVICE void load(Bits& element, int position, int i) const {
        const int channels = p.c0 + p.c1;
        const int tap = static_cast<uint32_t>(position) / static_cast<uint32_t>(channels);
        const int channel = position - tap * channels;
        const int64_t pixel = table[tap * Config::TILE.m + i * Pattern::ROW_STEP];
        if (pixel == kOutside) {
            return;
        }
        const bool second = channel >= p.c0;
        const Bits* source = static_cast<const Bits*>(second ? p.source1 : p.source0);
        element = source[pixel * (second ? p.c1 : p.c0) + channel - (second ? p.c0 : 0)];
    }

    const ConvParams& p;
    const int* table;
    int k, end;
    uint32_t shared;
};

}  // namespace d4j
