#include "check/poison.hpp"

#include "exec/mma.hpp"
#include "exec/warp_ops.hpp"

#include <algorithm>
#include <cstring>

namespace vgpu {

namespace {

bool allOnes(const uint8_t* p, uint64_t bytes) {
    const uint64_t ones = 0x0101010101010101ull;
    uint64_t all = ones;
    for (; bytes >= 8; p += 8, bytes -= 8) {
        uint64_t x;
        std::memcpy(&x, p, 8);
        all &= x;
    }
    for (; bytes != 0; ++p, --bytes) all &= ones & (~0ull << 8 | *p);
    return all == ones;
}

}  // namespace

Poison::Poison(const LaunchContext& launch, std::vector<uint8_t>& tainted, uint32_t sharedBytes, uint64_t localBytes)
    : memory_(launch.memory.state()), program_(launch.program), rowsPerWarp_(launch.program.registerBytes / 4 + 16), localBytes_(localBytes), tainted_(tainted) {
    rows_.resize(rowsPerWarp_ * tainted.size());
    shared_.resize(sharedBytes + 16);
    local_.resize(localBytes * 32 * tainted.size());
}

void Poison::reset() {
    for (size_t w = 0; w < tainted_.size(); ++w) {
        if (tainted_[w]) std::fill_n(rows_.begin() + static_cast<std::ptrdiff_t>(w * rowsPerWarp_), rowsPerWarp_, 0u);
        tainted_[w] = 0;
        for (const Program::UndefinedRow& r : program_.undefined) {
            if (program_.hasRecursion && r.row == program_.frameBaseRow) continue;  // that it is zero is its meaning
            rows_[w * rowsPerWarp_ + r.row / 4] = ~0u;
            tainted_[w] = 1;
        }
    }
    std::fill(shared_.begin(), shared_.end(), 0);
    std::fill(local_.begin(), local_.end(), 0);
}

void Poison::setRow(Warp& w, uint32_t offset, uint32_t mask, uint32_t bits) {
    if (offset == Instr::SINK) return;
    if (bits & mask) tainted_[w.id] = 1;
    uint32_t& r = rows(w)[offset / 4];
    r = (r & ~mask) | (bits & mask);
}

uint32_t Poison::undefinedGuard(const Warp& w, const Instr& instr, uint32_t active) const {
    return tainted_[w.id] ? row(w, instr.guard) & active : 0;
}

uint32_t Poison::undefinedAddress(const Warp& w, const InstrInfo& info, uint32_t mask) const {
    return tainted_[w.id] ? row(w, info.access.address) & mask : 0;
}

bool Poison::lookUp(uint64_t address) const {
    uint64_t version = memory_.version.load(std::memory_order_acquire);
    if (version != version_) {
        for (auto& r : recent_) r.reset();
        last_ = nullptr;
        version_ = version;
    }
    if (last_ != nullptr && address >= last_->begin() && address < last_->end()) return true;
    for (auto& r : recent_) {
        if (r != nullptr && address >= r->begin() && address < r->end()) {
            last_ = r.get();
            return true;
        }
    }
    std::shared_lock lock(memory_.mutex);
    auto& slot = recent_[nextRecent_++ % recent_.size()];
    slot = memory_.lookup(address);
    last_ = slot.get();
    return last_ != nullptr;
}

bool Poison::globalDefined(uint64_t address, uint32_t bytes) const {
    lookUp(address);
    if (last_ == nullptr || last_->initialised || !memory_.inArena(address)) return true;
    return memory_.testShadow(address, bytes);
}

bool Poison::defined(const Warp& w, const LaneAddresses& at, int lane, uint32_t offset, uint32_t bytes) const {
    uint64_t a = at.at[lane] + offset;
    if (at.global >> lane & 1) return globalDefined(a, bytes);
    const uint8_t* shadow;
    if (at.shared >> lane & 1) shadow = &shared_[a];
    else if (at.local >> lane & 1) shadow = &local_[(w.id * 32ull + static_cast<uint64_t>(lane)) * localBytes_ + a];
    else return true;
    return std::all_of(shadow, shadow + bytes, [](uint8_t b) { return b != 0; });
}

void Poison::define(const Warp& w, const LaneAddresses& at, int lane, uint32_t offset, uint32_t bytes, bool value) {
    uint64_t a = at.at[lane] + offset;
    if (at.global >> lane & 1) {
        if (memory_.inArena(a) && !(lookUp(a) && last_->initialised)) memory_.setShadow(a, bytes, true);
    } else if (at.shared >> lane & 1) {
        std::memset(&shared_[a], value, bytes);
    } else if (at.local >> lane & 1) {
        std::memset(&local_[(w.id * 32ull + static_cast<uint64_t>(lane)) * localBytes_ + a], value, bytes);
    }
}

uint32_t Poison::undefinedStore(Warp& w, const Instr& instr, const InstrInfo& info, const LaneAddresses& at, uint32_t mask, const Runs& runs) {
    uint32_t bad = 0;
    if (info.access.kind == Access::Store) {
        if (!tainted_[w.id]) return 0;
        for (uint32_t k = 0; k < instr.n; ++k) bad |= row(w, instr.v[k]);
        return bad & mask & at.global;
    }
    if (info.access.kind != Access::Atomic) return 0;
    if (!allDefined(w, at, mask, runs)) eachLane(mask, [&](int i) { bad |= (defined(w, at, i, 0, at.bytes) ? 0u : 1u) << i; });
    if (tainted_[w.id]) bad |= row(w, instr.b) & at.global;
    return bad & mask;
}

bool Poison::allDefined(const Warp& w, const LaneAddresses& at, uint32_t mask, const Runs& runs) const {
    if (mask == at.shared) {
        for (const Run r : runs) {
            if (!allOnes(&shared_[r.begin], r.end - r.begin)) return false;
        }
        return true;
    }
    if (mask == at.global) {
        for (const Run r : runs) {
            // One answer for the run if it lies in the allocation of its first byte.
            if (!globalDefined(r.begin, static_cast<uint32_t>(r.end - r.begin)) || (last_ != nullptr && r.end > last_->end())) return false;
        }
        return true;
    }
    bool all = true;
    eachLane(mask, [&](int i) { all = all && defined(w, at, i, 0, at.bytes); });
    return all;
}

void Poison::load(Warp& w, const Instr& instr, const LaneAddresses& at, uint32_t mask, const Runs& runs) {
    if (allDefined(w, at, mask, runs)) {
        if (!tainted_[w.id]) return;
        for (uint32_t k = 0; k < instr.n; ++k) setRow(w, instr.v[k], mask, 0);
        return;
    }
    for (uint32_t k = 0; k < instr.n; ++k) {
        uint32_t bad = 0;
        eachLane(mask, [&](int i) { bad |= (defined(w, at, i, k * instr.size, instr.size) ? 0u : 1u) << i; });
        if (bad != 0 || tainted_[w.id]) setRow(w, instr.v[k], mask, bad);
    }
}

void Poison::store(Warp& w, const Instr& instr, const InstrInfo& info, const LaneAddresses& at, uint32_t mask, const Runs& runs) {
    const bool atomic = info.access.kind == Access::Atomic;
    if ((atomic || !tainted_[w.id]) && (mask == at.shared || mask == at.global)) {
        for (const Run r : runs) {
            if (mask == at.shared) std::memset(&shared_[r.begin], 1, r.end - r.begin);
            else if (memory_.inArena(r.begin) && !(lookUp(r.begin) && last_->initialised && r.end <= last_->end())) memory_.setShadow(r.begin, r.end - r.begin, true);
        }
    } else {
        eachLane(mask, [&](int i) {
            if (atomic) {
                define(w, at, i, 0, at.bytes, true);
                return;
            }
            for (uint32_t k = 0; k < instr.n; ++k) define(w, at, i, k * instr.size, instr.size, !(row(w, instr.v[k]) >> i & 1));
        });
    }
    if (atomic && tainted_[w.id]) setRow(w, instr.d, mask, 0);
}

void Poison::matrixLoad(Warp& w, const Instr& instr, const LaneAddresses& at, uint32_t mask, const Runs& runs) {
    if (!tainted_[w.id] && allDefined(w, at, mask, runs)) return;
    const bool transposed = instr.run == matrixLoadHandler(true);
    for (uint32_t j = 0; j < instr.n; ++j) {
        uint64_t undefined[8];  // bit c: 16-bit element c of the row
        uint64_t any = 0;
        for (uint32_t r = 0; r < 8; ++r) {
            undefined[r] = 0;
            int lane = static_cast<int>(8 * j + r);
            for (uint32_t c = 0; c < 8; ++c) undefined[r] |= (defined(w, at, lane, 2 * c, 2) ? 0ull : 1ull) << c;
            any |= undefined[r];
        }
        if (any == 0 && !tainted_[w.id]) continue;
        uint32_t bad = 0;
        for (uint32_t lane = 0; lane < 32; ++lane) {
            uint32_t outer = lane / 4, inner = (lane & 3) * 2;
            bool b = transposed ? ((undefined[inner] | undefined[inner + 1]) >> outer & 1) != 0 : (undefined[outer] >> inner & 3) != 0;
            bad |= static_cast<uint32_t>(b) << lane;
        }
        setRow(w, instr.v[j], ~0u, bad);
    }
}

void Poison::matrixRows(Warp& w, const Instr& instr) {
    if (instr.run == matrixTranspose) {
        uint32_t from = row(w, instr.a), bad = 0;
        for (uint32_t lane = 0; lane < 32; ++lane) bad |= ((from & matrixWordLanes(true, lane / 4, lane & 3)) != 0 ? 1u : 0u) << lane;
        setRow(w, instr.d, ~0u, bad);
        return;
    }
    const bool transposed = instr.run == matrixRowsHandler(true);
    uint32_t bad[4] = {};
    for (uint32_t j = 0; j < instr.n; ++j) {
        const uint32_t from = row(w, instr.v[j]);
        for (uint32_t i = 0; i < 32; ++i) {
            const uint32_t r = i / 4, k = i & 3;
            bad[k] |= ((from & matrixWordLanes(transposed, r, k)) != 0 ? 1u : 0u) << (8 * j + r);
        }
    }
    for (uint32_t k = 0; k < 4; ++k) setRow(w, instr.v[instr.n + k], ~0u, bad[k]);
}

void Poison::matrixMultiply(Warp& w, const Instr& instr) {
    const MmaShape s = MmaShape::unpack(instr.imm);
    const uint32_t *a = instr.v + s.registersD(), *b = a + s.registersA(), *c = b + s.registersB();
    uint32_t badRows = 0, badColumns = 0;
    for (uint32_t r = 0; r < s.registersA(); ++r) {
        eachLane(row(w, a[r]), [&](int i) { badRows |= 1u << (i / 4 + (s.m == 16 ? 8 * (static_cast<int>(r) & 1) : 0)); });
    }
    for (uint32_t r = 0; r < s.registersB(); ++r) eachLane(row(w, b[r]), [&](int i) { badColumns |= 1u << (i / 4); });
    const uint32_t per = elementsInRegister(s.d);
    std::vector<uint32_t> results(s.registersD());
    for (uint32_t r = 0; r < s.registersD(); ++r) {
        uint32_t bad = row(w, c[r]);
        for (uint32_t lane = 0; lane < 32; ++lane) {
            for (uint32_t e = 0; e < per; ++e) {
                uint32_t index = r * per + e, i = lane / 4 + 8 * (index / 2), j = (lane & 3) * 2 + index % 2;
                if ((badRows >> i & 1) || (badColumns >> j & 1)) bad |= 1u << lane;
            }
        }
        results[r] = bad;
    }
    for (uint32_t r = 0; r < s.registersD(); ++r) setRow(w, instr.v[r], ~0u, results[r]);
}

void Poison::generic(Warp& w, const InstrInfo& info, uint32_t mask) {
    uint32_t bad = 0;
    for (const InstrInfo::Row& r : info.reads) bad |= row(w, r.offset);
    for (const InstrInfo::Row& r : info.writes) setRow(w, r.offset, mask, bad);
}

void Poison::flow(Warp& w, const Instr& instr, const InstrInfo& info, const LaneAddresses* at, uint32_t mask, const Runs* runs) {
    if (info.poison == PoisonRule::Load) {
        load(w, instr, *at, mask, *runs);
        return;
    }
    if (info.poison == PoisonRule::Store) {
        store(w, instr, info, *at, mask, *runs);
        return;
    }
    if (info.poison == PoisonRule::Matrix) {
        matrixLoad(w, instr, *at, mask, *runs);
        return;
    }
    if (!tainted_[w.id]) return;
    switch (info.poison) {
        case PoisonRule::Any: generic(w, info, mask); break;
        case PoisonRule::Select: {
            uint32_t p = *w.row<uint32_t>(instr.c) ^ static_cast<uint32_t>(instr.imm);
            setRow(w, instr.d, mask, (row(w, instr.a) & p) | (row(w, instr.b) & ~p) | row(w, instr.c));
            break;
        }
        case PoisonRule::BothPredicates: {
            // False and anything is false; true or anything is true.
            uint32_t a = *w.row<uint32_t>(instr.a), b = *w.row<uint32_t>(instr.b), pa = row(w, instr.a), pb = row(w, instr.b);
            uint32_t decides = instr.flag != 0 ? ~0u : 0;  // the value that decides alone, by lane: 1 for or
            uint32_t byA = ~pa & ~(a ^ decides), byB = ~pb & ~(b ^ decides);
            setRow(w, instr.d, mask, (pa | pb) & ~byA & ~byB);
            break;
        }
        case PoisonRule::Shuffle: {
            uint32_t from = row(w, instr.a), control = row(w, instr.b) | row(w, instr.c), bad = 0;
            eachLane(mask, [&](int i) { bad |= (from >> shuffleSource(w, instr, i) & 1) << i; });
            setRow(w, instr.d, mask, bad | control);
            setRow(w, instr.e, mask, control);
            break;
        }
        case PoisonRule::WarpWide: {
            uint32_t bad = 0;
            for (const InstrInfo::Row& r : info.reads) bad |= row(w, r.offset) & mask;
            for (const InstrInfo::Row& r : info.writes) setRow(w, r.offset, mask, bad != 0 ? mask : 0);
            break;
        }
        case PoisonRule::MatrixRows: matrixRows(w, instr); break;
        case PoisonRule::MatrixMultiply: matrixMultiply(w, instr); break;
        default: break;
    }
}

void Poison::parameterCopied(const Warp& w, int lane, uint32_t to, const uint32_t* from, uint32_t bytes) {
    uint8_t* lanes = &local_[(w.id * 32ull + static_cast<uint64_t>(lane)) * localBytes_];
    if (from != nullptr) std::memmove(lanes + to, lanes + *from, bytes);
    else std::memset(lanes + to, 1, bytes);
}

void Poison::copiesComplete(const std::vector<AsyncCopy>& copies) {
    for (const AsyncCopy& c : copies) {
        uint8_t* shadow = &shared_[c.destination];
        if (c.size == 16) std::memset(shadow, 1, 16);
        else std::memset(shadow, 1, c.size);
        if (c.copied == 0) continue;
        const uint64_t source = reinterpret_cast<uint64_t>(c.source);
        if (globalDefined(source, c.copied)) continue;
        for (uint32_t i = 0; i < c.copied; ++i) shadow[i] = globalDefined(source + i, 1);
    }
}

}  // namespace vgpu
