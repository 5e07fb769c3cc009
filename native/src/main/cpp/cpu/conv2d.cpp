// Convolution on oneDNN: one primitive per source, bias, residual and activation in the epilogue of the last.
#include "d4j_cpu.h"
#include "op.hpp"
#include "parallel.hpp"
#include "primitive.hpp"
#include "resample.hpp"
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
using Forward = dnnl::convolution_forward;

enum Address { kSrc0, kSrc1, kResidual, kDst, kScratch, kAddresses };

void check(const d4j_conv2d_desc& d) {
    require_activation_dtype(d.src_dtype);
    require_activation_dtype(d.dst_dtype);
    require(d.src_dtype == D4J_BF16 || d.dst_dtype == D4J_F32, "f32 sources need an f32 destination");
    require_positive(d.n, "n");
    require_positive(d.h, "h");
    require_positive(d.w, "w");
    require_positive(d.c0, "c0");
    require(d.c1 >= 0, "c1 is negative");
    require_positive(d.k, "k");
    require_positive(d.kh, "kh");
    require_positive(d.kw, "kw");
    require_positive(d.stride_h, "stride_h");
    require_positive(d.stride_w, "stride_w");
    require(d.pad_top >= 0 && d.pad_left >= 0 && d.pad_bottom >= 0 && d.pad_right >= 0, "a padding is negative");
    require(d.upsample == 1 || d.upsample == 2, "upsample must be 1 or 2");
    require(d.activation == D4J_ACTIVATION_NONE || d.activation == D4J_ACTIVATION_SILU,
            "a convolution's activation is none or silu");
    require(d.upsample * d.h + d.pad_top + d.pad_bottom >= d.kh && d.upsample * d.w + d.pad_left + d.pad_right >= d.kw,
            "the filter is larger than the padded image");
}

class Conv2d final : public Op {
public:
    // desc.weight is ignored: the weight comes resolved.
    Conv2d(std::shared_ptr<Engine> engine, const d4j_conv2d_desc& desc, const std::shared_ptr<Weight>& weight);

    std::size_t scratch_bytes() const override { return scratch_bytes_; }
    std::string implementation() const override { return implementation_; }
    void bind(const std::int64_t* addresses) override;
    void run() override;

private:
    struct Source {
        InputSlice slice;
        dnnl::memory::desc dst;
        Epilogue epilogue;
        Forward::primitive_desc descriptor;
        Forward primitive;
        std::shared_ptr<PackedWeight> weight;
    };

    Forward::primitive_desc describe(const Source& source, const dnnl::memory::desc& weights) const;
    std::size_t image_bytes(int channels, int height, int width, int dtype) const;

    const std::shared_ptr<Engine> engine_;
    const d4j_conv2d_desc d_;
    const int out_h_, out_w_;
    // Images per call of a primitive: one if batch invariant.
    const int images_;
    int team_;
    std::shared_ptr<Weight> bias_;
    std::vector<Source> sources_;
    // The scratch: the upsampled sources, the sum over the first source, then oneDNN's scratchpad.
    std::size_t upsampled_bytes_[2] = {0, 0};
    std::size_t partial_bytes_ = 0;
    std::size_t scratch_bytes_ = 0;
    std::string implementation_;
    std::vector<NearestUpsample> upsample_;
    std::vector<PrimitiveCall> calls_;
};

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

Conv2d::Conv2d(std::shared_ptr<Engine> engine, const d4j_conv2d_desc& desc, const std::shared_ptr<Weight>& weight)
    : Op(kAddresses),
      engine_(std::move(engine)),
      d_(desc),
      out_h_((d_.upsample * d_.h + d_.pad_top + d_.pad_bottom - d_.kh) / d_.stride_h + 1),
      out_w_((d_.upsample * d_.w + d_.pad_left + d_.pad_right - d_.kw) / d_.stride_w + 1),
      images_(d_.batch_invariant != 0 ? 1 : d_.n) {
    bias_ = optional_vector(d_.bias, d_.k, "bias");
    team_ = team_for(*engine_, static_cast<double>(images_) * out_h_ * out_w_ * d_.k * (d_.c0 + d_.c1) * d_.kh * d_.kw);
    const Team team(team_);

    sources_.resize(d_.c1 > 0 ? 2 : 1);
    sources_[0].slice = {0, d_.c0};
    if (d_.c1 > 0) sources_[1].slice = {d_.c0, d_.c1};
    for (Source& source : sources_) {
        source.dst = {{images_, d_.k, out_h_, out_w_}, onednn_dtype(d_.dst_dtype), Tag::nhwc};
    }
    Epilogue& last = sources_.back().epilogue;
    last.residual = d_.residual != 0;
    last.residual_desc = sources_.back().dst;
    last.partial = d_.c1 > 0;
    if (last.partial) {
        sources_[0].dst = last.partial_desc = {{images_, d_.k, out_h_, out_w_}, dnnl::memory::data_type::f32, Tag::nhwc};
        partial_bytes_ = aligned(last.partial_desc.get_size());
    }
    last.scale = d_.scale;
    last.activation = d_.activation;

    std::vector<InputSlice> slices;
    std::vector<dnnl::memory::desc> layouts;
    std::size_t scratchpad = 0;
    for (Source& source : sources_) {
        const dnnl::memory::desc any({d_.k, source.slice.count, d_.kh, d_.kw}, onednn_dtype(d_.src_dtype), Tag::any);
        source.descriptor = choose_layout(*weight, source.slice, any,
                                          [&](const dnnl::memory::desc& md) { return describe(source, md); });
        source.primitive = Forward(source.descriptor);
        slices.push_back(source.slice);
        layouts.push_back(source.descriptor.weights_desc());
        scratchpad = std::max(scratchpad, source.descriptor.scratchpad_desc().get_size());
        implementation_ += (implementation_.empty() ? "" : "+") + std::string(source.descriptor.impl_info_str());
    }
    const auto packed = weight->pack(slices, layouts);
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        sources_[i].weight = packed[i];
        if (d_.upsample == 2) {
            upsampled_bytes_[i] = aligned(d_.n * image_bytes(static_cast<int>(slices[i].count), 2 * d_.h, 2 * d_.w,
                                                             d_.src_dtype));
        }
    }
    scratch_bytes_ = upsampled_bytes_[0] + upsampled_bytes_[1] + partial_bytes_ + scratchpad;
}

std::size_t Conv2d::image_bytes(int channels, int height, int width, int dtype) const {
    return static_cast<std::size_t>(channels) * height * width * dtype_bytes(dtype);
}

Forward::primitive_desc Conv2d::describe(const Source& source, const dnnl::memory::desc& weights) const {
    const dnnl::memory::desc src({images_, source.slice.count, d_.upsample * d_.h, d_.upsample * d_.w},
                                 onednn_dtype(d_.src_dtype), Tag::nhwc);
    // oneDNN wants paddings that reach exactly the last window.
    const dnnl::memory::dims strides{d_.stride_h, d_.stride_w};
    const dnnl::memory::dims before{d_.pad_top, d_.pad_left};
    const dnnl::memory::dims after{(out_h_ - 1) * d_.stride_h + d_.kh - d_.upsample * d_.h - d_.pad_top,
                                   (out_w_ - 1) * d_.stride_w + d_.kw - d_.upsample * d_.w - d_.pad_left};
    const bool first = source.slice.first == 0;
    const dnnl::memory::desc bias =
        first && bias_ != nullptr ? dnnl::memory::desc({d_.k}, dnnl::memory::data_type::f32, Tag::a)
                                  : dnnl::memory::desc();
    return Forward::primitive_desc(engine_->onednn, dnnl::prop_kind::forward_inference,
                                   dnnl::algorithm::convolution_direct, src, weights, bias, source.dst, strides, before,
                                   after, source.epilogue.attributes(), /*allow_empty=*/true);
}

void Conv2d::bind(const std::int64_t* addresses) {
    calls_.clear();
    upsample_.clear();
    std::int64_t sources[2] = {addresses[kSrc0], addresses[kSrc1]};
    std::int64_t scratch = addresses[kScratch];
    for (std::size_t i = 0; i < sources_.size() && d_.upsample == 2; ++i) {
        const int channels = static_cast<int>(sources_[i].slice.count);
        upsample_.emplace_back(*engine_, d_.src_dtype, d_.n, d_.h, d_.w, channels, sources[i], scratch);
        sources[i] = scratch;
        scratch += static_cast<std::int64_t>(upsampled_bytes_[i]);
    }
    const std::int64_t partial = scratch;
    scratch += static_cast<std::int64_t>(partial_bytes_);
    const auto dst_bytes = static_cast<std::int64_t>(image_bytes(d_.k, out_h_, out_w_, d_.dst_dtype));
    for (int image = 0; image < d_.n; image += images_) {
        for (std::size_t i = 0; i < sources_.size(); ++i) {
            const Source& source = sources_[i];
            const auto src_bytes =
                static_cast<std::int64_t>(image_bytes(static_cast<int>(source.slice.count), d_.upsample * d_.h,
                                                      d_.upsample * d_.w, d_.src_dtype));
            PrimitiveCall call(source.primitive, *engine_, team_);
            call.add(DNNL_ARG_SRC, source.descriptor.src_desc(), sources[i] + image * src_bytes);
            call.add(DNNL_ARG_WEIGHTS, source.weight->loaded());
            if (i == 0 && bias_ != nullptr) {
                call.add(DNNL_ARG_BIAS, source.descriptor.bias_desc(),
                         reinterpret_cast<std::int64_t>(bias_->plain<float>()));
            }
            const bool last = i + 1 == sources_.size();
            call.add(DNNL_ARG_DST, source.dst, last ? addresses[kDst] + image * dst_bytes : partial);
            if (source.epilogue.partial) {
                call.add(source.epilogue.partial_argument(), source.epilogue.partial_desc, partial);
            }
            if (source.epilogue.residual) {
                call.add(source.epilogue.residual_argument(), source.epilogue.residual_desc,
                         addresses[kResidual] + image * dst_bytes);
            }
            call.add(DNNL_ARG_SCRATCHPAD, source.descriptor.scratchpad_desc(), scratch);
            calls_.push_back(std::move(call));
        }
    }
}

void Conv2d::run() {
    for (NearestUpsample& upsample : upsample_) upsample.run();
    for (PrimitiveCall& call : calls_) call.run();
}

// A 3x3 convolution of a source upsampled by nearest, as four 2x2 convolutions of the source itself, one per parity of
// the output's row and column, whose results are interleaved: 4/9 of the products.
class UpsamplingConv2d final : public Op {
public:
    static bool fits(const d4j_conv2d_desc& d) {
        return d.upsample == 2 && d.c1 == 0 && d.residual == 0 && d.kh == 3 && d.kw == 3 && d.stride_h == 1 &&
               d.stride_w == 1 && d.pad_top == 1 && d.pad_left == 1 && d.pad_bottom == 1 && d.pad_right == 1;
    }

    UpsamplingConv2d(std::shared_ptr<Engine> engine, const d4j_conv2d_desc& desc, Weight& weight)
        : Op(kAddresses),
          engine_(std::move(engine)),
          d_(desc),
          pixel_bytes_(static_cast<std::int64_t>(dtype_bytes(desc.dst_dtype)) * desc.k),
          phase_bytes_(aligned(static_cast<std::size_t>(std::int64_t{desc.n} * desc.h * desc.w * pixel_bytes_))),
          team_(team_for(*engine_, 40.0 * desc.n * desc.h * desc.w * desc.k)) {
        const auto weights = weight.upsampling_phases();
        for (int i = 0; i < 4; ++i) {
            d4j_conv2d_desc phase = d_;
            phase.upsample = 1;
            phase.kh = phase.kw = 2;
            phase.pad_top = i / 2 == 0 ? 1 : 0;
            phase.pad_left = i % 2 == 0 ? 1 : 0;
            phase.pad_bottom = 1 - phase.pad_top;
            phase.pad_right = 1 - phase.pad_left;
            phases_.push_back(std::make_unique<Conv2d>(engine_, phase, weights[static_cast<std::size_t>(i)]));
        }
    }

    std::size_t scratch_bytes() const override {
        std::size_t most = 0;
        for (const auto& phase : phases_) most = std::max(most, phase->scratch_bytes());
        return 4 * phase_bytes_ + most;
    }
    std::string implementation() const override { return "4x" + phases_[0]->implementation(); }
    void bind(const std::int64_t* addresses) override {
        scratch_ = addresses[kScratch];
        dst_ = addresses[kDst];
        for (int i = 0; i < 4; ++i) {
            const std::int64_t phase[kAddresses] = {addresses[kSrc0], 0, 0, phase_address(i), phase_address(4)};
            phases_[static_cast<std::size_t>(i)]->bind(phase);
        }
    }
    void run() override {
        for (const auto& phase : phases_) phase->run();
        const auto bytes = static_cast<std::size_t>(pixel_bytes_);
        parallel_ranges(team_, std::int64_t{d_.n} * d_.h * 2, 2, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row) {
                const int odd = static_cast<int>(row % 2);
                const char* left = at<const char>(phase_address(2 * odd)) + row / 2 * d_.w * pixel_bytes_;
                const char* right = at<const char>(phase_address(2 * odd + 1)) + row / 2 * d_.w * pixel_bytes_;
                char* dst = at<char>(dst_) + row * 2 * d_.w * pixel_bytes_;
                for (int x = 0; x < d_.w; ++x, left += bytes, right += bytes, dst += 2 * bytes) {
                    std::memcpy(dst, left, bytes);
                    std::memcpy(dst + bytes, right, bytes);
                }
            }
        });
    }

private:
    std::int64_t phase_address(int i) const { return scratch_ + i * static_cast<std::int64_t>(phase_bytes_); }

    const std::shared_ptr<Engine> engine_;
    const d4j_conv2d_desc d_;
    const std::int64_t pixel_bytes_;
    const std::size_t phase_bytes_;
    const int team_;
    std::vector<std::unique_ptr<Conv2d>> phases_;
    std::int64_t scratch_ = 0, dst_ = 0;
};

std::unique_ptr<Op> convolution(const std::shared_ptr<Engine>& engine, const d4j_conv2d_desc& d) {
    const auto weight = weight_of(d.weight, D4J_WEIGHT_CONV, {d.k, std::int64_t{d.c0} + d.c1, d.kh, d.kw}, "weight");
    if (UpsamplingConv2d::fits(d)) return std::make_unique<UpsamplingConv2d>(engine, d, *weight);
    return std::make_unique<Conv2d>(engine, d, weight);
}

std::unique_ptr<Op> create(const std::shared_ptr<Engine>& engine, const d4j_conv2d_desc& d) {
    check(d);
    if (stored_dtype(d.src_dtype) == d.src_dtype) return convolution(engine, d);
    // No bf16 products in hardware: the same in f32.
    d4j_conv2d_desc f32 = d;
    f32.src_dtype = f32.dst_dtype = D4J_F32;
    auto inner = convolution(engine, f32);
    const int out_h = (d.upsample * d.h + d.pad_top + d.pad_bottom - d.kh) / d.stride_h + 1;
    const int out_w = (d.upsample * d.w + d.pad_left + d.pad_right - d.kw) / d.stride_w + 1;
    const std::int64_t pixels = std::int64_t{d.n} * d.h * d.w, out_pixels = std::int64_t{d.n} * out_h * out_w;
    return std::make_unique<ThroughF32>(
        engine, std::move(inner),
        std::vector<ThroughF32::Operand>{{kSrc0, d.src_dtype, pixels, d.c0, d.c0},
                                         {kSrc1, d.src_dtype, pixels, d.c1, d.c1},
                                         {kResidual, d.dst_dtype, d.residual != 0 ? out_pixels : 0, d.k, d.k}},
        ThroughF32::Operand{kDst, d.dst_dtype, out_pixels, d.k, d.k});
}

}  // namespace

}  // namespace d4j

int d4j_conv2d_create(int64_t engine, const d4j_conv2d_desc* desc, int64_t* op) {
    return d4j::guarded([&] { *op = d4j::op_handle(d4j::create(d4j::engine_of(engine), *desc)); });
}
