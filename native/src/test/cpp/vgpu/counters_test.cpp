// Counters against what can be counted by hand.
#include "harness.hpp"

using namespace vgpu;
using namespace vgpu::test;

VGPU_TEST(columnsOfASquareTileMeetInOneBankAndPaddedOnesDoNot) {
    Device d(fixture("planted_faults.ptx"));
    d.config.counters = true;
    float *in = d.upload(std::vector<float>(1024, 1.0f)), *out = d.reserve<float>(1024);
    Counters conflicts = d.run("transposeWithConflicts", {1}, {32, 32}, in, out).counters;
    expectEqual(conflicts.sharedLoad.requests, uint64_t(32), "one load a warp");
    expectEqual(conflicts.sharedLoad.wavefronts, uint64_t(32 * 32), "32 wavefronts each");
    expectEqual(conflicts.sharedLoad.idealWavefronts, uint64_t(32), "one would do");
    expectEqual(conflicts.sharedStore.wavefronts, uint64_t(32), "rows do not conflict");
    Counters padded = d.run("transposePadded", {1}, {32, 32}, in, out).counters;
    expectEqual(padded.sharedLoad.wavefronts, uint64_t(32), "no conflicts");
}

VGPU_TEST(denseRowsAreFourSectorsAWarp) {
    Device d(fixture("planted_faults.ptx"));
    d.config.counters = true;
    float *in = d.upload(std::vector<float>(1024, 1.0f)), *out = d.reserve<float>(1024);
    Counters c = d.run("transposePadded", {1}, {32, 32}, in, out).counters;
    expectEqual(c.globalLoad.requests, uint64_t(32), "requests");
    expectEqual(c.globalLoad.sectors, uint64_t(128), "sectors");
    expectEqual(c.globalLoad.idealSectors, uint64_t(128), "ideal");
    expectEqual(c.globalLoad.bytes, uint64_t(4096), "bytes");
    expectEqual(c.globalStore.uniqueBytes, uint64_t(4096), "footprint");
    expectEqual(c.barriers, uint64_t(32), "barriers");
    expectEqual(c.blocks, uint64_t(1), "blocks");
}

VGPU_TEST(matrixInstructionsAreCounted) {
    Device d(fixture("gemm.ptx"));
    d.config.counters = true;
    d.config.lineCounters = true;
    constexpr int N = 128;
    uint16_t *a = d.upload(std::vector<uint16_t>(N * N)), *b = d.upload(std::vector<uint16_t>(N * N)), *c = d.reserve<uint16_t>(N * N);
    Counters k = d.run("hgemm", {2, 2}, {128}, a, b, c, N, N, N).counters;
    expectEqual(k.mmaFlops, uint64_t(2) * N * N * N, "FLOPs");
    expectEqual(k.mmaFlopsByType.at("f16"), k.mmaFlops, "by type");
    expectEqual(k.mma, k.mmaFlops / 4096, "instructions");
    expectEqual(k.ldmatrixWaves.wavefronts, k.ldmatrixWaves.idealWavefronts, "the swizzle has no conflicts");
    expectEqual(k.globalLoad.bytes, uint64_t(2) * (N / 64) * N * N * 2, "each tile row and column once for each block");
    uint64_t instructions = 0;
    for (const LineCounters& line : k.lines) instructions += line.warpInstructions;
    expectEqual(instructions, k.warpInstructions, "lines add up");
}

VGPU_TEST(linesThatNoLaneExecutesAreNotCountedAsExecuted) {
    Device d(".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k()\n{\n.reg .pred %p<2>;\n.reg .b32 %r<3>;\n"
             "mov.u32 %r1, %tid.x;\nsetp.gt.u32 %p1, %r1, 40;\n@%p1 mov.u32 %r2, 1;\n@!%p1 mov.u32 %r2, 2;\nret;\n}\n");
    d.config.lineCounters = true;
    d.config.hostThreads = 2;
    expect(d.run("k", {4}, {32}).counters.executedLines == std::vector<uint32_t>({8, 9, 11, 12}), "one warp");
    expect(d.run("k", {4}, {64}).counters.executedLines == std::vector<uint32_t>({8, 9, 10, 11, 12}), "two warps");
}
