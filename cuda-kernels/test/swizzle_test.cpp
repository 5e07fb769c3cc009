// Host checks of common/swizzle.hpp: every tile slot is used once, and the accesses that kernels make cost one wavefront.
#include "common/swizzle.hpp"

#include <cstdio>
#include <cstdlib>
#include <set>

namespace {

int failures = 0;

void expect(bool condition, const char* what, int rowBytes, int row) {
    if (!condition) {
        std::fprintf(stderr, "swizzle of %d-byte rows, row %d: %s\n", rowBytes, row, what);
        ++failures;
    }
}

template <int ROW_BYTES>
void checkRows() {
    constexpr int rows = 64, chunks = ROW_BYTES / d4j::kChunkBytes;
    std::set<int> slots;
    for (int row = 0; row < rows; ++row) {
        for (int chunk = 0; chunk < chunks; ++chunk) {
            const int offset = d4j::swizzledOffset<ROW_BYTES>(row, chunk);
            expect(offset >= row * ROW_BYTES && offset < (row + 1) * ROW_BYTES, "leaves its row", ROW_BYTES, row);
            slots.insert(offset);
            expect(d4j::swizzledOffset<ROW_BYTES>(row + 8, chunk) == offset + 8 * ROW_BYTES,
                   "the pattern does not repeat after 8 rows", ROW_BYTES, row);
        }
    }
    expect(static_cast<int>(slots.size()) == rows * chunks, "two chunks share a slot", ROW_BYTES, 0);
    for (int row = 0; row + 8 <= rows; row += 8) {
        for (int chunk = 0; chunk < chunks; ++chunk) {
            std::set<int> banks;
            for (int i = 0; i < 8; ++i) {
                banks.insert(d4j::swizzledOffset<ROW_BYTES>(row + i, chunk) % d4j::kWavefrontBytes);
            }
            expect(banks.size() == 8, "ldmatrix needs more than one wavefront", ROW_BYTES, row);
        }
    }
    // cp.async: 8 neighbouring lanes write consecutive chunks.
    for (int first = 0; first + 8 <= rows * chunks; first += 8) {
        std::set<int> banks;
        for (int i = first; i < first + 8; ++i) {
            banks.insert(d4j::swizzledOffset<ROW_BYTES>(i / chunks, i % chunks) % d4j::kWavefrontBytes);
        }
        expect(banks.size() == 8, "a copy needs more than one wavefront", ROW_BYTES, first / chunks);
    }
}

}  // namespace

int main() {
    checkRows<32>();
    checkRows<64>();
    checkRows<128>();
    checkRows<256>();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
