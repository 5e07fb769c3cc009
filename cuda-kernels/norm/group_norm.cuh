// Group normalisation (Wu and He, "Group Normalization", 2018, equations 1 and 2) over NHWC, with SiLU and scale-shift.
//
// Statistics per channel and block of rows come first, from the producer or from groupNormStats. groupNorm merges them
// into groups, which may span both sources, and is then one pass over the data. The mean is subtracted before scaling, not
// folded into the shift: data with a mean far from zero would lose the digits that they share.
//
// That each block of that pass merged the statistics that it needs would be simpler, but at 64x64 pixels those are four
// times the bytes of its data. So every group is merged once, by the blocks that start first; the others wait for them.
//
// Every sum has a fixed order: neither the schedule nor the batch changes a bit.
#pragma once

#include "arch/atomics.cuh"
#include "common/activation.cuh"
#include "common/moments.cuh"
#include "norm/norm_config.hpp"
#include "norm/norm_params.hpp"
#include "norm/norm_vector.cuh"

namespace d4j {

/// Which vector column and which of the rows under way a thread has; threads that do not fill a row are idle.
struct NormPlace {
    int column;  // within the block
    int lane, lanes;
    bool active;

    D4J_DEVICE NormPlace(int columns, int threads)
        : column(threadIdx.x % columns), lane(threadIdx.x / columns), lanes(threads / columns),
          active(threadIdx.x < threads / columns * columns) {}
};

template <DType TYPE, int VECTOR>
D4J_DEVICE void groupNormStats(const GroupNormStatsParams& p) {
    // [VECTOR][threads]; some more a row, so that the channels of 32 / VECTOR vectors are in 32 different banks.
    constexpr int PITCH = kNormThreads + 32 / VECTOR;
    __shared__ float means[PITCH * VECTOR], squares[PITCH * VECTOR];
    const NormPlace place(p.columns, kNormThreads);
    const int channel = (blockIdx.x * p.columns + place.column) * VECTOR;
    const bool active = place.active && channel < p.channels;
    const int first = blockIdx.y * p.rows;
    const int rows = min(p.rows, p.pixels - first);
    const int64_t base = (static_cast<int64_t>(blockIdx.z) * p.pixels + first) * p.channels + channel;

    // Sums of what is left after this thread's first row: no cancellation when the mean is far from zero.
    float origin[VECTOR] = {}, sum[VECTOR] = {}, square[VECTOR] = {};
    if (active && place.lane < rows) {
        loadVector<TYPE>(origin, p.src, base + static_cast<int64_t>(place.lane) * p.channels);
#pragma unroll 4
        for (int row = place.lane + place.lanes; row < rows; row += place.lanes) {
            float x[VECTOR];
            loadVector<TYPE>(x, p.src, base + static_cast<int64_t>(row) * p.channels);
#pragma unroll
            for (int i = 0; i < VECTOR; ++i) {
                const float d = x[i] - origin[i];
                sum[i] += d;
                square[i] = fmaf(d, d, square[i]);
            }
        }
    }
    const int count = place.lane < rows ? (rows - place.lane + place.lanes - 1) / place.lanes : 0;
    const float share = count > 0 ? 1.0f / count : 0.0f;
#pragma unroll
    for (int i = 0; i < VECTOR; ++i) {
        means[i * PITCH + threadIdx.x] = origin[i] + sum[i] * share;
        squares[i * PITCH + threadIdx.x] = fmaxf(square[i] - sum[i] * sum[i] * share, 0.0f);
    }
    __syncthreads();
    // Now a thread a channel, so that the stores are side by side.
    const int firstChannel = blockIdx.x * p.columns * VECTOR;
    const int width = min(p.columns * VECTOR, p.channels - firstChannel);
    ChannelStats* stats = p.stats + (static_cast<int64_t>(blockIdx.z) * gridDim.y + blockIdx.y) * p.channels;
#pragma unroll 1
    for (int c = threadIdx.x; c < width; c += kNormThreads) {
        Moments total = {0.0f, 0.0f, 0.0f};
        int lane = 0;
        do {  // there is at least one lane, and one row
            const int from = c % VECTOR * PITCH + lane * p.columns + c / VECTOR;
            const float n = static_cast<float>((rows - lane + place.lanes - 1) / place.lanes);
            total = merge(total, {n, means[from], squares[from]});
        } while (++lane < min(place.lanes, rows));
        stats[firstChannel + c] = {total.mean * total.count, total.m2};
    }
}

/// Partial results of a group, however many threads there are: the order of its sum does not depend on the launch.
constexpr int kMergeLanes = 128;

/// Merges a lane's share of the statistics of one source's channels [begin, end) that fall into a group, item by item in
/// a fixed order. `embedding` shifts a channel's mean.
D4J_DEVICE Moments groupOfSource(const ChannelStats* stats, int lane, int sample, int channels, int begin, int end,
                                 int rows, int pixels, const float* embedding, Moments total) {
    const int width = end - begin;
    if (width <= 0) return total;
    const int blocks = ceilDiv(pixels, rows);
    stats += static_cast<int64_t>(sample) * blocks * channels;
    for (int item = lane; item < blocks * width; item += kMergeLanes) {
        const int block = item / width, channel = begin + item % width;
        const ChannelStats s = stats[static_cast<int64_t>(block) * channels + channel];
        const float count = static_cast<float>(min(rows, pixels - block * rows));
        const float shift = embedding != nullptr ? embedding[channel] : 0.0f;
        total = merge(total, {count, s.sum / count + shift, s.m2});
    }
    return total;
}

/// By all threads of a block; partial: kMergeLanes of them in shared memory.
template <int THREADS>
D4J_DEVICE void mergeGroup(const GroupNormMergeParams& p, int group, int sample, Moments* partial) {
    static_assert(THREADS >= kMergeLanes / 2, "a thread for each pair");
    const int channels = p.channels0 + p.channels1;
    const int width = channels / p.groups;
    const int begin = group * width, end = begin + width;
    const float* embedding =
        p.embedding != nullptr ? p.embedding + static_cast<int64_t>(sample) * p.embeddingStride : nullptr;
#pragma unroll 1
    for (int lane = threadIdx.x; lane < kMergeLanes; lane += THREADS) {
        Moments total = {0.0f, 0.0f, 0.0f};
        total = groupOfSource(p.stats0, lane, sample, p.channels0, begin, min(end, p.channels0), p.rows0, p.pixels,
                              embedding, total);
        if (p.channels1 > 0) {
            total = groupOfSource(p.stats1, lane, sample, p.channels1, max(begin - p.channels0, 0), end - p.channels0,
                                  p.rows1, p.pixels, embedding != nullptr ? embedding + p.channels0 : nullptr, total);
        }
        partial[lane] = total;
    }
#pragma unroll
    for (int distance = kMergeLanes / 2; distance > 0; distance /= 2) {
        __syncthreads();
        if (threadIdx.x < distance) {
            partial[threadIdx.x] = merge(partial[threadIdx.x], partial[threadIdx.x + distance]);
        }
    }
    if (threadIdx.x == 0) {
        float* out = p.moments + (static_cast<int64_t>(sample) * p.groups + group) * 2;
        out[0] = partial[0].mean;
        out[1] = 1.0f / sqrtf(partial[0].m2 / partial[0].count + p.eps);
    }
}

/// What a channel is normalised with.
struct ChannelNorm {
    float mean, scale, shift;

    D4J_DEVICE ChannelNorm(const GroupNormMergeParams& p, int channel, int sample) {
        const int channels = p.channels0 + p.channels1;
        const int group = channel / (channels / p.groups);
        const float* moments = p.moments + (static_cast<int64_t>(sample) * p.groups + group) * 2;
        const float* film = p.film != nullptr ? p.film + static_cast<int64_t>(sample) * p.filmStride : nullptr;
        const float factor = film != nullptr ? 1.0f + film[channel] : 1.0f;
        mean = moments[0];
        if (p.embedding != nullptr) mean -= p.embedding[static_cast<int64_t>(sample) * p.embeddingStride + channel];
        scale = (p.gamma != nullptr ? p.gamma[channel] : 1.0f) * moments[1] * factor;
        shift = (p.beta != nullptr ? p.beta[channel] : 0.0f) * factor;
        if (film != nullptr) shift += film[channels + channel];
    }
};

/// Floats of shared memory that `normalise` wants.
template <int VECTOR>
constexpr int kNormaliseFloats = 3 * kNormColumnsMax * VECTOR;

/// One block of rows and columns, by all threads of a thread block.
template <DType TYPE, int VECTOR, int THREADS>
D4J_DEVICE void normalise(const GroupNormParams& params, int columnBlock, int rowBlock, int sample, float* shared) {
    using Parameters = ChannelParameters<VECTOR>;
    float *means = shared, *scales = shared + kNormColumnsMax * VECTOR, *shifts = scales + kNormColumnsMax * VECTOR;
    const GroupNormApplyParams& p = params.apply;
    const int channels = p.channels0 + p.channels1;
    const int width = p.columns * VECTOR;
    const int firstChannel = columnBlock * width;
#pragma unroll 1
    for (int i = threadIdx.x; i < width && firstChannel + i < channels; i += THREADS) {
        const ChannelNorm norm(params.merge, firstChannel + i, sample);
        const int at = Parameters::index(i, p.columns);
        means[at] = norm.mean;
        scales[at] = norm.scale;
        shifts[at] = norm.shift;
    }
    __syncthreads();
    const NormPlace place(p.columns, THREADS);
    const int channel = firstChannel + place.column * VECTOR;
    if (!place.active || channel >= channels) return;

    float mean[VECTOR], scale[VECTOR], shift[VECTOR];
    Parameters::load(mean, means, place.column, p.columns);
    Parameters::load(scale, scales, place.column, p.columns);
    Parameters::load(shift, shifts, place.column, p.columns);
    const bool second = channel >= p.channels0;
    const void* src = second ? p.src1 : p.src0;
    const int pitch = second ? p.channels1 : p.channels0;
    const int source = second ? channel - p.channels0 : channel;
    const int end = min((rowBlock + 1) * p.rows, p.pixels);
    const int64_t firstPixel = static_cast<int64_t>(sample) * p.pixels;
#pragma unroll 4
    for (int row = rowBlock * p.rows + place.lane; row < end; row += place.lanes) {
        float x[VECTOR];
        loadVector<TYPE>(x, src, (firstPixel + row) * pitch + source);
#pragma unroll
        for (int i = 0; i < VECTOR; ++i) {
            const float y = fmaf(x[i] - mean[i], scale[i], shift[i]);
            x[i] = p.activation == Activation::Silu ? silu(y) : y;
        }
        storeVector<TYPE>(p.dst, (firstPixel + row) * channels + channel, x);
    }
}

/// Both parts. Blocks take numbers as they start. A group is merged by a block whose number is below that of every
/// block that waits for it, and which itself waits for nobody: so it is running, however few blocks fit the device.
template <DType TYPE, int VECTOR>
D4J_DEVICE void groupNorm(const GroupNormParams& p) {
    __shared__ int number;
    __shared__ Moments partial[kMergeLanes];
    __shared__ alignas(16) float parameters[kNormaliseFloats<VECTOR>];
    const int samples = p.samples, groups = p.merge.groups;
    uint32_t* next = reinterpret_cast<uint32_t*>(p.progress);
    int32_t* merged = p.progress + 1;
    uint32_t* begun = reinterpret_cast<uint32_t*>(p.progress + 1 + samples);
    // The counters wrap round, and are 0 again for the next launch.
    if (threadIdx.x == 0) number = static_cast<int>(atomicInc(next, gridDim.x - 1));
    __syncthreads();
    if (number < groups * samples) {
        const int sample = number / groups;
        mergeGroup<kNormThreads>(p.merge, number % groups, sample, partial);
        if (threadIdx.x == 0) {  // which has written the result
            __threadfence();
            atomicAdd(merged + sample, 1);
        }
        return;
    }
    const int unit = number - groups * samples;
    const int rowBlocks = ceilDiv(p.apply.pixels, p.apply.rows);
    const int blocks = p.columnBlocks * rowBlocks;  // of a sample
    const int sample = unit / blocks;
    if (threadIdx.x == 0) {
        while (loadAcquire(reinterpret_cast<uint32_t*>(merged + sample)) < groups) __nanosleep(64);
        // Whoever is the last to get here knows that nobody waits any more.
        const uint32_t last = static_cast<uint32_t>(blocks) - 1;
        if (atomicInc(begun + sample, last) == last) atomicExch(merged + sample, 0);
    }
    __syncthreads();
    normalise<TYPE, VECTOR, kNormThreads>(p, unit % p.columnBlocks, unit / p.columnBlocks % rowBlocks, sample, parameters);
}

}  // namespace d4j
