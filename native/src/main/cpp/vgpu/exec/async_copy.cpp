// cp.async: copies complete as late as the program allows, which is when the thread waits for them or exits. A kernel
// that forgets to wait then computes with stale data and is noticed.
#include "exec/async_copy.hpp"

#include "check/observer.hpp"
#include "exec/address.hpp"
#include "exec/block.hpp"
#include "exec/isa.hpp"

#include <algorithm>

namespace vgpu {

namespace {

void complete(Warp& w, const std::vector<AsyncCopy>& group) {
    for (const AsyncCopy& c : group) {
        uint8_t* to = w.shared + c.destination;
        // Sizes that the compiler knows: a copy of unknown length costs as much as everything else about it.
        if (c.copied == 16) {
            std::memcpy(to, c.source, 16);
        } else if (c.copied == c.size && c.size == 8) {
            std::memcpy(to, c.source, 8);
        } else if (c.copied == c.size && c.size == 4) {
            std::memcpy(to, c.source, 4);
        } else {
            for (uint32_t i = 0; i < c.size; ++i) to[i] = i < c.copied ? c.source[i] : 0;
        }
    }
    if (w.block->observer != nullptr && !group.empty()) w.block->observer->copiesComplete(w, group);
}

}  // namespace

void completeCopies(Warp& w) {
    for (const CopyGroup& g : w.copyGroups) complete(w, g.copies);
    w.copyGroups.clear();
    complete(w, w.pendingCopies);
    w.pendingCopies.clear();
}

// Operands: a is the shared address (32 bits if FORM_NARROW), b the global one with its offset in pool entry 0, c the
// source size or ignore-src predicate.
void asyncCopy(Warp& w, const Instr& I, uint32_t m) {
    uint64_t to[32], from[32];
    uint32_t size = I.size;
    m = resolveAddresses(w, I, m, size, true, to);
    if (m == 0) return;
    uint32_t sizes[32];
    uint32_t reading = m;
    std::fill(sizes, sizes + 32, size);
    if (I.n == COPY_SOURCE_SIZE || I.n == COPY_IGNORE_SOURCE) {
        eachLane(m, [&](int i) {
            if (I.n == COPY_SOURCE_SIZE) sizes[i] = std::min(size, w.row<uint32_t>(I.c)[i]);
            else if (*w.row<uint32_t>(I.c) >> i & 1) sizes[i] = 0;
            if (sizes[i] == 0) reading &= ~(1u << i);
        });
    }
    if (reading != 0) {
        Instr source = I;
        source.a = I.b;
        source.imm = static_cast<int32_t>(I.e);
        source.flag = addressForm(ptx::Space::Global, true);
        uint32_t read = resolveAddresses(w, source, reading, size, false, from);
        m &= ~(reading & ~read);
        reading = read;
    }
    const size_t before = w.pendingCopies.size();
    w.pendingCopies.resize(before + static_cast<size_t>(__builtin_popcount(m)));
    AsyncCopy* next = w.pendingCopies.data() + before;
    eachLane(m, [&](int i) {
        const uint8_t* p = (reading >> i & 1) ? reinterpret_cast<const uint8_t*>(from[i]) : nullptr;
        *next++ = {static_cast<uint32_t>(to[i] - reinterpret_cast<uint64_t>(w.shared)), p, static_cast<uint8_t>(size), static_cast<uint8_t>(sizes[i]),
                   static_cast<uint8_t>(i), w.pc};
    });
}

void commitGroup(Warp& w, const Instr&, uint32_t m) {
    CopyGroup group{m, {}};
    const auto mine = [&](const AsyncCopy& c) { return (m >> c.lane & 1) != 0; };
    if (std::all_of(w.pendingCopies.begin(), w.pendingCopies.end(), mine)) {
        group.copies.swap(w.pendingCopies);
    } else {
        const auto others = std::stable_partition(w.pendingCopies.begin(), w.pendingCopies.end(), mine);
        group.copies.assign(w.pendingCopies.begin(), others);
        w.pendingCopies.erase(w.pendingCopies.begin(), others);
    }
    w.copyGroups.push_back(std::move(group));
}

// From the newest group to the oldest: a lane keeps as many of its own as it may, and the rest of its copies complete.
// Copies complete in the order in which they were committed.
void waitGroups(Warp& w, size_t keep, uint32_t m) {
    const size_t count = w.copyGroups.size();
    if (std::all_of(w.copyGroups.begin(), w.copyGroups.end(), [m](const CopyGroup& g) { return g.lanes == m; })) {
        // The usual case: the warp commits and waits as one.
        const size_t done = count > keep ? count - keep : 0;
        for (size_t g = 0; g < done; ++g) complete(w, w.copyGroups[g].copies);
        if (done != 0 && w.pendingCopies.capacity() == 0) {
            // The storage of a finished group serves the next one.
            w.pendingCopies = std::move(w.copyGroups.front().copies);
            w.pendingCopies.clear();
        }
        w.copyGroups.erase(w.copyGroups.begin(), w.copyGroups.begin() + static_cast<std::ptrdiff_t>(done));
        return;
    }
    std::vector<uint32_t> ends(count);  // the lanes for which a group has to be complete
    size_t kept[32] = {};
    for (size_t g = count; g-- > 0;) {
        eachLane(m & w.copyGroups[g].lanes, [&](int i) { ends[g] |= (kept[i]++ >= keep ? 1u : 0u) << i; });
    }
    for (size_t g = 0; g < count; ++g) {
        CopyGroup& group = w.copyGroups[g];
        if (ends[g] == 0) continue;
        if ((group.lanes & ~ends[g]) == 0) {
            complete(w, group.copies);
            group.copies.clear();
        } else {
            const auto stays = [&](const AsyncCopy& c) { return (ends[g] >> c.lane & 1) == 0; };
            const auto done = std::stable_partition(group.copies.begin(), group.copies.end(), stays);
            complete(w, {done, group.copies.end()});
            group.copies.erase(done, group.copies.end());
        }
        group.lanes &= ~ends[g];
    }
    w.copyGroups.erase(std::remove_if(w.copyGroups.begin(), w.copyGroups.end(), [](const CopyGroup& g) { return g.lanes == 0; }), w.copyGroups.end());
}

void waitGroup(Warp& w, const Instr& I, uint32_t m) { waitGroups(w, static_cast<size_t>(I.imm), m); }

void waitAll(Warp& w, const Instr& I, uint32_t m) {
    commitGroup(w, I, m);
    waitGroups(w, 0, m);
}

}  // namespace vgpu
