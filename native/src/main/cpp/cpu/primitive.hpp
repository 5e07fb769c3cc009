// One call of a oneDNN primitive with everything prepared: running it looks nothing up and copies nothing.
#pragma once

#include "engine.hpp"
#include "weight.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

namespace d4j {

class PrimitiveCall {
public:
    // threads: the team that the primitive was created for.
    PrimitiveCall(dnnl::primitive primitive, const Engine& engine, int threads);

    void add(int argument, const dnnl::memory& memory);
    // The same memory with its address set later.
    void add(int argument, const dnnl::memory::desc& desc, std::int64_t address);
    void run();

private:
    dnnl::primitive primitive_;
    dnnl::engine engine_;
    dnnl::stream stream_;
    int threads_;
    std::vector<dnnl::memory> memories_;
    std::vector<dnnl_exec_arg_t> arguments_;
};

// dst = activation(scale * (... + dst + residual + partial)) as post-ops, in this order, each if asked for.
struct Epilogue {
    bool add_to_dst = false;
    bool residual = false;
    // Of an earlier source, in f32: rounding that to bf16 would show wherever the sources cancel.
    bool partial = false;
    dnnl::memory::desc partial_desc;
    dnnl::memory::desc residual_desc;
    float scale = 1;
    int activation = 0;

    dnnl::primitive_attr attributes() const;
    int residual_argument() const;
    int partial_argument() const;
};

// Creates a primitive descriptor for the layout that the weight has, or else for the one that oneDNN prefers. `make`
// takes the weights' descriptor and returns a primitive descriptor, empty if there is none.
template <class Make>
auto choose_layout(const Weight& weight, InputSlice slice, const dnnl::memory::desc& any, Make make) {
    if (const auto stored = weight.layout(slice)) {
        auto descriptor = make(*stored);
        if (descriptor && std::string(descriptor.impl_info_str()).find("ref") == std::string::npos) return descriptor;
    }
    auto descriptor = make(any);
    if (!descriptor) throw dnnl::error(dnnl_unimplemented, "no implementation for this op on this CPU");
    return descriptor;
}

}  // namespace d4j
