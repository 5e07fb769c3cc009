// mma.sync m16n8k16 and m16n8k8 with f16 or bf16 operands and f32 accumulators: the instruction that kernels live on.
//
// Fragments are matrices already: with g = lane / 4 and t = lane % 4, the row of a 32-bit register holds in element
// 4g + t the columns 2t and 2t+1 of row g, so it is an 8x8 matrix of 16-bit values in row-major order. A is four of them
// (two for k8), B is its transpose, and the accumulators of a row are spread over two registers.
namespace vgpu::VGPU_ISA {
#include "exec/lanes.inl"
#include "exec/narrow.inl"

namespace {

/// An 8x8 fragment register to floats, with this distance between rows.
template <class H>
VGPU_INLINE void widen(const u16* s, float* d, int stride) {
    for (int r = 0; r < 8; ++r) {
        for (int c = 0; c < 8; ++c) d[r * stride + c] = H::load(s[8 * r + c]);
    }
}

/// acc[8][8] += a[8][k] * b[k][8], one fused multiply-add at a time in the order of k.
template <int K>
VGPU_INLINE void multiply(const float* a, const float* b, float* acc) {
#ifdef __AVX2__
    __m256 s[8];
    for (int r = 0; r < 8; ++r) s[r] = _mm256_load_ps(acc + 8 * r);
    for (int k = 0; k < K; ++k) {
        __m256 row = _mm256_load_ps(b + 8 * k);
        for (int r = 0; r < 8; ++r) s[r] = _mm256_fmadd_ps(_mm256_broadcast_ss(a + r * K + k), row, s[r]);
    }
    for (int r = 0; r < 8; ++r) _mm256_store_ps(acc + 8 * r, s[r]);
#else
    for (int r = 0; r < 8; ++r) {
        for (int k = 0; k < K; ++k) {
            for (int c = 0; c < 8; ++c) acc[8 * r + c] = __builtin_fmaf(a[r * K + k], b[8 * k + c], acc[8 * r + c]);
        }
    }
#endif
}

/// Operand rows in v: d0-d3, then A's registers, B's, c0-c3.
template <class H, int K>
void mma(Warp& w, const Instr& I, u32) {
    constexpr int A = K / 4, B = K / 8;
    alignas(64) float a[16 * K], transposed[8 * K], b[8 * K], acc[2][64];
    for (int r = 0; r < A; ++r) widen<H>(w.row<u16>(I.v[4 + r]), a + (r & 1) * 8 * K + (r >> 1) * 8, K);
    for (int r = 0; r < B; ++r) widen<H>(w.row<u16>(I.v[4 + A + r]), transposed + 8 * r, K);
    for (int n = 0; n < 8; ++n) {
        for (int k = 0; k < K; ++k) b[8 * k + n] = transposed[n * K + k];
    }
    const u32* c = I.v + 4 + A + B;
    for (int half = 0; half < 2; ++half) {
        const float *even = w.row<float>(c[2 * half]), *odd = w.row<float>(c[2 * half + 1]);
        for (int i = 0; i < 32; ++i) {
            acc[half][2 * i] = even[i];
            acc[half][2 * i + 1] = odd[i];
        }
    }
    multiply<K>(a, b, acc[0]);
    multiply<K>(a + 8 * K, b, acc[1]);
    for (int half = 0; half < 2; ++half) {
        float *even = w.row<float>(I.v[2 * half]), *odd = w.row<float>(I.v[2 * half + 1]);
        for (int i = 0; i < 32; ++i) {
            even[i] = canonicalNan(acc[half][2 * i]);
            odd[i] = canonicalNan(acc[half][2 * i + 1]);
        }
    }
}

}  // namespace

Handler mmaHalfHandler(ptx::Type operand, uint32_t k) {
    if (operand == ptx::Type::F16) return k == 16 ? mma<Half, 16> : mma<Half, 8>;
    return k == 16 ? mma<Bfloat, 16> : mma<Bfloat, 8>;
}

}  // namespace vgpu::VGPU_ISA
