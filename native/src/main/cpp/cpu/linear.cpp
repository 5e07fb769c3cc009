// Matrix product on oneDNN, with bias, residual and activation in its epilogue.
#include "d4j_cpu.h"
#include "op.hpp"
#include "primitive.hpp"
#include "status.hpp"
#include "through_f32.hpp"
#include "weight.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace d4j {

namespace {

using Tag = dnnl::memory::format_tag;
using MatMul = dnnl::matmul;

enum Address { kSrc0, kSrc1, kResidual, kDst, kScratch, kAddresses };

// The descriptor with its strides filled in.
d4j_linear_desc checked(d4j_linear_desc d) {
    require_activation_dtype(d.src_dtype);
    require_activation_dtype(d.dst_dtype);
    require(d.src_dtype == D4J_BF16 || d.dst_dtype == D4J_F32, "f32 sources need an f32 destination");
    require_positive(d.m, "m");
    require_positive(d.n, "n");
    require_positive(d.k0, "k0");
    require(d.k1 >= 0, "k1 is negative");
    require(d.activation >= D4J_ACTIVATION_NONE && d.activation <= D4J_ACTIVATION_QUICK_GELU, "not an activation");
    require(d.rows_per_sample >= 0 && (d.rows_per_sample == 0 || d.m % d.rows_per_sample == 0),
            "rows_per_sample must divide m");
    d.src0_stride = static_cast<int>(row_stride(d.src0_stride, d.k0, "src0_stride"));
    d.src1_stride = static_cast<int>(row_stride(d.src1_stride, d.k1, "src1_stride"));
    d.dst_stride = static_cast<int>(row_stride(d.dst_stride, d.n, "dst_stride"));
    d.residual_stride = static_cast<int>(row_stride(d.residual_stride, d.n, "residual_stride"));
    return d;
}

class Linear final : public Op {
public:
    Linear(std::shared_ptr<Engine> engine, const d4j_linear_desc& desc);

    std::size_t scratch_bytes() const override { return joined_bytes_ + descriptor_.scratchpad_desc().get_size(); }
    std::string implementation() const override { return descriptor_.impl_info_str(); }
    void bind(const std::int64_t* addresses) override;
    void run() override;

private:
    // Copies `columns` elements of each of the m rows.
    void copy_rows(std::int64_t from, std::int64_t from_stride, std::int64_t to, std::int64_t to_stride,
                   std::int64_t columns, int dtype) const;

    const std::shared_ptr<Engine> engine_;
    const d4j_linear_desc d_;
    const std::int64_t k_;
    const std::int64_t rows_;  // per call of the primitive
    // oneDNN adds dense residuals to a dense dst only: others are first copied to dst.
    const bool copy_residual_;
    std::shared_ptr<Weight> bias_;
    Epilogue epilogue_;
    const int team_;
    MatMul::primitive_desc descriptor_;
    MatMul primitive_;
    std::shared_ptr<PackedWeight> weight_;
    // The scratch: two sources side by side, then oneDNN's scratchpad. Two sources are few rows of features.
    std::size_t joined_bytes_ = 0;
    std::int64_t addresses_[kAddresses] = {};
    std::vector<PrimitiveCall> calls_;
};

Linear::Linear(std::shared_ptr<Engine> engine, const d4j_linear_desc& desc)
    : Op(kAddresses),
      engine_(std::move(engine)),
      d_(desc),
      k_(std::int64_t{d_.k0} + d_.k1),
      rows_(d_.rows_per_sample != 0 ? d_.rows_per_sample : d_.m),
      copy_residual_(d_.residual != 0 && (d_.residual_stride != d_.n || d_.dst_stride != d_.n)),
      team_(team_for(*engine_, static_cast<double>(rows_) * d_.n * static_cast<double>(k_))) {
    const std::shared_ptr<Weight> weight = weight_of(d_.weight, D4J_WEIGHT_LINEAR, {d_.n, k_}, "weight");
    bias_ = optional_vector(d_.bias, d_.n, "bias");
    const Team team(team_);

    const dnnl::memory::desc src({rows_, k_}, onednn_dtype(d_.src_dtype),
                                 {d_.k1 > 0 ? k_ : std::int64_t{d_.src0_stride}, 1});
    const dnnl::memory::desc dst({rows_, d_.n}, onednn_dtype(d_.dst_dtype), {d_.dst_stride, 1});
    const dnnl::memory::desc bias = bias_ == nullptr
                                        ? dnnl::memory::desc()
                                        : dnnl::memory::desc({1, d_.n}, dnnl::memory::data_type::f32, Tag::ab);
    epilogue_.add_to_dst = copy_residual_;
    epilogue_.residual = d_.residual != 0 && !copy_residual_;
    epilogue_.residual_desc = dst;
    epilogue_.scale = d_.scale;
    epilogue_.activation = d_.activation;

    const InputSlice all{0, k_};
    const dnnl::memory::desc any({k_, d_.n}, onednn_dtype(d_.src_dtype), Tag::any);
    descriptor_ = choose_layout(*weight, all, any, [&](const dnnl::memory::desc& weights) {
        return MatMul::primitive_desc(engine_->onednn, src, weights, bias, dst, epilogue_.attributes(),
                                      /*allow_empty=*/true);
    });
    primitive_ = MatMul(descriptor_);
    weight_ = weight->pack({all}, {descriptor_.weights_desc()})[0];
    if (d_.k1 > 0) {
        const std::size_t bytes = static_cast<std::size_t>(d_.m * k_) * dtype_bytes(d_.src_dtype);
        joined_bytes_ = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
}

void Linear::copy_rows(std::int64_t from, std::int64_t from_stride, std::int64_t to, std::int64_t to_stride,
                       std::int64_t columns, int dtype) const {
    const auto element = static_cast<std::int64_t>(dtype_bytes(dtype));
    for (std::int64_t row = 0; row < d_.m; ++row) {
        std::memcpy(at<char>(to) + row * to_stride * element, at<const char>(from) + row * from_stride * element,
                    static_cast<std::size_t>(columns * element));
    }
}

void Linear::run() {
    if (d_.k1 > 0) {
        const std::int64_t joined = addresses_[kScratch];
        copy_rows(addresses_[kSrc0], d_.src0_stride, joined, k_, d_.k0, d_.src_dtype);
        copy_rows(addresses_[kSrc1], d_.src1_stride,
                  joined + d_.k0 * static_cast<std::int64_t>(dtype_bytes(d_.src_dtype)), k_, d_.k1, d_.src_dtype);
    }
    if (copy_residual_ && addresses_[kResidual] != addresses_[kDst]) {
        copy_rows(addresses_[kResidual], d_.residual_stride, addresses_[kDst], d_.dst_stride, d_.n, d_.dst_dtype);
    }
    for (PrimitiveCall& call : calls_) call.run();
}

void Linear::bind(const std::int64_t* addresses) {
    calls_.clear();
    std::copy_n(addresses, int{kAddresses}, addresses_);
    const std::int64_t src = d_.k1 > 0 ? addresses[kScratch] : addresses[kSrc0];
    const std::int64_t src_row =
        static_cast<std::int64_t>(dtype_bytes(d_.src_dtype)) * (d_.k1 > 0 ? k_ : std::int64_t{d_.src0_stride});
    const std::int64_t dst_row = static_cast<std::int64_t>(dtype_bytes(d_.dst_dtype)) * d_.dst_stride;
    for (std::int64_t row = 0; row < d_.m; row += rows_) {
        PrimitiveCall call(primitive_, *engine_, team_);
        call.add(DNNL_ARG_SRC, descriptor_.src_desc(), src + row * src_row);
        call.add(DNNL_ARG_WEIGHTS, weight_->loaded());
        if (bias_ != nullptr) {
            call.add(DNNL_ARG_BIAS, descriptor_.bias_desc(), reinterpret_cast<std::int64_t>(bias_->plain<float>()));
        }
        call.add(DNNL_ARG_DST, descriptor_.dst_desc(), addresses[kDst] + row * dst_row);
        if (epilogue_.residual) {
            // Dense, as dst is.
            call.add(epilogue_.residual_argument(), epilogue_.residual_desc, addresses[kResidual] + row * dst_row);
        }
        call.add(DNNL_ARG_SCRATCHPAD, descriptor_.scratchpad_desc(),
                 addresses[kScratch] + static_cast<std::int64_t>(joined_bytes_));
        calls_.push_back(std::move(call));
    }
}

std::unique_ptr<Op> create(const std::shared_ptr<Engine>& engine, const d4j_linear_desc& desc) {
    const d4j_linear_desc d = checked(desc);
    if (stored_dtype(d.src_dtype) == d.src_dtype) return std::make_unique<Linear>(engine, d);
    // No bf16 products in hardware: the same in f32.
    d4j_linear_desc f32 = d;
    f32.src_dtype = f32.dst_dtype = D4J_F32;
    f32.src0_stride = d.k0;
    f32.src1_stride = d.k1;
    f32.dst_stride = f32.residual_stride = d.n;
    auto inner = std::make_unique<Linear>(engine, f32);
    return std::make_unique<ThroughF32>(
        engine, std::move(inner),
        std::vector<ThroughF32::Operand>{{kSrc0, d.src_dtype, d.m, d.k0, d.src0_stride},
                                         {kSrc1, d.src_dtype, d.m, d.k1, d.src1_stride},
                                         {kResidual, d.dst_dtype, d.residual != 0 ? d.m : 0, d.n, d.residual_stride}},
        ThroughF32::Operand{kDst, d.dst_dtype, d.m, d.n, d.dst_stride});
}

}  // namespace

}  // namespace d4j

int d4j_linear_create(int64_t engine, const d4j_linear_desc* desc, int64_t* op) {
    return d4j::guarded([&] { *op = d4j::op_handle(d4j::create(d4j::engine_of(engine), *desc)); });
}
