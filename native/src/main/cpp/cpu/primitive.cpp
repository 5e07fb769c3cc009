#include "primitive.hpp"

#include "d4j_cpu.h"

#include <omp.h>

namespace d4j {

PrimitiveCall::PrimitiveCall(dnnl::primitive primitive, const Engine& engine, int threads)
    : primitive_(std::move(primitive)), engine_(engine.onednn), stream_(engine.stream), threads_(threads) {}

void PrimitiveCall::add(int argument, const dnnl::memory& memory) {
    memories_.push_back(memory);
    arguments_.push_back({argument, memory.get()});
}

void PrimitiveCall::add(int argument, const dnnl::memory::desc& desc, std::int64_t address) {
    add(argument, dnnl::memory(desc, engine_, reinterpret_cast<void*>(address)));
}

void PrimitiveCall::run() {
    const int team = omp_get_max_threads();
    if (team != threads_) omp_set_num_threads(threads_);
    const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), stream_.get(),
                                                        static_cast<int>(arguments_.size()), arguments_.data());
    if (team != threads_) omp_set_num_threads(team);
    if (status != dnnl_success) throw dnnl::error(status, "a primitive failed");
}

dnnl::primitive_attr Epilogue::attributes() const {
    dnnl::post_ops ops;
    if (add_to_dst) ops.append_sum(1.0f);
    if (residual) ops.append_binary(dnnl::algorithm::binary_add, residual_desc);
    if (partial) ops.append_binary(dnnl::algorithm::binary_add, partial_desc);
    if (scale != 1.0f) ops.append_eltwise(dnnl::algorithm::eltwise_linear, scale, 0.0f);
    switch (activation) {
        case D4J_ACTIVATION_SILU: ops.append_eltwise(dnnl::algorithm::eltwise_swish, 1.0f, 0.0f); break;
        case D4J_ACTIVATION_GELU_ERF: ops.append_eltwise(dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f); break;
        case D4J_ACTIVATION_GELU_TANH: ops.append_eltwise(dnnl::algorithm::eltwise_gelu_tanh, 0.0f, 0.0f); break;
        case D4J_ACTIVATION_QUICK_GELU: ops.append_eltwise(dnnl::algorithm::eltwise_swish, 1.702f, 0.0f); break;
        default: break;
    }
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(ops);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return attributes;
}

int Epilogue::residual_argument() const { return DNNL_ARG_ATTR_MULTIPLE_POST_OP(add_to_dst ? 1 : 0) | DNNL_ARG_SRC_1; }

int Epilogue::partial_argument() const {
    const int before = (add_to_dst ? 1 : 0) + (residual ? 1 : 0);
    return DNNL_ARG_ATTR_MULTIPLE_POST_OP(before) | DNNL_ARG_SRC_1;
}

}  // namespace d4j
