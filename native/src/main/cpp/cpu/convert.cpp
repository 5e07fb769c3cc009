#include "convert.hpp"

#include "d4j_cpu.h"

namespace d4j {

namespace {

float bits_to_float(std::uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

float half_to_float(std::uint16_t half) {
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
    const std::uint32_t magnitude = half & 0x7fff;
    if (magnitude >= 0x7c00) return bits_to_float(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    // Exponent and mantissa moved into place are short of the difference of the biases, 127 - 15 = 112: a product with
    // 2^112 adds it, and makes subnormals normal.
    const float scaled = bits_to_float(magnitude << 13) * 0x1p112f;
    return sign != 0 ? -scaled : scaled;
}

template <class Source, class Load>
void convert(const void* source, void* target, int dtype, std::int64_t count, Load load) {
    for (std::int64_t i = 0; i < count; ++i) {
        Source raw;
        std::memcpy(&raw, static_cast<const char*>(source) + i * sizeof raw, sizeof raw);
        const float value = load(raw);
        if (dtype == D4J_F32) {
            static_cast<float*>(target)[i] = value;
        } else {
            static_cast<std::uint16_t*>(target)[i] = float_to_bfloat(value);
        }
    }
}

}  // namespace

void convert_published(const void* source, int source_dtype, void* target, int dtype, std::int64_t count) {
    switch (source_dtype) {
        case D4J_F16: return convert<std::uint16_t>(source, target, dtype, count, half_to_float);
        case D4J_BF16: return convert<std::uint16_t>(source, target, dtype, count, bfloat_to_float);
        default: return convert<float>(source, target, dtype, count, [](float value) { return value; });
    }
}

}  // namespace d4j
