// Every planted fault is found and named; the same kernels without it are silent.
#include "harness.hpp"

#include <numeric>

using namespace vgpu;
using namespace vgpu::test;

namespace {

struct Planted : Device {
    Planted() : Device(fixture("planted_faults.ptx")) {
        config.checks = CheckAll;
        config.instructionLimit = 4000000;
        std::vector<int> values(100);
        std::iota(values.begin(), values.end(), 0);
        in = upload(values, "input");
        out = upload(std::vector<int>(100), "output");
        sum = upload(std::vector<int>(100), "sum");
    }
    int *in, *out, *sum;
};

void expectClean(const LaunchResult& r) {
    expectEqual(static_cast<int>(r.status), 0, "status");
    expect(r.diagnostics.empty(), "no diagnostics, but: " + (r.diagnostics.empty() ? "" : r.diagnostics[0].text()));
}

}  // namespace

VGPU_TEST(anAccessOnePastTheEndIsNamedWithItsAllocation) {
    Planted d;
    LaunchResult r = d.run("copyOnePastTheEnd", {2}, {64}, d.in, d.out, 100);
    expectEqual(static_cast<int>(r.status), 700, "status");
    expect(has(r, DiagnosticKind::Memcheck, "0 bytes past the end of the allocation of 400 bytes"), "the overrun is described");
    expect(has(r, DiagnosticKind::Memcheck, "thread (36,0,0) of block (1,0,0)"), "the thread is named");
    expect(has(r, DiagnosticKind::Memcheck, "planted_faults.cu:7"), "the source line is named");
    expectEqual(d.out[99], 99, "the good accesses happened");
}

VGPU_TEST(accessToFreedMemoryNamesWhoFreedIt) {
    Planted d;
    d.memory.free(reinterpret_cast<uint64_t>(d.in), "the test");
    LaunchResult r = d.run("copyOnePastTheEnd", {1}, {64}, d.in, d.out, 50);
    expect(has(r, DiagnosticKind::Memcheck, "read from freed memory"), "use after free");
    expect(has(r, DiagnosticKind::Memcheck, "freed by the test"), "who freed it");
}

VGPU_TEST(withoutChecksAnAccessOutsideTheDeviceEndsTheLaunch) {
    Planted d;
    d.config.checks = CheckNone;
    LaunchResult r = d.run("copyOnePastTheEnd", {1}, {64}, static_cast<float*>(nullptr), d.out, 50);
    expectEqual(static_cast<int>(r.status), 700, "status");
}

VGPU_TEST(misalignedAccessIsReported) {
    Planted d;
    LaunchResult r = d.run("readMisaligned", {1}, {8}, d.in, d.out);
    expectEqual(static_cast<int>(r.status), 716, "status");
    expect(has(r, DiagnosticKind::Memcheck, "misaligned"), "misaligned");
    d.config.checks = CheckNone;
    expectEqual(static_cast<int>(d.run("readMisaligned", {1}, {8}, d.in, d.out).status), 716, "status without checks");
}

VGPU_TEST(aMissingBarrierIsASharedMemoryRace) {
    Planted d;
    expect(has(d.run("reverseWithoutBarrier", {1}, {64}, d.in, d.out), DiagnosticKind::Racecheck, "shared memory: read after write"), "race");
    expectClean(d.run("reverse", {1}, {64}, d.in, d.out));
    expectEqual(d.out[0], 63, "result");
}

VGPU_TEST(aMissingSyncwarpIsARaceWithinTheWarp) {
    Planted d;
    expect(has(d.run("reverseWarpWithoutSync", {1}, {32}, d.in, d.out), DiagnosticKind::Racecheck, "shared memory"), "race");
    expectClean(d.run("reverseWarp", {1}, {32}, d.in, d.out));
}

VGPU_TEST(blocksThatWriteOneWordRace) {
    Planted d;
    LaunchResult r = d.run("blocksWriteTheSame", {2}, {32}, d.out);
    expect(has(r, DiagnosticKind::Racecheck, "global memory: write after write"), "race");
}

VGPU_TEST(onlyFencesOrderBlocks) {
    Planted d;
    LaunchResult fenced = d.run("sumFenced", {8}, {64}, d.in, d.out, d.sum);
    expectClean(fenced);
    expectEqual(d.sum[0], 28, "sum");
    expect(has(d.run("sumWithoutRelease", {8}, {64}, d.in, d.out, d.sum), DiagnosticKind::Racecheck, "global memory"), "no release fence");
    expect(has(d.run("sumWithoutAcquire", {8}, {64}, d.in, d.out, d.sum), DiagnosticKind::Racecheck, "global memory"), "no acquire fence");
}

namespace {

/// Every block reads a word, and the last one, whose number comes from an atomic, then writes it.
std::string lastBlockWritesWhatAllRead(const char* fence) {
    std::string f = fence;
    return ".version 8.0\n.target sm_80\n.address_size 64\n"
           ".visible .entry k(.param .u64 word, .param .u64 counter)\n{\n.reg .pred %p<2>;\n.reg .b32 %r<5>;\n.reg .b64 %rd<3>;\n"
           "ld.param.u64 %rd1, [word];\nld.param.u64 %rd2, [counter];\nmov.u32 %r4, %nctaid.x;\nsub.u32 %r4, %r4, 1;\n"
           "ld.global.u32 %r1, [%rd1];\n" + f + "atom.global.inc.u32 %r2, [%rd2], %r4;\nsetp.ne.u32 %p1, %r2, %r4;\n@%p1 bra END;\n" + f +
           "add.u32 %r3, %r1, 1;\nst.global.u32 [%rd1], %r3;\nEND:\nret;\n}\n";
}

}  // namespace

VGPU_TEST(aBlockThatReadsWhatItWritesHidesNoOtherReader) {
    for (const char* fence : {"", "membar.cta;\n", "membar.gl;\n"}) {
        Device d(lastBlockWritesWhatAllRead(fence));
        d.config.checks = CheckAll;
        int *word = d.upload(std::vector<int>{5}), *counter = d.upload(std::vector<int>{0});
        LaunchResult r = d.run("k", {3}, {1}, word, counter);
        expectEqual(word[0], 6, "word");
        if (std::string(fence) == "membar.gl;\n") expectClean(r);
        else expect(has(r, DiagnosticKind::Racecheck, "global memory: write after read"), "race with the fence '" + std::string(fence) + "'");
    }
}

VGPU_TEST(usingUninitialisedMemoryIsReportedAndLoadingItIsNot) {
    Planted d;
    float* fresh = d.reserve<float>(64, "fresh");
    expect(has(d.run("doubled", {1}, {32}, fresh, d.out), DiagnosticKind::Initcheck, "stored value"), "global");
    expect(has(d.run("storePadding", {1}, {64}, d.out, 50), DiagnosticKind::Initcheck, "stored value"), "shared");
    expectClean(d.run("loadPadding", {1}, {64}, d.out, 50));
}

VGPU_TEST(usingARegisterThatNothingWroteIsReported) {
    const auto stores = [](const std::string& guard) {
        return ".version 8.0\n.target sm_80\n.address_size 64\n"
               ".visible .entry k(.param .u64 out)\n{\n.reg .pred %p<2>;\n.reg .b32 %r<3>;\n.reg .b64 %rd<4>;\n"
               "ld.param.u64 %rd1, [out];\nmov.u32 %r1, %tid.x;\nsetp.lt.u32 %p1, %r1, 16;\n"
               "@%p1 mov.u32 %r2, 7;\nmul.wide.u32 %rd2, %r1, 4;\nadd.s64 %rd3, %rd1, %rd2;\n" +
               guard + "st.global.u32 [%rd3], %r2;\nret;\n}\n";
    };
    for (const std::string guard : {"", "@%p1 "}) {
        Device d(stores(guard));
        d.config.checks = CheckAll;
        LaunchResult r = d.run("k", {1}, {32}, d.reserve<int>(32));
        if (guard.empty()) expect(has(r, DiagnosticKind::Initcheck, "stored value"), "16 lanes store what they never wrote");
        else expectClean(r);
    }
}

VGPU_TEST(aBarrierInDivergentCodeIsReported) {
    Planted d;
    expect(has(d.run("barrierInBothBranches", {1}, {32}, d.out), DiagnosticKind::Synccheck, "divergent"), "synccheck");
    expectEqual(d.out[1], 2, "both branches ran");
    expectClean(d.run("syncwarpInBothBranches", {1}, {32}, d.out));
    expectEqual(d.out[0], 33, "the other branch's value");
}

VGPU_TEST(aBarrierThatNobodyCompletesIsADeadlock) {
    Planted d;
    LaunchResult r = d.run("halfReachTheBarrier", {1}, {64}, d.out);
    expect(has(r, DiagnosticKind::Deadlock, "32 of 64 threads"), "deadlock");
    expectEqual(static_cast<int>(r.status), 719, "status");
}

VGPU_TEST(anEndlessLoopIsStoppedByTheLimit) {
    Planted d;
    expectEqual(static_cast<int>(d.run("loopForEver", {1}, {32}, d.out).status), 702, "status");
}

VGPU_TEST(anUnfinishedCopyIsStaleAndReported) {
    Planted d;
    expect(has(d.run("copyWithoutWait", {1}, {32}, d.in, d.out), DiagnosticKind::Racecheck, "cp.async"), "race with the copy");
    expect(d.out[0] != 31, "the copy had not happened");
    expectClean(d.run("copyWithWait", {1}, {32}, d.in, d.out));
    expectEqual(d.out[0], 31, "the copy has happened");
}

VGPU_TEST(liveAllocationsAreListedWithTheirSites) {
    Planted d;
    expectEqual(d.memory.live().size(), size_t(3), "live");
    expectEqual(d.memory.live()[0].site, std::string("input"), "site");
    expect(d.memory.free(reinterpret_cast<uint64_t>(d.in), "a") == FreeResult::Freed, "freed");
    expect(d.memory.free(reinterpret_cast<uint64_t>(d.in), "a") == FreeResult::AlreadyFreed, "not twice");
    expect(d.memory.free(12345, "a") == FreeResult::NotAnAllocation, "nor something else");
}
