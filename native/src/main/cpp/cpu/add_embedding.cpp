// Adds a vector per sample to every pixel of the sample.
#include "d4j_cpu.h"
#include "elementwise_kernels.hpp"
#include "rowwise.hpp"
#include "status.hpp"

namespace d4j {

namespace {

class AddEmbeddingRows {
public:
    explicit AddEmbeddingRows(const d4j_add_embedding_desc& d) : d_(d) {
        require_activation_dtype(d.dtype);
        require_positive(d.n, "n");
        require_positive(d.hw, "hw");
        require_positive(d.c, "c");
        d_.embedding_stride = static_cast<int>(row_stride(d.embedding_stride, d.c, "embedding_stride"));
    }

    double work() const { return 10.0 * d_.n * d_.hw * d_.c; }
    std::int64_t rows() const { return std::int64_t{d_.n} * d_.hw; }
    void run(const std::int64_t* addresses, std::int64_t begin, std::int64_t end) const {
        const std::int64_t bytes = static_cast<std::int64_t>(dtype_bytes(d_.dtype)) * d_.c;
        for (std::int64_t row = begin; row < end; ++row) {
            elementwise_kernels().add_row(d_.dtype, at<const char>(addresses[0]) + row * bytes,
                                          at<const float>(addresses[1]) + row / d_.hw * d_.embedding_stride,
                                          at<char>(addresses[2]) + row * bytes, d_.c);
        }
    }

private:
    d4j_add_embedding_desc d_;
};

}  // namespace

}  // namespace d4j

int d4j_add_embedding_create(int64_t engine, const d4j_add_embedding_desc* desc, int64_t* op) {
    return d4j::guarded([&] {
        *op = d4j::op_handle(std::make_unique<d4j::Rowwise<d4j::AddEmbeddingRows, 3>>(d4j::engine_of(engine),
                                                                                      d4j::AddEmbeddingRows(*desc)));
    });
}
