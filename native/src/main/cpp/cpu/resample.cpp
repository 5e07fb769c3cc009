// Average pooling and nearest upsampling by two.
#include "resample.hpp"

#include "d4j_cpu.h"
#include "elementwise_kernels.hpp"
#include "isa.hpp"
#include "op.hpp"
#include "parallel.hpp"
#include "status.hpp"

#include <cstring>
#include <utility>

namespace d4j {

NearestUpsample::NearestUpsample(const Engine& engine, int dtype, int n, int h, int w, int c, std::int64_t src,
                                 std::int64_t dst)
    : team_(team_for(engine, 40.0 * n * h * w * c)),
      rows_(std::int64_t{n} * h),
      w_(w),
      pixel_bytes_(static_cast<std::int64_t>(dtype_bytes(dtype)) * c),
      src_(src),
      dst_(dst) {}

void NearestUpsample::run() {
    parallel_ranges(team_, rows_, 1, [this](std::int64_t begin, std::int64_t end) {
        const auto bytes = static_cast<std::size_t>(pixel_bytes_);
        const std::int64_t wide = 2 * w_ * pixel_bytes_;
        for (std::int64_t row = begin; row < end; ++row) {
            const char* src = at<const char>(src_) + row * w_ * pixel_bytes_;
            char* const dst = at<char>(dst_) + row * 2 * wide;
            char* pixel = dst;
            for (std::int64_t x = 0; x < w_; ++x, src += pixel_bytes_, pixel += 2 * pixel_bytes_) {
                std::memcpy(pixel, src, bytes);
                std::memcpy(pixel + pixel_bytes_, src, bytes);
            }
            std::memcpy(dst + wide, dst, static_cast<std::size_t>(wide));
        }
    });
}

namespace {

class Resample final : public Op {
public:
    Resample(std::shared_ptr<Engine> engine, const d4j_resample_desc& d)
        : Op(2), engine_(std::move(engine)), d_(d), team_(team_for(*engine_, 10.0 * d.n * d.h * d.w * d.c)) {
        require_activation_dtype(d.dtype);
        require_positive(d.n, "n");
        require_positive(d.h, "h");
        require_positive(d.w, "w");
        require_positive(d.c, "c");
        require(d.kind == D4J_RESAMPLE_AVG_POOL_2X2 || d.kind == D4J_RESAMPLE_NEAREST_2X, "not a resample kind");
        require(d.kind == D4J_RESAMPLE_NEAREST_2X || (d.h % 2 == 0 && d.w % 2 == 0), "average pooling needs even h and w");
    }

    std::string implementation() const override { return own_implementation(); }
    void bind(const std::int64_t* addresses) override {
        src_ = addresses[0];
        dst_ = addresses[1];
    }
    void run() override {
        if (d_.kind == D4J_RESAMPLE_NEAREST_2X) {
            NearestUpsample(*engine_, d_.dtype, d_.n, d_.h, d_.w, d_.c, src_, dst_).run();
        } else {
            average_pool();
        }
    }

private:
    void average_pool() {
        const std::int64_t pixel = static_cast<std::int64_t>(dtype_bytes(d_.dtype)) * d_.c;
        const std::int64_t row_bytes = pixel * d_.w;
        const std::int64_t out_w = d_.w / 2;
        parallel_ranges(team_, std::int64_t{d_.n} * (d_.h / 2), 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row) {
                const char* src = at<const char>(src_) + 2 * row * row_bytes;
                char* dst = at<char>(dst_) + row * out_w * pixel;
                for (std::int64_t x = 0; x < out_w; ++x, src += 2 * pixel, dst += pixel) {
                    elementwise_kernels().average4(d_.dtype, src, src + pixel, src + row_bytes,
                                                   src + row_bytes + pixel, dst, d_.c);
                }
            }
        });
    }

    const std::shared_ptr<Engine> engine_;
    const d4j_resample_desc d_;
    const int team_;
    std::int64_t src_ = 0, dst_ = 0;
};

}  // namespace

}  // namespace d4j

int d4j_resample_create(int64_t engine, const d4j_resample_desc* desc, int64_t* op) {
    return d4j::guarded([&] { *op = d4j::op_handle(std::make_unique<d4j::Resample>(d4j::engine_of(engine), *desc)); });
}
