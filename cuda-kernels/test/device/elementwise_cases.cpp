// Elementwise, resampling, layout, image and embedding kernels.
#include "elementwise/elementwise_params.hpp"
#include "test/device/suite.hpp"

namespace d4j::test {
namespace {

int blocksOf(int64_t items) { return static_cast<int>((items + kElementwiseThreads - 1) / kElementwiseThreads); }

template <class Params>
void run(Suite& suite, const std::string& name, int64_t items, const Params& p) {
    suite.gpu.launch(suite.gpu.kernel(suite.module("elementwise"), name.c_str(), 0), {blocksOf(items), 1, 1},
                     kElementwiseThreads, 0, p);
}

/// Compares all of `out` with reference(index); indices that it maps to NaN must not have been written.
template <class Reference>
void compare(Suite& suite, const std::string& name, Tensor& out, DType type, Reference reference) {
    out.download();
    suite.hash(out);
    RelativeError error;
    for (size_t i = 0; i < out.size(); ++i) {
        const double expected = reference(i);
        if (!std::isnan(expected)) {
            error.add(out.get(i), expected);
        } else if (!std::isnan(out.get(i))) {
            error.add(INFINITY, 0);
        }
    }
    suite.judge(name, error.value(), tolerance(type));
}

void checkPointwise(Suite& suite, DType src, DType dst, int count, bool broadcast, bool aligned) {
    const std::string types = std::string(storageName(src)) + "_" + storageName(dst);
    const int period = broadcast ? 64 : count;
    Tensor a(suite.gpu, src, count), b(suite.gpu, src, count), out(suite.gpu, dst, count);
    a.random(suite.random);
    b.random(suite.random);
    for (const Pointwise kind : {Pointwise::Silu, Pointwise::Add, Pointwise::Scale}) {
        out.poison();
        const PointwiseParams p{a.device(), b.device(), out.device(), count, period, kind, 0.7f, aligned, 0};
        run(suite, "pointwise_" + types, ceilDiv(count, runOf(src, dst)), p);
        compare(suite, "pointwise_" + types, out, dst, [&](size_t i) {
            if (kind == Pointwise::Silu) return applyActivation(Activation::Silu, a.get(i));
            return 0.7f * (a.get(i) + (kind == Pointwise::Add ? b.get(i % period) : 0));
        });
    }
}

void checkCopy(Suite& suite, DType src, DType dst, int rows, int columns, int srcStride, int dstStride) {
    const std::string name = std::string("copy_") + storageName(src) + "_" + storageName(dst);
    Tensor from(suite.gpu, src, size_t(rows) * srcStride), to(suite.gpu, dst, size_t(rows) * dstStride);
    from.random(suite.random);
    to.poison();
    RowsParams p{};
    p.src = from.device();
    p.dst = to.device();
    p.rows = rows;
    p.columns = columns;
    p.srcStride = srcStride;
    p.dstStride = dstStride;
    p.aligned = elementwiseAligned(0, columns | srcStride | dstStride);
    run(suite, name, int64_t(rows) * ceilDiv(columns, runOf(src, dst)), p);
    compare(suite, name, to, dst, [&](size_t i) {
        const size_t row = i / dstStride, column = i % dstStride;
        return column < size_t(columns) ? from.get(row * srcStride + column) : NAN;
    });
}

void checkRows(Suite& suite, DType type, int columns) {
    const int rows = 12, perSample = 4, run_ = runOf(type, type), extra = columns + 8;
    const std::string suffix = std::string("_") + storageName(type);
    Tensor src(suite.gpu, type, size_t(rows) * 2 * columns), out(suite.gpu, type, size_t(rows) * columns);
    Tensor embedding(suite.gpu, DType::F32, size_t(rows / perSample) * extra), ids(suite.gpu, DType::F32, rows);
    src.random(suite.random);
    embedding.random(suite.random);
    std::vector<int32_t> picked(rows);
    for (int& id : picked) id = suite.uniform(0, rows - 1);
    suite.gpu.upload(reinterpret_cast<uint64_t>(ids.device()), picked.data(), rows * 4);
    RowsParams p{};
    p.src = src.device();
    p.dst = out.device();
    p.rows = rows;
    p.columns = p.dstStride = columns;
    p.srcStride = 2 * columns;
    p.extraStride = extra;
    p.rowsPerSample = perSample;
    p.aligned = elementwiseAligned(0, columns);
    const int64_t items = int64_t(rows) * ceilDiv(columns, run_);
    auto at = [&](size_t i, int offset) { return src.get(i / columns * 2 * columns + offset + i % columns); };

    out.poison();
    run(suite, "geglu" + suffix, items, p);
    compare(suite, "geglu" + suffix, out, type,
            [&](size_t i) { return at(i, 0) * applyActivation(Activation::GeluErf, at(i, columns)); });
    out.poison();
    p.extra = embedding.device();
    run(suite, "add_embedding" + suffix, items, p);
    compare(suite, "add_embedding" + suffix, out, type, [&](size_t i) {
        return at(i, 0) + embedding.get(i / columns / perSample * extra + i % columns);
    });
    out.poison();
    p.extra = ids.device();
    run(suite, "embedding_lookup" + suffix, items, p);
    compare(suite, "embedding_lookup" + suffix, out, type,
            [&](size_t i) { return src.get(size_t(picked[i / columns]) * 2 * columns + i % columns); });
}

void checkResample(Suite& suite, DType type, int channels) {
    const int n = 2, h = 3, w = 5;
    const std::string suffix = std::string("_") + storageName(type);
    const size_t count = size_t(n) * h * w * channels;
    Tensor small(suite.gpu, type, count), large(suite.gpu, type, 4 * count);
    const int64_t items = int64_t(n) * h * w * ceilDiv(channels, runOf(type, type));
    auto inLarge = [&](int image, int y, int x, int c) { return ((size_t(image) * 2 * h + y) * 2 * w + x) * channels + c; };
    ResampleParams p{small.device(), large.device(), n, h, w, channels, elementwiseAligned(0, channels), 0};

    small.random(suite.random);
    large.poison();
    run(suite, "upsample_nearest" + suffix, items, p);
    compare(suite, "upsample_nearest" + suffix, large, type, [&](size_t i) {
        const int c = i % channels, x = i / channels % (2 * w), y = i / channels / (2 * w) % (2 * h);
        const int image = i / channels / (4 * w * h);
        return small.get(((size_t(image) * h + y / 2) * w + x / 2) * channels + c);
    });
    large.random(suite.random);
    small.poison();
    p.src = large.device();
    p.dst = small.device();
    run(suite, "avg_pool" + suffix, items, p);
    compare(suite, "avg_pool" + suffix, small, type, [&](size_t i) {
        const int c = i % channels, x = i / channels % w, y = i / channels / w % h, image = i / channels / (w * h);
        return (large.get(inLarge(image, 2 * y, 2 * x, c)) + large.get(inLarge(image, 2 * y, 2 * x + 1, c)) +
                large.get(inLarge(image, 2 * y + 1, 2 * x, c)) + large.get(inLarge(image, 2 * y + 1, 2 * x + 1, c))) /
               4;
    });
}

void checkLayout(Suite& suite, DType type, int channels, int pixels) {
    const int n = 2;
    const std::string name = storageName(type);
    Tensor nchw(suite.gpu, DType::F32, size_t(n) * channels * pixels), nhwc(suite.gpu, type, nchw.size());
    Tensor back(suite.gpu, DType::F32, nchw.size());
    nchw.random(suite.random);
    nhwc.poison();
    back.poison();
    const Gpu::Grid grid = {ceilDiv(pixels, kLayoutTile), ceilDiv(channels, kLayoutTile), n};
    void* module = suite.module("elementwise");
    suite.gpu.launch(suite.gpu.kernel(module, ("nchw_to_nhwc_" + name).c_str(), 0), grid, kElementwiseThreads, 0,
                     LayoutParams{nchw.device(), nhwc.device(), pixels, channels});
    suite.gpu.launch(suite.gpu.kernel(module, ("nhwc_to_nchw_" + name).c_str(), 0), grid, kElementwiseThreads, 0,
                     LayoutParams{nhwc.device(), back.device(), pixels, channels});
    compare(suite, "nchw_to_nhwc_" + name, nhwc, type, [&](size_t i) {
        const size_t channel = i % channels, pixel = i / channels % pixels, sample = i / channels / pixels;
        return nchw.get((sample * channels + channel) * pixels + pixel);
    });
    compare(suite, "nhwc_to_nchw_" + name, back, type, [&](size_t i) { return nchw.get(i); });
}

/// All 256 bytes survive the way to [-1, 1] and back in every type. They come falling, so that none of the bytes after
/// the last whole run, of which there are as many as there can be, is the 0 that a byte which nobody wrote is. With an
/// offset, in elements, there are no whole runs.
void checkImage(Suite& suite, DType type, int offset) {
    const int count = 256 + runOf(type, type) - 1;
    const std::string name = storageName(type);
    std::vector<unsigned char> bytes(count), result(count);
    for (int i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>(255 - i);
    Tensor encoded(suite.gpu, type, offset + count), in(suite.gpu, DType::F32, count), out(suite.gpu, DType::F32, count);
    suite.gpu.upload(reinterpret_cast<uint64_t>(in.device()), bytes.data(), count);
    encoded.poison();
    void* first = static_cast<char*>(encoded.device()) + offset * bytesOf(type);
    const int64_t items = ceilDiv(count, runOf(type, type));
    run(suite, "image_encode_" + name, items, ImageParams{in.device(), first, count});
    run(suite, "image_decode_" + name, items, ImageParams{first, out.device(), count});
    compare(suite, "image_encode_" + name, encoded, type,
            [&](size_t i) { return i < size_t(offset) ? NAN : bytes[i - offset] / 127.5 - 1; });
    suite.gpu.download(result.data(), reinterpret_cast<uint64_t>(out.device()), count);
    suite.judge("image_decode_" + name, result == bytes ? 0 : INFINITY, 1);
}

void checkTimestep(Suite& suite, bool fourier, bool log, bool cosineFirst, int dim, float scale) {
    const int samples = 9, half = dim / 2, stride = dim + 3;
    Tensor t(suite.gpu, DType::F32, samples), frequencies(suite.gpu, DType::F32, half);
    Tensor out(suite.gpu, DType::F32, size_t(samples) * stride);
    for (int i = 0; i < samples; ++i) t.set(i, log ? 0.01 * (i + 1) * (i + 1) : 124.875 * i);
    for (int j = 0; j < half; ++j) frequencies.set(j, std::exp(-std::log(10000.0) * j / half));
    if (fourier) frequencies.random(suite.random, 16);
    t.upload();
    frequencies.upload();
    out.poison();
    const TimestepParams p{static_cast<const float*>(t.device()), static_cast<const float*>(frequencies.device()),
                           static_cast<float*>(out.device()),     samples, dim, stride, cosineFirst, fourier, log, scale, 0};
    run(suite, "timestep_embedding", int64_t(samples) * ceilDiv(dim, 2), p);
    compare(suite, "timestep_embedding", out, DType::F32, [&](size_t i) -> double {
        const int row = i / stride, column = i % stride;
        if (column >= dim) return NAN;
        if (column == 2 * half) return 0;
        const int j = column % half;
        const float time = static_cast<float>(t.get(row)), w = static_cast<float>(frequencies.get(j));
        const float s = log ? static_cast<float>(std::log(double(time))) : time;
        const float angle = fourier ? s * w * 2.0f * 3.14159265358979f : scale * (time * w);
        return (column < half) != cosineFirst ? std::sin(double(angle)) : std::cos(double(angle));
    });
}

}  // namespace

void elementwiseCases(Suite& suite) {
    const DType types[] = {DType::F32, DType::F16, DType::BF16};
    for (const DType src : types) {
        for (const DType dst : types) {
            if (src != dst && src != DType::F32 && dst != DType::F32) continue;
            checkPointwise(suite, src, dst, 1024, true, true);
            checkPointwise(suite, src, dst, 1003, false, true);
            checkPointwise(suite, src, dst, 1003, false, false);
            checkCopy(suite, src, dst, 13, 24, 32, 24);
            checkCopy(suite, src, dst, 13, 21, 25, 22);
        }
    }
    for (const DType type : types) {
        for (const int channels : {11, 40}) {
            checkRows(suite, type, channels);
            checkResample(suite, type, channels);
        }
        for (const int channels : {3, 4, 77}) {
            checkLayout(suite, type, channels, 35);
            checkLayout(suite, type, channels, 64);
        }
        for (int i = 0; i < 6; ++i) {
            checkRows(suite, type, suite.uniform(1, 150));
            checkResample(suite, type, suite.uniform(1, 150));
            checkLayout(suite, type, suite.uniform(1, 150), suite.uniform(1, 150));
            const int columns = suite.uniform(1, 150);
            checkCopy(suite, type, type, suite.uniform(1, 50), columns, columns + suite.uniform(0, 9),
                      columns + suite.uniform(0, 9));
        }
        for (const int offset : {0, 1}) checkImage(suite, type, offset);
    }
    checkTimestep(suite, false, false, false, 320, 1);
    checkTimestep(suite, false, false, true, 33, 1000);
    checkTimestep(suite, true, false, true, 64, 1);
    checkTimestep(suite, true, true, false, 64, 1);
}

}  // namespace d4j::test
