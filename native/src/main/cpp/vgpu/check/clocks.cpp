#include "check/clocks.hpp"

#include <algorithm>

namespace vgpu {

void BlockClocks::reset(size_t warps) {
    warps_ = warps;
    epoch_ = 1;
    clocks_.assign(warps, 1);
    known_.assign(warps * warps, 0);
    sequences_.assign(warps, 1);
    together_.assign(warps, 0);
    pairs_.clear();
    for (auto& barrier : arrivals_) barrier.assign(warps, Arrival());
}

void BlockClocks::arrive(uint32_t w, uint32_t barrier) {
    Arrival& a = arrivals_[barrier & 15][w];
    a.present = true;
    a.clock = clocks_[w];
    a.known.assign(known(w), known(w) + warps_);
    a.known[w] = clocks_[w];
    ++clocks_[w];
}

void BlockClocks::complete(uint32_t barrier, const std::vector<uint32_t>& arrived, const std::vector<uint32_t>& waited, bool everyone) {
    auto& arrivals = arrivals_[barrier & 15];
    std::vector<uint32_t> joined(warps_, 0);
    for (size_t v = 0; v < warps_; ++v) {
        if (arrived[v] == 0 || !arrivals[v].present) continue;
        for (size_t x = 0; x < warps_; ++x) joined[x] = std::max(joined[x], arrivals[v].known[x]);
    }
    for (size_t w = 0; w < warps_; ++w) {
        if (waited[w] == 0) continue;
        for (size_t x = 0; x < warps_; ++x) known_[w * warps_ + x] = std::max(known_[w * warps_ + x], joined[x]);
        together_[w] = ++sequences_[w];
    }
    for (Arrival& a : arrivals) a.present = false;
    if (everyone) ++epoch_;
}

void BlockClocks::warpSync(uint32_t w, uint32_t mask, uint32_t live) {
    uint32_t now = ++sequences_[w];
    if ((mask & live) == live) {
        together_[w] = now;
        return;
    }
    if (pairs_.empty()) pairs_.assign(warps_, {});
    eachLane(mask, [&](int a) { eachLane(mask, [&](int b) { pairs_[w][static_cast<size_t>(a * 32 + b)] = now; }); });
}

bool BlockClocks::lanesOrdered(uint32_t w, uint32_t a, uint32_t b, uint32_t sequence) const {
    return a == b || together_[w] > sequence || (!pairs_.empty() && pairs_[w][a * 32 + b] > sequence);
}

}  // namespace vgpu
