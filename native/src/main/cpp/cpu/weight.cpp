#include "weight.hpp"

#include "convert.hpp"
#include "d4j_cpu.h"
#include "isa.hpp"
#include "op.hpp"
#include "status.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace d4j {

namespace {

std::int64_t product(const std::vector<std::int64_t>& dims) {
    std::int64_t p = 1;
    for (std::int64_t d : dims) p *= d;
    return p;
}

std::string text(const std::vector<std::int64_t>& dims) {
    std::string s = "[";
    for (std::size_t i = 0; i < dims.size(); ++i) s += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
    return s + "]";
}

int dtype_of_kind(int kind, int dtype) {
    if (kind == D4J_WEIGHT_VECTOR) return D4J_F32;
    // A table is copied, not multiplied: bf16 costs nothing on any CPU.
    return kind == D4J_WEIGHT_TABLE ? dtype : stored_dtype(dtype);
}

}  // namespace

int stored_dtype(int dtype) { return dtype == D4J_BF16 && !onednn_has_native_bf16() ? D4J_F32 : dtype; }

dnnl::memory::data_type onednn_dtype(int dtype) {
    return dtype == D4J_F32 ? dnnl::memory::data_type::f32 : dnnl::memory::data_type::bf16;
}

Weight::Weight(std::shared_ptr<Engine> engine, int kind, std::vector<std::int64_t> dims, int dtype, bool declared)
    : engine_(std::move(engine)),
      kind_(kind),
      dims_(std::move(dims)),
      dtype_(dtype_of_kind(kind, dtype)),
      declared_(declared) {
    if (!declared_) plain_ = HostBuffer(static_cast<std::size_t>(product(dims_)) * dtype_bytes(dtype_));
}

void Weight::fill(std::int64_t first_row, const void* source, int source_dtype, std::int64_t rows) {
    const std::int64_t row = product(dims_) / dims_[0];
    char* target = plain_.as<char>() + first_row * row * static_cast<std::int64_t>(dtype_bytes(dtype_));
    convert_published(source, source_dtype, target, dtype_, rows * row);
}

dnnl::memory::desc Weight::plain_desc() const {
    if (kind_ == D4J_WEIGHT_CONV) return {dims_, onednn_dtype(dtype_), dnnl::memory::format_tag::oihw};
    // A matrix product reads [k, n]; published is [n, k].
    return {{dims_[1], dims_[0]}, onednn_dtype(dtype_), dnnl::memory::format_tag::ba};
}

dnnl::memory::desc Weight::plain_desc(InputSlice slice) const {
    if (kind_ == D4J_WEIGHT_CONV) {
        return plain_desc().submemory_desc({dims_[0], slice.count, dims_[2], dims_[3]}, {0, slice.first, 0, 0});
    }
    return plain_desc().submemory_desc({slice.count, dims_[0]}, {slice.first, 0});
}

std::optional<dnnl::memory::desc> Weight::layout(InputSlice slice) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const Copy& copy : copies_) {
        if (copy.slice.first == slice.first && copy.slice.count == slice.count) return copy.packed->memory.get_desc();
    }
    return std::nullopt;
}

std::shared_ptr<PackedWeight> Weight::find(InputSlice slice, const dnnl::memory::desc& layout) const {
    for (const Copy& copy : copies_) {
        if (copy.slice.first == slice.first && copy.slice.count == slice.count &&
            copy.packed->memory.get_desc() == layout) {
            return copy.packed;
        }
    }
    return nullptr;
}

HostBuffer Weight::unpacked() {
    require(!copies_.empty(), "this weight was packed for an upsampling convolution and serves no other");
    HostBuffer plain(plain_desc().get_size());
    for (const Copy& copy : copies_) {
        dnnl::memory target(plain_desc(copy.slice), engine_->onednn, plain.as());
        dnnl::reorder(copy.packed->memory, target).execute(engine_->stream, copy.packed->memory, target);
    }
    return plain;
}

std::vector<std::shared_ptr<PackedWeight>> Weight::pack(const std::vector<InputSlice>& slices,
                                                        const std::vector<dnnl::memory::desc>& layouts) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::shared_ptr<PackedWeight>> result;
    std::vector<Copy> made;
    HostBuffer recovered;
    for (std::size_t i = 0; i < slices.size(); ++i) {
        std::shared_ptr<PackedWeight> packed = find(slices[i], layouts[i]);
        if (packed == nullptr && declared_) {
            packed = std::make_shared<PackedWeight>();
            packed->memory = dnnl::memory(layouts[i], engine_->onednn, DNNL_MEMORY_NONE);
            made.push_back({slices[i], packed});
        } else if (packed == nullptr) {
            if (plain_.bytes() == 0 && recovered.bytes() == 0) recovered = unpacked();
            void* data = plain_.bytes() != 0 ? plain_.as() : recovered.as();
            dnnl::memory plain(plain_desc(slices[i]), engine_->onednn, data);
            packed = std::make_shared<PackedWeight>();
            packed->buffer = HostBuffer(layouts[i].get_size());
            packed->memory = dnnl::memory(layouts[i], engine_->onednn, packed->buffer.as());
            dnnl::reorder(plain, packed->memory).execute(engine_->stream, plain, packed->memory);
            made.push_back({slices[i], packed});
        }
        result.push_back(std::move(packed));
    }
    copies_.insert(copies_.end(), made.begin(), made.end());
    plain_ = HostBuffer();
    return result;
}

std::shared_ptr<Weight> Weight::phase(int y, int x) const {
    // Row r of an even output reads the small rows (r - 1, r, r) / 2, that of an odd one (r, r, r + 1) / 2: filter rows
    // that meet the same small row are added up. Columns alike.
    const auto tap = [](int odd, int f) { return odd == 0 ? (f > 0 ? 1 : 0) : (f > 1 ? 1 : 0); };
    auto weight = std::make_shared<Weight>(engine_, kind_, std::vector<std::int64_t>{dims_[0], dims_[1], 2, 2}, dtype_,
                                           declared_);
    if (declared_) return weight;
    const auto plain = [&](std::int64_t i) {
        return dtype_ == D4J_F32 ? plain_.as<float>()[i] : bfloat_to_float(plain_.as<std::uint16_t>()[i]);
    };
    std::vector<float> row(static_cast<std::size_t>(4 * dims_[1]));
    for (std::int64_t k = 0; k < dims_[0]; ++k) {
        std::fill(row.begin(), row.end(), 0.0f);
        for (std::int64_t i = 0; i < 9 * dims_[1]; ++i) {
            const int fy = static_cast<int>(i % 9 / 3), fx = static_cast<int>(i % 3);
            row[static_cast<std::size_t>(i / 9 * 4 + tap(y, fy) * 2 + tap(x, fx))] += plain(k * 9 * dims_[1] + i);
        }
        weight->fill(k, row.data(), D4J_F32, 1);
    }
    return weight;
}

std::vector<std::shared_ptr<Weight>> Weight::upsampling_phases() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (phases_.empty()) {
        HostBuffer recovered = plain_.bytes() == 0 && !declared_ ? unpacked() : HostBuffer();
        if (recovered.bytes() != 0) plain_ = std::move(recovered);
        for (int i = 0; i < 4; ++i) phases_.push_back(phase(i / 2, i % 2));
        plain_ = HostBuffer();
    }
    return phases_;
}

std::int64_t Weight::bytes() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::size_t bytes = plain_.bytes();
    for (const std::shared_ptr<Weight>& phase : phases_) bytes += static_cast<std::size_t>(phase->bytes());
    for (const Copy& copy : copies_) bytes += copy.packed->memory.get_desc().get_size();
    return static_cast<std::int64_t>(bytes);
}

std::shared_ptr<Weight> weight_of(std::int64_t handle, int kind, const std::vector<std::int64_t>& dims,
                                  const char* name) {
    if (handle == 0) throw std::invalid_argument(std::string(name) + " is 0, not a weight");
    const std::shared_ptr<Weight>& weight = reinterpret_cast<WeightHandle*>(handle)->weight;
    if (weight->kind() != kind) throw std::invalid_argument(std::string(name) + " is a weight of another kind");
    if (weight->dims() != dims) {
        throw std::invalid_argument(std::string(name) + " is " + text(weight->dims()) + ", the op needs " + text(dims));
    }
    return weight;
}

std::shared_ptr<Weight> optional_vector(std::int64_t handle, std::int64_t count, const char* name) {
    return handle == 0 ? nullptr : weight_of(handle, D4J_WEIGHT_VECTOR, {count}, name);
}

namespace {

void check_shape(int kind, const std::int64_t* dims, int rank, int dtype) {
    static constexpr int kRank[] = {4, 2, 1, 2};
    require(kind >= D4J_WEIGHT_CONV && kind <= D4J_WEIGHT_TABLE, "not a weight kind");
    require(rank == kRank[kind], "rank does not fit the weight's kind");
    require_activation_dtype(dtype);
    // 2^40 elements: far above any memory, far below overflow.
    std::int64_t elements = 1;
    for (int i = 0; i < rank; ++i) {
        require(dims[i] > 0 && dims[i] <= (std::int64_t{1} << 31) - 1, "dims must be in 1..2^31-1");
        require(elements <= (std::int64_t{1} << 40) / dims[i], "dims are too large");
        elements *= dims[i];
    }
}

std::shared_ptr<Weight> create(std::int64_t engine, int kind, const std::int64_t* sources,
                               const std::int64_t* first_dims, int count, int source_dtype, const std::int64_t* dims,
                               int rank, int dtype) {
    check_shape(kind, dims, rank, dtype);
    require(count >= 1, "a weight needs a source");
    require(source_dtype == D4J_F32 || source_dtype == D4J_F16 || source_dtype == D4J_BF16,
            "the source dtype must be f32, f16 or bf16");
    std::int64_t rows = 0;
    for (int i = 0; i < count; ++i) {
        require(sources[i] != 0, "a source address is 0");
        require(first_dims[i] > 0 && first_dims[i] <= dims[0] - rows, "first_dims must add up to dims[0]");
        rows += first_dims[i];
    }
    require(rows == dims[0], "first_dims must add up to dims[0]");

    auto weight = std::make_shared<Weight>(engine_of(engine), kind, std::vector<std::int64_t>(dims, dims + rank), dtype);
    rows = 0;
    for (int i = 0; i < count; ++i) {
        weight->fill(rows, at<const void>(sources[i]), source_dtype, first_dims[i]);
        rows += first_dims[i];
    }
    return weight;
}

}  // namespace

}  // namespace d4j

int d4j_weight_create(int64_t engine, int32_t kind, const int64_t* sources, const int64_t* first_dims, int32_t count,
                      int32_t source_dtype, const int64_t* dims, int32_t rank, int32_t dtype, int64_t* weight) {
    return d4j::guarded([&] {
        auto handle = std::make_unique<d4j::WeightHandle>();
        handle->weight = d4j::create(engine, kind, sources, first_dims, count, source_dtype, dims, rank, dtype);
        *weight = reinterpret_cast<int64_t>(handle.release());
    });
}

int d4j_weight_declare(int64_t engine, int32_t kind, const int64_t* dims, int32_t rank, int32_t dtype,
                       int64_t* weight) {
    return d4j::guarded([&] {
        d4j::check_shape(kind, dims, rank, dtype);
        d4j::require(kind == D4J_WEIGHT_CONV || kind == D4J_WEIGHT_LINEAR, "only filters and matrices are declared");
        auto handle = std::make_unique<d4j::WeightHandle>();
        handle->weight = std::make_shared<d4j::Weight>(d4j::engine_of(engine), kind,
                                                       std::vector<std::int64_t>(dims, dims + rank), dtype, true);
        *weight = reinterpret_cast<int64_t>(handle.release());
    });
}

int d4j_weight_destroy(int64_t weight) {
    return d4j::guarded([&] { delete reinterpret_cast<d4j::WeightHandle*>(weight); });
}

int d4j_weight_bytes(int64_t weight, int64_t* bytes) {
    return d4j::guarded([&] {
        d4j::require(weight != 0, "the weight handle is 0");
        *bytes = reinterpret_cast<d4j::WeightHandle*>(weight)->weight->bytes();
    });
}
