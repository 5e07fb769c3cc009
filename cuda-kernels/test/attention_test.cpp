// Host checks of the attention tiles: the table, the pick, and shared-memory layouts without bank conflicts.
#include <cstdio>
#include <set>
#include <string>

#include "attention/attention_config.hpp"
#include "attention/attention_rows.hpp"

namespace {

using namespace d4j;

int failures = 0;

void expect(bool condition, const std::string& what) {
    if (!condition) {
        std::fprintf(stderr, "%s\n", what.c_str());
        ++failures;
    }
}

/// Shared memory of a block on the smallest targets (sm_86, sm_89, sm_120), and of a multiprocessor on sm_80.
constexpr int kBlockShared = 99 * 1024, kSm80Shared = 164 * 1024, kReserved = 1024;

void checkTable() {
    for (const AttentionTile& tile : kAttentionTiles) {
        const std::string name = "tile of head dimension " + std::to_string(tile.headDim);
        const int shared = attentionSharedBytes(tile);
        expect(tile.keys % 32 == 0 && tile.headDim % 8 == 0, name + ": keys or head do not fill their steps");
        expect(shared <= kBlockShared, name + ": too much shared memory for sm_86");
        expect(tile.blocksPerSm * (shared + kReserved) <= kSm80Shared, name + ": planned residency does not fit");
        expect(tile.warps % tile.heads == 0, name + ": warps do not divide among the heads");
        // A transfer is 32 bytes: rows that a block reads from neighbouring columns must begin and end there.
        expect(!tile.exact || tile.headDim * 2 * tile.heads % 32 == 0, name + ": rows of half sectors");
        expect(tile.queryStepsKept <= (tile.headDim + 15) / 16, name + ": keeps more steps than there are");
    }
    for (int headDim = 1; headDim <= 256; ++headDim) {
        const int picked = pickAttentionTile(headDim);
        expect(picked >= 0 && kAttentionTiles[picked].headDim >= headDim, "no tile for " + std::to_string(headDim));
        expect(kFmaHeadDims[pickAttentionFma(headDim)] >= headDim, "no plain kernel for " + std::to_string(headDim));
    }
    for (const int headDim : {40, 64, 80, 128, 160}) {
        expect(kAttentionTiles[pickAttentionTile(headDim)].headDim == headDim, "no exact fit: " + std::to_string(headDim));
    }
    expect(pickAttentionTile(257) < 0, "a head of 257 columns has no tile");
    expect(ceilDiv(257, kFmaHeadDims[pickAttentionFma(257)]) == 2, "a head of 257 columns is done in two slices");
}

template <int HEAD_DIM>
void checkRows() {
    using Rows = AttentionRows<HEAD_DIM>;
    const std::string name = "rows of " + std::to_string(HEAD_DIM);
    std::set<int> slots;
    for (int row = 0; row < 64; ++row) {
        for (int chunk = 0; chunk < Rows::CHUNKS; ++chunk) {
            slots.insert(Rows::offset(row, chunk));
            expect(Rows::offset(row + 8, chunk) == Rows::offset(row, chunk) + 8 * Rows::PITCH, name + ": no period of 8");
        }
        for (int pair = 0; pair < Rows::CHUNKS / 2; ++pair) {
            for (int half = 0; half < 2; ++half) {
                expect(int(Rows::pairAddress(Rows::offset(row, half), pair)) == Rows::offset(row, 2 * pair + half),
                       name + ": the xor of a pair does not commute");
            }
        }
    }
    expect(int(slots.size()) == 64 * Rows::CHUNKS && *slots.rbegin() < 64 * Rows::PITCH, name + ": not a permutation");
    for (int row = 0; row < 64; row += 8) {
        for (int chunk = 0; chunk < Rows::CHUNKS; ++chunk) {
            std::set<int> banks;
            for (int i = 0; i < 8; ++i) banks.insert(Rows::offset(row + i, chunk) % 128);
            expect(banks.size() == 8, name + ": ldmatrix has a bank conflict");
        }
    }
}

}  // namespace

int main() {
    checkTable();
    checkRows<32>();
    checkRows<40>();
    checkRows<64>();
    checkRows<80>();
    checkRows<128>();
    checkRows<160>();
    checkRows<256>();
    return failures == 0 ? 0 : 1;
}
