// Between the NCHW f32 of the API boundary and NHWC. Images there have few channels, so one pass in the order of the
// NHWC side reads or writes few streams.
#include "convert.hpp"
#include "d4j_cpu.h"
#include "rowwise.hpp"
#include "status.hpp"

namespace d4j {

namespace {

class LayoutRows {
public:
    explicit LayoutRows(const d4j_layout_desc& d) : d_(d) {
        require_activation_dtype(d.dtype);
        require_positive(d.n, "n");
        require_positive(d.h, "h");
        require_positive(d.w, "w");
        require_positive(d.c, "c");
        require(d.kind == D4J_LAYOUT_NCHW_TO_NHWC || d.kind == D4J_LAYOUT_NHWC_TO_NCHW, "not a layout kind");
    }

    double work() const { return 20.0 * d_.n * d_.h * d_.w * d_.c; }
    std::int64_t rows() const { return std::int64_t{d_.n} * d_.h; }
    void run(const std::int64_t* addresses, std::int64_t begin, std::int64_t end) const {
        for (std::int64_t row = begin; row < end; ++row) {
            const std::int64_t image = row / d_.h, y = row % d_.h;
            for (std::int64_t x = 0; x < d_.w; ++x) {
                for (std::int64_t c = 0; c < d_.c; ++c) {
                    const std::int64_t nchw = ((image * d_.c + c) * d_.h + y) * d_.w + x;
                    const std::int64_t nhwc = (row * d_.w + x) * d_.c + c;
                    if (d_.kind == D4J_LAYOUT_NCHW_TO_NHWC) {
                        const float value = at<const float>(addresses[0])[nchw];
                        if (d_.dtype == D4J_F32) {
                            at<float>(addresses[1])[nhwc] = value;
                        } else {
                            at<std::uint16_t>(addresses[1])[nhwc] = float_to_bfloat(value);
                        }
                    } else {
                        at<float>(addresses[1])[nchw] = d_.dtype == D4J_F32
                                                            ? at<const float>(addresses[0])[nhwc]
                                                            : bfloat_to_float(at<const std::uint16_t>(addresses[0])[nhwc]);
                    }
                }
            }
        }
    }

private:
    const d4j_layout_desc d_;
};

}  // namespace

}  // namespace d4j

int d4j_layout_create(int64_t engine, const d4j_layout_desc* desc, int64_t* op) {
    return d4j::guarded([&] {
        *op = d4j::op_handle(
            std::make_unique<d4j::Rowwise<d4j::LayoutRows, 2>>(d4j::engine_of(engine), d4j::LayoutRows(*desc)));
    });
}
