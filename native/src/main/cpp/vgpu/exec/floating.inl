// Floating-point arithmetic with exact results; approximate functions are in approximate.cpp.
namespace vgpu::VGPU_ISA {
#include "exec/lanes.inl"
#include "exec/narrow.inl"

namespace {

// Modifiers of single precision.
template <bool FTZ>
VGPU_INLINE float flush(float x) {
    u32 bits = asBits(x);
    return FTZ ? asFloat((bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits) : x;
}
template <bool SAT>
VGPU_INLINE float saturate(float x) {
    if (!SAT) return x;
    return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f;  // NaN becomes +0
}
template <bool FTZ, bool SAT>
VGPU_INLINE float finish(float x) { return canonicalNan(saturate<SAT>(flush<FTZ>(x))); }

struct AddF {
    template <class T>
    VGPU_INLINE T operator()(T a, T b) const { return a + b; }
};
struct SubF {
    template <class T>
    VGPU_INLINE T operator()(T a, T b) const { return a - b; }
};
struct MulF {
    template <class T>
    VGPU_INLINE T operator()(T a, T b) const { return a * b; }
};
struct DivF {
    template <class T>
    VGPU_INLINE T operator()(T a, T b) const { return a / b; }
};

template <class F, bool FTZ, bool SAT>
void binaryF32(Warp& w, const Instr& I, u32 m) {
    binary<float, float, float>(w, I, m, [](float a, float b) { return finish<FTZ, SAT>(F()(flush<FTZ>(a), flush<FTZ>(b))); });
}
template <class F>
void binaryF64(Warp& w, const Instr& I, u32 m) { binary<double, double, double>(w, I, m, [](double a, double b) { return F()(a, b); }); }

template <bool FTZ, bool SAT>
void fmaF32(Warp& w, const Instr& I, u32 m) {
    ternary<float, float, float, float>(w, I, m, [](float a, float b, float c) {
        return finish<FTZ, SAT>(__builtin_fmaf(flush<FTZ>(a), flush<FTZ>(b), flush<FTZ>(c)));
    });
}
void fmaF64(Warp& w, const Instr& I, u32 m) {
    ternary<double, double, double, double>(w, I, m, [](double a, double b, double c) { return __builtin_fma(a, b, c); });
}
template <bool FTZ>
void rcpF32(Warp& w, const Instr& I, u32 m) { unary<float, float>(w, I, m, [](float a) { return finish<FTZ, false>(1.0f / flush<FTZ>(a)); }); }
void rcpF64(Warp& w, const Instr& I, u32 m) { unary<double, double>(w, I, m, [](double a) { return 1.0 / a; }); }
template <bool FTZ>
void sqrtF32(Warp& w, const Instr& I, u32 m) {
    unary<float, float>(w, I, m, [](float a) { return finish<FTZ, false>(__builtin_sqrtf(flush<FTZ>(a))); });
}
void sqrtF64(Warp& w, const Instr& I, u32 m) { unary<double, double>(w, I, m, [](double a) { return __builtin_sqrt(a); }); }

// neg and abs act on the sign bit; a NaN stays the NaN it is, as the hardware's operand modifiers do.
template <bool FTZ>
void negF32(Warp& w, const Instr& I, u32 m) {
    unary<float, float>(w, I, m, [](float a) { return asFloat(asBits(flush<FTZ>(a)) ^ 0x80000000); });
}
template <bool FTZ>
void absF32(Warp& w, const Instr& I, u32 m) {
    unary<float, float>(w, I, m, [](float a) { return asFloat(asBits(flush<FTZ>(a)) & 0x7fffffff); });
}
void negF64(Warp& w, const Instr& I, u32 m) { unary<u64, u64>(w, I, m, [](u64 a) { return a ^ (u64(1) << 63); }); }
void absF64(Warp& w, const Instr& I, u32 m) { unary<u64, u64>(w, I, m, [](u64 a) { return a & ~(u64(1) << 63); }); }

/// -0 orders before +0. With one NaN the other operand is the result, unless NAN_WINS.
template <class T, bool MAX, bool NAN_WINS>
VGPU_INLINE T pick(T a, T b, T nan) {
    bool negativeZeroA = __builtin_signbit(a) != 0;
    T smaller = a < b ? a : b < a ? b : negativeZeroA ? a : b;
    T larger = a > b ? a : b > a ? b : negativeZeroA ? b : a;
    T r = MAX ? larger : smaller;
    bool na = a != a, nb = b != b;
    if (NAN_WINS) return na || nb ? nan : r;
    return na && nb ? nan : na ? b : nb ? a : r;
}
template <bool MAX, bool NAN_WINS, bool XORSIGN>
VGPU_INLINE float pickF32(float a, float b) {
    if (!XORSIGN) return pick<float, MAX, NAN_WINS>(a, b, asFloat(NAN_F32));
    u32 sign = (asBits(a) ^ asBits(b)) & 0x80000000;
    float r = pick<float, MAX, NAN_WINS>(asFloat(asBits(a) & 0x7fffffff), asFloat(asBits(b) & 0x7fffffff), asFloat(NAN_F32));
    return r != r ? r : asFloat(asBits(r) | sign);
}
template <bool MAX, bool NAN_WINS, bool XORSIGN, bool FTZ>
void minMaxF32(Warp& w, const Instr& I, u32 m) {
    binary<float, float, float>(w, I, m, [](float a, float b) { return pickF32<MAX, NAN_WINS, XORSIGN>(flush<FTZ>(a), flush<FTZ>(b)); });
}
template <bool MAX>
void minMaxF64(Warp& w, const Instr& I, u32 m) {
    binary<double, double, double>(w, I, m, [](double a, double b) { return pick<double, MAX, false>(a, b, asDouble(0x7ff8000000000000)); });
}
void copysignF32(Warp& w, const Instr& I, u32 m) {
    binary<u32, u32, u32>(w, I, m, [](u32 a, u32 b) { return (b & 0x7fffffff) | (a & 0x80000000); });
}
void copysignF64(Warp& w, const Instr& I, u32 m) {
    constexpr u64 SIGN = u64(1) << 63;
    binary<u64, u64, u64>(w, I, m, [](u64 a, u64 b) { return (b & ~SIGN) | (a & SIGN); });
}

template <class T, FloatOp OP>
void testp(Warp& w, const Instr& I, u32 m) {
    using U = std::conditional_t<sizeof(T) == 4, u32, u64>;
    constexpr U EXPONENT = sizeof(T) == 4 ? static_cast<U>(0x7f800000) : static_cast<U>(0x7ff0000000000000);
    constexpr U MAGNITUDE = static_cast<U>(~U(0)) >> 1;
    const U* a = w.row<U>(I.a);
    u32 q = 0;
    for (int i = 0; i < 32; ++i) {
        U x = a[i] & MAGNITUDE;
        bool r = OP == FloatOp::TestFinite ? x < EXPONENT
                 : OP == FloatOp::TestInfinite ? x == EXPONENT
                 : OP == FloatOp::TestNumber ? x <= EXPONENT
                 : OP == FloatOp::TestNotanumber ? x > EXPONENT
                 : OP == FloatOp::TestNormal ? x < EXPONENT && (x & EXPONENT) != 0
                                             : (x & EXPONENT) == 0 && x != 0;
        q |= static_cast<u32>(r) << i;
    }
    setPredicate(w, I.d, m, q);
}

// 16-bit arithmetic: computed in single precision, where sums and products of two 16-bit values round innocuously
// (24 >= 2 * 11 + 2 bits), then rounded once more to the format.
template <class H, bool FTZ>
VGPU_INLINE u16 flushNarrow(u16 h) { return FTZ && (h & H::EXPONENT) == 0 ? h & 0x8000 : h; }
template <class H, bool FTZ>
VGPU_INLINE float loadNarrow(u16 h) { return H::load(flushNarrow<H, FTZ>(h)); }
template <class H, bool FTZ, bool SAT>
VGPU_INLINE u16 storeNarrow(float f) { return flushNarrow<H, FTZ>(H::store(saturate<SAT>(f))); }

template <class H, class F, bool FTZ, bool SAT>
struct NarrowBinary {
    VGPU_INLINE u16 operator()(u16 a, u16 b) const { return storeNarrow<H, FTZ, SAT>(F()(loadNarrow<H, FTZ>(a), loadNarrow<H, FTZ>(b))); }
};
template <class H, bool MAX, bool NAN_WINS, bool XORSIGN, bool FTZ>
struct NarrowMinMax {
    VGPU_INLINE u16 operator()(u16 a, u16 b) const {
        return H::store(pickF32<MAX, NAN_WINS, XORSIGN>(loadNarrow<H, FTZ>(a), loadNarrow<H, FTZ>(b)));
    }
};
template <class H, bool FTZ, bool SAT, bool RELU>
struct NarrowFma {
    VGPU_INLINE u16 operator()(u16 a, u16 b, u16 c) const {
        float r = fmaToOdd(loadNarrow<H, FTZ>(a), loadNarrow<H, FTZ>(b), loadNarrow<H, FTZ>(c));
        if (RELU) r = r < 0 ? 0.0f : r;
        u16 h = storeNarrow<H, FTZ, SAT>(r);
        return RELU && h == 0x8000 ? 0 : h;
    }
};
template <class H, bool FTZ>
struct NarrowNeg {
    VGPU_INLINE u16 operator()(u16 a) const { return flushNarrow<H, FTZ>(a) ^ 0x8000; }
};
template <class H, bool FTZ>
struct NarrowAbs {
    VGPU_INLINE u16 operator()(u16 a) const { return flushNarrow<H, FTZ>(a) & 0x7fff; }
};

template <class F>
void narrow1(Warp& w, const Instr& I, u32 m) { unary<u16, u16>(w, I, m, [](u16 a) { return F()(a); }); }
template <class F>
void narrow1x2(Warp& w, const Instr& I, u32 m) {
    unary<u32, u32>(w, I, m, [](u32 a) { return F()(static_cast<u16>(a)) | static_cast<u32>(F()(static_cast<u16>(a >> 16))) << 16; });
}
template <class F>
void narrow2(Warp& w, const Instr& I, u32 m) { binary<u16, u16, u16>(w, I, m, [](u16 a, u16 b) { return F()(a, b); }); }
template <class F>
void narrow2x2(Warp& w, const Instr& I, u32 m) {
    binary<u32, u32, u32>(w, I, m, [](u32 a, u32 b) {
        return F()(static_cast<u16>(a), static_cast<u16>(b)) | static_cast<u32>(F()(static_cast<u16>(a >> 16), static_cast<u16>(b >> 16))) << 16;
    });
}
template <class F>
void narrow3(Warp& w, const Instr& I, u32 m) { ternary<u16, u16, u16, u16>(w, I, m, [](u16 a, u16 b, u16 c) { return F()(a, b, c); }); }
template <class F>
void narrow3x2(Warp& w, const Instr& I, u32 m) {
    ternary<u32, u32, u32, u32>(w, I, m, [](u32 a, u32 b, u32 c) {
        return F()(static_cast<u16>(a), static_cast<u16>(b), static_cast<u16>(c)) |
               static_cast<u32>(F()(static_cast<u16>(a >> 16), static_cast<u16>(b >> 16), static_cast<u16>(c >> 16))) << 16;
    });
}

template <class F>
Handler arithmeticF32(bool ftz, bool sat) {
    if (ftz) return sat ? binaryF32<F, true, true> : binaryF32<F, true, false>;
    return sat ? binaryF32<F, false, true> : binaryF32<F, false, false>;
}
template <bool MAX, bool NAN_WINS, bool XORSIGN>
Handler selectMinMaxF32(bool ftz) { return ftz ? minMaxF32<MAX, NAN_WINS, XORSIGN, true> : minMaxF32<MAX, NAN_WINS, XORSIGN, false>; }

Handler handlerF32(FloatOp op, bool ftz, bool sat) {
    switch (op) {
        case FloatOp::Add: return arithmeticF32<AddF>(ftz, sat);
        case FloatOp::Sub: return arithmeticF32<SubF>(ftz, sat);
        case FloatOp::Mul: return arithmeticF32<MulF>(ftz, sat);
        case FloatOp::Div: return arithmeticF32<DivF>(ftz, sat);
        case FloatOp::Fma:
            if (ftz) return sat ? fmaF32<true, true> : fmaF32<true, false>;
            return sat ? fmaF32<false, true> : fmaF32<false, false>;
        case FloatOp::Rcp: return ftz ? rcpF32<true> : rcpF32<false>;
        case FloatOp::Sqrt: return ftz ? sqrtF32<true> : sqrtF32<false>;
        case FloatOp::Neg: return ftz ? negF32<true> : negF32<false>;
        case FloatOp::Abs: return ftz ? absF32<true> : absF32<false>;
        case FloatOp::Min: return selectMinMaxF32<false, false, false>(ftz);
        case FloatOp::Max: return selectMinMaxF32<true, false, false>(ftz);
        case FloatOp::MinNan: return selectMinMaxF32<false, true, false>(ftz);
        case FloatOp::MaxNan: return selectMinMaxF32<true, true, false>(ftz);
        case FloatOp::MinXorsign: return selectMinMaxF32<false, false, true>(ftz);
        case FloatOp::MaxXorsign: return selectMinMaxF32<true, false, true>(ftz);
        case FloatOp::MinNanXorsign: return selectMinMaxF32<false, true, true>(ftz);
        case FloatOp::MaxNanXorsign: return selectMinMaxF32<true, true, true>(ftz);
        case FloatOp::Copysign: return copysignF32;
        case FloatOp::TestFinite: return testp<float, FloatOp::TestFinite>;
        case FloatOp::TestInfinite: return testp<float, FloatOp::TestInfinite>;
        case FloatOp::TestNumber: return testp<float, FloatOp::TestNumber>;
        case FloatOp::TestNotanumber: return testp<float, FloatOp::TestNotanumber>;
        case FloatOp::TestNormal: return testp<float, FloatOp::TestNormal>;
        case FloatOp::TestSubnormal: return testp<float, FloatOp::TestSubnormal>;
        default: return nullptr;
    }
}

Handler handlerF64(FloatOp op) {
    switch (op) {
        case FloatOp::Add: return binaryF64<AddF>;
        case FloatOp::Sub: return binaryF64<SubF>;
        case FloatOp::Mul: return binaryF64<MulF>;
        case FloatOp::Div: return binaryF64<DivF>;
        case FloatOp::Fma: return fmaF64;
        case FloatOp::Rcp: return rcpF64;
        case FloatOp::Sqrt: return sqrtF64;
        case FloatOp::Neg: return negF64;
        case FloatOp::Abs: return absF64;
        case FloatOp::Min: return minMaxF64<false>;
        case FloatOp::Max: return minMaxF64<true>;
        case FloatOp::Copysign: return copysignF64;
        case FloatOp::TestFinite: return testp<double, FloatOp::TestFinite>;
        case FloatOp::TestInfinite: return testp<double, FloatOp::TestInfinite>;
        case FloatOp::TestNumber: return testp<double, FloatOp::TestNumber>;
        case FloatOp::TestNotanumber: return testp<double, FloatOp::TestNotanumber>;
        case FloatOp::TestNormal: return testp<double, FloatOp::TestNormal>;
        case FloatOp::TestSubnormal: return testp<double, FloatOp::TestSubnormal>;
        default: return nullptr;
    }
}

template <class F>
Handler width1(bool pair) { return pair ? narrow1x2<F> : narrow1<F>; }
template <class F>
Handler width2(bool pair) { return pair ? narrow2x2<F> : narrow2<F>; }
template <class F>
Handler width3(bool pair) { return pair ? narrow3x2<F> : narrow3<F>; }
template <class H, class F>
Handler narrowArithmetic(bool pair, bool ftz, bool sat) {
    if (ftz) return sat ? width2<NarrowBinary<H, F, true, true>>(pair) : width2<NarrowBinary<H, F, true, false>>(pair);
    return sat ? width2<NarrowBinary<H, F, false, true>>(pair) : width2<NarrowBinary<H, F, false, false>>(pair);
}
template <class H, bool MAX, bool NAN_WINS, bool XORSIGN>
Handler narrowMinMax(bool pair, bool ftz) {
    return ftz ? width2<NarrowMinMax<H, MAX, NAN_WINS, XORSIGN, true>>(pair) : width2<NarrowMinMax<H, MAX, NAN_WINS, XORSIGN, false>>(pair);
}
template <class H>
Handler handlerNarrow(FloatOp op, bool pair, bool ftz, bool sat) {
    switch (op) {
        case FloatOp::Add: return narrowArithmetic<H, AddF>(pair, ftz, sat);
        case FloatOp::Sub: return narrowArithmetic<H, SubF>(pair, ftz, sat);
        case FloatOp::Mul: return narrowArithmetic<H, MulF>(pair, ftz, sat);
        case FloatOp::Fma:
            if (ftz) return sat ? width3<NarrowFma<H, true, true, false>>(pair) : width3<NarrowFma<H, true, false, false>>(pair);
            return sat ? width3<NarrowFma<H, false, true, false>>(pair) : width3<NarrowFma<H, false, false, false>>(pair);
        case FloatOp::FmaRelu: return ftz ? width3<NarrowFma<H, true, false, true>>(pair) : width3<NarrowFma<H, false, false, true>>(pair);
        case FloatOp::Neg: return ftz ? width1<NarrowNeg<H, true>>(pair) : width1<NarrowNeg<H, false>>(pair);
        case FloatOp::Abs: return ftz ? width1<NarrowAbs<H, true>>(pair) : width1<NarrowAbs<H, false>>(pair);
        case FloatOp::Min: return narrowMinMax<H, false, false, false>(pair, ftz);
        case FloatOp::Max: return narrowMinMax<H, true, false, false>(pair, ftz);
        case FloatOp::MinNan: return narrowMinMax<H, false, true, false>(pair, ftz);
        case FloatOp::MaxNan: return narrowMinMax<H, true, true, false>(pair, ftz);
        case FloatOp::MinXorsign: return narrowMinMax<H, false, false, true>(pair, ftz);
        case FloatOp::MaxXorsign: return narrowMinMax<H, true, false, true>(pair, ftz);
        case FloatOp::MinNanXorsign: return narrowMinMax<H, false, true, true>(pair, ftz);
        case FloatOp::MaxNanXorsign: return narrowMinMax<H, true, true, true>(pair, ftz);
        default: return nullptr;
    }
}

}  // namespace

Handler floatHandler(FloatOp op, ptx::Type type, bool ftz, bool sat) {
    switch (type) {
        case ptx::Type::F32: return handlerF32(op, ftz, sat);
        case ptx::Type::F64: return handlerF64(op);
        case ptx::Type::F16: return handlerNarrow<Half>(op, false, ftz, sat);
        case ptx::Type::F16x2: return handlerNarrow<Half>(op, true, ftz, sat);
        case ptx::Type::Bf16: return handlerNarrow<Bfloat>(op, false, ftz, sat);
        case ptx::Type::Bf16x2: return handlerNarrow<Bfloat>(op, true, ftz, sat);
        default: return nullptr;
    }
}

}  // namespace vgpu::VGPU_ISA
