// GEGLU (Shazeer 2020): the first half of the columns times GELU of the second.
#include "d4j_cpu.h"
#include "elementwise_kernels.hpp"
#include "rowwise.hpp"
#include "status.hpp"

namespace d4j {

namespace {

class GegluRows {
public:
    explicit GegluRows(const d4j_geglu_desc& d) : d_(d) {
        require_activation_dtype(d.dtype);
        require_positive(d.rows, "rows");
        require_positive(d.c, "c");
        d_.src_stride = static_cast<int>(row_stride(d.src_stride, 2 * std::int64_t{d.c}, "src_stride"));
        d_.dst_stride = static_cast<int>(row_stride(d.dst_stride, d.c, "dst_stride"));
    }

    double work() const { return 30.0 * d_.rows * d_.c; }
    std::int64_t rows() const { return d_.rows; }
    void run(const std::int64_t* addresses, std::int64_t begin, std::int64_t end) const {
        const auto element = static_cast<std::int64_t>(dtype_bytes(d_.dtype));
        for (std::int64_t row = begin; row < end; ++row) {
            const char* src = at<const char>(addresses[0]) + row * d_.src_stride * element;
            elementwise_kernels().geglu(d_.dtype, src, src + d_.c * element,
                                        at<char>(addresses[1]) + row * d_.dst_stride * element, d_.c);
        }
    }

private:
    d4j_geglu_desc d_;
};

}  // namespace

}  // namespace d4j

int d4j_geglu_create(int64_t engine, const d4j_geglu_desc* desc, int64_t* op) {
    return d4j::guarded([&] {
        *op = d4j::op_handle(std::make_unique<d4j::Rowwise<d4j::GegluRows, 2>>(d4j::engine_of(engine),
                                                                               d4j::GegluRows(*desc)));
    });
}
