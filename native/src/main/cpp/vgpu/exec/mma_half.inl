// mma.sync m16n8k16 and m16n8k8 with f16 or bf16 operands and f32 accumulators: the instruction that kernels live on.
//
// Fragments are matrices already: with g = lane / 4 and t = lane % 4, the row of a 32-bit register holds in element
// 4g + t the columns 2t and 2t+1 of row g, so it is an 8x8 matrix of 16-bit values in row-major order. A is four of them
// (two for k8) and B is its transpose. An accumulator register holds the even or the odd columns of eight rows.
//
// So a group of 4 floats is the unit of everything: a vector of accumulators is the even or odd columns of 2 (AVX2) or 4
// (AVX-512) rows, one row a group, and stays where it is in the register. A vector of A holds 4 values of k of these
// rows, of which one is spread within its group, and a vector of B holds one k of the four columns in every group. Each
// result is one chain of fused multiply-adds in the order of k, whatever the width of the vectors.
namespace vgpu::VGPU_ISA {
#include "exec/lanes.inl"
#include "exec/narrow.inl"

namespace {

#if defined(__AVX2__)

VGPU_INLINE __m256 widen8(Half, __m128i s) { return _mm256_cvtph_ps(s); }
VGPU_INLINE __m256 widen8(Bfloat, __m128i s) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(s), 16)); }

/// Of an 8x8 matrix of B: out[parity][k][j] is column 2j + parity of row k.
template <class H>
VGPU_INLINE void transposeB(const u16* s, float* even, float* odd) {
    for (int parity = 0; parity < 2; ++parity) {
        __m256 r[4];
        for (int j = 0; j < 4; ++j) r[j] = widen8(H(), _mm_load_si128(reinterpret_cast<const __m128i*>(s + 8 * (2 * j + parity))));
        __m256 t0 = _mm256_unpacklo_ps(r[0], r[1]), t1 = _mm256_unpackhi_ps(r[0], r[1]);
        __m256 t2 = _mm256_unpacklo_ps(r[2], r[3]), t3 = _mm256_unpackhi_ps(r[2], r[3]);
        float* out = parity == 0 ? even : odd;
        const __m256 k04 = _mm256_shuffle_ps(t0, t2, 0x44), k15 = _mm256_shuffle_ps(t0, t2, 0xee);
        const __m256 k26 = _mm256_shuffle_ps(t1, t3, 0x44), k37 = _mm256_shuffle_ps(t1, t3, 0xee);
        _mm256_store_ps(out, _mm256_permute2f128_ps(k04, k15, 0x20));
        _mm256_store_ps(out + 8, _mm256_permute2f128_ps(k26, k37, 0x20));
        _mm256_store_ps(out + 16, _mm256_permute2f128_ps(k04, k15, 0x31));
        _mm256_store_ps(out + 24, _mm256_permute2f128_ps(k26, k37, 0x31));
    }
}
#endif

#if defined(__AVX512F__)

VGPU_INLINE __m512 widen16(Half, __m256i s) { return _mm512_cvtph_ps(s); }
VGPU_INLINE __m512 widen16(Bfloat, __m256i s) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(s), 16)); }

template <int J>
VGPU_INLINE void step(const __m512* a, const float* even, const float* odd, __m512* sums) {
    const __m512 e = _mm512_broadcast_f32x4(_mm_load_ps(even + 4 * J)), o = _mm512_broadcast_f32x4(_mm_load_ps(odd + 4 * J));
    for (int p = 0; p < 4; ++p) {
        const __m512 spread = _mm512_permute_ps(a[p], 0x55 * J);
        sums[2 * p] = _mm512_fmadd_ps(spread, e, sums[2 * p]);
        sums[2 * p + 1] = _mm512_fmadd_ps(spread, o, sums[2 * p + 1]);
    }
}

/// Operand rows in v: d0-d3, then A's registers, B's, c0-c3.
template <class H, int K>
void mma(Warp& w, const Instr& I, u32) {
    constexpr int A = K / 4, B = K / 8;
    alignas(64) float even[4 * K], odd[4 * K];
    for (int r = 0; r < B; ++r) transposeB<H>(w.row<u16>(I.v[4 + A + r]), even + 32 * r, odd + 32 * r);
    const u32* c = I.v + 4 + A + B;
    __m512 sums[8];  // rows 4p.. of even columns, of odd ones
    for (int p = 0; p < 4; ++p) {
        for (int parity = 0; parity < 2; ++parity) sums[2 * p + parity] = _mm512_load_ps(w.row<float>(c[(p >> 1) * 2 + parity]) + 16 * (p & 1));
    }
    const __m512i split = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    for (int r = 0; r < B; ++r) {
        __m512 low[4], high[4];
        for (int p = 0; p < 4; ++p) {
            const __m512i rows = _mm512_permutexvar_epi64(split, _mm512_load_si512(w.row<u16>(I.v[4 + 2 * r + (p >> 1)]) + 32 * (p & 1)));
            low[p] = widen16(H(), _mm512_castsi512_si256(rows));
            high[p] = widen16(H(), _mm512_extracti64x4_epi64(rows, 1));
        }
        const float *e = even + 32 * r, *o = odd + 32 * r;
        step<0>(low, e, o, sums);
        step<1>(low, e, o, sums);
        step<2>(low, e, o, sums);
        step<3>(low, e, o, sums);
        step<0>(high, e + 16, o + 16, sums);
        step<1>(high, e + 16, o + 16, sums);
        step<2>(high, e + 16, o + 16, sums);
        step<3>(high, e + 16, o + 16, sums);
    }
    const __m512 nan = _mm512_castsi512_ps(_mm512_set1_epi32(static_cast<i32>(NAN_F32)));
    for (int p = 0; p < 4; ++p) {
        for (int parity = 0; parity < 2; ++parity) {
            const __m512 s = sums[2 * p + parity];
            _mm512_store_ps(w.row<float>(I.v[(p >> 1) * 2 + parity]) + 16 * (p & 1), _mm512_mask_mov_ps(s, _mm512_cmp_ps_mask(s, s, _CMP_UNORD_Q), nan));
        }
    }
}

#elif defined(__AVX2__)

template <int J>
VGPU_INLINE void step(const __m256* a, const float* even, const float* odd, __m256* sums) {
    const __m256 e = _mm256_broadcast_ps(reinterpret_cast<const __m128*>(even + 4 * J)), o = _mm256_broadcast_ps(reinterpret_cast<const __m128*>(odd + 4 * J));
    for (int p = 0; p < 4; ++p) {
        const __m256 spread = _mm256_permute_ps(a[p], 0x55 * J);
        sums[2 * p] = _mm256_fmadd_ps(spread, e, sums[2 * p]);
        sums[2 * p + 1] = _mm256_fmadd_ps(spread, o, sums[2 * p + 1]);
    }
}

/// Operand rows in v: d0-d3, then A's registers, B's, c0-c3.
template <class H, int K>
void mma(Warp& w, const Instr& I, u32) {
    constexpr int A = K / 4, B = K / 8;
    alignas(64) float even[4 * K], odd[4 * K];
    for (int r = 0; r < B; ++r) transposeB<H>(w.row<u16>(I.v[4 + A + r]), even + 32 * r, odd + 32 * r);
    const u32* c = I.v + 4 + A + B;
    // D may be C, and A and B too as far as the allocator goes: results wait until both halves have been computed.
    alignas(64) float results[2][64];
    const __m256 nan = _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<i32>(NAN_F32)));
    for (int half = 0; half < 2; ++half) {
        __m256 sums[8];  // rows 2p and 2p+1 of even columns, of odd ones
        for (int p = 0; p < 4; ++p) {
            for (int parity = 0; parity < 2; ++parity) sums[2 * p + parity] = _mm256_load_ps(w.row<float>(c[2 * half + parity]) + 8 * p);
        }
        for (int r = 0; r < B; ++r) {
            const __m128i* rows = w.row<const __m128i>(I.v[4 + 2 * r + half]);
            __m256 low[4], high[4];
            for (int p = 0; p < 4; ++p) {
                const __m128i x = _mm_load_si128(rows + 2 * p), y = _mm_load_si128(rows + 2 * p + 1);
                low[p] = widen8(H(), _mm_unpacklo_epi64(x, y));
                high[p] = widen8(H(), _mm_unpackhi_epi64(x, y));
            }
            const float *e = even + 32 * r, *o = odd + 32 * r;
            step<0>(low, e, o, sums);
            step<1>(low, e, o, sums);
            step<2>(low, e, o, sums);
            step<3>(low, e, o, sums);
            step<0>(high, e + 16, o + 16, sums);
            step<1>(high, e + 16, o + 16, sums);
            step<2>(high, e + 16, o + 16, sums);
            step<3>(high, e + 16, o + 16, sums);
        }
        for (int p = 0; p < 4; ++p) {
            for (int parity = 0; parity < 2; ++parity) {
                const __m256 s = sums[2 * p + parity];
                _mm256_store_ps(results[half] + 32 * parity + 8 * p, _mm256_blendv_ps(s, nan, _mm256_cmp_ps(s, s, _CMP_UNORD_Q)));
            }
        }
    }
    for (int r = 0; r < 4; ++r) __builtin_memcpy(w.row<float>(I.v[r]), results[r >> 1] + 32 * (r & 1), 128);
}

#else

/// Operand rows in v: d0-d3, then A's registers, B's, c0-c3.
template <class H, int K>
void mma(Warp& w, const Instr& I, u32) {
    constexpr int A = K / 4, B = K / 8;
    float a[16][K], b[8][K], results[4][32];
    auto widen = [](const u16* s, float (*d)[K], int column) {
        for (int i = 0; i < 64; ++i) d[i / 8][column + i % 8] = H::load(s[i]);
    };
    for (int r = 0; r < A; ++r) widen(w.row<u16>(I.v[4 + r]), a + 8 * (r & 1), 8 * (r >> 1));
    for (int r = 0; r < B; ++r) widen(w.row<u16>(I.v[4 + A + r]), b, 8 * r);
    const u32* c = I.v + 4 + A + B;
    for (int r = 0; r < 4; ++r) {
        for (int i = 0; i < 32; ++i) {
            const int row = i / 4 + 8 * (r >> 1), column = 2 * (i & 3) + (r & 1);
            float sum = w.row<float>(c[r])[i];
            for (int k = 0; k < K; ++k) sum = __builtin_fmaf(a[row][k], b[column][k], sum);
            results[r][i] = canonicalNan(sum);
        }
    }
    for (int r = 0; r < 4; ++r) __builtin_memcpy(w.row<float>(I.v[r]), results[r], 128);
}

#endif

}  // namespace

Handler mmaHalfHandler(ptx::Type operand, uint32_t k) {
    if (operand == ptx::Type::F16) return k == 16 ? mma<Half, 16> : mma<Half, 8>;
    return k == 16 ? mma<Bfloat, 16> : mma<Bfloat, 8>;
}

}  // namespace vgpu::VGPU_ISA
