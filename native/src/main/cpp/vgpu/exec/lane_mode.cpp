// Per-lane program counters: lanes that stand at the same place run together for a slice, then others get theirs. Slower
// than the stack, but every lane makes progress, as on hardware since Volta.
#include "check/observer.hpp"
#include "exec/block.hpp"

namespace vgpu {

namespace {

constexpr uint32_t SLICE = 64;

class LaneRunner {
public:
    explicit LaneRunner(Warp& w) : w_(w), l_(*w.lanes), program_(*w.program), observer_(w.block->observer) {}

    void run(uint32_t budget) {
        uint32_t executed = 0;
        while (executed < budget && !w_.interrupt) {
            uint32_t live = w_.live();
            if (live == 0) {
                completeCopies(w_);
                w_.state = WarpState::Done;
                break;
            }
            uint32_t runnable = live & ~l_.atBarrier & ~l_.atSync;
            if (runnable == 0) {
                if (releaseSync()) continue;
                w_.state = WarpState::Waiting;
                w_.barrierPc = l_.pc[firstLane(live)];
                break;
            }
            executed += slice(pick(runnable));
            if (yield_) {
                yield_ = false;
                break;
            }
        }
        w_.instructions += executed;
        if (w_.state == WarpState::Ready) rejoin();
    }

private:
    /// The next lane in turn, and all that stand where it stands.
    uint32_t pick(uint32_t runnable) {
        do l_.turn = (l_.turn + 1) & 31;
        while (!(runnable >> l_.turn & 1));
        return at(l_.pc[l_.turn], runnable);
    }
    uint32_t at(uint32_t pc, uint32_t among) const {
        uint32_t group = 0;
        eachLane(among, [&](int i) { group |= (l_.pc[i] == pc ? 1u : 0u) << i; });
        return group;
    }
    void advance(uint32_t lanes, uint32_t pc) {
        eachLane(lanes, [&](int i) { l_.pc[i] = pc; });
    }

    uint32_t slice(uint32_t group) {
        uint32_t executed = 0;
        while (executed < SLICE && group != 0 && !w_.interrupt) {
            uint32_t pc = l_.pc[firstLane(group)];
            if (pc == Instr::END) {  // a path that falls off cannot exist: the translator ends code with ret
                w_.exited |= group;
                return executed;
            }
            const Instr& instr = program_.code[pc];
            uint32_t mask = group & (*w_.row<uint32_t>(instr.guard) ^ instr.negate);
            ++executed;
            w_.threadInstructions += static_cast<uint32_t>(__builtin_popcount(group));
            w_.pc = pc;
            group = step(instr, pc, group, mask);
        }
        return executed;
    }

    /// Executes one instruction; returns the lanes that still stand together.
    uint32_t step(const Instr& instr, uint32_t pc, uint32_t group, uint32_t mask) {
        bool observeFirst = instr.control != Control::Convergent && instr.control != Control::Barrier;
        uint32_t run = mask;
        if (observer_ != nullptr && observeFirst) run = observer_->before(w_, instr, pc, group, mask);
        if (mask == 0 && instr.control != Control::Branch) {
            advance(group, pc + 1);
            return group;
        }
        switch (instr.control) {
            case Control::None:
            case Control::Yield:
                if (run != 0) instr.run(w_, instr, run);
                advance(group, pc + 1);
                yield_ = w_.slept = instr.control == Control::Yield;
                return yield_ ? 0 : group;
            case Control::Branch:
                if (observer_ != nullptr) observer_->branch(w_, mask != 0 && mask != group);
                advance(mask, instr.target);
                advance(group & ~mask, pc + 1);
                return mask == 0 || mask == group ? group : 0;
            case Control::BranchIndexed: return branchIndexed(instr, pc, group, mask);
            case Control::Exit: return leave(pc, group, mask);
            case Control::Return: return returnLanes(pc, group, mask);
            case Control::Call: return call(instr, pc, group, mask);
            case Control::Barrier: return barrier(instr, pc, group, mask);
            case Control::Convergent:
                advance(group & ~mask, pc + 1);
                l_.atSync |= mask;
                releaseSync();
                return 0;
        }
        return 0;
    }

    uint32_t leave(uint32_t pc, uint32_t group, uint32_t mask) {
        w_.exited |= mask;
        advance(group & ~mask, pc + 1);
        w_.block->barriers.threadsExited(*w_.block);
        return group & ~mask;
    }

    uint32_t branchIndexed(const Instr& instr, uint32_t pc, uint32_t group, uint32_t mask) {
        const uint32_t* index = w_.row<uint32_t>(instr.a);
        advance(group & ~mask, pc + 1);
        eachLane(mask, [&](int i) {
            if (index[i] >= instr.target) faultStop(w_, i, Status::IllegalInstruction, "branch index " + std::to_string(index[i]) + " is outside its table");
            else l_.pc[i] = program_.targets[static_cast<size_t>(instr.imm) + index[i]];
        });
        return 0;
    }

    uint32_t returnLanes(uint32_t pc, uint32_t group, uint32_t mask) {
        advance(group & ~mask, pc + 1);
        eachLane(mask, [&](int i) {
            if (l_.calls[i].empty()) {
                w_.exited |= 1u << i;
                return;
            }
            uint32_t back = l_.calls[i].back();
            const FunctionCode& callee = program_.functions[l_.callees[i].back()];
            copyResults(w_, program_.calls[program_.code[back - 1].target], callee, 1u << i);
            leaveFrame(w_, callee, 1u << i);
            l_.calls[i].pop_back();
            l_.callees[i].pop_back();
            l_.pc[i] = back;
        });
        w_.block->barriers.threadsExited(*w_.block);
        return 0;
    }

    uint32_t call(const Instr& instr, uint32_t pc, uint32_t group, uint32_t mask) {
        uint32_t calling = mask;
        const FunctionCode* callee = prepareCall(w_, instr, calling);
        advance(group & ~mask, pc + 1);  // lanes with other targets stay at the call
        if (callee == nullptr) {
            advance(calling, pc + 1);
            return 0;
        }
        if (callee->recursive) {
            faultStop(w_, firstLane(calling), Status::NotSupported,
                      "recursive function '" + callee->name + "' is called by a warp whose lanes wait for each other; this is not supported");
            return 0;
        }
        eachLane(calling, [&](int i) {
            l_.calls[i].push_back(pc + 1);
            l_.callees[i].push_back(static_cast<uint32_t>(callee - program_.functions.data()));
            l_.pc[i] = callee->entry;
        });
        return calling;
    }

    uint32_t barrier(const Instr& instr, uint32_t pc, uint32_t group, uint32_t mask) {
        if (observer_ != nullptr) observer_->before(w_, instr, pc, group, mask);
        advance(group, pc + 1);
        bool waits = program_.barriers[static_cast<size_t>(instr.imm)].kind != BarrierSite::Arrive;
        if (waits) l_.atBarrier |= mask;
        w_.block->barriers.arrive(*w_.block, w_, instr, pc, mask);
        w_.state = WarpState::Ready;  // other lanes may continue; run() decides when none can
        return group & ~mask;
    }

    /// Runs warp-level instructions that all their lanes have reached. False if there is none.
    bool releaseSync() {
        uint32_t waiting = l_.atSync;
        bool released = false;
        while (waiting != 0) {
            int lane = firstLane(waiting);
            const Instr& instr = program_.code[l_.pc[lane]];
            uint32_t wanted = w_.row<uint32_t>(instr.sync)[lane] & w_.live();
            waiting &= ~(1u << lane);
            if ((wanted >> lane & 1) == 0 || (wanted & ~l_.atSync) != 0 || !same(instr, wanted)) continue;
            uint32_t pc = l_.pc[lane];
            uint32_t together = at(pc, wanted);
            if (together != wanted && instr.flag != SYNC_ONLY) continue;
            uint32_t mask = wanted;
            if (observer_ != nullptr) mask = observer_->before(w_, instr, pc, wanted, wanted);
            if (mask != 0) instr.run(w_, instr, mask);
            eachLane(wanted, [&](int i) { ++l_.pc[i]; });
            l_.atSync &= ~wanted;
            waiting &= ~wanted;
            released = true;
        }
        return released;
    }

    /// All these lanes wait at the same kind of instruction.
    bool same(const Instr& instr, uint32_t lanes) const {
        bool equal = true;
        eachLane(lanes, [&](int i) { equal = equal && program_.code[l_.pc[i]].run == instr.run; });
        return equal;
    }

    /// Back to the stack when all lanes stand together again.
    void rejoin() {
        uint32_t live = w_.live();
        if (live == 0 || l_.atBarrier != 0 || l_.atSync != 0) return;
        int first = firstLane(live);
        if (at(l_.pc[first], live) != live) return;
        bool sameCalls = true;
        eachLane(live, [&](int i) { sameCalls = sameCalls && l_.calls[i] == l_.calls[first]; });
        if (!sameCalls) return;
        w_.stack.clear();
        uint32_t depth = static_cast<uint32_t>(l_.calls[first].size());
        bool call = false;
        uint32_t function = 0;
        for (uint32_t k = 0; k < depth; ++k) {
            w_.stack.push_back({l_.calls[first][k], live, Instr::END, call, 0, function});
            call = true;
            function = l_.callees[first][k];
        }
        w_.stack.push_back({l_.pc[first], live, Instr::END, call, 0, function});
        w_.lanes.reset();
    }

    static constexpr uint8_t SYNC_ONLY = 0xff;  // Instr::flag of bar.warp.sync: no data, so any mix of places may meet

    Warp& w_;
    LaneMode& l_;
    const Program& program_;
    Observer* observer_;
    bool yield_ = false;
};

}  // namespace

void enterLaneMode(Warp& w) {
    auto lanes = std::make_unique<LaneMode>();
    for (uint32_t& pc : lanes->pc) pc = Instr::END;
    // Entries further up hold subsets of those below and decide where a lane stands.
    for (size_t k = 0; k < w.stack.size(); ++k) {
        const StackEntry& e = w.stack[k];
        if (e.call && e.saved != 0) {
            w.stack.back().mask = w.stack.back().mask & ~w.exited;
            faultStop(w, firstLane(w.live()), Status::NotSupported,
                      "lanes of a warp wait for each other inside a recursive function; this is not supported");
            return;
        }
        eachLane(e.mask & ~w.exited, [&](int i) {
            if (e.call) {
                lanes->calls[i].push_back(w.stack[k - 1].pc);
                lanes->callees[i].push_back(e.function);
            }
            lanes->pc[i] = e.pc;
        });
    }
    w.lanes = std::move(lanes);
}

void runLanes(Warp& w, uint32_t budget) { LaneRunner(w).run(budget); }

}  // namespace vgpu
