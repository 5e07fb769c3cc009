// Loops over the 32 lanes of a warp. Included inside namespace vgpu::VGPU_ISA.

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i8 = int8_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;
__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

#define VGPU_INLINE inline __attribute__((always_inline))

constexpr u32 ALL = ~0u;

/// d[i] = f(i) for the lanes of m. Rows of one width overlap either fully or not at all, hence ivdep.
template <class T, class F>
static VGPU_INLINE void forLanes(u32 m, T* d, F f) {
    if (__builtin_expect(m == ALL, 1)) {
#pragma GCC ivdep
        for (int i = 0; i < 32; ++i) d[i] = f(i);
    } else {
#pragma GCC ivdep
        for (int i = 0; i < 32; ++i) d[i] = (m >> i & 1) ? f(i) : d[i];
    }
}

/// The same for f that must not run on idle lanes or does not vectorise.
template <class T, class F>
static VGPU_INLINE void forActive(u32 m, T* d, F f) {
    for (; m != 0; m &= m - 1) {
        int i = __builtin_ctz(m);
        d[i] = f(i);
    }
}

template <class D, class A, class F>
static VGPU_INLINE void unary(Warp& w, const Instr& I, u32 m, F f) {
    const A* a = w.row<A>(I.a);
    forLanes(m, w.row<D>(I.d), [=](int i) { return static_cast<D>(f(a[i])); });
}

template <class D, class A, class B, class F>
static VGPU_INLINE void binary(Warp& w, const Instr& I, u32 m, F f) {
    const A* a = w.row<A>(I.a);
    const B* b = w.row<B>(I.b);
    forLanes(m, w.row<D>(I.d), [=](int i) { return static_cast<D>(f(a[i], b[i])); });
}

template <class D, class A, class B, class C, class F>
static VGPU_INLINE void ternary(Warp& w, const Instr& I, u32 m, F f) {
    const A* a = w.row<A>(I.a);
    const B* b = w.row<B>(I.b);
    const C* c = w.row<C>(I.c);
    forLanes(m, w.row<D>(I.d), [=](int i) { return static_cast<D>(f(a[i], b[i], c[i])); });
}

/// 32 bytes that are 0 or 0xff to a mask.
static VGPU_INLINE u32 packMask(const u8* t) {
#ifdef __SSE2__
    __m128i low = _mm_load_si128(reinterpret_cast<const __m128i*>(t));
    __m128i high = _mm_load_si128(reinterpret_cast<const __m128i*>(t + 16));
    return static_cast<u32>(_mm_movemask_epi8(low)) | static_cast<u32>(_mm_movemask_epi8(high)) << 16;
#else
    u32 q = 0;
    for (int i = 0; i < 32; ++i) q |= static_cast<u32>(t[i] & 1) << i;
    return q;
#endif
}

/// Writes the bits of m in a predicate.
static VGPU_INLINE void setPredicate(Warp& w, u32 row, u32 m, u32 bits) {
    u32& d = *w.row<u32>(row);
    d = (d & ~m) | (bits & m);
}

template <class T>
struct MakeUnsigned { using type = T; };
template <> struct MakeUnsigned<i8> { using type = u8; };
template <> struct MakeUnsigned<i16> { using type = u16; };
template <> struct MakeUnsigned<i32> { using type = u32; };
template <> struct MakeUnsigned<i64> { using type = u64; };
template <class T>
using Unsigned = typename MakeUnsigned<T>::type;

template <class T>
struct MakeWide;
template <> struct MakeWide<i16> { using type = i32; };
template <> struct MakeWide<u16> { using type = u32; };
template <> struct MakeWide<i32> { using type = i64; };
template <> struct MakeWide<u32> { using type = u64; };
template <> struct MakeWide<i64> { using type = i128; };
template <> struct MakeWide<u64> { using type = u128; };
template <class T>
using Wide = typename MakeWide<T>::type;

template <class T>
constexpr bool IS_SIGNED = static_cast<T>(-1) < static_cast<T>(0);
template <class T>
constexpr int BITS = sizeof(T) * 8;
