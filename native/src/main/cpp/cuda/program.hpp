// A list of launches under construction. Each kernel takes one struct by value, so a launch is a shape and some bytes.
#pragma once

#include "d4j_cuda.h"

#include "common/types.hpp"
#include "memory.hpp"
#include "status.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <type_traits>

namespace d4j::cuda {

struct Grid {
    std::int64_t x = 1, y = 1, z = 1;
};

/// The largest parameter struct, ConvParams, is not much smaller.
constexpr std::size_t kMaxParamsBytes = 320;

struct Launch {
    std::string image, kernel;
    Grid grid;
    int threads = 0, sharedBytes = 0, paramsBytes = 0;
    alignas(16) unsigned char params[kMaxParamsBytes] = {};
};

class Program {
public:
    Program(int multiprocessors, bool batchInvariant, std::int64_t scratch, std::int64_t counters)
        : multiprocessors(multiprocessors), batchInvariant(batchInvariant), scratch_(scratch), counters_(counters) {
        require(multiprocessors > 0, "multiprocessors must be positive");
    }

    template <class Params>
    void add(std::string image, std::string kernel, Grid grid, int threads, int sharedBytes, const Params& params) {
        static_assert(sizeof(Params) <= kMaxParamsBytes && std::is_trivially_copyable_v<Params>);
        require(grid.x > 0 && grid.y > 0 && grid.z > 0, "a launch without blocks");
        // CUDA's limits: 2^31 - 1 blocks along x, 65535 along y and z.
        require(grid.x <= INT32_MAX && grid.y <= 65535 && grid.z <= 65535, "the op is too large for one launch");
        Launch launch{std::move(image), std::move(kernel), grid, threads, sharedBytes, sizeof(Params), {}};
        std::memcpy(launch.params, &params, sizeof params);
        launches_.push_back(std::move(launch));
    }

    /// Part of the scratch region from `offset` on; an op's parts follow one another.
    template <class T = void>
    T* scratch(std::int64_t offset, std::int64_t bytes) {
        scratchBytes_ = std::max(scratchBytes_, offset + bytes);
        return reinterpret_cast<T*>(scratch_ + offset);
    }

    /// Counters that all launches share: zero between them.
    std::int32_t* counters(std::int64_t count) {
        counterBytes_ = std::max(counterBytes_, count * static_cast<std::int64_t>(sizeof(std::int32_t)));
        return reinterpret_cast<std::int32_t*>(counters_);
    }

    std::int64_t scratchBytes() const { return scratchBytes_; }
    std::int64_t counterBytes() const { return counterBytes_; }
    const std::deque<Launch>& launches() const { return launches_; }

    const int multiprocessors;
    const bool batchInvariant;

private:
    const std::int64_t scratch_, counters_;
    std::int64_t scratchBytes_ = 0, counterBytes_ = 0;
    std::deque<Launch> launches_;  // a deque: callers keep addresses of parameters
    LiveObject live_;
};

Program& program_of(std::int64_t handle);

constexpr std::int64_t kScratchAlignment = 256;

constexpr std::int64_t alignScratch(std::int64_t bytes) {
    return (bytes + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
}

template <class T = void>
T* pointer(std::int64_t address) {
    return reinterpret_cast<T*>(address);
}

/// d4j_dtype and DType, d4j_activation and Activation have the same numbers.
DType dtypeOf(std::int32_t dtype);
Activation activationOf(std::int32_t activation);

/// How kernels' names call the storage of a type: f32, f16 or bf16; tf32 is stored as f32.
const char* storageName(DType type);

inline int blocksOf(std::int64_t items, std::int64_t perBlock) {
    const std::int64_t blocks = (items + perBlock - 1) / perBlock;
    require(blocks <= INT32_MAX, "the op is too large for one launch");
    return static_cast<int>(blocks);
}

/// product: rows of elements that must fit 31 bits, as kernels count them.
inline int count31(std::int64_t product, const char* message) {
    require(product > 0 && product <= INT32_MAX, message);
    return static_cast<int>(product);
}

}  // namespace d4j::cuda
