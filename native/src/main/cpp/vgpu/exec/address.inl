// From the address operands of 32 lanes to host addresses. Included inside namespace vgpu::VGPU_ISA after lanes.inl.

/// Encoding of the address form in Instr::flag.
enum AddressForm : u8 {
    FORM_GLOBAL = 0,  // also constant memory
    FORM_SHARED = 1,
    FORM_LOCAL = 2,
    FORM_PARAM = 3,
    FORM_GENERIC = 4,
    FORM_SPACE = 7,
    FORM_NARROW = 8,  // the address row has 32-bit elements
};

/// va[i] = address operand plus immediate; idle lanes repeat the first active one, so that loads may run for all.
static VGPU_INLINE void virtualAddresses(Warp& w, const Instr& I, u32 m, u64* va) {
    if (I.flag & FORM_NARROW) {
        const u32* a = w.row<u32>(I.a);
        const u32 imm = static_cast<u32>(I.imm);
        for (int i = 0; i < 32; ++i) va[i] = static_cast<u32>(a[i] + imm);
    } else {
        const u64* a = w.row<u64>(I.a);
        const u64 imm = static_cast<u64>(I.imm);
        for (int i = 0; i < 32; ++i) va[i] = a[i] + imm;
    }
    if (__builtin_expect(m != ALL, 0)) {
        u64 first = va[__builtin_ctz(m)];
        for (int i = 0; i < 32; ++i) va[i] = (m >> i & 1) ? va[i] : first;
    }
}

/// True when every va lies in [0, limit - bytes] after begin is taken off, and is aligned; the fast answer.
static VGPU_INLINE bool allWithin(const u64* va, u64 begin, u64 limit, u32 bytes) {
    u64 outside = 0, bits = 0;
    const u64 last = limit - bytes;
    for (int i = 0; i < 32; ++i) {
        u64 offset = va[i] - begin;
        outside |= offset | (last - offset);
        bits |= va[i];
    }
    return limit >= bytes && static_cast<i64>(outside) >= 0 && (bits & (bytes - 1)) == 0;
}

/// Fills p with host addresses; returns the lanes that may be accessed. Lanes in error have been reported.
static VGPU_INLINE u32 resolve(Warp& w, const Instr& I, u32 m, u32 bytes, bool store, u64* p) {
    alignas(64) u64 va[32];
    virtualAddresses(w, I, m, va);
    u32 space = I.flag & FORM_SPACE;
    if (space == FORM_GENERIC) {
        u64 high = 0;
        for (int i = 0; i < 32; ++i) high |= va[i] >> 56;
        if (high != 0) return resolveSlow(w, m, bytes, store, FORM_GENERIC, va, p);
        space = FORM_GLOBAL;
    }
    if (space == FORM_GLOBAL) {
        if (__builtin_expect(!allWithin(va, w.globalBegin, w.globalEnd - w.globalBegin, bytes), 0)) {
            return resolveSlow(w, m, bytes, store, FORM_GLOBAL, va, p);
        }
        for (int i = 0; i < 32; ++i) p[i] = va[i];
    } else if (space == FORM_SHARED) {
        if (__builtin_expect(!allWithin(va, 0, w.sharedBytes, bytes), 0)) return resolveSlow(w, m, bytes, store, FORM_SHARED, va, p);
        const u64 base = reinterpret_cast<u64>(w.shared);
        for (int i = 0; i < 32; ++i) p[i] = va[i] + base;
    } else if (space == FORM_LOCAL) {
        if (__builtin_expect(!allWithin(va, 0, w.localStride, bytes), 0)) return resolveSlow(w, m, bytes, store, FORM_LOCAL, va, p);
        const u64 base = reinterpret_cast<u64>(w.local);
        for (int i = 0; i < 32; ++i) p[i] = va[i] + base + static_cast<u64>(i) * w.localStride;
    } else {
        if (__builtin_expect(!allWithin(va, 0, w.paramBytes, bytes), 0)) return resolveSlow(w, m, bytes, store, FORM_PARAM, va, p);
        const u64 base = reinterpret_cast<u64>(w.params);
        for (int i = 0; i < 32; ++i) p[i] = va[i] + base;
    }
    return m;
}
