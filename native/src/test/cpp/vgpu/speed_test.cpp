// What the checkers cost, what tensor cores bring and what a second thread brings: as ratios within one run, because
// seconds say more about the machine than about the code. Where one thread computes, its own CPU time is taken and the
// least of several turns, so that what else the machine does counts little; turns of what is compared alternate.
#include "harness.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include <time.h>

using namespace vgpu;
using namespace vgpu::test;

namespace {

double threadSeconds() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double wallSeconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// The two GEMMs of gemm.cu at one size.
class Gemms {
public:
    static constexpr int N = 256;

    Gemms() : d_(fixture("gemm.ptx")) {
        std::vector<uint16_t> halves(2 * N * N);
        for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(0x3c00 ^ (i * 7 & 0x1ff));
        a_ = d_.upload(halves);
        b_ = d_.upload(halves);
        c_ = d_.reserve<uint16_t>(2 * N * N);
    }

    /// Time by this clock of a launch; on one thread it runs on the caller's.
    double seconds(const char* kernel, uint32_t checks, unsigned threads, double (*clock)()) {
        d_.config.checks = checks;
        d_.config.hostThreads = threads;
        const uint32_t block = std::string(kernel) == "sgemm" ? 256 : 128;
        double begin = clock();
        LaunchResult r = d_.run(kernel, {N / 64, N / 64}, {block}, a_, b_, c_, N, N, N);
        double end = clock();
        expectEqual(static_cast<int>(r.status), 0, std::string("status of ") + kernel);
        expect(r.diagnostics.empty(), "no diagnostics");
        return end - begin;
    }

private:
    Device d_;
    uint16_t *a_, *b_, *c_;
};

void reduce(double& least, double seconds) { least = std::min(least, seconds); }

std::string ratioText(const char* what, double ratio) { return std::string(what) + ": the ratio is " + std::to_string(ratio); }

}  // namespace

VGPU_TEST(allCheckersCostAtMostFiveTimesAndTensorCoresComputeThreeTimesAsMuch) {
    Gemms gemms;
    double sgemm = 1e9, sgemmChecked = 1e9, hgemm = 1e9, hgemmChecked = 1e9;
    auto holds = [&] { return sgemmChecked <= 5 * sgemm && hgemmChecked <= 5 * hgemm && sgemm >= 3 * hgemm; };
    for (int turn = 0; turn < 3 || (turn < 40 && !holds()); ++turn) {
        reduce(sgemm, gemms.seconds("sgemm", CheckNone, 1, threadSeconds));
        reduce(sgemmChecked, gemms.seconds("sgemm", CheckAll, 1, threadSeconds));
        reduce(hgemm, gemms.seconds("hgemm", CheckNone, 1, threadSeconds));
        reduce(hgemmChecked, gemms.seconds("hgemm", CheckAll, 1, threadSeconds));
    }
    expect(sgemmChecked <= 5 * sgemm, ratioText("all checkers on a tiled SGEMM cost at most 5 times", sgemmChecked / sgemm));
    expect(hgemmChecked <= 5 * hgemm, ratioText("all checkers on a tensor-core GEMM cost at most 5 times", hgemmChecked / hgemm));
    expect(sgemm >= 3 * hgemm, ratioText("mma.sync computes at least 3 times the FLOPs of the SGEMM", sgemm / hgemm));
}

// Only the wall clock knows whether two threads run side by side, and only while two cores are free: a launch of some
// milliseconds finds such a moment even on a busy machine, if it may look for it long enough.
VGPU_TEST(twoThreadsAreAtLeastSixteenTenthsOfOne) {
    if (std::thread::hardware_concurrency() < 2) return;
    Gemms gemms;
    double one = 1e9, two = 1e9;
    const double deadline = wallSeconds() + 60;
    for (int turn = 0; turn < 3 || (wallSeconds() < deadline && one < 1.6 * two); ++turn) {
        reduce(one, gemms.seconds("sgemm", CheckNone, 1, wallSeconds));
        reduce(two, gemms.seconds("sgemm", CheckNone, 2, wallSeconds));
    }
    expect(one >= 1.6 * two, ratioText("two threads compute at least 1.6 times as fast as one", one / two));
}
