// The small-M linear layers.
#include "gemm/gemm_params.hpp"
#include "test/device/suite.hpp"

namespace d4j::test {
namespace {

struct Case {
    DType type;
    int m, n, k, pitch;
    bool silu, bias;
    Activation activation;
};

void check(Suite& suite, const Case& c) {
    Tensor x(suite.gpu, DType::F32, size_t(c.m) * c.pitch), bias(suite.gpu, DType::F32, c.n);
    Tensor weights(suite.gpu, c.type, size_t(c.n) * c.pitch), output(suite.gpu, DType::F32, size_t(c.m) * c.n);
    x.random(suite.random);
    bias.random(suite.random);
    weights.random(suite.random, 1 / std::sqrt(c.k));
    output.poison();

    LinearSmallParams p{};
    p.x = static_cast<const float*>(x.device());
    p.weights = weights.device();
    p.bias = c.bias ? static_cast<const float*>(bias.device()) : nullptr;
    p.destination = static_cast<float*>(output.device());
    p.pitch = p.weightPitch = c.pitch;
    p.destinationPitch = c.n;
    p.m = c.m;
    p.n = c.n;
    p.k = c.k;
    p.siluInput = c.silu;
    p.activation = c.activation;
    p.vectors = c.pitch % 8 == 0;
    const std::string name = std::string("linear_small_") + storageName(c.type);
    void* kernel = suite.gpu.kernel(suite.module("linear_small"), name.c_str(), 0);
    suite.gpu.launch(kernel, {ceilDiv(c.n, kLinearSmallWarps), ceilDiv(c.m, kLinearSmallRows), 1},
                     kLinearSmallWarps * 32, 0, p);
    output.download();
    suite.hash(output);

    RelativeError error;
    for (int m = 0; m < c.m; ++m) {
        for (int n = 0; n < c.n; ++n) {
            double sum = c.bias ? bias.get(n) : 0;
            for (int k = 0; k < c.k; ++k) {
                const double input = x.get(size_t(m) * c.pitch + k);
                sum += (c.silu ? applyActivation(Activation::Silu, input) : input) * weights.get(size_t(n) * c.pitch + k);
            }
            error.add(output.get(size_t(m) * c.n + n), applyActivation(c.activation, sum));
        }
    }
    suite.judge(name + " m" + std::to_string(c.m) + " n" + std::to_string(c.n) + " k" + std::to_string(c.k),
                error.value(), tolerance(DType::F32));
}

}  // namespace

void linearSmallCases(Suite& suite) {
    for (const DType type : {DType::F32, DType::F16, DType::BF16}) {
        check(suite, {type, 1, 1, 1, 1, false, true, Activation::None});
        check(suite, {type, 2, 1280, 320, 320, true, true, Activation::Silu});
        check(suite, {type, 32, 33, 67, 72, false, false, Activation::GeluErf});
        for (int i = 0; i < 8; ++i) {
            const int k = suite.uniform(1, 700), pitch = i % 2 == 0 ? ceilDiv(k, 8) * 8 : k + i;
            check(suite, {type, suite.uniform(1, kLinearSmallMaxRows), suite.uniform(1, 90), k, pitch, i % 3 == 0,
                          i % 4 != 0, i % 2 == 0 ? Activation::Silu : Activation::None});
        }
    }
}

}  // namespace d4j::test
