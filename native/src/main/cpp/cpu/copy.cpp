// Strided copy with conversion.
#include "d4j_cpu.h"
#include "elementwise_kernels.hpp"
#include "rowwise.hpp"
#include "status.hpp"

namespace d4j {

namespace {

class CopyRows {
public:
    explicit CopyRows(const d4j_copy_desc& d) : d_(d) {
        require_activation_dtype(d.src_dtype);
        require_activation_dtype(d.dst_dtype);
        require_positive(d.rows, "rows");
        require_positive(d.columns, "columns");
        d_.src_stride = static_cast<int>(row_stride(d.src_stride, d.columns, "src_stride"));
        d_.dst_stride = static_cast<int>(row_stride(d.dst_stride, d.columns, "dst_stride"));
    }

    double work() const { return 10.0 * d_.rows * d_.columns; }
    std::int64_t rows() const { return d_.rows; }
    void run(const std::int64_t* addresses, std::int64_t begin, std::int64_t end) const {
        const std::int64_t src = static_cast<std::int64_t>(dtype_bytes(d_.src_dtype)) * d_.src_stride;
        const std::int64_t dst = static_cast<std::int64_t>(dtype_bytes(d_.dst_dtype)) * d_.dst_stride;
        for (std::int64_t row = begin; row < end; ++row) {
            elementwise_kernels().map(D4J_ELEMENTWISE_SCALE, d_.src_dtype, d_.dst_dtype,
                                      at<const char>(addresses[0]) + row * src, nullptr,
                                      at<char>(addresses[1]) + row * dst, d_.columns, 1.0f);
        }
    }

private:
    d4j_copy_desc d_;
};

}  // namespace

}  // namespace d4j

int d4j_copy_create(int64_t engine, const d4j_copy_desc* desc, int64_t* op) {
    return d4j::guarded([&] {
        *op = d4j::op_handle(
            std::make_unique<d4j::Rowwise<d4j::CopyRows, 2>>(d4j::engine_of(engine), d4j::CopyRows(*desc)));
    });
}
