// The warp interpreter: one decoded instruction over the lanes of the active mask, with a stack of masks that split at
// divergent branches and join at immediate post-dominators. Where the stack cannot make progress (lanes of a warp that
// wait for each other) the warp continues in lane mode, see lane_mode.cpp.
#include "check/observer.hpp"
#include "exec/block.hpp"

#include <algorithm>

namespace vgpu {

namespace {

// Turns that end inside divergent code before the warp gets program counters for each lane. A warp whose lanes spin on
// a lock that another of its lanes holds would otherwise never leave the loop.
constexpr uint32_t MAX_STRIKES = 2;

class StackRunner {
public:
    explicit StackRunner(Warp& w) : w_(w), program_(*w.program), observer_(w.block->observer) { load(); }

    template <bool OBSERVED>
    void run(uint32_t budget);

private:
    // The top of the stack is held here while the warp runs.
    void load() {
        const StackEntry& e = w_.stack.back();
        pc_ = e.pc;
        active_ = e.mask & ~w_.exited;
        reconverge_ = e.reconverge;
        lanes_ = static_cast<uint32_t>(__builtin_popcount(active_));
    }
    void store() {
        w_.stack.back().pc = pc_;
        w_.stack.back().mask = active_;
    }
    void push(uint32_t pc, uint32_t mask, uint32_t reconverge) {
        if (pc != reconverge) w_.stack.push_back({pc, mask, reconverge, false, 0, 0});
    }
    /// Before the branch's paths are pushed: what continues where they join.
    void split(uint32_t join) {
        // An entry that ends at the same place is replaced, so that loops do not grow the stack.
        if (join == reconverge_ && !w_.stack.back().call) {
            w_.stack.pop_back();
        } else {
            pc_ = join;
            store();
        }
    }

    bool pop();
    void branch(const Instr& instr, uint32_t taken);
    void branchIndexed(const Instr& instr, uint32_t mask);
    void returnLanes(uint32_t mask);
    void exitLanes(uint32_t mask);
    void call(const Instr& instr, uint32_t mask);
    bool control(const Instr& instr, uint32_t mask);
    bool converge(const Instr& instr, uint32_t mask);
    bool barrier(const Instr& instr, uint32_t mask);
    bool turnToLanes() {
        store();
        enterLaneMode(w_);
        return false;
    }

    Warp& w_;
    const Program& program_;
    Observer* observer_;
    uint32_t pc_, active_, reconverge_, lanes_;
};

bool StackRunner::pop() {
    StackEntry done = w_.stack.back();
    w_.stack.pop_back();
    if (done.call && done.saved != 0) {
        const FunctionCode& f = program_.functions[done.function];
        const std::vector<uint8_t>& frame = w_.savedFrames.back();
        std::memcpy(w_.regs + f.registersBegin, frame.data(), frame.size());
        w_.savedFrames.pop_back();
    }
    if (w_.stack.empty()) {
        completeCopies(w_);
        w_.state = WarpState::Done;
        return false;
    }
    load();
    return true;
}

void StackRunner::branch(const Instr& instr, uint32_t taken) {
    uint32_t rest = active_ & ~taken, next = pc_ + 1, join = instr.reconverge;
    split(join);
    push(next, rest, join);
    push(instr.target, taken, join);
    load();
}

void StackRunner::branchIndexed(const Instr& instr, uint32_t mask) {
    const uint32_t* index = w_.row<uint32_t>(instr.a);
    uint32_t rest = active_ & ~mask, next = pc_ + 1, join = instr.reconverge;
    const uint32_t* targets = program_.targets.data() + instr.imm;
    eachLane(mask, [&](int i) {
        if (index[i] >= instr.target) {
            faultStop(w_, i, Status::IllegalInstruction, "branch index " + std::to_string(index[i]) + " is outside the table of " + std::to_string(instr.target) + " targets");
        }
    });
    if (w_.interrupt) return;
    split(join);
    push(next, rest, join);
    while (mask != 0) {
        uint32_t target = targets[index[firstLane(mask)]], group = 0;
        eachLane(mask, [&](int i) { group |= (targets[index[i]] == target ? 1u : 0u) << i; });
        push(target, group, join);
        mask &= ~group;
    }
    load();
}

void StackRunner::exitLanes(uint32_t mask) {
    w_.exited |= mask;
    active_ &= ~mask;
    lanes_ = static_cast<uint32_t>(__builtin_popcount(active_));
    ++pc_;
}

void StackRunner::returnLanes(uint32_t mask) {
    size_t frame = w_.stack.size();
    while (frame > 0 && !w_.stack[frame - 1].call) --frame;
    if (frame == 0) {
        exitLanes(mask);
        return;
    }
    StackEntry& entry = w_.stack[frame - 1];
    const FunctionCode& callee = program_.functions[entry.function];
    const Instr& site = program_.code[w_.stack[frame - 2].pc - 1];
    copyResults(w_, program_.calls[site.target], callee, mask);
    leaveFrame(w_, callee, mask);
    for (size_t i = frame - 1; i < w_.stack.size(); ++i) w_.stack[i].mask &= ~mask;
    active_ &= ~mask;
    lanes_ = static_cast<uint32_t>(__builtin_popcount(active_));
    ++pc_;
}

void StackRunner::call(const Instr& instr, uint32_t mask) {
    uint32_t group = mask;
    const FunctionCode* callee = prepareCall(w_, instr, group);
    uint32_t rest = mask & ~group;
    uint32_t at = pc_++;
    if (callee == nullptr && rest == 0) return;
    store();
    if (rest != 0) push(at, rest, pc_);  // lanes with other targets execute the call again
    if (callee != nullptr) {
        if (rest != 0) w_.stack.push_back({pc_, group, pc_, false, 0, 0});
        StackEntry entry{callee->entry, group, Instr::END, true, 0, static_cast<uint32_t>(callee - program_.functions.data())};
        if (callee->recursive) {
            const uint8_t* begin = w_.regs + callee->registersBegin;
            const uint8_t* end = w_.regs + callee->registersEnd;
            w_.savedFrames.emplace_back(begin, end);
            entry.saved = 1;
        }
        w_.stack.push_back(entry);
    }
    load();
}

bool StackRunner::converge(const Instr& instr, uint32_t mask) {
    uint32_t wanted = w_.row<uint32_t>(instr.sync)[firstLane(mask)] & ~w_.exited;
    if (wanted & ~mask) return turnToLanes();
    if (observer_ != nullptr) mask = observer_->before(w_, instr, pc_, active_, mask);
    if (mask != 0) instr.run(w_, instr, mask);
    ++pc_;
    return !w_.interrupt;
}

bool StackRunner::barrier(const Instr& instr, uint32_t mask) {
    if (mask != w_.live()) {
        if (observer_ != nullptr && program_.barriers[static_cast<size_t>(instr.imm)].aligned) observer_->divergentBarrier(w_, pc_, mask);
        return turnToLanes();
    }
    if (observer_ != nullptr) observer_->before(w_, instr, pc_, active_, mask);
    uint32_t at = pc_++;
    store();
    w_.block->barriers.arrive(*w_.block, w_, instr, at, mask);
    // An arrival that does not wait leaves the warp ready.
    return w_.state == WarpState::Ready && !w_.interrupt;
}

/// False when the warp's turn ends here.
bool StackRunner::control(const Instr& instr, uint32_t mask) {
    switch (instr.control) {
        case Control::None: break;
        case Control::Branch:
            if (observer_ != nullptr) {
                observer_->before(w_, instr, pc_, active_, mask);
                observer_->branch(w_, mask != 0 && mask != active_);
            }
            if (mask == active_) pc_ = instr.target;
            else if (mask == 0) ++pc_;
            else branch(instr, mask);
            return true;
        case Control::BranchIndexed:
            if (observer_ != nullptr) observer_->before(w_, instr, pc_, active_, mask);
            if (mask == 0) ++pc_;
            else branchIndexed(instr, mask);
            return !w_.interrupt;
        default: break;
    }
    if (instr.control != Control::Convergent && instr.control != Control::Barrier && observer_ != nullptr) {
        observer_->before(w_, instr, pc_, active_, mask);
    }
    if (mask == 0) {
        ++pc_;
        return true;
    }
    switch (instr.control) {
        case Control::Call: call(instr, mask); return !w_.interrupt;
        case Control::Return: returnLanes(mask); return true;
        case Control::Exit: exitLanes(mask); return true;
        case Control::Barrier: return barrier(instr, mask);
        case Control::Convergent: return converge(instr, mask);
        default:  // Yield
            instr.run(w_, instr, mask);
            ++pc_;
            w_.slept = true;
            return false;
    }
}

template <bool OBSERVED>
void StackRunner::run(uint32_t budget) {
    const Instr* const code = program_.code.data();
    const uint8_t* const regs = w_.regs;
    uint32_t executed = 0;
    uint64_t threads = 0;
    bool finished = false;
    while (executed < budget) {
        while (__builtin_expect(pc_ == reconverge_ || active_ == 0, 0)) {
            if (!pop()) {
                finished = true;
                break;
            }
        }
        if (finished) break;
        const Instr& instr = code[pc_];
        uint32_t mask = active_ & (*reinterpret_cast<const uint32_t*>(regs + instr.guard) ^ instr.negate);
        ++executed;
        threads += lanes_;
        w_.pc = pc_;
        if (__builtin_expect(instr.control == Control::None, 1)) {
            if (OBSERVED) mask = observer_->before(w_, instr, pc_, active_, mask);
            if (mask != 0) instr.run(w_, instr, mask);
            ++pc_;
            if (__builtin_expect(w_.interrupt, 0)) break;
        } else if (!control(instr, mask)) {
            break;
        }
    }
    w_.instructions += executed;
    w_.threadInstructions += threads;
    if (finished || w_.lanes) return;
    store();
    if (executed >= budget && w_.stack.size() > 1 && ++w_.strikes >= MAX_STRIKES) enterLaneMode(w_);
}

}  // namespace

void runWarp(Warp& w, uint32_t budget) {
    uint64_t before = w.instructions;
    // Once a warp has had to leave the stack it may have to again: do not spin for a whole turn to find out.
    if (w.strikes >= MAX_STRIKES) budget = std::min(budget, 1024u);
    LaunchContext& launch = *w.launch;
    const uint64_t limit = launch.config.instructionLimit;
    if (limit != 0) {  // a turn goes no further than one instruction beyond the limit
        const uint64_t executed = std::min(limit, launch.instructions.load(std::memory_order_relaxed));
        budget = static_cast<uint32_t>(std::min<uint64_t>(budget, limit - executed + 1));
    }
    if (w.lanes) {
        runLanes(w, budget);
    } else if (w.block->observer != nullptr) {
        StackRunner(w).run<true>(budget);
    } else {
        StackRunner(w).run<false>(budget);
    }
    uint64_t total = launch.instructions.fetch_add(w.instructions - before, std::memory_order_relaxed) + w.instructions - before;
    if (limit != 0 && total > limit) {
        launch.fail(Status::LaunchTimeout, "the launch executed more than " + std::to_string(limit) +
                                               " warp instructions; kernel " + launch.info.name + " may loop for ever near PTX line " +
                                               std::to_string(launch.program.info[w.pc].ptxLine));
    }
    if (launch.config.cancelled && launch.config.cancelled()) launch.fail(Status::LaunchFailed, "the launch was cancelled");
}

}  // namespace vgpu
