// What norms, elementwise kernels and the sampler cost on the shapes of Stable Diffusion 1.5 at batch 2. They are bound by
// memory: the bytes that they move are compared with their inputs and outputs.
#include "elementwise/elementwise_params.hpp"
#include "norm/norm_config.hpp"
#include "norm/norm_params.hpp"
#include "sampler/sampler_params.hpp"
#include "test/device/counters.hpp"

namespace d4j::test {
namespace {

std::string shapeOf(const std::string& name, int size, int channels) {
    return name + " " + std::to_string(size) + "x" + std::to_string(size) + "x" + std::to_string(channels);
}

/// With its producer's statistics, over one source or two.
void groupNorm(Suite& suite, DType type, int samples, int size, int channels0, int channels1) {
    constexpr int GROUPS = 32;
    const int pixels = size * size, channels = channels0 + channels1, blocks = pixels / kStatsRows;
    const size_t rows = size_t(samples) * pixels;
    Tensor src0(suite.gpu, type, rows * channels0), src1(suite.gpu, type, rows * channels1);
    Tensor out(suite.gpu, type, rows * channels);
    Tensor stats0(suite.gpu, DType::F32, size_t(samples) * blocks * channels0 * 2);
    Tensor stats1(suite.gpu, DType::F32, size_t(samples) * blocks * channels1 * 2);
    Tensor gamma(suite.gpu, DType::F32, channels), beta(suite.gpu, DType::F32, channels);
    Tensor moments(suite.gpu, DType::F32, size_t(samples) * GROUPS * 2);
    Tensor progress(suite.gpu, DType::F32, groupNormProgress(samples));
    for (Tensor* tensor : {&src0, &src1, &stats0, &stats1, &gamma, &beta}) tensor->random(suite.random);
    const std::vector<int32_t> zeros(progress.size());
    suite.gpu.upload(reinterpret_cast<uint64_t>(progress.device()), zeros.data(), zeros.size() * 4);
    GroupNormParams p{};
    p.merge.stats0 = static_cast<const ChannelStats*>(stats0.device());
    p.merge.stats1 = static_cast<const ChannelStats*>(stats1.device());
    p.merge.gamma = static_cast<const float*>(gamma.device());
    p.merge.beta = static_cast<const float*>(beta.device());
    p.merge.moments = static_cast<float*>(moments.device());
    p.merge.pixels = p.apply.pixels = pixels;
    p.merge.channels0 = p.apply.channels0 = channels0;
    p.merge.channels1 = p.apply.channels1 = channels1;
    p.merge.groups = GROUPS;
    p.merge.rows0 = p.merge.rows1 = kStatsRows;
    p.merge.eps = 1e-5f;
    const int vectors = channels / normVector(type, channels0, channels1);
    p.apply.src0 = src0.device();
    p.apply.src1 = src1.device();
    p.apply.moments = p.merge.moments;
    p.apply.dst = out.device();
    p.apply.rows = kGroupNormRows;
    p.apply.columns = normColumns(vectors);
    p.apply.activation = Activation::Silu;
    p.progress = static_cast<int32_t*>(progress.device());
    p.samples = samples;
    p.columnBlocks = ceilDiv(vectors, p.apply.columns);
    const std::string name = std::string("group_norm_") + storageName(type);
    suite.gpu.launch(suite.gpu.kernel(suite.module("norm"), name.c_str(), 0), {groupNormBlocks(p), 1, 1}, kNormThreads, 0, p);
    Counters counters(suite, shapeOf(name, size, channels0) + "+" + std::to_string(channels1));
    counters.judgeAccesses();
    counters.judgeBytes(2.0 * rows * channels * bytesOf(type) + 8.0 * samples * blocks * channels + 8.0 * channels);
    counters.printTime();
}

/// Of a source whose producer left no statistics.
void groupNormStats(Suite& suite, DType type, int size, int channels) {
    const int pixels = size * size, rows = groupNormStatsRows(pixels), blocks = ceilDiv(pixels, rows);
    Tensor src(suite.gpu, type, size_t(pixels) * channels), stats(suite.gpu, DType::F32, size_t(blocks) * channels * 2);
    src.random(suite.random);
    const int vectors = channels / normVector(type, channels, 0), columns = normColumns(vectors);
    const GroupNormStatsParams p{src.device(), static_cast<ChannelStats*>(stats.device()), pixels, channels, rows, columns};
    const std::string name = std::string("group_norm_stats_") + storageName(type);
    suite.gpu.launch(suite.gpu.kernel(suite.module("norm"), name.c_str(), 0), {ceilDiv(vectors, columns), blocks, 1},
                     kNormThreads, 0, p);
    Counters counters(suite, shapeOf(name, size, channels));
    counters.judgeAccesses();
    counters.judgeBytes(double(pixels) * channels * bytesOf(type) + 8.0 * blocks * channels);
    counters.printTime();
}

void layerNorm(Suite& suite, DType type, int size, int channels) {
    const int rows = size * size;
    Tensor src(suite.gpu, type, size_t(rows) * channels), out(suite.gpu, type, src.size());
    Tensor gamma(suite.gpu, DType::F32, channels), beta(suite.gpu, DType::F32, channels);
    for (Tensor* tensor : {&src, &gamma, &beta}) tensor->random(suite.random);
    LayerNormParams p{};
    p.src = src.device();
    p.gamma = static_cast<const float*>(gamma.device());
    p.beta = static_cast<const float*>(beta.device());
    p.dst = out.device();
    p.rows = rows;
    p.channels = p.srcStride = p.dstStride = channels;
    p.eps = 1e-5f;
    const std::string name = std::string("layer_norm_") + storageName(type);
    suite.gpu.launch(suite.gpu.kernel(suite.module("norm"), name.c_str(), 8 * channels),
                     {ceilDiv(rows, kLayerNormRows), 1, 1}, kNormThreads, 8 * channels, p);
    Counters counters(suite, shapeOf(name, size, channels));
    counters.judgeAccesses();
    counters.judgeBytes(2.0 * rows * channels * bytesOf(type) + 8.0 * channels);
    counters.printTime();
}

template <class Params>
void elementwise(Suite& suite, const std::string& name, const std::string& shape, int64_t items, const Params& p,
                 double minimum) {
    suite.gpu.launch(suite.gpu.kernel(suite.module("elementwise"), name.c_str(), 0),
                     {static_cast<int>((items + kElementwiseThreads - 1) / kElementwiseThreads), 1, 1},
                     kElementwiseThreads, 0, p);
    Counters counters(suite, name + shape);
    counters.judgeAccesses();
    counters.judgeBytes(minimum);
    counters.printTime();
}

/// All kernels on one image of this size.
void elementwiseKernels(Suite& suite, DType type, int size, int channels) {
    const std::string suffix = std::string("_") + storageName(type), shape = shapeOf("", size, channels);
    const int pixels = size * size, bytes = bytesOf(type);
    const size_t count = size_t(pixels) * channels;
    Tensor a(suite.gpu, type, 8 * count), b(suite.gpu, type, 8 * count), f32(suite.gpu, DType::F32, count);
    for (Tensor* tensor : {&a, &b, &f32}) tensor->random(suite.random);
    const int64_t runs = int64_t(count) / runOf(type, type);
    const auto pointwise = [&](Pointwise kind, double reads) {
        const int64_t n = int64_t(count);
        elementwise(suite, "pointwise" + suffix + suffix, shape, runs,
                    PointwiseParams{a.device(), b.device(), b.device(), n, n, kind, 0.5f, 1, 0}, (reads + 1) * n * bytes);
    };
    pointwise(Pointwise::Silu, 1);
    pointwise(Pointwise::Add, 2);
    pointwise(Pointwise::Scale, 1);

    RowsParams r{};
    r.src = a.device();
    r.dst = b.device();
    r.rows = pixels;
    r.columns = r.dstStride = channels;
    r.srcStride = 2 * channels;
    r.rowsPerSample = pixels;
    r.aligned = 1;
    elementwise(suite, "copy" + suffix + suffix, shape, runs, r, 2.0 * count * bytes);
    elementwise(suite, "copy" + suffix + (type == DType::F32 ? "_f16" : "_f32"), shape,
                int64_t(count) / runOf(type, DType::F32), r, count * (bytes + (type == DType::F32 ? 2.0 : 4.0)));
    elementwise(suite, "geglu" + suffix, shape, runs, r, 3.0 * count * bytes);

    const ResampleParams resample{a.device(), b.device(), 1, size, size, channels, 1, 0};
    elementwise(suite, "upsample_nearest" + suffix, shape, runs, resample, 5.0 * count * bytes);
    elementwise(suite, "avg_pool" + suffix, shape, runs, resample, 5.0 * count * bytes);

    const Gpu::Grid grid = {ceilDiv(pixels, kLayoutTile), ceilDiv(channels, kLayoutTile), 1};
    for (const bool in : {true, false}) {
        const std::string name = (in ? "nchw_to_nhwc" : "nhwc_to_nchw") + suffix;
        const LayoutParams p{in ? f32.device() : a.device(), in ? a.device() : f32.device(), pixels, channels};
        suite.gpu.launch(suite.gpu.kernel(suite.module("elementwise"), name.c_str(), 0), grid, kElementwiseThreads, 0, p);
        Counters counters(suite, name + shape);
        counters.judgeAccesses();
        counters.judgeBytes(double(count) * (4 + bytes));
        counters.printTime();
    }
    const ImageParams encode{b.device(), a.device(), int64_t(count)}, decode{a.device(), b.device(), int64_t(count)};
    elementwise(suite, "image_encode" + suffix, shape, runs, encode, double(count) * (1 + bytes));
    elementwise(suite, "image_decode" + suffix, shape, runs, decode, double(count) * (1 + bytes));
}

/// One step of DPM-Solver++ with classifier-free guidance is one launch: no row asks for statistics.
void sampler(Suite& suite, DType type, int size, int samples) {
    constexpr int CHANNELS = 4;
    const int pixels = size * size;
    const size_t elements = size_t(CHANNELS) * pixels;
    d4j_sampler_row rows[2] = {};
    for (d4j_sampler_row& row : rows) {
        row.input_scale = row.x0_x = row.m_x0 = row.update[D4J_TERM_X] = row.update[D4J_TERM_M] = 1;
        row.x0_output = row.update[D4J_TERM_M + 1] = -0.5f;
        row.push_slot = 0;
    }
    Tensor table(suite.gpu, DType::F32, sizeof rows / 4), latents(suite.gpu, DType::F32, samples * elements);
    Tensor history(suite.gpu, DType::F32, 3 * samples * elements), outputs(suite.gpu, type, 2 * samples * elements);
    Tensor inputs(suite.gpu, type, 2 * samples * elements), timesteps(suite.gpu, DType::F32, 2 * samples);
    for (Tensor* tensor : {&latents, &history, &outputs}) tensor->random(suite.random);
    suite.gpu.upload(reinterpret_cast<uint64_t>(table.device()), rows, sizeof rows);
    std::vector<d4j_sampler_sample> list(samples);
    for (int i = 0; i < samples; ++i) {
        const size_t place = i * elements, bytes = bytesOf(type);
        d4j_sampler_sample& s = list[i];
        s = {};
        s.table = static_cast<const d4j_sampler_row*>(table.device());
        s.rows = 2;
        s.latents = static_cast<float*>(latents.device()) + place;
        s.history = static_cast<float*>(history.device()) + 3 * place;
        s.conditional = static_cast<char*>(outputs.device()) + place * bytes;
        s.unconditional = static_cast<char*>(outputs.device()) + (samples * elements + place) * bytes;
        s.input = static_cast<char*>(inputs.device()) + place * bytes;
        s.unconditional_input = static_cast<char*>(inputs.device()) + (samples * elements + place) * bytes;
        s.timestep = static_cast<float*>(timesteps.device()) + i;
        s.unconditional_timestep = static_cast<float*>(timesteps.device()) + samples + i;
        s.guidance_scale = 7.5f;
    }
    const uint64_t device = suite.gpu.allocate(list.size() * sizeof list[0]);
    suite.gpu.upload(device, list.data(), list.size() * sizeof list[0]);
    const int32_t start[] = {0, 0};
    const uint64_t progress = suite.gpu.allocate(sizeof start);
    suite.gpu.upload(progress, start, sizeof start);
    SamplerParams p{};
    p.samples = reinterpret_cast<const d4j_sampler_sample*>(device);
    p.progress = reinterpret_cast<int32_t*>(progress);
    p.shape = {};
    p.shape.samples = samples;
    p.shape.channels = p.shape.input_channels = p.shape.output_channels = CHANNELS;
    p.shape.pixels = pixels;
    p.shape.input_dtype = p.shape.output_dtype =
        type == DType::F32 ? D4J_SAMPLER_F32 : type == DType::BF16 ? D4J_SAMPLER_BF16 : D4J_SAMPLER_F16;
    p.prepareNext = 1;
    suite.gpu.launch(suite.gpu.kernel(suite.module("sampler"), "sampler_step", 0),
                     {ceilDiv(int(elements), kSamplerThreads), samples, 1}, kSamplerThreads, 0, p);
    Counters counters(suite, std::string("sampler_step ") + storageName(type));
    counters.judgeAccesses();
    // Latents and one stored conversion read and written; two outputs read, two inputs written.
    counters.judgeBytes(double(samples) * elements * (16 + 4 * bytesOf(type)));
    counters.printTime();
    int32_t end[2];
    suite.gpu.download(end, progress, sizeof end);
    suite.judge("one launch is the whole step", end[0] == 1 ? 0 : INFINITY, 0);
    suite.gpu.free(device);
    suite.gpu.free(progress);
}

}  // namespace

void memoryCounterCases(Suite& suite) {
    const struct {
        int size, channels;
    } shapes[] = {{64, 320}, {32, 640}, {16, 1280}, {8, 1280}};
    for (const DType type : {DType::F16, DType::BF16, DType::F32}) {
        for (const auto& shape : shapes) {
            groupNorm(suite, type, 2, shape.size, shape.channels, 0);
            layerNorm(suite, type, shape.size, shape.channels);
        }
        groupNorm(suite, type, 2, 64, 320, 320);
        groupNorm(suite, type, 2, 32, 640, 320);
        groupNorm(suite, type, 2, 16, 1280, 1280);
        groupNormStats(suite, type, 64, 320);
        groupNormStats(suite, type, 8, 1280);
        elementwiseKernels(suite, type, 64, 320);
        elementwiseKernels(suite, type, 8, 1280);
        sampler(suite, type, 64, 2);
    }
}

}  // namespace d4j::test
