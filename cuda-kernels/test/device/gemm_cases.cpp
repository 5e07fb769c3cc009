// The linear kernels, split sums and norms in their tails.
#include "common/packed_weights.hpp"
#include "gemm/gemm_params.hpp"
#include "gemm/gemm_tiles.hpp"
#include "test/device/norm_tail.hpp"

namespace d4j::test {
namespace {

struct Case {
    int m = 1, n = 1, k = 1;
    int extraPitch = 0;  // of a, in 16-byte chunks
    int splits = 1;
    int samples = 0;  // of an embedding, 0: none
    Activation activation = Activation::None;
    bool residual = false, stats = false;
    NormCase norm{};
    int normSamples = 1;  // that m consists of, for a group norm
    int blocks = 0;       // 0: one for each tile and split, or half as many if they share what follows
    bool floats = false;  // stored as f32, whatever the type

    bool adds() const { return splits > 1 || floats; }
    bool tail() const { return adds() || norm.norm != TailNorm::None; }
};

class GemmCase {
public:
    GemmCase(Suite& suite, const NamedTile& tile, const Case& c)
        : suite(suite), tile(tile), c(c), type(tile.shape.type), stored(c.floats ? DType::F32 : type),
          pitch(c.k + c.extraPitch * 16 / bytesOf(type)), outputs(c.activation == Activation::Geglu ? c.n / 2 : c.n),
          packed{c.n, 1, c.k, 0, sliceElements(type), false},
          a(suite.gpu, type, size_t(c.m) * pitch), weights(suite.gpu, type, packed.elements()),
          bias(suite.gpu, DType::F32, c.n), embedding(suite.gpu, DType::F32, size_t(std::max(1, c.samples)) * c.n),
          residual(suite.gpu, stored, size_t(c.m) * c.n), output(suite.gpu, stored, size_t(c.m) * outputs),
          stats(suite.gpu, DType::F32, size_t(ceilDiv(c.m, kStatsRows)) * c.n * 2),
          partials(suite.gpu, DType::F32, size_t(c.splits) * c.m * c.n), plain(size_t(c.n) * c.k),
          norm(suite, type == DType::TF32 ? DType::F32 : type, c.norm, c.normSamples, c.m / c.normSamples, c.n) {}

    void run() {
        fill();
        launch();
        output.download();
        suite.hash(output);
        const std::string name = std::string(tile.name) + " m" + std::to_string(c.m) + " n" + std::to_string(c.n) + " k" +
                                 std::to_string(c.k) + " splits " + std::to_string(c.splits) + " activation " +
                                 std::to_string(int(c.activation)) + (c.floats ? " floats" : "");
        suite.judge(name, error(), tolerance(type));
        if (c.stats) {
            stats.download();
            suite.hash(stats);
            suite.judge(name + " statistics", statsError(stats, output, c.m, c.n), kStatsTolerance);
        }
        norm.judge(name, output);
    }

private:
    void fill() {
        a.random(suite.random);
        bias.random(suite.random);
        embedding.random(suite.random);
        residual.random(suite.random);
        std::normal_distribution<double> normal(0, 1 / std::sqrt(c.k));
        for (int64_t i = 0; i < packed.elements(); ++i) {
            weights.set(i, 0);
        }
        for (int n = 0; n < c.n; ++n) {
            for (int k = 0; k < c.k; ++k) {
                const int64_t place = packed.position(n, 0, k);
                const double weight = normal(suite.random);
                weights.set(place, type == DType::TF32 ? toTf32(float(weight)) : weight);
                plain[size_t(n) * c.k + k] = weights.get(place);
            }
        }
        weights.upload();
        output.poison();
        stats.poison();
        partials.poison();
    }

    void launch() {
        const TileShape& shape = tile.shape;
        GemmParams p{};
        p.a = a.device();
        p.weights = weights.device();
        p.pitch = pitch;
        p.k = c.k;
        p.slices = packed.slices();
        p.slicesPerSplit = ceilDiv(p.slices, c.splits);
        EpilogueParams& e = p.epilogue;
        e.destination = output.device();
        e.destinationPitch = outputs;
        e.bias = static_cast<const float*>(bias.device());
        if (c.residual) {
            e.residual = residual.device();
            e.residualPitch = c.n;
        }
        if (c.samples > 0) {
            e.embedding = static_cast<const float*>(embedding.device());
            e.embeddingPitch = c.n;
            e.rowsPerSample = ceilDiv(c.m, c.samples);
        }
        e.stats = c.stats ? static_cast<ChannelStats*>(stats.device()) : nullptr;
        e.partials = c.adds() ? static_cast<float*>(partials.device()) : nullptr;
        e.m = c.m;
        e.n = c.n;
        e.activation = c.activation;
        e.scale = kScale;
        e.vectors = vectorsPossible(e, stored);
        const int shared = gemmSharedBytes(shape);
        void* kernel = suite.gpu.kernel(suite.module("gemm"), tile.name, shared);
        const int items = int(matrixItems(shape, c.m, c.n, c.splits));
        const int blocks = c.blocks > 0 ? c.blocks : c.tail() ? ceilDiv(items, 2) : items;
        if (c.tail()) {
            p.tail.splits = c.adds() ? c.splits : 0;
            p.tail.floats = c.floats;
            norm.fill(p.tail, output, stats, shape.threads(), blocks);
        }
        suite.gpu.launch(kernel, {blocks, 1, 1}, shape.threads(), shared, p, c.tail());
    }

    double value(int m, int n) const {
        double sum = bias.get(n);
        for (int k = 0; k < c.k; ++k) {
            sum += a.get(size_t(m) * pitch + k) * plain[size_t(n) * c.k + k];
        }
        if (c.samples > 0) {
            sum += embedding.get(size_t(m / ceilDiv(c.m, c.samples)) * c.n + n);
        }
        return c.residual ? sum + residual.get(size_t(m) * c.n + n) : sum;
    }

    double error() const {
        RelativeError error;
        for (int m = 0; m < c.m; ++m) {
            for (int n = 0; n < outputs; ++n) {
                const double expected =
                    c.activation == Activation::Geglu
                        ? kScale * value(m, 2 * n) * applyActivation(Activation::GeluErf, value(m, 2 * n + 1))
                        : applyActivation(c.activation, kScale * value(m, n));
                error.add(output.get(size_t(m) * outputs + n), expected);
            }
        }
        return error.value();
    }

    static constexpr float kScale = 0.75f;  // exact in every type

    Suite& suite;
    const NamedTile& tile;
    const Case c;
    const DType type, stored;
    const int pitch, outputs;
    const PackedWeights packed;
    Tensor a, weights, bias, embedding, residual, output, stats, partials;
    std::vector<double> plain;
    NormTail norm;
};

}  // namespace

void gemmCases(Suite& suite) {
    for (const NamedTile& tile : kGemmTiles) {
        const int chunk = 16 / bytesOf(tile.shape.type);
        const auto run = [&](const Case& c) { GemmCase(suite, tile, c).run(); };
        run({.m = 64, .n = 64, .k = 64, .stats = true});
        run({.m = 131, .n = 77, .k = 5 * chunk, .extraPitch = 1, .samples = 8, .activation = Activation::Silu, .residual = true});
        run({.m = 96, .n = 100, .k = 136, .activation = Activation::GeluTanh, .residual = true, .stats = true});
        run({.m = 200, .n = 132, .k = 200, .splits = 3, .activation = Activation::QuickGelu});
        run({.m = 192, .n = 76, .k = 136, .splits = 2, .samples = 2, .residual = true, .stats = true});
        run({.m = 50, .n = 35, .k = 200, .splits = 4, .activation = Activation::GeluErf, .residual = true});
        run({.m = 33, .n = 72, .k = 72, .activation = Activation::Geglu});
        run({.m = 45, .n = 30, .k = 72, .activation = Activation::Geglu});
        run({.m = 33, .n = 72, .k = 136, .splits = 2, .activation = Activation::Geglu});
        run({.m = 20, .n = 34, .k = 136, .splits = 2, .samples = 3, .activation = Activation::Geglu, .residual = true});
        run({.m = 40, .n = 36, .k = 224, .splits = 7});
        run({.m = 40, .n = 35, .k = 224, .splits = 7});
        run({.m = 64, .n = 35, .k = 72, .samples = 2, .residual = true, .stats = true});
        run({.m = 64, .n = 37, .k = 136, .splits = 2, .samples = 2, .residual = true, .stats = true});
        const NormCase layer{.norm = TailNorm::Layer};
        run({.m = 70, .n = 136, .k = 64, .residual = true, .norm = layer});
        run({.m = 37, .n = 8 * chunk, .k = 200, .splits = 3, .norm = layer, .blocks = 1});
        run({.m = 160, .n = 72, .k = 2 * chunk, .stats = true, .norm = {TailNorm::Group, 9, 0, false, true}});
        run({.m = 192, .n = 96, .k = 136, .splits = 2, .residual = true, .stats = true, .norm = {TailNorm::Group, 8, 48, true},
             .normSamples = 3});
        run({.m = 320, .n = 320, .k = 64, .stats = true, .norm = {TailNorm::Group, 32, 0, false, true}, .normSamples = 2,
             .blocks = 7});
        // More channels than a lane keeps, and groups with more statistics than there are lanes.
        run({.m = 5, .n = 2600, .k = chunk, .norm = layer});
        run({.m = 160, .n = 64, .k = chunk, .stats = true, .norm = {.norm = TailNorm::Group, .groups = 2, .embedding = true}});
        run({.m = 96, .n = 48, .k = chunk, .stats = true,
             .norm = {.norm = TailNorm::Group, .groups = 2, .skip = 24, .embedding = true}});
        run({.m = 672, .n = 72, .k = chunk, .stats = true,
             .norm = {.norm = TailNorm::Group, .groups = 2, .skip = 72, .embedding = true}});
        if (bytesOf(tile.shape.type) != 4) {
            run({.m = 40, .n = 36, .k = 72, .floats = true});
            run({.m = 40, .n = 36, .k = 224, .splits = 7, .floats = true});
            run({.m = 40, .n = 35, .k = 224, .splits = 7, .floats = true});
            run({.m = 192, .n = 76, .k = 136, .splits = 2, .samples = 2, .residual = true, .stats = true, .floats = true});
            run({.m = 50, .n = 35, .k = 200, .splits = 4, .activation = Activation::GeluErf, .residual = true, .floats = true});
            run({.m = 64, .n = 37, .k = 136, .splits = 2, .samples = 2, .residual = true, .stats = true, .floats = true});
            run({.m = 33, .n = 72, .k = 136, .splits = 2, .activation = Activation::Geglu, .floats = true});
            run({.m = 20, .n = 34, .k = 136, .splits = 2, .samples = 3, .activation = Activation::Geglu, .residual = true,
                 .floats = true});
        }
        for (int i = 0; i < 5; ++i) {
            run({.m = suite.uniform(1, 300), .n = suite.uniform(1, 300), .k = chunk * suite.uniform(1, 40),
                 .extraPitch = suite.uniform(0, 2), .samples = suite.uniform(0, 9),
                 .activation = Activation(suite.uniform(0, 4)), .residual = i % 2 == 0});
        }
    }
    // An embedding that is read four columns at a time, without and with statistics.
    for (const NamedTile& tile : kGemmTiles) {
        const int chunk = 16 / bytesOf(tile.shape.type);
        GemmCase(suite, tile, {.m = 33, .n = 36, .k = chunk, .samples = 3}).run();
        GemmCase(suite, tile, {.m = 64, .n = 36, .k = chunk, .samples = 2, .stats = true}).run();
    }
}

}  // namespace d4j::test
