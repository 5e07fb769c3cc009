// Host checks of the tile tables and of the function that picks from them.
#include "conv/conv_params.hpp"
#include "conv/conv_tiles.hpp"
#include "gemm/gemm_tiles.hpp"

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "common/packed_weights.hpp"
#include "common/tile_choice.hpp"

namespace {

using namespace d4j;

int failures = 0;

void expect(bool condition, const std::string& what) {
    if (!condition) {
        std::fprintf(stderr, "%s\n", what.c_str());
        ++failures;
    }
}

/// Shared memory of a multiprocessor on sm_80 and on the smallest targets (sm_86, sm_89, sm_120). 1 KiB a block is
/// reserved.
constexpr int kSm80Shared = 164 * 1024, kSmallestShared = 100 * 1024, kReserved = 1024;

const char* const kTypeNames[] = {"f32", "f16", "bf16", "tf32"};

template <int COUNT>
void checkTable(const NamedTile (&tiles)[COUNT], const std::string& prefix, const std::string& suffix, int tableBytes) {
    for (const NamedTile& tile : tiles) {
        const TileShape& s = tile.shape;
        const std::string name = prefix + kTypeNames[static_cast<int>(s.type)] + "_" + std::to_string(s.m) + "x" +
                                 std::to_string(s.n) + "x" + std::to_string(sliceElements(s.type)) + suffix;
        expect(name == tile.name, name + " is named " + tile.name);
        const int bytes = (s.pipelineBytes() > s.slabBytes() ? s.pipelineBytes() : s.slabBytes()) + tableBytes * s.m;
        expect((bytes + kReserved) * s.blocksPerSm <= kSm80Shared,
               name + ": the planned blocks do not fit into shared memory");
        expect(bytes + kReserved <= kSmallestShared, name + ": one block does not fit into shared memory");
    }
}

void checkPacking() {
    for (const bool any : {false, true}) {
        const PackedWeights packed{5, 9, 40, 24, 32, any};
        std::set<int64_t> used;
        for (int output = 0; output < 5; ++output) {
            for (int tap = 0; tap < 9; ++tap) {
                for (int channel = 0; channel < 64; ++channel) {
                    const int64_t position = packed.position(output, tap, channel);
                    expect(position >= 0 && position < packed.elements(), "a weight lies outside the packed weights");
                    used.insert(position);
                }
            }
        }
        expect(used.size() == 5 * 9 * 64, "two weights share a place");
    }
    expect(PackedWeights{5, 9, 40, 24, 32, false}.slices() == 9 * (2 + 1), "sources are padded to slices");
    expect(PackedWeights{5, 9, 40, 24, 32, true}.slices() == 18, "the general row is padded at its end");
}

MatrixChoice conv(DType type, int batch, int size, int channels, int outputs, bool invariant = false) {
    const int slices = 9 * ceilDiv(channels, sliceElements(type));
    return chooseTile(kConvTiles, {type, int64_t{batch} * size * size, outputs, slices, batch, 108, invariant});
}

/// Products that are executed over products that are asked for.
double waste(const TileShape& tile, int64_t m, int n) {
    return double(ceilDiv64(m, tile.m) * tile.m * ceilDiv64(n, tile.n) * tile.n) / double(m * n);
}

void checkChoices() {
    const int shapes[][2] = {{64, 320}, {32, 640}, {16, 1280}, {8, 1280}};
    for (const auto& shape : shapes) {
        const MatrixChoice choice = conv(DType::F16, 2, shape[0], shape[1], shape[1]);
        const TileShape& tile = kConvTiles[choice.tile].shape;
        expect(tile.type == DType::F16, "the type is kept");
        expect(waste(tile, 2 * shape[0] * shape[0], shape[1]) <= 1.15,
               std::string(kConvTiles[choice.tile].name) + " wastes work on " + std::to_string(shape[1]));
        expect(choice.splits * choice.slicesPerSplit >= 9 * shape[1] / 32, "the splits cover the sum");
        expect((choice.splits - 1) * choice.slicesPerSplit < 9 * shape[1] / 32, "no split is empty");
    }
    expect(conv(DType::F16, 2, 8, 1280, 1280).splits > 1, "a small image with a long sum is split");
    expect(conv(DType::F16, 8, 64, 320, 320).splits == 1, "a large image is not split");
    expect(std::string(kConvTiles[conv(DType::F16, 2, 64, 320, 4).tile].name) == "conv_fprop_f16_64x32x32",
           "few output channels take the narrow tile");
    for (int batch = 1; batch <= 9; ++batch) {
        expect(conv(DType::BF16, batch, 8, 1280, 1280, true).splits == conv(DType::BF16, 1, 8, 1280, 1280).splits,
               "batch invariance keeps the splits of one sample");
    }
    for (const DType type : {DType::F32, DType::F16, DType::BF16, DType::TF32}) {
        const MatrixChoice choice = chooseTile(kGemmTiles, {type, 77, 768, 48, 1, 132, false});
        expect(choice.tile >= 0 && kGemmTiles[choice.tile].shape.type == type, "every type has a linear kernel");
    }
}

}  // namespace

int main() {
    checkTable(kGemmTiles, "gemm_", "", 0);
    // 3 x 3 taps of two sources.
    // A 3x3 filter of one source; with more segments fewer blocks may be resident.
    checkTable(kConvTiles, "conv_fprop_", "", 9 * 4);
    checkTable(kConvAnyTiles, "conv_fprop_", "_any", 18 * 4);
    checkPacking();
    checkChoices();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
