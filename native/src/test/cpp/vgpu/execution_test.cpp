// Control flow, calls, matrices and schedules.
#include "harness.hpp"

#include <algorithm>
#include <cmath>
#include <random>

using namespace vgpu;
using namespace vgpu::test;

namespace {

std::vector<float> uniform(size_t n, uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> between(-1, 1);
    std::vector<float> v(n);
    for (float& x : v) x = between(random);
    return v;
}

uint16_t toHalf(float x) {
    _Float16 h = static_cast<_Float16>(x);
    uint16_t bits;
    std::memcpy(&bits, &h, 2);
    return bits;
}
float fromHalf(uint16_t bits) {
    _Float16 h;
    std::memcpy(&h, &bits, 2);
    return static_cast<float>(h);
}

struct Gemm : Device {
    static constexpr int N = 128;
    Gemm() : Device(fixture("gemm.ptx")) {
        std::vector<float> x = uniform(N * N, 1), y = uniform(N * N, 2);
        a = upload(x);
        b = upload(y);
        c = reserve<float>(N * N);
        std::vector<uint16_t> hx(N * N), hy(N * N);
        for (int i = 0; i < N * N; ++i) {
            hx[i] = toHalf(x[i]);
            hy[i] = toHalf(y[i]);
        }
        ha = upload(hx);
        hb = upload(hy);
        hc = reserve<uint16_t>(N * N);
    }
    LaunchResult sgemm() { return run("sgemm", {2, 2}, {256}, a, b, c, N, N, N); }
    LaunchResult hgemm() { return run("hgemm", {2, 2}, {128}, ha, hb, hc, N, N, N); }
    float *a, *b, *c;
    uint16_t *ha, *hb, *hc;
};

}  // namespace

VGPU_TEST(sgemmHasTheBitsOfFusedMultiplyAddsInOrder) {
    Gemm g;
    expectEqual(static_cast<int>(g.sgemm().status), 0, "status");
    for (int i = 0; i < Gemm::N; ++i) {
        for (int j = 0; j < Gemm::N; ++j) {
            float sum = 0;
            for (int k = 0; k < Gemm::N; ++k) sum = std::fma(g.a[i * Gemm::N + k], g.b[k * Gemm::N + j], sum);
            expectEqual(g.c[i * Gemm::N + j], sum, "element " + std::to_string(i) + "," + std::to_string(j));
        }
    }
}

VGPU_TEST(tensorCoreGemmIsRightWithinHalfPrecision) {
    Gemm g;
    expectEqual(static_cast<int>(g.hgemm().status), 0, "status");
    double worst = 0;
    for (int i = 0; i < Gemm::N; ++i) {
        for (int j = 0; j < Gemm::N; ++j) {
            double sum = 0;
            for (int k = 0; k < Gemm::N; ++k) sum += double(fromHalf(g.ha[i * Gemm::N + k])) * fromHalf(g.hb[j * Gemm::N + k]);
            worst = std::max(worst, std::fabs(fromHalf(g.hc[i * Gemm::N + j]) - sum) / (1 + std::fabs(sum)));
        }
    }
    expect(worst < 0x1p-10, "error is half a unit of f16: " + std::to_string(worst));  // the one rounding of the result
}

VGPU_TEST(resultsAndCountersDoNotDependOnScheduleThreadsOrChecks) {
    std::vector<uint16_t> first;
    Counters counters;
    for (int variant = 0; variant < 5; ++variant) {
        Gemm g;
        g.config.counters = true;
        if (variant == 1) g.config.schedule.order = Schedule::Reverse;
        if (variant == 2) g.config.schedule = {Schedule::Random, 3};
        if (variant == 3) g.config.hostThreads = 2;
        if (variant == 4) g.config.checks = CheckAll;
        LaunchResult r = g.hgemm();
        expect(r.diagnostics.empty(), "silent");
        std::vector<uint16_t> bits(g.hc, g.hc + Gemm::N * Gemm::N);
        if (variant == 0) {
            first = bits;
            counters = r.counters;
        }
        expect(bits == first, "same bits in variant " + std::to_string(variant));
        expectEqual(r.counters.warpInstructions, counters.warpInstructions, "instructions");
        expectEqual(r.counters.globalLoad.sectors, counters.globalLoad.sectors, "sectors");
        expectEqual(r.counters.ldmatrixWaves.wavefronts, counters.ldmatrixWaves.wavefronts, "wavefronts");
    }
}

VGPU_TEST(onlyARandomScheduleInterleavesBlocks) {
    // Each block counts those that start between its own first instruction and its last.
    const char* const ptx =
        ".version 8.0\n.target sm_80\n.address_size 64\n"
        ".visible .entry k(.param .u64 begun, .param .u64 out)\n{\n.reg .pred %p<2>;\n.reg .b32 %r<6>;\n.reg .b64 %rd<5>;\n"
        "ld.param.u64 %rd1, [begun];\nld.param.u64 %rd2, [out];\natom.global.add.u32 %r1, [%rd1], 1;\nmov.u32 %r2, 0;\n"
        "AGAIN:\nadd.u32 %r2, %r2, 1;\nsetp.lt.u32 %p1, %r2, 1000;\n@%p1 bra AGAIN;\n"
        "ld.volatile.global.u32 %r3, [%rd1];\nsub.u32 %r4, %r3, %r1;\nsub.u32 %r4, %r4, 1;\nmov.u32 %r5, %ctaid.x;\n"
        "mul.wide.u32 %rd3, %r5, 4;\nadd.s64 %rd4, %rd2, %rd3;\nst.global.u32 [%rd4], %r4;\nret;\n}\n";
    for (const auto order : {Schedule::Forward, Schedule::Reverse, Schedule::Random}) {
        Device d(ptx);
        d.config.schedule = {order, 3};
        d.config.hostThreads = 1;
        int *begun = d.upload(std::vector<int>{0}), *others = d.upload(std::vector<int>(16));
        expectEqual(static_cast<int>(d.run("k", {16}, {1}, begun, others).status), 0, "status");
        const bool interleaved = std::any_of(others, others + 16, [](int n) { return n > 0; });
        expectEqual(interleaved, order == Schedule::Random, "interleaved");
    }
}

VGPU_TEST(aSubsetOfBlocksComputesOnlyItsPart) {
    Gemm g;
    g.config.blocks = {3};
    std::memset(g.c, 0, sizeof(float) * Gemm::N * Gemm::N);
    expectEqual(static_cast<int>(g.sgemm().status), 0, "status");
    expectEqual(g.c[0], 0.0f, "block 0 did not run");
    expect(g.c[64 * Gemm::N + 64] != 0.0f, "block 3 did");
}

VGPU_TEST(recursionIndirectCallsAndPrintfWork) {
    Device d(fixture("planted_faults.ptx"));
    d.config.checks = CheckAll;
    int* out = d.upload(std::vector<int>(64));
    LaunchResult r = d.run("recursive", {1}, {32}, out);
    expect(r.status == Status::Success && r.diagnostics.empty(), "recursion is clean");
    expectEqual(out[11], 89, "fibonacci(11)");
    r = d.run("indirect", {1}, {32}, out);
    expect(r.status == Status::Success && r.diagnostics.empty(), "indirect calls are clean");
    expectEqual(out[3], 4, "plusOne(3)");
    expectEqual(out[7], 14, "twice(7)");
    expectEqual(out[5], 6, "indexed(5)");
    r = d.run("printAndAssert", {1}, {4}, 3);
    expect(d.printed.find("thread 2 text 1.50 25769803776    ff|\n") != std::string::npos, "printed: " + d.printed);
    expectEqual(static_cast<int>(r.status), 710, "the assertion of thread 3");
    expect(r.message.find("threadIdx.x < n") != std::string::npos, "its text: " + r.message);
}

VGPU_TEST(lanesThatWaitForEachOtherMakeProgress) {
    Device d(fixture("planted_faults.ptx"));
    int *lock = d.upload(std::vector<int>(1)), *count = d.upload(std::vector<int>(1));
    expectEqual(static_cast<int>(d.run("lockedCount", {2}, {64}, lock, count).status), 0, "status");
    expectEqual(*count, 128, "count");
}

VGPU_TEST(blocksOfACooperativeLaunchMeetAtABarrier) {
    Device d(fixture("planted_faults.ptx"));
    d.config.cooperative = true;
    d.config.instructionLimit = 40000000;
    unsigned* arrived = d.upload(std::vector<unsigned>(1));
    int *in = d.upload(std::vector<int>(40)), *out = d.upload(std::vector<int>(40));
    for (auto order : {Schedule::Forward, Schedule::Reverse}) {
        *arrived = 0;
        d.config.schedule.order = order;
        expectEqual(static_cast<int>(d.run("gridBarrier", {40}, {64}, arrived, in, out).status), 0, "status");
        expectEqual(out[38], 40, "a later block's value");
        expectEqual(out[39], 1, "an earlier block's value");
    }
}
