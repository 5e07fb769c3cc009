// Conversion between dtypes.
#pragma once

#include <cstdint>
#include <cstring>

namespace d4j {

inline float bfloat_to_float(std::uint16_t bfloat) {
    const std::uint32_t bits = static_cast<std::uint32_t>(bfloat) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// Round to nearest even; NaN stays NaN.
inline std::uint16_t float_to_bfloat(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
    return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Round to nearest even; what is too large becomes infinite, NaN stays NaN.
inline std::uint16_t float_to_half(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
    const std::uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return static_cast<std::uint16_t>(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return static_cast<std::uint16_t>(sign | 0x7c00);  // 65520 and more round to infinity
    if (magnitude < 0x38800000) {
        // Below 2^-14: multiples of 2^-24. Adding 1.5 * 2^-1 rounds to them, as floats near 0.75 are 2^-24 apart.
        float absolute;
        std::memcpy(&absolute, &magnitude, sizeof absolute);
        const float shifted = absolute + 0.75f;
        std::uint32_t rounded;
        std::memcpy(&rounded, &shifted, sizeof rounded);
        return static_cast<std::uint16_t>(sign | (rounded - 0x3f400000));
    }
    const std::uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return static_cast<std::uint16_t>(sign | ((rounded >> 13) - (112 << 10)));
}

// 10 mantissa bits, ties away from zero, as cvt.rna.tf32.
inline float float_to_tf32(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits = (bits + 0x1000) & 0xffffe000;
    std::memcpy(&value, &bits, sizeof bits);
    return value;
}

// Published tensors (f32, f16, bf16; any alignment) to what we compute in (f32, bf16).
void convert_published(const void* source, int source_dtype, void* target, int dtype, std::int64_t count);

}  // namespace d4j
