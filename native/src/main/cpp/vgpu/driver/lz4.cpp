#include "driver/lz4.hpp"

#include <stdexcept>

namespace vgpu::driver {

namespace {

[[noreturn]] void damaged() { throw std::invalid_argument("LZ4 data is corrupt"); }

}  // namespace

std::string lz4Decompress(const uint8_t* data, size_t size, size_t plainBytes) {
    std::string plain;
    plain.reserve(plainBytes);
    size_t at = 0;
    auto next = [&]() -> uint8_t {
        if (at >= size) damaged();
        return data[at++];
    };
    // A length of 15 goes on in further bytes, as long as they are 255.
    auto length = [&](size_t nibble) {
        size_t total = nibble;
        if (nibble == 15) {
            uint8_t more;
            do {
                more = next();
                total += more;
                if (total > plainBytes) damaged();
            } while (more == 255);
        }
        return total;
    };
    while (at < size) {
        uint8_t token = next();
        size_t literals = length(token >> 4);
        if (literals > size - at || literals > plainBytes - plain.size()) damaged();
        plain.append(reinterpret_cast<const char*>(data) + at, literals);
        at += literals;
        if (at == size) break;  // the last sequence has no match
        size_t distance = next();
        distance |= size_t(next()) << 8;
        size_t match = length(token & 15) + 4;
        if (distance == 0 || distance > plain.size() || match > plainBytes - plain.size()) damaged();
        // Byte by byte: a match may overlap what it writes.
        for (size_t i = 0; i < match; i++) plain.push_back(plain[plain.size() - distance]);
    }
    if (plain.size() != plainBytes) damaged();
    return plain;
}

}  // namespace vgpu::driver
