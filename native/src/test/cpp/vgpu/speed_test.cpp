// What the checkers cost, what tensor cores bring and what a second thread brings: as ratios within one run, because
// seconds say more about the machine than about the code. Times are CPU times of threads, the least of several turns, so
// that what else the machine does counts little; turns of what is compared alternate.
#include "harness.hpp"

#include <algorithm>

#include <sys/resource.h>
#include <time.h>

using namespace vgpu;
using namespace vgpu::test;

namespace {

double threadSeconds() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double processSeconds() {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// How often threads of this process have waited for something other than a core.
long voluntarySwitches() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

// Of a launch on two threads: one to begin, one to end, and some for what the kernel does behind a page fault.
constexpr long MOST_WAITS = 4;

/// The two GEMMs of gemm.cu: (n, k) times (k, n).
class Gemms {
public:
    Gemms(uint32_t n, uint32_t k) : d_(fixture("gemm.ptx")), n_(n), k_(k) {
        std::vector<uint16_t> halves(2 * n * k);
        for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(0x3c00 ^ (i * 7 & 0x1ff));
        a_ = d_.upload(halves);
        b_ = d_.upload(halves);
        c_ = d_.reserve<uint16_t>(2 * n * n);
    }

    /// CPU time of the calling thread in a launch; it is the first that executes blocks.
    double seconds(const char* kernel, uint32_t checks, unsigned threads) {
        d_.config.checks = checks;
        d_.config.hostThreads = threads;
        const uint32_t block = std::string(kernel) == "sgemm" ? 256 : 128;
        double begin = threadSeconds();
        LaunchResult r = d_.run(kernel, {n_ / 64, n_ / 64}, {block}, a_, b_, c_, n_, n_, k_);
        double end = threadSeconds();
        expectEqual(static_cast<int>(r.status), 0, std::string("status of ") + kernel);
        expect(r.diagnostics.empty(), "no diagnostics");
        return end - begin;
    }

private:
    Device d_;
    uint32_t n_, k_;
    uint16_t *a_, *b_, *c_;
};

void reduce(double& least, double seconds) { least = std::min(least, seconds); }

std::string ratioText(const char* what, double ratio) { return std::string(what) + ": the ratio is " + std::to_string(ratio); }

}  // namespace

VGPU_TEST(allCheckersCostAtMostFiveTimesAndTensorCoresComputeThreeTimesAsMuch) {
    Gemms gemms(256, 256);
    double sgemm = 1e9, sgemmChecked = 1e9, hgemm = 1e9, hgemmChecked = 1e9;
    auto holds = [&] { return sgemmChecked <= 5 * sgemm && hgemmChecked <= 5 * hgemm && sgemm >= 3 * hgemm; };
    for (int turn = 0; turn < 3 || (turn < 40 && !holds()); ++turn) {
        reduce(sgemm, gemms.seconds("sgemm", CheckNone, 1));
        reduce(sgemmChecked, gemms.seconds("sgemm", CheckAll, 1));
        reduce(hgemm, gemms.seconds("hgemm", CheckNone, 1));
        reduce(hgemmChecked, gemms.seconds("hgemm", CheckAll, 1));
    }
    expect(sgemmChecked <= 5 * sgemm, ratioText("all checkers on a tiled SGEMM cost at most 5 times", sgemmChecked / sgemm));
    expect(hgemmChecked <= 5 * hgemm, ratioText("all checkers on a tensor-core GEMM cost at most 5 times", hgemmChecked / hgemm));
    expect(sgemm >= 3 * hgemm, ratioText("mma.sync computes at least 3 times the FLOPs of the SGEMM", sgemm / hgemm));
}

// The wall clock of a launch says how busy the machine is. What two threads can do at best is the CPU time of the one that
// works longer, and it is what they do when neither ever waits for the other: then none gives up its core of its own accord
// but where the launch ends. Waiting in a loop would count as CPU time.
VGPU_TEST(twoThreadsAreAtLeastSixteenTenthsOfOne) {
    constexpr int BLOCKS = 64;
    Gemms gemms(512, 128);
    double one = 1e9, two = 1e9;
    long least = 1000;
    for (int turn = 0; turn < 3 || (turn < 300 && one < 1.6 * two); ++turn) {
        reduce(one, gemms.seconds("sgemm", CheckNone, 1));
        const double process = processSeconds();
        const long before = voluntarySwitches();
        // This thread is the first of the two.
        const double first = gemms.seconds("sgemm", CheckNone, 2);
        const double second = processSeconds() - process - first;
        const long waits = voluntarySwitches() - before;
        least = std::min(least, waits);
        if (waits <= MOST_WAITS) reduce(two, std::max(first, second));
    }
    expect(least <= MOST_WAITS, "two threads do not wait for each other: " + std::to_string(least) + " times in a launch of " + std::to_string(BLOCKS) + " blocks");
    expect(one >= 1.6 * two, ratioText("two threads compute at least 1.6 times as fast as one", one / two));
}
