#include "op.hpp"

#include "d4j_cpu.h"
#include "status.hpp"

#include <utility>

namespace d4j {

std::int64_t op_handle(std::unique_ptr<Op> op) {
    auto handle = std::make_unique<OpHandle>();
    handle->op = std::move(op);
    handle->implementation = handle->op->implementation();
    return reinterpret_cast<std::int64_t>(handle.release());
}

std::size_t dtype_bytes(int dtype) { return dtype == D4J_F32 ? 4 : 2; }

void require_activation_dtype(int dtype) {
    if (dtype != D4J_F32 && dtype != D4J_BF16) {
        throw std::invalid_argument("dtype " + std::to_string(dtype) + ": the cpu device computes in f32 and bf16");
    }
}

void require_positive(std::int64_t value, const char* name) {
    if (value <= 0) throw std::invalid_argument(std::string(name) + " is " + std::to_string(value) + ", not positive");
}

std::int64_t row_stride(std::int64_t stride, std::int64_t columns, const char* name) {
    if (stride == 0) return columns;
    if (stride < columns) {
        throw std::invalid_argument(std::string(name) + " is " + std::to_string(stride) + ", below the row's " +
                                    std::to_string(columns) + " elements");
    }
    return stride;
}

namespace {
OpHandle* handle_of(std::int64_t op) {
    require(op != 0, "the op handle is 0");
    return reinterpret_cast<OpHandle*>(op);
}
}  // namespace

}  // namespace d4j

int d4j_op_scratch_bytes(int64_t op, int64_t* bytes) {
    return d4j::guarded([&] { *bytes = static_cast<int64_t>(d4j::handle_of(op)->op->scratch_bytes()); });
}

int d4j_op_bind(int64_t op, const int64_t* addresses, int32_t count) {
    return d4j::guarded([&] {
        d4j::OpHandle* handle = d4j::handle_of(op);
        if (count != handle->op->address_count()) {
            throw std::invalid_argument(handle->implementation + " takes " +
                                        std::to_string(handle->op->address_count()) + " addresses, not " +
                                        std::to_string(count));
        }
        handle->op->bind(addresses);
        handle->bound = true;
    });
}

const char* d4j_op_implementation(int64_t op) {
    return op == 0 ? "" : reinterpret_cast<d4j::OpHandle*>(op)->implementation.c_str();
}

int d4j_op_destroy(int64_t op) {
    return d4j::guarded([&] { delete reinterpret_cast<d4j::OpHandle*>(op); });
}
