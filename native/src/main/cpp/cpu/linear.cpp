// Matrix product on oneDNN: one primitive per source, bias, residual and activation in the epilogue of the last.
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

    std::size_t scratch_bytes() const override { return scratch_bytes_; }
    std::string implementation() const override { return implementation_; }
    void bind(const std::int64_t* addresses) override;
    void run() override;

private:
    struct Source {
        InputSlice slice;
        std::int64_t stride;
        Epilogue epilogue;
        MatMul::primitive_desc descriptor;
        MatMul primitive;
        std::shared_ptr<PackedWeight> weight;
    };

    MatMul::primitive_desc describe(const Source& source, const dnnl::memory::desc& weights) const;

    const std::shared_ptr<Engine> engine_;
    const d4j_linear_desc d_;
    const std::int64_t rows_;  // per call of a primitive
    // oneDNN adds a residual with dst's strides only: with others it is first copied to dst.
    const bool copy_residual_;
    std::int64_t residual_ = 0, dst_ = 0;
    int team_;
    std::shared_ptr<Weight> bias_;
    std::vector<Source> sources_;
    std::size_t scratch_bytes_ = 0;
    std::string implementation_;
    std::vector<PrimitiveCall> calls_;
};

Linear::Linear(std::shared_ptr<Engine> engine, const d4j_linear_desc& desc)
    : Op(kAddresses),
      engine_(std::move(engine)),
      d_(desc),
      rows_(d_.rows_per_sample != 0 ? d_.rows_per_sample : d_.m),
      copy_residual_(d_.residual != 0 && d_.residual_stride != d_.dst_stride) {
    const std::shared_ptr<Weight> weight = weight_of(d_.weight, D4J_WEIGHT_LINEAR, {d_.n, d_.k0 + d_.k1}, "weight");
    bias_ = optional_vector(d_.bias, d_.n, "bias");
    team_ = team_for(*engine_, static_cast<double>(rows_) * d_.n * (d_.k0 + d_.k1));
    const Team team(team_);

    sources_.resize(d_.k1 > 0 ? 2 : 1);
    sources_[0].slice = {0, d_.k0};
    sources_[0].stride = d_.src0_stride;
    if (d_.k1 > 0) {
        sources_[1].slice = {d_.k0, d_.k1};
        sources_[1].stride = d_.src1_stride;
    }
    // The first adds the residual, so that it may be dst itself; the last scales and activates.
    Epilogue &first = sources_.front().epilogue, &last = sources_.back().epilogue;
    if (copy_residual_) {
        first.add_to_dst = true;
    } else {
        first.residual = d_.residual != 0;
        first.residual_desc = {{rows_, d_.n}, onednn_dtype(d_.dst_dtype), {d_.dst_stride, 1}};
    }
    last.add_to_dst = last.add_to_dst || d_.k1 > 0;
    last.scale = d_.scale;
    last.activation = d_.activation;

    std::vector<InputSlice> slices;
    std::vector<dnnl::memory::desc> layouts;
    for (Source& source : sources_) {
        const dnnl::memory::desc any({source.slice.count, d_.n}, onednn_dtype(d_.src_dtype), Tag::any);
        source.descriptor = choose_layout(*weight, source.slice, any,
                                          [&](const dnnl::memory::desc& md) { return describe(source, md); });
        source.primitive = MatMul(source.descriptor);
        slices.push_back(source.slice);
        layouts.push_back(source.descriptor.weights_desc());
        scratch_bytes_ = std::max(scratch_bytes_, source.descriptor.scratchpad_desc().get_size());
        implementation_ += (implementation_.empty() ? "" : "+") + std::string(source.descriptor.impl_info_str());
    }
    const auto packed = weight->pack(slices, layouts);
    for (std::size_t i = 0; i < sources_.size(); ++i) sources_[i].weight = packed[i];
}

MatMul::primitive_desc Linear::describe(const Source& source, const dnnl::memory::desc& weights) const {
    const dnnl::memory::desc src({rows_, source.slice.count}, onednn_dtype(d_.src_dtype), {source.stride, 1});
    const dnnl::memory::desc dst({rows_, d_.n}, onednn_dtype(d_.dst_dtype), {d_.dst_stride, 1});
    const bool first = source.slice.first == 0;
    const dnnl::memory::desc bias =
        first && bias_ != nullptr ? dnnl::memory::desc({1, d_.n}, dnnl::memory::data_type::f32, Tag::ab)
                                  : dnnl::memory::desc();
    return MatMul::primitive_desc(engine_->onednn, src, weights, bias, dst, source.epilogue.attributes(),
                                  /*allow_empty=*/true);
}

void Linear::run() {
    if (copy_residual_) {
        const auto element = static_cast<std::int64_t>(dtype_bytes(d_.dst_dtype));
        for (std::int64_t row = 0; row < d_.m; ++row) {
            std::memcpy(at<char>(dst_) + row * d_.dst_stride * element,
                        at<const char>(residual_) + row * d_.residual_stride * element,
                        static_cast<std::size_t>(d_.n * element));
        }
    }
    for (PrimitiveCall& call : calls_) call.run();
}

void Linear::bind(const std::int64_t* addresses) {
    calls_.clear();
    residual_ = addresses[kResidual];
    dst_ = addresses[kDst];
    const auto src_bytes = static_cast<std::int64_t>(dtype_bytes(d_.src_dtype));
    const auto dst_bytes = static_cast<std::int64_t>(dtype_bytes(d_.dst_dtype));
    for (std::int64_t row = 0; row < d_.m; row += rows_) {
        for (std::size_t i = 0; i < sources_.size(); ++i) {
            const Source& source = sources_[i];
            PrimitiveCall call(source.primitive, *engine_, team_);
            call.add(DNNL_ARG_SRC, source.descriptor.src_desc(),
                     addresses[kSrc0 + i] + row * source.stride * src_bytes);
            call.add(DNNL_ARG_WEIGHTS, source.weight->memory);
            if (i == 0 && bias_ != nullptr) {
                call.add(DNNL_ARG_BIAS, source.descriptor.bias_desc(),
                         reinterpret_cast<std::int64_t>(bias_->plain<float>()));
            }
            call.add(DNNL_ARG_DST, source.descriptor.dst_desc(), addresses[kDst] + row * d_.dst_stride * dst_bytes);
            if (source.epilogue.residual) {
                call.add(kResidualArgument, source.epilogue.residual_desc,
                         residual_ + row * d_.residual_stride * dst_bytes);
            }
            call.add(DNNL_ARG_SCRATCHPAD, source.descriptor.scratchpad_desc(), addresses[kScratch]);
            calls_.push_back(std::move(call));
        }
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
