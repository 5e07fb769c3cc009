// 16-bit floating-point formats. Included inside namespace vgpu::VGPU_ISA after lanes.inl. Branch-free where it can be,
// so that loops over lanes vectorise.

static VGPU_INLINE float asFloat(u32 bits) {
    float f;
    __builtin_memcpy(&f, &bits, 4);
    return f;
}
static VGPU_INLINE u32 asBits(float f) {
    u32 bits;
    __builtin_memcpy(&bits, &f, 4);
    return bits;
}
static VGPU_INLINE double asDouble(u64 bits) {
    double f;
    __builtin_memcpy(&f, &bits, 8);
    return f;
}
static VGPU_INLINE u64 asBits(double f) {
    u64 bits;
    __builtin_memcpy(&bits, &f, 8);
    return bits;
}

constexpr u32 NAN_F32 = 0x7fffffff;  // the only NaN that single-precision instructions produce

/// What NaN results of single-precision instructions become.
static VGPU_INLINE float canonicalNan(float x) { return x == x ? x : asFloat(NAN_F32); }

struct Half {
    static constexpr u16 NAN_BITS = 0x7fff, ONE = 0x3c00, EXPONENT = 0x7c00;

    static VGPU_INLINE float load(u16 h) {
        u32 magnitude = h & 0x7fffu;
        // Shifting the fields in place leaves the exponent 112 too small; the product is exact, also for subnormals.
        u32 bits = asBits(asFloat(magnitude << 13) * asFloat(0x77800000));
        bits |= magnitude >= 0x7c00 ? 0x7f800000 : 0;
        return asFloat(bits | (h & 0x8000u) << 16);
    }
    /// Round to nearest even.
    static VGPU_INLINE u16 store(float f) {
        u32 bits = asBits(f), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
        // Subnormal results: adding 0.5 moves the last bit that is kept to the last bit of the float.
        u32 small = asBits(asFloat(magnitude) + asFloat(0x3f000000)) - 0x3f000000;
        u32 normal = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
        u32 r = magnitude < 0x38800000 ? small : normal;
        r = magnitude >= 0x477ff000 ? 0x7c00 : r;  // 65520 and above round to infinity
        r = magnitude > 0x7f800000 ? static_cast<u32>(NAN_BITS) : r | sign;
        return static_cast<u16>(r);
    }
};

struct Bfloat {
    static constexpr u16 NAN_BITS = 0x7fff, ONE = 0x3f80, EXPONENT = 0x7f80;

    static VGPU_INLINE float load(u16 h) { return asFloat(static_cast<u32>(h) << 16); }
    static VGPU_INLINE u16 store(float f) {
        u32 bits = asBits(f);
        u32 r = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
        return static_cast<u16>((bits & 0x7fffffff) > 0x7f800000 ? static_cast<u32>(NAN_BITS) : r);
    }
};

/// a*b + c rounded to odd in single precision: rounding that to a 16-bit format gives the correctly rounded fma, because
/// an odd last bit keeps every later tie decided.
static VGPU_INLINE float fmaToOdd(float a, float b, float c) {
    double p = static_cast<double>(a) * b;  // exact
    double s = p + c;
    double t = s - p;
    double error = (p - (s - t)) + (c - t);  // exact: s + error = p + c
    bool finite = (asBits(s) & 0x7ff0000000000000) != 0x7ff0000000000000;
    u64 wide = asBits(s);
    bool adjust = finite && error != 0 && !(wide & 1);
    wide += adjust ? ((error > 0) == (s > 0) ? u64(1) : ~u64(0)) : 0;
    s = asDouble(wide);
    float f = static_cast<float>(s);
    double rest = s - f;
    u32 bits = asBits(f);
    bool again = (bits & 0x7f800000) != 0x7f800000 && rest != 0 && !(bits & 1);
    bool away = (rest > 0) == (s > 0);
    bits += again ? (away ? 1u : ~0u) : 0;
    return finite ? asFloat(bits) : f;
}
