// The convolution kernels: kernel sizes, strides, padding, upsampling, two sources, time, split sums and epilogues, with
// sizes that fit no tile.
#include "common/packed_weights.hpp"
#include "conv/conv_params.hpp"
#include "conv/conv_tiles.hpp"
#include "test/device/norm_tail.hpp"

namespace d4j::test {
namespace {

struct Case {
    int n = 1, t = 1, h = 8, w = 8, c0 = 8, c1 = 0, k = 8;
    int kt = 1, kh = 3, kw = 3;
    int strideT = 1, strideH = 1, strideW = 1;
    int front = 0, back = 0, top = 1, left = 1, bottom = 1, right = 1;
    int upsample = 0;
    int splits = 1;
    Activation activation = Activation::None;
    bool residual = false, embedding = false, stats = false;
    NormCase norm{};
    int s0 = 0, s1 = 0;  // channels of a shortcut

    int outputs() const { return activation == Activation::Geglu ? k / 2 : k; }
};

class ConvCase {
public:
    ConvCase(Suite& suite, const NamedTile& tile, bool any, const Case& c)
        : suite(suite), tile(tile), any(any), c(c), type(tile.shape.type), height(c.h << c.upsample),
          width(c.w << c.upsample), outT((c.t + c.front + c.back - c.kt) / c.strideT + 1),
          outH((height + c.top + c.bottom - c.kh) / c.strideH + 1), outW((width + c.left + c.right - c.kw) / c.strideW + 1),
          rows(c.n * outT * outH * outW), taps(c.kt * c.kh * c.kw), channels(c.c0 + c.c1),
          packed{c.k, taps, c.c0, c.c1, sliceElements(type), any},
          shortcutPacked{c.k, 1, c.s0, c.s1, sliceElements(type), false},
          slices(packed.slices() + shortcutPacked.slices()), slicesPerSplit(ceilDiv(slices, c.splits)),
          splits(ceilDiv(slices, slicesPerSplit)), source0(suite.gpu, type, pixels() * c.c0),
          source1(suite.gpu, type, pixels() * c.c1), shortcut0(suite.gpu, type, size_t(rows) * c.s0),
          shortcut1(suite.gpu, type, size_t(rows) * c.s1),
          weights(suite.gpu, type, packed.elements() + shortcutPacked.elements()),
          bias(suite.gpu, DType::F32, c.k), embedding(suite.gpu, DType::F32, size_t(c.n) * c.k),
          residual(suite.gpu, type, size_t(rows) * c.k), output(suite.gpu, type, size_t(rows) * c.outputs()),
          stats(suite.gpu, DType::F32, size_t(ceilDiv(rows, kStatsRows)) * c.k * 2),
          partials(suite.gpu, DType::F32, size_t(splits) * rows * c.k), plain(size_t(c.k) * taps * channels), plainShortcut(size_t(c.k) * (c.s0 + c.s1)),
          norm(suite, type == DType::TF32 ? DType::F32 : type, c.norm, c.n, rows / c.n, c.k) {}

    void run() {
        fill();
        launch();
        output.download();
        suite.hash(output);
        char shape[200];
        std::snprintf(shape, sizeof shape, "%s n%d t%d %dx%d c%d+%d k%d kernel %dx%dx%d stride %d upsample %d splits %d shortcut %d+%d",
                      tile.name, c.n, c.t, c.h, c.w, c.c0, c.c1, c.k, c.kt, c.kh, c.kw, c.strideH, c.upsample, splits, c.s0, c.s1);
        suite.judge(shape, error(), tolerance(type));
        if (c.stats) {
            stats.download();
            suite.hash(stats);
            suite.judge(std::string(shape) + " statistics", statsError(stats, output, rows, c.k), kStatsTolerance);
        }
        norm.judge(shape, output);
    }

private:
    size_t pixels() const { return size_t(c.n) * c.t * c.h * c.w; }

    void fill() {
        inputs0 = source0.random(suite.random).values();
        inputs1 = source1.random(suite.random).values();
        shortcut0.random(suite.random);
        shortcut1.random(suite.random);
        bias.random(suite.random);
        embedding.random(suite.random);
        residual.random(suite.random);
        std::normal_distribution<double> normal(0, 1 / std::sqrt(taps * channels));
        for (size_t i = 0; i < weights.size(); ++i) {
            weights.set(i, 0);
        }
        const auto put = [&](int64_t place) {
            const double weight = normal(suite.random);
            weights.set(place, type == DType::TF32 ? toTf32(float(weight)) : weight);
            return weights.get(place);
        };
        for (int k = 0; k < c.k; ++k) {
            for (int tap = 0; tap < taps; ++tap) {
                for (int channel = 0; channel < channels; ++channel) {
                    plain[(size_t(k) * taps + tap) * channels + channel] = put(packed.position(k, tap, channel));
                }
            }
            for (int channel = 0; channel < c.s0 + c.s1; ++channel) {
                plainShortcut[size_t(k) * (c.s0 + c.s1) + channel] =
                    put(packed.elements() + shortcutPacked.position(k, 0, channel));
            }
        }
        weights.upload();
        output.poison();
        stats.poison();
        partials.poison();
    }

    ConvParams params() const {
        ConvParams p{};
        p.source0 = source0.device();
        p.source1 = c.c1 > 0 ? source1.device() : nullptr;
        p.weights = weights.device();
        p.c0 = c.c0, p.c1 = c.c1;
        p.t = c.t, p.h = c.h, p.w = c.w;
        p.upsample = c.upsample;
        p.outT = outT, p.outH = outH, p.outW = outW;
        p.kernelT = c.kt, p.kernelH = c.kh, p.kernelW = c.kw;
        p.strideT = c.strideT, p.strideH = c.strideH, p.strideW = c.strideW;
        p.padFront = c.front, p.padTop = c.top, p.padLeft = c.left;
        p.shortcut0 = shortcut0.device();
        p.shortcut1 = shortcut1.device();
        p.s0 = c.s0, p.s1 = c.s1;
        p.slices = slices;
        p.slicesPerSplit = slicesPerSplit;
        EpilogueParams& e = p.epilogue;
        e.destination = output.device();
        e.destinationPitch = c.outputs();
        e.bias = static_cast<const float*>(bias.device());
        if (c.residual) {
            e.residual = residual.device();
            e.residualPitch = c.k;
        }
        if (c.embedding) {
            e.embedding = static_cast<const float*>(embedding.device());
            e.embeddingPitch = c.k;
            e.rowsPerSample = rows / c.n;
        }
        e.stats = c.stats ? static_cast<ChannelStats*>(stats.device()) : nullptr;
        e.partials = splits > 1 ? static_cast<float*>(partials.device()) : nullptr;
        e.m = rows;
        e.n = c.k;
        e.activation = c.activation;
        e.scale = kScale;
        e.vectors = vectorsPossible(e, type);
        return p;
    }

    void launch() {
        const TileShape& shape = tile.shape;
        ConvParams p = params();
        const int shared = convSharedBytes(shape, any ? taps : convSegments(p));
        void* kernel = suite.gpu.kernel(suite.module("conv_fprop"), tile.name, shared);
        const int items = int(matrixItems(shape, rows, c.k, splits));
        const bool tail = splits > 1 || c.norm.norm != TailNorm::None;
        const int blocks = tail ? ceilDiv(items, 2) : items;
        if (tail) {
            p.tail.splits = splits > 1 ? splits : 0;
            norm.fill(p.tail, output, stats, shape.threads(), blocks);
        }
        suite.gpu.launch(kernel, {blocks, 1, 1}, shape.threads(), shared, p, tail);
    }

    /// Sum over the channels of one pixel and tap.
    double dot(size_t pixel, int k, int tap) const {
        const double* w = &plain[(size_t(k) * taps + tap) * channels];
        double sum = 0;
        for (int i = 0; i < c.c0; ++i) {
            sum += inputs0[pixel * c.c0 + i] * w[i];
        }
        for (int i = 0; i < c.c1; ++i) {
            sum += inputs1[pixel * c.c1 + i] * w[c.c0 + i];
        }
        return sum;
    }

    double value(int row, int k) const {
        const int x = row % outW, y = row / outW % outH, z = row / outW / outH % outT, n = row / outW / outH / outT;
        double sum = bias.get(k);
        for (int tap = 0; tap < taps; ++tap) {
            const int inX = x * c.strideW - c.left + tap % c.kw, inY = y * c.strideH - c.top + tap / c.kw % c.kh;
            const int inZ = z * c.strideT - c.front + tap / c.kw / c.kh;
            if (inX < 0 || inX >= width || inY < 0 || inY >= height || inZ < 0 || inZ >= c.t) {
                continue;
            }
            const size_t frame = size_t(n) * c.t + inZ;
            sum += dot((frame * c.h + (inY >> c.upsample)) * c.w + (inX >> c.upsample), k, tap);
        }
        for (int channel = 0; channel < c.s0 + c.s1; ++channel) {
            const double x = channel < c.s0 ? shortcut0.get(size_t(row) * c.s0 + channel)
                                            : shortcut1.get(size_t(row) * c.s1 + channel - c.s0);
            sum += x * plainShortcut[size_t(k) * (c.s0 + c.s1) + channel];
        }
        if (c.embedding) {
            sum += embedding.get(size_t(n) * c.k + k);
        }
        return c.residual ? sum + residual.get(size_t(row) * c.k + k) : sum;
    }

    double error() const {
        RelativeError error;
        for (int row = 0; row < rows; ++row) {
            for (int k = 0; k < c.outputs(); ++k) {
                const double expected =
                    c.activation == Activation::Geglu
                        ? kScale * value(row, 2 * k) * applyActivation(Activation::GeluErf, value(row, 2 * k + 1))
                        : applyActivation(c.activation, kScale * value(row, k));
                error.add(output.get(size_t(row) * c.outputs() + k), expected);
            }
        }
        return error.value();
    }

    static constexpr float kScale = 0.75f;  // exact in every type

    Suite& suite;
    const NamedTile& tile;
    const bool any;
    const Case c;
    const DType type;
    const int height, width, outT, outH, outW, rows, taps, channels;
    const PackedWeights packed, shortcutPacked;
    const int slices, slicesPerSplit, splits;
    Tensor source0, source1, shortcut0, shortcut1, weights, bias, embedding, residual, output, stats, partials;
    std::vector<double> plain, plainShortcut, inputs0, inputs1;
    NormTail norm;
};

Case withoutPadding(Case c) {
    c.top = c.left = c.bottom = c.right = 0;
    return c;
}

/// unit: channel counts are multiples of it.
void features(Suite& suite, const NamedTile& tile, bool any, int unit) {
    const auto run = [&](const Case& c) { ConvCase(suite, tile, any, c).run(); };
    const int few = 3 * unit, more = 5 * unit, many = 9 * unit;
    run({.c0 = few, .k = 64, .stats = true});
    run({.n = 2, .h = 7, .w = 5, .c0 = few, .c1 = more, .k = 36, .activation = Activation::Silu, .residual = true, .embedding = true});
    // Padding at the far edges only, as the VAE's downsampling has it.
    run({.n = 3, .h = 9, .w = 6, .c0 = many, .k = 20, .strideH = 2, .strideW = 2, .top = 0, .left = 0});
    run({.h = 5, .w = 6, .c0 = more, .k = 33, .upsample = 1});
    run({.n = 2, .h = 4, .w = 8, .c0 = few, .c1 = few, .k = 32, .upsample = 1, .splits = 2, .residual = true, .stats = true});
    run({.n = 2, .h = 6, .w = 6, .c0 = many, .c1 = more, .k = 48, .splits = 4});
    run({.n = 2, .t = 5, .h = 4, .w = 3, .c0 = more, .k = 24, .kt = 3, .front = 1, .back = 1});
    run(withoutPadding({.t = 6, .h = 3, .w = 3, .c0 = more, .k = 24, .kt = 3, .kh = 1, .kw = 1, .strideT = 2, .front = 1, .back = 1}));
    run(withoutPadding({.n = 2, .h = 7, .w = 7, .c0 = many, .c1 = more, .k = 70, .kh = 1, .kw = 1}));
    run({.h = 9, .w = 11, .c0 = few, .k = 5, .kh = 7, .kw = 4, .top = 3, .left = 2});
    run({.h = 4, .w = 6, .c0 = few, .k = 24, .kh = 1, .kw = 5, .top = 0, .left = 2, .bottom = 0, .right = 2});
    run({.n = 2, .h = 4, .w = 8, .c0 = few, .k = 35, .residual = true, .embedding = true, .stats = true});
    run({.h = 5, .w = 4, .c0 = few, .k = 24, .activation = Activation::Geglu});
    run({.h = 7, .w = 5, .c0 = few, .k = 22, .activation = Activation::Geglu});
    run({.n = 2, .h = 8, .w = 8, .c0 = few, .k = 72, .splits = 2, .stats = true, .norm = {TailNorm::Group, 6, 24, false, true}});
    run({.h = 5, .w = 7, .c0 = few, .k = 48, .norm = {.norm = TailNorm::Layer}});
    for (int i = 0; i < 4; ++i) {
        run({.n = suite.uniform(1, 9), .h = suite.uniform(2, 9), .w = suite.uniform(1, 9), .c0 = unit * suite.uniform(1, 12),
             .c1 = i % 2 * unit * suite.uniform(1, 12), .k = suite.uniform(1, 150), .kh = 2 * suite.uniform(0, 1) + 1,
             .strideH = suite.uniform(1, 2), .strideW = suite.uniform(1, 3), .top = suite.uniform(1, 2),
             .right = suite.uniform(1, 2), .upsample = suite.uniform(0, 1), .splits = suite.uniform(1, 3),
             .activation = Activation(suite.uniform(0, 1)), .residual = i % 2 == 0, .embedding = i > 1});
    }
    run({.n = suite.uniform(1, 3), .t = suite.uniform(1, 5), .h = suite.uniform(1, 5), .w = suite.uniform(1, 5),
         .c0 = unit * suite.uniform(1, 9), .c1 = unit * suite.uniform(0, 2), .k = suite.uniform(1, 90), .kt = 3,
         .strideT = suite.uniform(1, 2), .front = suite.uniform(1, 2), .back = 1, .embedding = true});
}

}  // namespace

void convCases(Suite& suite) {
    for (const NamedTile& tile : kConvTiles) {
        const int chunk = 16 / bytesOf(tile.shape.type);
        features(suite, tile, false, chunk);
        const auto run = [&](const Case& c) { ConvCase(suite, tile, false, c).run(); };
        run({.n = 2, .h = 5, .w = 7, .c0 = 3 * chunk, .k = 40, .s0 = 6 * chunk});
        run({.h = 6, .w = 6, .c0 = 3 * chunk, .c1 = chunk, .k = 36, .splits = 3, .s0 = 5 * chunk, .s1 = 7 * chunk});
        // One split begins in the second source of the shortcut.
        run({.h = 4, .w = 8, .c0 = chunk, .k = 64, .kh = 1, .kw = 1, .top = 0, .left = 0, .bottom = 0, .right = 0, .splits = 4,
             .stats = true, .s0 = 9 * chunk, .s1 = 8 * chunk});
    }
    for (const NamedTile& tile : kConvAnyTiles) {
        features(suite, tile, true, 1);
        ConvCase(suite, tile, true, {.h = 7, .w = 6, .c0 = 41, .k = 64}).run();  // fills the pipeline
        for (const int channels : {1, 3, 4, 5, 9}) {
            ConvCase(suite, tile, true, {.n = 2, .h = 7, .w = 6, .c0 = channels, .k = 13}).run();
        }
    }
    // Split sums of a number of channels that is no multiple of 4.
    for (const NamedTile& tile : kConvTiles) {
        ConvCase(suite, tile, false, {.c0 = 16 / bytesOf(tile.shape.type), .k = 7, .splits = 2}).run();
    }
    for (const NamedTile& tile : kConvAnyTiles) {
        ConvCase(suite, tile, true, {.k = 7, .splits = 2}).run();
    }
}

}  // namespace d4j::test
