// Rows of an embedding table.
#include "d4j_cpu.h"
#include "elementwise_kernels.hpp"
#include "rowwise.hpp"
#include "status.hpp"
#include "weight.hpp"

#include <utility>

namespace d4j {

namespace {

class LookupRows {
public:
    explicit LookupRows(const d4j_embedding_lookup_desc& d) : d_(d), table_(table_of(d.table)) {
        require_positive(d.count, "count");
        require_positive(d.c, "c");
        require_activation_dtype(d.dst_dtype);
        require(table_->dims()[1] == d.c, "c differs from the table's columns");
        d_.dst_stride = static_cast<int>(row_stride(d.dst_stride, d.c, "dst_stride"));
    }

    double work() const { return 10.0 * d_.count * d_.c; }
    std::int64_t rows() const { return d_.count; }
    void run(const std::int64_t* addresses, std::int64_t begin, std::int64_t end) const {
        const std::int64_t src = static_cast<std::int64_t>(dtype_bytes(table_->dtype())) * d_.c;
        const std::int64_t dst = static_cast<std::int64_t>(dtype_bytes(d_.dst_dtype)) * d_.dst_stride;
        for (std::int64_t row = begin; row < end; ++row) {
            const std::int64_t id = at<const std::int32_t>(addresses[0])[row];
            elementwise_kernels().map(D4J_ELEMENTWISE_SCALE, table_->dtype(), d_.dst_dtype,
                                      table_->plain<char>() + id * src, nullptr, at<char>(addresses[1]) + row * dst,
                                      d_.c, 1.0f);
        }
    }

private:
    static std::shared_ptr<Weight> table_of(std::int64_t handle) {
        require(handle != 0, "table is 0, not a weight");
        std::shared_ptr<Weight> table = reinterpret_cast<WeightHandle*>(handle)->weight;
        require(table->kind() == D4J_WEIGHT_TABLE, "table is a weight of another kind");
        return table;
    }

    d4j_embedding_lookup_desc d_;
    std::shared_ptr<Weight> table_;
};

}  // namespace

}  // namespace d4j

int d4j_embedding_lookup_create(int64_t engine, const d4j_embedding_lookup_desc* desc, int64_t* op) {
    return d4j::guarded([&] {
        *op = d4j::op_handle(
            std::make_unique<d4j::Rowwise<d4j::LookupRows, 2>>(d4j::engine_of(engine), d4j::LookupRows(*desc)));
    });
}
