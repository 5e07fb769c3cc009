// A list of launches under construction. Each kernel takes one struct by value, so a launch is a shape and some bytes.
#pragma once

#include "d4j_cuda.h"

#include "common/tail_params.hpp"
#include "memory.hpp"
#include "status.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <type_traits>

namespace d4j::cuda {

struct Grid {
    std::int64_t x = 1, y = 1, z = 1;
};

/// The largest parameter struct, ConvParams, is not much smaller.
constexpr std::size_t kMaxParamsBytes = 448;

struct Launch {
    std::string image, kernel;
    Grid grid;
    int threads = 0, sharedBytes = 0, paramsBytes = 0;
    bool cooperative = false;  // its blocks wait for one another
    alignas(16) unsigned char params[kMaxParamsBytes] = {};
};

/// A device, as far as choices depend on it.
struct Multiprocessors {
    int count;
    int sharedBytes;  // shared memory of each
};

/// A matrix launch at the end of the list: the norm that follows can run in its tail (cuda-kernels/common/tail_params.hpp).
struct OpenTail {
    Launch* launch;
    TailParams* params;     // in the launch
    const void* output;     // dense [m, n], or null: none that a norm can read
    DType type;             // of the output
    int m, n;
    std::int64_t resident;  // blocks that are resident together
};

class Program {
public:
    Program(Multiprocessors device, bool batchInvariant, std::int64_t scratch, std::int64_t counters)
        : device(device), batchInvariant(batchInvariant), scratch_(scratch), counters_(counters) {
        require(device.count > 0, "multiprocessors must be positive");
        require(device.sharedBytes > 0, "the shared memory of a multiprocessor must be positive");
    }

    template <class Params>
    Launch& add(std::string image, std::string kernel, Grid grid, int threads, int sharedBytes, const Params& params) {
        static_assert(sizeof(Params) <= kMaxParamsBytes && std::is_trivially_copyable_v<Params>);
        require(grid.x > 0 && grid.y > 0 && grid.z > 0, "a launch without blocks");
        // CUDA's limits: 2^31 - 1 blocks along x, 65535 along y and z.
        require(grid.x <= INT32_MAX && grid.y <= 65535 && grid.z <= 65535, "the op is too large for one launch");
        Launch launch{std::move(image), std::move(kernel), grid, threads, sharedBytes, sizeof(Params), false, {}};
        std::memcpy(launch.params, &params, sizeof params);
        launches_.push_back(std::move(launch));
        openTail_.reset();
        return launches_.back();
    }

    void offerTail(const OpenTail& tail) { openTail_ = tail; }

    /// Nothing joins the launches so far any more.
    void seal() { openTail_.reset(); }

    /// The tail of the last launch, if it wrote exactly this.
    OpenTail* openTail(const void* output, DType type, std::int64_t m, int n) {
        return openTail_ && openTail_->output == output && openTail_->type == type && openTail_->m == m &&
                       openTail_->n == n
                   ? &*openTail_
                   : nullptr;
    }

    /// Makes a launch one that has a tail: all its blocks are resident together and meet at the barrier.
    TailParams& useTail(const OpenTail& tail) {
        tail.launch->cooperative = true;
        tail.launch->grid.x = std::min(tail.launch->grid.x, tail.resident);
        tail.params->barrier = barrier();
        return *tail.params;
    }

    /// Puts a norm there; its parameters are still to be set.
    TailParams& closeTail(const OpenTail& tail, TailNorm norm) {
        TailParams& params = useTail(tail);
        params.norm = norm;
        openTail_.reset();
        return params;
    }

    /// Part of the scratch region from `offset` on; an op's parts follow one another.
    template <class T = void>
    T* scratch(std::int64_t offset, std::int64_t bytes) {
        scratchBytes_ = std::max(scratchBytes_, offset + bytes);
        return reinterpret_cast<T*>(scratch_ + offset);
    }

    /// Counters that all launches share: zero between them.
    std::int32_t* counters(std::int64_t count) {
        return reinterpret_cast<std::int32_t*>(countersAt(kBarrierBytes, count * std::int64_t{4}));
    }

    /// What the blocks of a cooperative launch wait at; all launches share it.
    std::uint32_t* barrier() { return reinterpret_cast<std::uint32_t*>(countersAt(0, kBarrierBytes)); }

    std::int64_t scratchBytes() const { return scratchBytes_; }
    std::int64_t counterBytes() const { return counterBytes_; }
    const std::deque<Launch>& launches() const { return launches_; }

    const Multiprocessors device;
    const bool batchInvariant;

private:
    static constexpr std::int64_t kBarrierBytes = 128;  // a line of its own

    std::int64_t countersAt(std::int64_t offset, std::int64_t bytes) {
        counterBytes_ = std::max(counterBytes_, offset + bytes);
        return counters_ + offset;
    }

    const std::int64_t scratch_, counters_;
    std::int64_t scratchBytes_ = 0, counterBytes_ = 0;
    std::deque<Launch> launches_;  // a deque: callers keep addresses of parameters
    std::optional<OpenTail> openTail_;
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
