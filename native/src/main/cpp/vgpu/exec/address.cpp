#include "exec/address.hpp"

#include "exec/isa.hpp"

namespace vgpu {

namespace baseline {
#include "exec/lanes.inl"
#include "exec/address.inl"
}  // namespace baseline

using namespace baseline;

uint8_t addressForm(ptx::Space space, bool wide) {
    u8 form = FORM_GENERIC;
    switch (space) {
        case ptx::Space::Global:
        case ptx::Space::Const: form = FORM_GLOBAL; break;
        case ptx::Space::Shared: form = FORM_SHARED; break;
        case ptx::Space::Local: form = FORM_LOCAL; break;
        case ptx::Space::Param: form = FORM_PARAM; break;
        default: break;
    }
    return static_cast<u8>(form | (wide ? 0 : FORM_NARROW));
}

uint32_t resolveAddresses(Warp& w, const Instr& I, uint32_t m, uint32_t bytes, bool store, uint64_t* host) {
    return isa().resolve(w, I, m, bytes, store, host);
}

namespace {

const char* action(bool store) { return store ? "write" : "read"; }

uint8_t* within(Warp& w, int lane, u64 offset, u64 limit, uint8_t* base, u32 bytes, u64 reported, const char* what) {
    if (offset < limit && limit - offset >= bytes) return base + offset;
    faultAddress(w, lane, reported, bytes, what);
    return nullptr;
}

uint8_t* resolveLane(Warp& w, int lane, u64 va, u32 bytes, bool store, u32 form) {
    u64 offset = va;
    if (form == FORM_GENERIC) {
        u64 window = va & ~((1ull << 56) - 1);
        offset = va - window;
        form = window == SHARED_WINDOW ? FORM_SHARED : window == LOCAL_WINDOW ? FORM_LOCAL : window == PARAM_WINDOW ? FORM_PARAM : FORM_GLOBAL;
        if (form == FORM_GLOBAL) offset = va;
    }
    if (va & (bytes - 1)) {
        faultAlignment(w, lane, va, bytes);
        return nullptr;
    }
    switch (form) {
        case FORM_SHARED:
            return within(w, lane, offset, w.sharedBytes, w.shared, bytes, offset, store ? "write outside shared memory" : "read outside shared memory");
        case FORM_LOCAL:
            return within(w, lane, offset, w.localStride, w.local + static_cast<u64>(lane) * w.localStride, bytes, offset,
                          store ? "write outside local memory" : "read outside local memory");
        case FORM_PARAM:
            if (store) {
                faultAddress(w, lane, offset, bytes, "write to kernel parameters");
                return nullptr;
            }
            return within(w, lane, offset, w.paramBytes, const_cast<uint8_t*>(w.params), bytes, offset, "read outside kernel parameters");
        default: break;
    }
    if (offset >= w.globalBegin && offset < w.globalEnd && w.globalEnd - offset >= bytes) return reinterpret_cast<uint8_t*>(offset);
    return slowGlobal(w, lane, offset, bytes, action(store));
}

}  // namespace

uint32_t resolveSlow(Warp& w, uint32_t m, uint32_t bytes, bool store, uint32_t form, const uint64_t* va, uint64_t* host) {
    u32 good = 0;
    u64 any = 0;
    eachLane(m, [&](int i) {
        uint8_t* p = resolveLane(w, i, va[i], bytes, store, form);
        if (p == nullptr) return;
        host[i] = any = reinterpret_cast<u64>(p);
        good |= 1u << i;
    });
    for (int i = 0; i < 32; ++i) {
        if (!(good >> i & 1)) host[i] = any;
    }
    return good;
}

}  // namespace vgpu
