// ld and st.
namespace vgpu::VGPU_ISA {
#include "exec/lanes.inl"
#include "exec/address.inl"

namespace {

VGPU_INLINE bool contiguous(const u64* p, u64 step) {
    u64 difference = 0;
    for (int i = 0; i < 32; ++i) difference |= p[i] - (p[0] + static_cast<u64>(i) * step);
    return difference == 0;
}

template <class T>
VGPU_INLINE T readAt(u64 p) {
    T v;
    __builtin_memcpy(&v, reinterpret_cast<const void*>(p), sizeof(T));
    return v;
}

/// One element of each lane, from offset bytes behind p.
template <class T, class R>
VGPU_INLINE void gather(u32 m, R* d, const u64* p, u64 offset) {
    if (m == ALL) {
        for (int i = 0; i < 32; ++i) d[i] = static_cast<R>(readAt<T>(p[i] + offset));
    } else {
        eachLane(m, [&](int i) { d[i] = static_cast<R>(readAt<T>(p[i] + offset)); });
    }
}

#ifdef __SSE2__
VGPU_INLINE __m128 load16(u64 p) { return _mm_loadu_ps(reinterpret_cast<const float*>(p)); }
VGPU_INLINE void save16(u64 p, __m128 v) { _mm_storeu_ps(reinterpret_cast<float*>(p), v); }

/// Four 32-bit elements a lane for all lanes: 4x4 transpositions.
VGPU_INLINE void gatherQuads(float* const* d, const u64* p) {
    for (int i = 0; i < 32; i += 4) {
        __m128 r0 = load16(p[i]), r1 = load16(p[i + 1]), r2 = load16(p[i + 2]), r3 = load16(p[i + 3]);
        _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
        _mm_store_ps(d[0] + i, r0);
        _mm_store_ps(d[1] + i, r1);
        _mm_store_ps(d[2] + i, r2);
        _mm_store_ps(d[3] + i, r3);
    }
}
VGPU_INLINE void scatterQuads(const float* const* s, const u64* p) {
    for (int i = 0; i < 32; i += 4) {
        __m128 r0 = _mm_load_ps(s[0] + i), r1 = _mm_load_ps(s[1] + i), r2 = _mm_load_ps(s[2] + i), r3 = _mm_load_ps(s[3] + i);
        _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
        save16(p[i], r0);
        save16(p[i + 1], r1);
        save16(p[i + 2], r2);
        save16(p[i + 3], r3);
    }
}
VGPU_INLINE bool gatherWide(Warp& w, const Instr& I, const u64* p) {
    if (I.n != 4) return false;
    alignas(64) float idle[32];
    float* d[4];
    for (int k = 0; k < 4; ++k) d[k] = I.v[k] == Instr::SINK ? idle : w.row<float>(I.v[k]);
    gatherQuads(d, p);
    return true;
}
VGPU_INLINE bool scatterWide(Warp& w, const Instr& I, const u64* p) {
    if (I.n != 4) return false;
    const float* s[4];
    for (int k = 0; k < 4; ++k) s[k] = w.row<float>(I.v[k]);
    scatterQuads(s, p);
    return true;
}
#else
VGPU_INLINE bool gatherWide(Warp&, const Instr&, const u64*) { return false; }
VGPU_INLINE bool scatterWide(Warp&, const Instr&, const u64*) { return false; }
#endif

template <class T, class R>
void load(Warp& w, const Instr& I, u32 m) {
    alignas(64) u64 p[32];
    m = resolve(w, I, m, I.n * sizeof(T), false, p);
    if (m == 0) return;
    if (sizeof(T) == 4 && sizeof(R) == 4 && m == ALL && gatherWide(w, I, p)) return;
    if (sizeof(T) == sizeof(R) && I.n == 1 && m == ALL && contiguous(p, sizeof(T))) {
        __builtin_memcpy(w.row<R>(I.v[0]), reinterpret_cast<const void*>(p[0]), 32 * sizeof(T));
        return;
    }
    for (u32 k = 0; k < I.n; ++k) {
        if (I.v[k] != Instr::SINK) gather<T, R>(m, w.row<R>(I.v[k]), p, k * sizeof(T));
    }
}

template <class T, class R>
void store(Warp& w, const Instr& I, u32 m) {
    alignas(64) u64 p[32];
    m = resolve(w, I, m, I.n * sizeof(T), true, p);
    if (m == 0) return;
    if (sizeof(T) == 4 && sizeof(R) == 4 && m == ALL && scatterWide(w, I, p)) return;
    if (sizeof(T) == sizeof(R) && I.n == 1 && m == ALL && contiguous(p, sizeof(T))) {
        __builtin_memcpy(reinterpret_cast<void*>(p[0]), w.row<R>(I.v[0]), 32 * sizeof(T));
        return;
    }
    for (u32 k = 0; k < I.n; ++k) {
        const R* s = w.row<R>(I.v[k]);
        eachLane(m, [&](int i) {
            T v = static_cast<T>(s[i]);
            __builtin_memcpy(reinterpret_cast<void*>(p[i] + k * sizeof(T)), &v, sizeof(T));
        });
    }
}

template <class T>
Handler loadTo(u32 registerBytes) {
    switch (registerBytes) {
        case 2: if constexpr (sizeof(T) <= 2) return load<T, u16>; else return nullptr;
        case 4: if constexpr (sizeof(T) <= 4) return load<T, u32>; else return nullptr;
        case 8: return load<T, u64>;
        default: return nullptr;
    }
}
template <class T>
Handler storeFrom(u32 registerBytes) {
    switch (registerBytes) {
        case 2: if constexpr (sizeof(T) <= 2) return store<T, u16>; else return nullptr;
        case 4: if constexpr (sizeof(T) <= 4) return store<T, u32>; else return nullptr;
        case 8: return store<T, u64>;
        default: return nullptr;
    }
}

}  // namespace

uint32_t resolveLanes(Warp& w, const Instr& I, uint32_t m, uint32_t bytes, bool store, uint64_t* host) { return resolve(w, I, m, bytes, store, host); }

Handler loadHandler(ptx::Type type, uint32_t registerBytes) {
    switch (type) {
        case ptx::Type::S8: return loadTo<i8>(registerBytes);
        case ptx::Type::S16: return loadTo<i16>(registerBytes);
        case ptx::Type::S32: return loadTo<i32>(registerBytes);
        default: break;
    }
    switch (ptx::sizeOf(type)) {
        case 1: return loadTo<u8>(registerBytes);
        case 2: return loadTo<u16>(registerBytes);
        case 4: return loadTo<u32>(registerBytes);
        case 8: return loadTo<u64>(registerBytes);
        default: return nullptr;
    }
}

Handler storeHandler(ptx::Type type, uint32_t registerBytes) {
    switch (ptx::sizeOf(type)) {
        case 1: return storeFrom<u8>(registerBytes);
        case 2: return storeFrom<u16>(registerBytes);
        case 4: return storeFrom<u32>(registerBytes);
        case 8: return storeFrom<u64>(registerBytes);
        default: return nullptr;
    }
}

}  // namespace vgpu::VGPU_ISA
