// Published tensors, packed once for the primitives that read them.
#pragma once

#include "engine.hpp"
#include "memory.hpp"
#include "status.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

namespace d4j {

// A weight in one layout, kept alive by the ops that use it.
struct PackedWeight {
    HostBuffer buffer;
    dnnl::memory memory;

    // The memory, for binding: a declared weight has none.
    const dnnl::memory& loaded() const {
        require(buffer.bytes() != 0, "an op of a declared weight cannot be bound");
        return memory;
    }
};

// The input channels [first, first + count) of a weight: an op with two sources uses two slices.
struct InputSlice {
    std::int64_t first = 0;
    std::int64_t count = 0;
};

class Weight {
public:
    // A declared filter or matrix holds no data: ops can be created from it to learn what they need, not bound.
    Weight(std::shared_ptr<Engine> engine, int kind, std::vector<std::int64_t> dims, int dtype, bool declared = false);

    // Copies rows of the first dimension to the plain copy, converting them. Only before the first pack().
    void fill(std::int64_t first_row, const void* source, int source_dtype, std::int64_t rows);

    int kind() const { return kind_; }
    // D4J_F32 or D4J_BF16: what is stored.
    int dtype() const { return dtype_; }
    const std::vector<std::int64_t>& dims() const { return dims_; }
    // The plain copy, of vectors and tables, which are never packed.
    template <class T>
    const T* plain() const {
        return plain_.as<T>();
    }

    // The layout of an earlier op's copy, if there is one.
    std::optional<dnnl::memory::desc> layout(InputSlice slice) const;
    // The slices in the given layouts: what is there is shared, what is not is made. Afterwards the plain copy is gone.
    std::vector<std::shared_ptr<PackedWeight>> pack(const std::vector<InputSlice>& slices,
                                                    const std::vector<dnnl::memory::desc>& layouts);
    // Of a 3x3 filter over an image upsampled to twice its size by nearest: the four 2x2 filters [2 * (y odd) + (x odd)]
    // that give the same from the small image, as weights of their own. Afterwards the plain copy is gone.
    std::vector<std::shared_ptr<Weight>> upsampling_phases();
    std::int64_t bytes() const;

private:
    struct Copy {
        InputSlice slice;
        std::shared_ptr<PackedWeight> packed;
    };

    dnnl::memory::desc plain_desc() const;
    dnnl::memory::desc plain_desc(InputSlice slice) const;
    // The plain layout again, from packed copies that cover all input channels.
    HostBuffer unpacked();
    std::shared_ptr<Weight> phase(int y, int x) const;
    std::shared_ptr<PackedWeight> find(InputSlice slice, const dnnl::memory::desc& layout) const;

    const std::shared_ptr<Engine> engine_;
    const int kind_;
    const std::vector<std::int64_t> dims_;
    const int dtype_;
    const bool declared_;
    mutable std::mutex mutex_;
    HostBuffer plain_;
    std::vector<Copy> copies_;
    std::vector<std::shared_ptr<Weight>> phases_;
};

struct WeightHandle {
    std::shared_ptr<Weight> weight;
    LiveObject live;
};

// Checked against what an op expects; `name` is for the message. The first has handle 0 for "none".
std::shared_ptr<Weight> optional_vector(std::int64_t handle, std::int64_t count, const char* name);
std::shared_ptr<Weight> weight_of(std::int64_t handle, int kind, const std::vector<std::int64_t>& dims,
                                  const char* name);

// The dtype in which weights of this compute dtype are stored: f32 where bf16 products would be emulated.
int stored_dtype(int dtype);
dnnl::memory::data_type onednn_dtype(int dtype);

}  // namespace d4j
