#include "program.hpp"

#include <memory>

namespace d4j::cuda {

Program& program_of(std::int64_t handle) {
    require(handle != 0, "the program handle is 0");
    return *reinterpret_cast<Program*>(handle);
}

DType dtypeOf(std::int32_t dtype) {
    require(dtype >= D4J_F32 && dtype <= D4J_TF32, "not a dtype");
    return static_cast<DType>(dtype);
}

static_assert(static_cast<int>(DType::F32) == D4J_F32 && static_cast<int>(DType::F16) == D4J_F16 &&
              static_cast<int>(DType::BF16) == D4J_BF16 && static_cast<int>(DType::TF32) == D4J_TF32);

Activation activationOf(std::int32_t activation) {
    require(activation >= D4J_ACTIVATION_NONE && activation <= D4J_ACTIVATION_GEGLU, "not an activation");
    return static_cast<Activation>(activation);
}

static_assert(static_cast<int>(Activation::Silu) == D4J_ACTIVATION_SILU &&
              static_cast<int>(Activation::GeluErf) == D4J_ACTIVATION_GELU_ERF &&
              static_cast<int>(Activation::GeluTanh) == D4J_ACTIVATION_GELU_TANH &&
              static_cast<int>(Activation::QuickGelu) == D4J_ACTIVATION_QUICK_GELU &&
              static_cast<int>(Activation::Geglu) == D4J_ACTIVATION_GEGLU);

const char* storageName(DType type) {
    return type == DType::F16 ? "f16" : type == DType::BF16 ? "bf16" : "f32";
}

namespace {

const Launch& launch_of(std::int64_t program, std::int32_t index) {
    const auto& launches = program_of(program).launches();
    require(index >= 0 && static_cast<std::size_t>(index) < launches.size(), "there is no such launch");
    return launches[static_cast<std::size_t>(index)];
}

/// A text of a launch, or null with the error set.
template <class Text>
const char* text_of(std::int64_t program, std::int32_t index, Text text) {
    const char* found = nullptr;
    guarded([&] { found = text(launch_of(program, index)).c_str(); });
    return found;
}

}  // namespace

}  // namespace d4j::cuda

int d4j_cuda_program_create(int32_t multiprocessors, int32_t shared_bytes, int32_t batch_invariant, int64_t scratch,
                            int64_t counters, int64_t* program) {
    return d4j::guarded([&] {
        const d4j::cuda::Multiprocessors device{multiprocessors, shared_bytes};
        *program = reinterpret_cast<int64_t>(
            std::make_unique<d4j::cuda::Program>(device, batch_invariant != 0, scratch, counters).release());
    });
}

int d4j_cuda_program_destroy(int64_t program) {
    return d4j::guarded([&] { delete &d4j::cuda::program_of(program); });
}

int d4j_cuda_program_seal(int64_t program) {
    return d4j::guarded([&] { d4j::cuda::program_of(program).seal(); });
}

int64_t d4j_cuda_program_scratch_bytes(int64_t program) {
    int64_t bytes = 0;
    d4j::guarded([&] { bytes = d4j::cuda::program_of(program).scratchBytes(); });
    return bytes;
}

int64_t d4j_cuda_program_counter_bytes(int64_t program) {
    int64_t bytes = 0;
    d4j::guarded([&] { bytes = d4j::cuda::program_of(program).counterBytes(); });
    return bytes;
}

int32_t d4j_cuda_program_launches(int64_t program) {
    int32_t count = 0;
    d4j::guarded([&] { count = static_cast<int32_t>(d4j::cuda::program_of(program).launches().size()); });
    return count;
}

const char* d4j_cuda_launch_image(int64_t program, int32_t index) {
    return d4j::cuda::text_of(program, index, [](const auto& launch) -> const std::string& { return launch.image; });
}

const char* d4j_cuda_launch_kernel(int64_t program, int32_t index) {
    return d4j::cuda::text_of(program, index, [](const auto& launch) -> const std::string& { return launch.kernel; });
}

int d4j_cuda_launch(int64_t program, int32_t index, int32_t* shape, int64_t* params) {
    return d4j::guarded([&] {
        const d4j::cuda::Launch& launch = d4j::cuda::launch_of(program, index);
        shape[0] = static_cast<int32_t>(launch.grid.x);
        shape[1] = static_cast<int32_t>(launch.grid.y);
        shape[2] = static_cast<int32_t>(launch.grid.z);
        shape[3] = launch.threads;
        shape[4] = launch.sharedBytes;
        shape[5] = launch.paramsBytes;
        shape[6] = launch.cooperative ? 1 : 0;
        *params = reinterpret_cast<int64_t>(launch.params);
    });
}
