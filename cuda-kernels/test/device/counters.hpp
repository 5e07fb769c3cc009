// Verdicts on the virtual GPU's exact counters of the last launch, against the limits that the project sets itself.
#pragma once

#include "test/device/suite.hpp"

namespace d4j::test {

constexpr double kSectors = 1.05, kWavefronts = 1.02, kBytes = 1.10;

/// What a launch did to memory and tensor cores.
class Counters {
public:
    Counters(Suite& suite, std::string name)
        : suite_(suite), name_(std::move(name)), counters_(suite.gpu.lastLaunch()) {}

    /// Prints how long the launch would take by the time model, where times are wanted. It must have been a whole one.
    void printTime() const {
        if (!suite_.times()) return;
        constexpr double NANOSECONDS = 1000;  // in a microsecond
        std::printf("%-56s %12.5g us by model, bound by %s\n", name_.c_str(), number("time.total") / NANOSECONDS,
                    field("time.bound").c_str());
    }

    /// Sectors of 32 bytes in global memory and wavefronts in shared memory, beside the least that the requests allow.
    void judgeAccesses() {
        const double sectors = sum({"globalLoad.sectors", "globalStore.sectors"});
        const double idealSectors = sum({"globalLoad.idealSectors", "globalStore.idealSectors"});
        suite_.judge(name_ + " sectors", sectors / idealSectors, kSectors);
        const double wavefronts = sum({"sharedLoad.wavefronts", "sharedStore.wavefronts", "asyncCopyShared.wavefronts",
                                       "ldmatrixWaves.wavefronts"});
        const double ideal = sum({"sharedLoad.idealWavefronts", "sharedStore.idealWavefronts",
                                  "asyncCopyShared.idealWavefronts", "ldmatrixWaves.idealWavefronts"});
        if (ideal > 0) suite_.judge(name_ + " wavefronts", wavefronts / ideal, kWavefronts);
    }

    void judgeProducts(double usefulFlops, double limit) {
        suite_.judge(name_ + " products", sum({"mmaFlops"}) / usefulFlops, limit);
    }

    /// All bytes that the launch moves, beside those that any kernel with its inputs and outputs must move.
    void judgeBytes(double minimum) {
        const double sectors = sum({"globalLoad.sectors", "globalStore.sectors", "globalAtomic.sectors"});
        suite_.judge(name_ + " bytes", 32 * sectors / minimum, kBytes);
    }

private:
    double sum(std::initializer_list<const char*> names) const {
        double total = 0;
        for (const char* name : names) total += number(name);
        return total;
    }

    double number(const char* name) const { return std::stod(field(name)); }

    const std::string& field(const char* name) const {
        const auto found = counters_.find(name);
        if (found == counters_.end()) {
            throw std::runtime_error(std::string("the virtual GPU's record of a launch has no ") + name);
        }
        return found->second;
    }

    Suite& suite_;
    const std::string name_;
    const std::map<std::string, std::string> counters_;
};

/// The same of a launch too large for the gates. It runs on all cores: which block touches a byte first, and so is counted
/// for it, does not matter here.
template <class Launch>
void printTimeOf(Suite& suite, const std::string& name, Launch launch) {
    if (!suite.times()) return;
    suite.gpu.configure("threads=0");
    launch();
    Counters(suite, name).printTime();
    suite.gpu.configure("threads=1");
}

}  // namespace d4j::test
