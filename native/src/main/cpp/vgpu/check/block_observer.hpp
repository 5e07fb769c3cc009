// The observer of a block: sends each instruction past the checkers and counters that the launch asked for.
#pragma once

#include "check/clocks.hpp"
#include "check/global_races.hpp"
#include "check/observer.hpp"
#include "check/poison.hpp"
#include "check/shared_races.hpp"
#include "check/tally.hpp"

#include <set>

namespace vgpu {

class BlockObserver : public Observer {
public:
    BlockObserver(LaunchContext& launch, Block& block, Tally& tally);

    void start(Block& block) override;
    void finish(Block& block) override;
    void branch(Warp& w, bool divergent) override;
    void arrives(Warp& w, uint32_t id) override;
    void barrier(Block& block, uint32_t id, const std::vector<uint32_t>& arrived, const std::vector<uint32_t>& waited) override;
    void divergentBarrier(Warp& w, uint32_t pc, uint32_t mask) override;
    void copiesComplete(Warp& w, const std::vector<AsyncCopy>& copies) override;
    void parameterCopied(Warp& w, int lane, uint32_t to, uint32_t from, uint32_t bytes) override {
        if (poison_) poison_->parameterCopied(w, lane, to, from == REGISTER ? nullptr : &from, bytes);
    }

protected:
    uint32_t inspect(Warp& w, const Instr& instr, uint32_t pc, uint32_t active, uint32_t mask) override;

private:
    struct Site {
        Warp& w;
        const Instr& instr;
        const InstrInfo& info;
        uint32_t pc;
    };
    /// The lanes of a request whose accesses are good.
    uint32_t checkMemory(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs, bool write);
    uint32_t checkGlobal(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs, bool write);
    uint32_t checkWindow(const Site& s, const LaneAddresses& at, uint32_t mask, uint64_t limit, const char* space, bool write);
    bool withinBlock(const Warp& w, const LaneAddresses& at, uint32_t mask) const;
    void count(const Site& s, const LaneAddresses& at, uint32_t mask, Runs& runs);
    void countGlobal(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs, AccessCounters& c, Footprint& footprint);
    void countShared(const Site& s, const LaneAddresses& at, uint32_t mask, Runs& runs, SharedCounters& c);
    void races(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs);
    void sharedRaces(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs, bool write);
    void globalRaces(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs, bool write);
    void synchronise(const Site& s, const LaneAddresses& at, uint32_t mask);
    void learn(Warp& w);
    void fence(Warp& w);
    void checkSync(const Site& s, uint32_t mask);
    void checkInit(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs);
    void asyncCopy(const Site& s, const LaneAddresses& to, uint32_t mask, const Runs& runs);
    bool keepsValue(const Site& s, const LaneAddresses& at, int lane) const;
    void report(const Site& s, int lane, DiagnosticKind kind, const std::string& message, uint64_t address, uint32_t bytes, bool global,
                uint32_t otherThread = UINT32_MAX, uint32_t otherPc = UINT32_MAX, const uint64_t* otherBlock = nullptr);
    const AllocationRecord* allocation(uint64_t address);

    LaunchContext& launch_;
    Block& block_;
    Tally& tally_;
    const uint32_t checks_;
    const bool counting_;
    BlockClocks clocks_;
    std::unique_ptr<SharedRaces> sharedRaces_;
    std::unique_ptr<Poison> poison_;
    std::vector<WarpKnowledge> knowledge_;
    GlobalRaces::Recent recentPages_;
    uint64_t version_ = 0;
    std::shared_ptr<AllocationRecord> recent_[4];
    unsigned nextRecent_ = 0;
};

}  // namespace vgpu
