#include "translate/control_flow.hpp"

#include <algorithm>

namespace vgpu {

namespace {

bool endsBlock(const Instr& i) {
    return i.control == Control::Branch || i.control == Control::BranchIndexed || i.control == Control::Return || i.control == Control::Exit;
}

}  // namespace

ControlFlow::ControlFlow(const Program& program, uint32_t begin, uint32_t end) {
    std::vector<bool> leader(end - begin + 1, false);
    leader[0] = true;
    auto targets = [&](const Instr& i, auto f) {
        if (i.control == Control::Branch) f(i.target);
        if (i.control == Control::BranchIndexed) {
            for (uint32_t k = 0; k < i.target; ++k) f(program.targets[static_cast<size_t>(i.imm) + k]);
        }
    };
    for (uint32_t pc = begin; pc < end; ++pc) {
        const Instr& i = program.code[pc];
        if (endsBlock(i)) leader[pc + 1 - begin] = true;
        targets(i, [&](uint32_t t) { leader[t - begin] = true; });
    }
    std::vector<uint32_t> blockOf(end - begin + 1, 0);
    for (uint32_t pc = begin; pc < end; ++pc) {
        if (leader[pc - begin]) blocks_.push_back({pc, pc, {}, false});
        blocks_.back().end = pc + 1;
        blockOf[pc - begin] = static_cast<uint32_t>(blocks_.size() - 1);
    }
    for (size_t b = 0; b < blocks_.size(); ++b) {
        Block& block = blocks_[b];
        const Instr& last = program.code[block.end - 1];
        targets(last, [&](uint32_t t) { block.successors.push_back(blockOf[t - begin]); });
        bool leaves = last.control == Control::Return || last.control == Control::Exit;
        block.exits = leaves;
        // An unguarded branch has the always-true row, which is row 0 in the end and marked by flag while building.
        bool falls = !endsBlock(last) || last.flag != 0;
        if (falls && b + 1 < blocks_.size()) block.successors.push_back(static_cast<uint32_t>(b + 1));
        if (falls && b + 1 == blocks_.size()) block.exits = true;
        std::sort(block.successors.begin(), block.successors.end());
        block.successors.erase(std::unique(block.successors.begin(), block.successors.end()), block.successors.end());
    }
}

std::vector<uint32_t> ControlFlow::joins() const {
    // Iterative dominance on the reversed graph, after Cooper, Harvey and Kennedy; node n is the exit. Loops without
    // exit never reach it: such blocks keep no post-dominator.
    const uint32_t n = static_cast<uint32_t>(blocks_.size()), NONE = UINT32_MAX;
    std::vector<std::vector<uint32_t>> predecessors(n + 1);
    for (uint32_t b = 0; b < n; ++b) {
        for (uint32_t s : blocks_[b].successors) predecessors[s].push_back(b);
        if (blocks_[b].exits) predecessors[n].push_back(b);
    }
    std::vector<uint32_t> order, number(n + 1, NONE);
    std::vector<std::pair<uint32_t, size_t>> stack{{n, 0}};
    std::vector<bool> seen(n + 1, false);
    seen[n] = true;
    while (!stack.empty()) {
        auto& [node, next] = stack.back();
        if (next < predecessors[node].size()) {
            uint32_t p = predecessors[node][next++];
            if (!seen[p]) {
                seen[p] = true;
                stack.emplace_back(p, 0);
            }
        } else {
            number[node] = static_cast<uint32_t>(order.size());
            order.push_back(node);
            stack.pop_back();
        }
    }
    std::vector<uint32_t> idom(n + 1, NONE);
    idom[n] = n;
    auto meet = [&](uint32_t a, uint32_t b) {
        while (a != b) {
            while (number[a] < number[b]) a = idom[a];
            while (number[b] < number[a]) b = idom[b];
        }
        return a;
    };
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t k = order.size(); k-- > 0;) {
            uint32_t b = order[k];
            if (b == n) continue;
            uint32_t next = NONE;
            auto visit = [&](uint32_t s) {
                if (idom[s] != NONE) next = next == NONE ? s : meet(s, next);
            };
            for (uint32_t s : blocks_[b].successors) visit(s);
            if (blocks_[b].exits) visit(n);
            if (next != idom[b]) {
                idom[b] = next;
                changed = true;
            }
        }
    }
    std::vector<uint32_t> result(n);
    for (uint32_t b = 0; b < n; ++b) result[b] = idom[b] == NONE || idom[b] == n ? Instr::END : blocks_[idom[b]].begin;
    return result;
}

void ControlFlow::setJoins(Program& program, uint32_t begin, uint32_t end) {
    ControlFlow flow(program, begin, end);
    std::vector<uint32_t> joins = flow.joins();
    for (size_t b = 0; b < joins.size(); ++b) program.code[flow.blocks_[b].end - 1].reconverge = joins[b];
}

}  // namespace vgpu
