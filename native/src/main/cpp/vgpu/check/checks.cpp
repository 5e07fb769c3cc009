#include "check/checks.hpp"

#include "check/observer.hpp"

namespace vgpu {

class GlobalRaces {};

std::unique_ptr<Observer> makeObserver(LaunchContext&, Block&) { return nullptr; }
std::shared_ptr<GlobalRaces> makeGlobalRaces(LaunchContext&) { return nullptr; }
void mergeCounters(Counters&, const Counters&) {}
void finishCounters(LaunchContext&, Counters&) {}

}  // namespace vgpu
