// SiLU, sum and scaling of whole tensors, and the table of kernels for this CPU.
#include "d4j_cpu.h"
#include "elementwise_kernels.hpp"
#include "isa.hpp"
#include "op.hpp"
#include "parallel.hpp"
#include "status.hpp"

#include <utility>

namespace d4j {

const ElementwiseKernels& elementwise_kernels() {
    static const ElementwiseKernels& chosen =
        for_isa(elementwise_baseline, elementwise_avx2, elementwise_avx512, elementwise_avx512);
    return chosen;
}

namespace {

class Elementwise final : public Op {
public:
    Elementwise(std::shared_ptr<Engine> engine, const d4j_elementwise_desc& d)
        : Op(3), engine_(std::move(engine)), d_(d), team_(team_for(*engine_, 10.0 * static_cast<double>(d.count))) {
        require_activation_dtype(d.src_dtype);
        require_activation_dtype(d.dst_dtype);
        require_positive(d.count, "count");
        require(d.kind >= D4J_ELEMENTWISE_SILU && d.kind <= D4J_ELEMENTWISE_SCALE, "not an elementwise kind");
    }

    std::string implementation() const override { return own_implementation(); }
    void bind(const std::int64_t* addresses) override {
        a_ = addresses[0];
        b_ = addresses[1];
        dst_ = addresses[2];
    }
    void run() override {
        const auto src = static_cast<std::int64_t>(dtype_bytes(d_.src_dtype));
        const auto dst = static_cast<std::int64_t>(dtype_bytes(d_.dst_dtype));
        // 64 elements: no two threads write to one cache line.
        parallel_ranges(team_, d_.count, 64, [&](std::int64_t begin, std::int64_t end) {
            elementwise_kernels().map(d_.kind, d_.src_dtype, d_.dst_dtype, at<char>(a_) + begin * src,
                                      at<char>(b_) + begin * src, at<char>(dst_) + begin * dst, end - begin, d_.scale);
        });
    }

private:
    const std::shared_ptr<Engine> engine_;
    const d4j_elementwise_desc d_;
    const int team_;
    std::int64_t a_ = 0, b_ = 0, dst_ = 0;
};

}  // namespace

}  // namespace d4j

int d4j_elementwise_create(int64_t engine, const d4j_elementwise_desc* desc, int64_t* op) {
    return d4j::guarded(
        [&] { *op = d4j::op_handle(std::make_unique<d4j::Elementwise>(d4j::engine_of(engine), *desc)); });
}
