// Layer normalisation, and the table of normalisation kernels for this CPU.
#include "d4j_cpu.h"
#include "norm_kernels.hpp"
#include "rowwise.hpp"
#include "status.hpp"
#include "weight.hpp"

namespace d4j {

const NormKernels& norm_kernels() {
    static const NormKernels& chosen = for_isa(norm_baseline, norm_avx2, norm_avx512, norm_avx512);
    return chosen;
}

namespace {

class LayerNormRows {
public:
    explicit LayerNormRows(const d4j_layer_norm_desc& d)
        : d_(d), gamma_(optional_vector(d.gamma, d.c, "gamma")), beta_(optional_vector(d.beta, d.c, "beta")) {
        require_activation_dtype(d.src_dtype);
        require_activation_dtype(d.dst_dtype);
        require_positive(d.rows, "rows");
        require_positive(d.c, "c");
        require(d.eps > 0, "eps must be positive");
        d_.src_stride = static_cast<int>(row_stride(d.src_stride, d.c, "src_stride"));
        d_.dst_stride = static_cast<int>(row_stride(d.dst_stride, d.c, "dst_stride"));
    }

    double work() const { return 20.0 * d_.rows * d_.c; }
    std::int64_t rows() const { return d_.rows; }
    void run(const std::int64_t* addresses, std::int64_t begin, std::int64_t end) const {
        const std::int64_t src = static_cast<std::int64_t>(dtype_bytes(d_.src_dtype)) * d_.src_stride;
        const std::int64_t dst = static_cast<std::int64_t>(dtype_bytes(d_.dst_dtype)) * d_.dst_stride;
        const float* gamma = gamma_ == nullptr ? nullptr : gamma_->plain<float>();
        const float* beta = beta_ == nullptr ? nullptr : beta_->plain<float>();
        for (std::int64_t row = begin; row < end; ++row) {
            norm_kernels().layer_norm_row(d_.src_dtype, d_.dst_dtype, at<const char>(addresses[0]) + row * src, d_.c,
                                          gamma, beta, d_.eps, at<char>(addresses[1]) + row * dst);
        }
    }

private:
    d4j_layer_norm_desc d_;
    std::shared_ptr<Weight> gamma_, beta_;
};

}  // namespace

}  // namespace d4j

int d4j_layer_norm_create(int64_t engine, const d4j_layer_norm_desc* desc, int64_t* op) {
    return d4j::guarded([&] {
        *op = d4j::op_handle(std::make_unique<d4j::Rowwise<d4j::LayerNormRows, 2>>(d4j::engine_of(engine),
                                                                                   d4j::LayerNormRows(*desc)));
    });
}
