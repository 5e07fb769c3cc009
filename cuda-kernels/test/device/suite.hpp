// What the cases of all kernels share: the loaded modules, the verdicts, and a hash of all results' bits.
#pragma once

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include "common/channel_stats.hpp"
#include "common/epilogue_params.hpp"
#include "test/device/tensor.hpp"

namespace d4j::test {

inline double applyActivation(Activation activation, double x) {
    switch (activation) {
        case Activation::Silu:
            return x / (1 + std::exp(-x));
        case Activation::GeluErf:
            return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
        case Activation::GeluTanh:
            return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
        case Activation::QuickGelu:
            return x / (1 + std::exp(-1.702 * x));
        default:
            return x;
    }
}

inline const char* storageName(DType type) {
    return type == DType::F16 ? "f16" : type == DType::BF16 ? "bf16" : "f32";
}

class Suite {
public:
    /// everyCase: each is a line. times: how long launches would take is a line, too.
    Suite(Gpu& gpu, std::string images, bool everyCase, bool times = false)
        : gpu(gpu), images_(std::move(images)), everyCase_(everyCase), times_(times) {}

    virtual ~Suite() = default;

    void* module(const std::string& name) {
        void*& module = modules_[name];
        if (module == nullptr) {
            module = gpu.loadModule(image(name));
        }
        return module;
    }

    /// The text of a compiled image.
    std::string image(const std::string& name) const {
        std::ifstream file(images_ + "/" + name + ".ptx");
        if (!file) {
            throw std::runtime_error("cannot read " + images_ + "/" + name + ".ptx");
        }
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }

    /// Judges one case; error is compared with the limit, and the checkers must have been silent.
    virtual void judge(const std::string& name, double error, double limit) {
        ++cases_;
        if (everyCase_) {
            std::printf("%-56s %12.5g, limit %.5g\n", name.c_str(), error, limit);
        }
        if (!(error <= limit)) {
            fail(name + ": error " + std::to_string(error / limit) + " times the limit " + std::to_string(limit));
        }
        const std::string found = gpu.takeDiagnostics();
        if (!found.empty()) {
            fail(name + ":\n" + found);
        }
    }

    bool times() const { return times_; }

    /// FNV-1a over all results, so that runs can be compared bit by bit.
    void hash(const Tensor& result) {
        for (const unsigned char byte : result.bytes()) {
            hash_ = (hash_ ^ byte) * 1099511628211ull;
        }
    }

    int finish() const {
        std::printf("%d cases, %d failures, bits %016llx\n", cases_, failures_, static_cast<unsigned long long>(hash_));
        return failures_ == 0 && cases_ > 0 ? 0 : 1;
    }

    Gpu& gpu;
    static constexpr unsigned kSeed = 20261123;
    std::mt19937 random{kSeed};

    int uniform(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }

private:
    void fail(const std::string& message) {
        std::fprintf(stderr, "%s\n", message.c_str());
        ++failures_;
    }

    std::string images_;
    bool everyCase_, times_;
    std::map<std::string, void*> modules_;
    int cases_ = 0, failures_ = 0;
    uint64_t hash_ = 14695981039346656037ull;
};

/// The statistics of what was stored, against those in double of the same values. They are f32 sums of 32 values.
inline double statsError(const Tensor& stats, const Tensor& output, int rows, int columns) {
    RelativeError sums, deviations;
    for (int block = 0; block < rows / kStatsRows; ++block) {
        for (int column = 0; column < columns; ++column) {
            double sum = 0, m2 = 0;
            for (int i = 0; i < kStatsRows; ++i) {
                sum += output.get(size_t(block * kStatsRows + i) * columns + column);
            }
            for (int i = 0; i < kStatsRows; ++i) {
                const double deviation = output.get(size_t(block * kStatsRows + i) * columns + column) - sum / kStatsRows;
                m2 += deviation * deviation;
            }
            const size_t index = 2 * (size_t(block) * columns + column);
            sums.add(stats.get(index), sum);
            deviations.add(stats.get(index + 1), m2);
        }
    }
    return std::max(sums.value(), deviations.value());
}

constexpr double kStatsTolerance = 2e-6;  // as any f32 kernel

void attentionCases(Suite& suite);
void attentionCounterCases(Suite& suite);
void convCases(Suite& suite);
void elementwiseCases(Suite& suite);
void gemmCases(Suite& suite);
void linearSmallCases(Suite& suite);
void matrixCounterCases(Suite& suite);
void memoryCounterCases(Suite& suite);
void normCases(Suite& suite);
void samplerCases(Suite& suite);

}  // namespace d4j::test
