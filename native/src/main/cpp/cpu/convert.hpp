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

// Published tensors (f32, f16, bf16; any alignment) to what we compute in (f32, bf16).
void convert_published(const void* source, int source_dtype, void* target, int dtype, std::int64_t count);

}  // namespace d4j
