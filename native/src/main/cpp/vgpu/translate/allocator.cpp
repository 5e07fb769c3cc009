// Linear scan over live intervals from a per-block liveness analysis. Values live at once get rows of their own; others
// share. Rows of different widths never share memory, so that handlers may assume operands overlap fully or not at all.
#include "translate/allocator.hpp"

#include "translate/control_flow.hpp"

#include <algorithm>
#include <cstring>

namespace vgpu {

namespace {

uint32_t rowBytes(uint32_t laneBytes) { return laneBytes == 0 ? 4 : laneBytes * 32; }

/// Bits over the registers of one function.
class BitSet {
public:
    explicit BitSet(size_t bits = 0) : words_((bits + 63) / 64) {}
    bool test(size_t i) const { return words_[i / 64] >> (i % 64) & 1; }
    void set(size_t i) { words_[i / 64] |= 1ull << (i % 64); }
    void reset(size_t i) { words_[i / 64] &= ~(1ull << (i % 64)); }
    bool add(const BitSet& other) {
        bool changed = false;
        for (size_t i = 0; i < words_.size(); ++i) {
            uint64_t next = words_[i] | other.words_[i];
            changed |= next != words_[i];
            words_[i] = next;
        }
        return changed;
    }
    void remove(const BitSet& other) {
        for (size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
    }
    template <class F>
    void each(F f) const {
        for (size_t i = 0; i < words_.size(); ++i) {
            for (uint64_t w = words_[i]; w != 0; w &= w - 1) f(i * 64 + static_cast<size_t>(__builtin_ctzll(w)));
        }
    }

private:
    std::vector<uint64_t> words_;
};

}  // namespace

uint32_t Allocator::take(uint32_t bytes) {
    uint32_t size = rowBytes(bytes);
    uint32_t alignment = std::min<uint32_t>(size, 64);
    top_ = (top_ + alignment - 1) / alignment * alignment;
    uint32_t row = top_;
    top_ += size;
    return row;
}

void Allocator::placeConstants() {
    // Row 0 is the predicate that is always true.
    b_.registers_[b_.always_].row = take(0);
    for (auto& r : b_.registers_) {
        if (r.kind == ProgramBuilder::VirtualRegister::Constant && r.row == UINT32_MAX) r.row = take(r.bytes);
    }
    top_ = (top_ + 63) / 64 * 64;
    program_.constants.assign(top_, 0);
    for (const auto& r : b_.registers_) {
        if (r.kind != ProgramBuilder::VirtualRegister::Constant) continue;
        if (r.bytes == 0) {
            uint32_t mask = r.bits != 0 ? ~0u : 0;
            std::memcpy(&program_.constants[r.row], &mask, 4);
            continue;
        }
        for (uint32_t lane = 0; lane < 32; ++lane) std::memcpy(&program_.constants[r.row + lane * r.bytes], &r.bits, r.bytes);
    }
    for (auto& r : b_.registers_) {
        if (r.kind == ProgramBuilder::VirtualRegister::SpecialValue) {
            r.row = take(r.bytes);
            program_.specials.push_back({r.special, r.row, r.bytes});
        } else if (r.kind == ProgramBuilder::VirtualRegister::FrameBase) {
            r.row = take(4);
            program_.frameBaseRow = r.row;
            program_.undefined.push_back({r.row, 128});
        }
    }
}

void Allocator::placeFunction(uint32_t begin, uint32_t end, uint32_t function) {
    ControlFlow flow(program_, begin, end);
    // Registers of this function get dense numbers.
    std::vector<Register> local;
    std::vector<uint32_t> number(b_.registers_.size(), UINT32_MAX);
    for (uint32_t pc = begin; pc < end; ++pc) {
        for (const Reference& r : b_.references_[pc]) {
            if (b_.registers_[r.reg].kind != ProgramBuilder::VirtualRegister::Local || number[r.reg] != UINT32_MAX) continue;
            number[r.reg] = static_cast<uint32_t>(local.size());
            local.push_back(r.reg);
        }
    }
    auto isLocal = [&](const Reference& r) { return number[r.reg] != UINT32_MAX; };
    auto kills = [&](uint32_t pc) {
        for (const Reference& r : b_.references_[pc]) {
            if (r.slot == Slot::Guard && r.reg != b_.always_) return false;
        }
        return true;
    };

    size_t blocks = flow.blocks().size();
    std::vector<BitSet> gen(blocks, BitSet(local.size())), kill(blocks, BitSet(local.size())), in(blocks, BitSet(local.size())), out(blocks, BitSet(local.size()));
    for (size_t b = 0; b < blocks; ++b) {
        for (uint32_t pc = flow.blocks()[b].begin; pc < flow.blocks()[b].end; ++pc) {
            for (const Reference& r : b_.references_[pc]) {
                // A guarded write keeps the old value in the other lanes, so it reads it.
                if (isLocal(r) && (!r.writes || !kills(pc)) && !kill[b].test(number[r.reg])) gen[b].set(number[r.reg]);
            }
            if (!kills(pc)) continue;
            for (const Reference& r : b_.references_[pc]) {
                if (isLocal(r) && r.writes) kill[b].set(number[r.reg]);
            }
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t b = blocks; b-- > 0;) {
            for (uint32_t s : flow.blocks()[b].successors) changed |= out[b].add(in[s]);
            BitSet next = out[b];
            next.remove(kill[b]);
            next.add(gen[b]);
            changed |= in[b].add(next);
        }
    }

    std::vector<Interval> intervals(local.size());
    for (size_t i = 0; i < local.size(); ++i) intervals[i] = {local[i], UINT32_MAX, 0};
    auto extend = [&](size_t i, uint32_t pc) {
        intervals[i].first = std::min(intervals[i].first, pc);
        intervals[i].last = std::max(intervals[i].last, pc);
    };
    for (size_t b = 0; b < blocks; ++b) {
        const auto& block = flow.blocks()[b];
        if (block.begin == block.end) continue;
        in[b].each([&](size_t i) { extend(i, block.begin); });
        out[b].each([&](size_t i) { extend(i, block.end); });
        for (uint32_t pc = block.begin; pc < block.end; ++pc) {
            for (const Reference& r : b_.references_[pc]) {
                if (isLocal(r)) extend(number[r.reg], pc);
            }
        }
    }
    std::sort(intervals.begin(), intervals.end(), [](const Interval& x, const Interval& y) { return std::make_pair(x.first, x.reg) < std::make_pair(y.first, y.reg); });

    uint32_t base = top_ = (top_ + 63) / 64 * 64;
    // A row is free again after the last instruction that uses it; results may take the row of a dying operand only if
    // the handler reads before it writes lane by lane, which multi-row instructions do not, so intervals are closed.
    std::map<uint32_t, std::vector<uint32_t>> free;
    std::multimap<uint32_t, Interval> active;
    uint32_t pressure = 0, most = 0;
    for (const Interval& interval : intervals) {
        while (!active.empty() && active.begin()->first < interval.first) {
            const auto& old = b_.registers_[active.begin()->second.reg];
            free[old.bytes].push_back(old.row);
            pressure -= (old.bytes + 3u) / 4;
            active.erase(active.begin());
        }
        auto& r = b_.registers_[interval.reg];
        auto& rows = free[r.bytes];
        if (rows.empty()) {
            r.row = take(r.bytes);
        } else {
            r.row = rows.back();
            rows.pop_back();
        }
        pressure += (r.bytes + 3u) / 4;
        most = std::max(most, pressure);
        active.emplace(interval.last, interval);
    }
    top_ = (top_ + 63) / 64 * 64;
    program_.registerPressure = std::max(program_.registerPressure, most);
    if (blocks != 0) {
        in[0].each([&](size_t i) {
            const auto& r = b_.registers_[local[i]];
            program_.undefined.push_back({r.row, rowBytes(r.bytes)});
        });
    }
    if (function > 0) {
        program_.functions[function - 1].registersBegin = base;
        program_.functions[function - 1].registersEnd = top_;
    }
}

void Allocator::run(const std::vector<uint32_t>& begins) {
    placeConstants();
    for (size_t i = 0; i < begins.size(); ++i) {
        uint32_t end = i + 1 < begins.size() ? begins[i + 1] : b_.size();
        placeFunction(begins[i], end, static_cast<uint32_t>(i));
    }
    program_.registerBytes = (top_ + 63) / 64 * 64;
}

}  // namespace vgpu
