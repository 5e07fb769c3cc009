// Tensors of the tests: elements as they are stored on the device, read as double on the host.
#pragma once

#include <cmath>
#include <cstring>
#include <random>

#include "common/types.hpp"
#include "test/device/gpu.hpp"

namespace d4j::test {

inline float fromBits(uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
}

inline uint32_t toBits(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return bits;
}

/// Round to nearest, ties to even; magnitudes of the tests are far from the ends of the range.
inline uint16_t toHalf(float x) {
    const uint32_t bits = toBits(x), sign = bits >> 16 & 0x8000u;
    const float magnitude = std::fabs(x);
    if (magnitude < 6.103515625e-5f) {  // 2^-14: subnormal halves are multiples of 2^-24
        return static_cast<uint16_t>(sign | static_cast<uint32_t>(std::nearbyint(magnitude * 16777216.0f)));
    }
    const uint32_t rounded = (bits & 0x7fffffffu) + 0xfffu + (bits >> 13 & 1u);
    return static_cast<uint16_t>(sign | ((rounded >> 13) - (112u << 10)));
}

inline float fromHalf(uint16_t half) {
    const uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31u, mantissa = half & 0x3ffu;
    if (exponent == 0) {
        return (sign ? -1.0f : 1.0f) * static_cast<float>(mantissa) * 5.9604644775390625e-8f;
    }
    if (exponent == 31) {
        return fromBits(sign | 0x7f800000u | mantissa << 13);
    }
    return fromBits(sign | (exponent + 112u) << 23 | mantissa << 13);
}

inline uint16_t toBf16(float x) {
    const uint32_t bits = toBits(x);
    return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/// Ties away from zero, as cvt.rna.tf32.
inline float toTf32(float x) { return fromBits((toBits(x) + 0x1000u) & 0xffffe000u); }

/// Elements of one type in device memory, with a host copy.
class Tensor {
public:
    Tensor(Gpu& gpu, DType type, size_t count)
        : gpu_(gpu), type_(type), bytes_(count * bytesOf(type), 0xff), address_(gpu.allocate(bytes_.size() + 16)) {}
    ~Tensor() { gpu_.free(address_); }
    Tensor(const Tensor&) = delete;
    Tensor& operator=(const Tensor&) = delete;

    size_t size() const { return bytes_.size() / bytesOf(type_); }
    void* device() const { return reinterpret_cast<void*>(address_); }

    double get(size_t i) const {
        if (bytesOf(type_) == 4) {
            float x;
            std::memcpy(&x, &bytes_[i * 4], 4);
            return x;
        }
        uint16_t bits;
        std::memcpy(&bits, &bytes_[i * 2], 2);
        return type_ == DType::F16 ? fromHalf(bits) : fromBits(static_cast<uint32_t>(bits) << 16);
    }

    /// All elements, for references that read them many times.
    std::vector<double> values() const {
        std::vector<double> all(size());
        for (size_t i = 0; i < all.size(); ++i) {
            all[i] = get(i);
        }
        return all;
    }

    void set(size_t i, double value) {
        const float x = static_cast<float>(value);
        if (bytesOf(type_) == 4) {
            std::memcpy(&bytes_[i * 4], &x, 4);
        } else {
            const uint16_t bits = type_ == DType::F16 ? toHalf(x) : toBf16(x);
            std::memcpy(&bytes_[i * 2], &bits, 2);
        }
    }

    Tensor& random(std::mt19937& generator, double scale = 1) {
        std::normal_distribution<double> normal(0, scale);
        for (size_t i = 0; i < size(); ++i) {
            set(i, normal(generator));
        }
        return upload();
    }

    /// NaN in every type: whatever a kernel forgets to write shows.
    Tensor& poison() {
        std::memset(bytes_.data(), 0xff, bytes_.size());
        return upload();
    }

    Tensor& upload() {
        gpu_.upload(address_, bytes_.data(), bytes_.size());
        return *this;
    }

    void download() { gpu_.download(bytes_.data(), address_, bytes_.size()); }

    const std::vector<unsigned char>& bytes() const { return bytes_; }

private:
    Gpu& gpu_;
    DType type_;
    std::vector<unsigned char> bytes_;
    uint64_t address_;
};

/// |result - reference| / |reference|, infinite if anything is not a number.
class RelativeError {
public:
    void add(double result, double reference) {
        difference_ += (result - reference) * (result - reference);
        norm_ += reference * reference;
    }
    double value() const {
        const double error = std::sqrt(difference_ / norm_);
        return std::isfinite(error) ? error : INFINITY;
    }

private:
    double difference_ = 0, norm_ = 0;
};

/// What a single kernel may err, by type (the project's table).
inline double tolerance(DType type) {
    switch (type) {
        case DType::F16:
            return 2e-3;
        case DType::BF16:
            return 1e-2;
        case DType::TF32:
            return 1e-3;
        default:
            return 2e-6;
    }
}

}  // namespace d4j::test
