// Packs published weights for the kernels: common/packed_weights.hpp, or rows as they are.
#include "common/packed_weights.hpp"
#include "convert.hpp"
#include "program.hpp"

#include <cmath>
#include <string>
#include <vector>

namespace d4j::cuda {

namespace {

class Packer {
public:
    explicit Packer(const d4j_cuda_weight_desc& desc)
        : d_(desc), type_(dtypeOf(desc.dtype)), channels_(desc.c0 + desc.c1),
          packed_{desc.outputs,         desc.taps, desc.c0, desc.c1, sliceElements(type_),
                  desc.layout == D4J_CUDA_SLICES_ANY} {
        require(desc.outputs > 0 && desc.taps > 0 && desc.c0 > 0 && desc.c1 >= 0, "sizes of a weight must be positive");
        require(desc.layout >= D4J_CUDA_ROWS && desc.layout <= D4J_CUDA_SLICES_ANY, "not a layout");
        require(desc.interleave == 0 || desc.outputs % 2 == 0, "an interleaved weight has an even number of outputs");
    }

    std::int64_t elements() const { return rows() ? rowElements() * d_.outputs : packed_.elements(); }
    std::int64_t bytes() const { return elements() * bytesOf(type_); }

    /// `source`: `count` consecutive outputs from `first` on.
    void fill(const char* source, int sourceType, int first, int count, void* target) {
        const std::int64_t sourceBytes = rowElements() * (sourceType == D4J_F32 ? 4 : 2);
        std::vector<float> row(static_cast<std::size_t>(rowElements()));
        for (int i = 0; i < count; ++i) {
            convert_published(source + i * sourceBytes, sourceType, row.data(), D4J_F32, rowElements());
            store(row.data(), placeOf(first + i), target);
        }
    }

    /// The reverse, of slices: [outputs, taps, channels] in the type that the weight was packed to.
    void unpack(const char* source, char* target) const {
        require(!rows() && d_.interleave == 0, "only slices that are not interleaved can be unpacked");
        const std::int64_t size = bytesOf(type_);
        for (int output = 0; output < d_.outputs; ++output) {
            for (int tap = 0; tap < d_.taps; ++tap) {
                for (int channel = 0; channel < channels_; ++channel) {
                    std::memcpy(target, source + packed_.position(output, tap, channel) * size,
                                static_cast<std::size_t>(size));
                    target += size;
                }
            }
        }
    }

private:
    bool rows() const { return d_.layout == D4J_CUDA_ROWS; }
    std::int64_t rowElements() const { return std::int64_t{channels_} * d_.taps; }

    int placeOf(int output) const {
        const int half = d_.outputs / 2;
        return d_.interleave == 0 ? output : output < half ? 2 * output : 2 * (output - half) + 1;
    }

    /// One output's weights, [channels, taps].
    void store(const float* row, int output, void* target) {
        for (int channel = 0; channel < channels_; ++channel) {
            for (int tap = 0; tap < d_.taps; ++tap) {
                const std::int64_t place = rows() ? output * rowElements() + std::int64_t{channel} * d_.taps + tap
                                                  : packed_.position(output, tap, channel);
                storeElement(target, place, row[std::int64_t{channel} * d_.taps + tap]);
            }
        }
    }

    void storeElement(void* target, std::int64_t place, float value) const {
        switch (type_) {
            case DType::F16:
                if (std::fabs(value) > kLargestHalf) throw std::invalid_argument(tooLarge(value));
                static_cast<std::uint16_t*>(target)[place] = float_to_half(value);
                break;
            case DType::BF16: static_cast<std::uint16_t*>(target)[place] = float_to_bfloat(value); break;
            case DType::TF32: static_cast<float*>(target)[place] = rows() ? value : float_to_tf32(value); break;
            case DType::F32: static_cast<float*>(target)[place] = value; break;
        }
    }

    static constexpr float kLargestHalf = 65504.0f;

    static std::string tooLarge(float value) {
        return "a weight of " + std::to_string(value) + " does not fit f16; use bf16 or f32";
    }

    const d4j_cuda_weight_desc d_;
    const DType type_;
    const int channels_;
    const PackedWeights packed_;
};

}  // namespace

}  // namespace d4j::cuda

int d4j_cuda_weight_bytes(const d4j_cuda_weight_desc* desc, int64_t* bytes) {
    return d4j::guarded([&] { *bytes = d4j::cuda::Packer(*desc).bytes(); });
}

int d4j_cuda_weight_pack(const d4j_cuda_weight_desc* desc, const int64_t* sources, const int64_t* first_dims,
                         int32_t count, int32_t source_dtype, int64_t target) {
    return d4j::guarded([&] {
        d4j::require(target != 0, "no place to pack the weight to");
        d4j::require(source_dtype == D4J_F32 || source_dtype == D4J_F16 || source_dtype == D4J_BF16,
                     "not a dtype of published weights");
        d4j::cuda::Packer packer(*desc);
        // Places that stand for no weight are zeros.
        std::memset(d4j::cuda::pointer(target), 0, static_cast<std::size_t>(packer.bytes()));
        int64_t first = 0;
        for (int32_t i = 0; i < count; ++i) {
            d4j::require(first_dims[i] > 0 && first + first_dims[i] <= desc->outputs,
                         "the sources' first dimensions do not add up to the outputs");
            packer.fill(d4j::cuda::pointer<const char>(sources[i]), source_dtype, static_cast<int>(first),
                        static_cast<int>(first_dims[i]), d4j::cuda::pointer(target));
            first += first_dims[i];
        }
        d4j::require(first == desc->outputs, "the sources' first dimensions do not add up to the outputs");
    });
}

int d4j_cuda_weight_unpack(const d4j_cuda_weight_desc* desc, int64_t packed, int64_t target) {
    return d4j::guarded([&] {
        d4j::require(packed != 0 && target != 0, "no place to unpack the weight from or to");
        d4j::cuda::Packer(*desc).unpack(d4j::cuda::pointer<const char>(packed), d4j::cuda::pointer<char>(target));
    });
}
