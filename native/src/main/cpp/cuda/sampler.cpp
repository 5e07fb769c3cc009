// The sampler: cuda-kernels/sampler.
#include "sampler/sampler_params.hpp"
#include "program.hpp"

namespace d4j::cuda {

namespace {

std::int64_t elementsOf(const d4j_sampler_shape& shape) {
    require(shape.samples > 0 && shape.channels > 0 && shape.pixels > 0, "sizes of a sampler's batch must be positive");
    const std::int64_t elements = std::int64_t{shape.channels} * shape.pixels;
    require(elements <= INT32_MAX, "a sample may have at most 2^31 - 1 elements");
    return elements;
}

Grid elementGrid(const d4j_sampler_shape& shape) {
    return {blocksOf(elementsOf(shape), kSamplerThreads), shape.samples};
}

void addSampler(Program& program, int kernel, const d4j_sampler_shape& shape, const SamplerParams& p) {
    switch (kernel) {
        case D4J_CUDA_SAMPLER_PREPARE:
            program.add("sampler", "sampler_prepare", elementGrid(shape), kSamplerThreads, 0, p);
            break;
        case D4J_CUDA_SAMPLER_STATISTICS:
            program.add("sampler", "sampler_statistics", {shape.samples}, kStatisticsThreads, 0, p);
            break;
        case D4J_CUDA_SAMPLER_STEP:
            program.add("sampler", "sampler_step", elementGrid(shape), kSamplerThreads, 0, p);
            break;
        default:
            throw std::invalid_argument("not a kernel of the sampler");
    }
}

}  // namespace

}  // namespace d4j::cuda

int d4j_cuda_sampler_bytes(const d4j_sampler_shape* shape, int64_t* guidance, int64_t* magnitudes) {
    return d4j::guarded([&] {
        *guidance = int64_t{shape->samples} * static_cast<int64_t>(sizeof(d4j::SamplerGuidance));
        *magnitudes = 4 * shape->samples * d4j::cuda::elementsOf(*shape);
    });
}

int d4j_cuda_sampler(int64_t program, int32_t kernel, const d4j_sampler_shape* shape, int64_t samples, int64_t progress,
                     int64_t guidance, int64_t magnitudes) {
    return d4j::guarded([&] {
        d4j::SamplerParams p{};
        p.samples = d4j::cuda::pointer<const d4j_sampler_sample>(samples);
        p.progress = d4j::cuda::pointer<int32_t>(progress);
        p.guidance = d4j::cuda::pointer<d4j::SamplerGuidance>(guidance);
        p.magnitudes = d4j::cuda::pointer<uint32_t>(magnitudes);
        p.shape = *shape;
        p.prepareNext = kernel == D4J_CUDA_SAMPLER_STEP ? 1 : 0;
        d4j::cuda::addSampler(d4j::cuda::program_of(program), kernel, *shape, p);
    });
}

int d4j_cuda_sampler_initial(int64_t program, const d4j_sampler_shape* shape, int64_t samples, float scale) {
    return d4j::guarded([&] {
        const d4j::SamplerInitialParams p{d4j::cuda::pointer<const d4j_sampler_sample>(samples), *shape, scale, 0};
        d4j::cuda::program_of(program).add("sampler", "sampler_initial", d4j::cuda::elementGrid(*shape),
                                           d4j::kSamplerThreads, 0, p);
    });
}

int d4j_cuda_sampler_error(int64_t program, int64_t lower, int64_t higher, int64_t previous, int64_t count, double atol,
                           double rtol, int64_t error) {
    return d4j::guarded([&] {
        d4j::require(count > 0, "count must be positive");
        const d4j::SamplerErrorParams p{d4j::cuda::pointer<const float>(lower),
                                        d4j::cuda::pointer<const float>(higher),
                                        d4j::cuda::pointer<const float>(previous),
                                        d4j::cuda::pointer<double>(error),
                                        count,
                                        atol,
                                        rtol};
        d4j::cuda::program_of(program).add("sampler", "sampler_error", {}, d4j::kStatisticsThreads, 0, p);
    });
}
