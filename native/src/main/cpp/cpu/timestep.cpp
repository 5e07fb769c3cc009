// Sinusoidal and Gaussian Fourier features of timesteps. A few hundred values a step: plain code, sine and cosine in
// double of the f32 argument, so that they are correctly rounded but for ties.
#include "d4j_cpu.h"
#include "frequencies.hpp"
#include "rowwise.hpp"
#include "status.hpp"
#include "weight.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace d4j {

namespace {

class TimestepRows {
public:
    explicit TimestepRows(const d4j_timestep_desc& d) : d_(d), half_(d.dim / 2) {
        require_positive(d.n, "n");
        require_positive(d.dim, "dim");
        d_.dst_stride = static_cast<int>(row_stride(d.dst_stride, d.dim, "dst_stride"));
        if (d.kind == D4J_TIMESTEP_FOURIER) {
            require(d.dim % 2 == 0, "dim must be even");
            const auto weight = weight_of(d.frequencies, D4J_WEIGHT_VECTOR, {half_}, "frequencies");
            frequencies_.assign(weight->plain<float>(), weight->plain<float>() + half_);
        } else {
            require(d.kind == D4J_TIMESTEP_SINUSOIDAL, "not a timestep kind");
            frequencies_ = sinusoidal_frequencies(d.dim, d.downscale_freq_shift, d.max_period);
        }
    }

    double work() const { return 300.0 * d_.n * d_.dim; }
    std::int64_t rows() const { return d_.n; }
    void run(const std::int64_t* addresses, std::int64_t begin, std::int64_t end) const {
        for (std::int64_t row = begin; row < end; ++row) {
            const float t = at<const float>(addresses[0])[row];
            float* const dst = at<float>(addresses[1]) + row * d_.dst_stride;
            float* const sines = d_.flip_sin_to_cos != 0 ? dst + half_ : dst;
            float* const cosines = d_.flip_sin_to_cos != 0 ? dst : dst + half_;
            for (int j = 0; j < half_; ++j) {
                const double angle = argument(t, frequencies_[j]);
                sines[j] = static_cast<float>(std::sin(angle));
                cosines[j] = static_cast<float>(std::cos(angle));
            }
            if (d_.dim % 2 != 0) dst[d_.dim - 1] = 0;
        }
    }

private:
    float argument(float t, float frequency) const {
        if (d_.kind == D4J_TIMESTEP_SINUSOIDAL) return d_.scale * (t * frequency);
        const float s = d_.log != 0 ? static_cast<float>(std::log(static_cast<double>(t))) : t;
        return s * frequency * 2.0f * 3.14159265358979f;
    }

    d4j_timestep_desc d_;
    int half_;
    std::vector<float> frequencies_;
};

}  // namespace

}  // namespace d4j

int d4j_timestep_create(int64_t engine, const d4j_timestep_desc* desc, int64_t* op) {
    return d4j::guarded([&] {
        *op = d4j::op_handle(
            std::make_unique<d4j::Rowwise<d4j::TimestepRows, 2>>(d4j::engine_of(engine), d4j::TimestepRows(*desc)));
    });
}
