// Which lanes of a request follow each other.
namespace vgpu::VGPU_ISA {

/// Bit i: lane i has the address of lane i - 1, or the one that follows it. Bit 0 is never set. address has 32 elements.
void neighbours(const uint64_t* address, uint32_t bytes, uint32_t& same, uint32_t& next) {
    same = next = 0;
#ifdef __AVX2__
    const __m256i step = _mm256_set1_epi64x(bytes), zero = _mm256_setzero_si256();
    // The first of four has no lane before it: it is compared with itself, and its bit dropped.
    __m256i before = _mm256_permute4x64_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(address)), 0x90);
    for (int i = 0; i < 32; i += 4) {
        if (i != 0) before = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(address + i - 1));
        const __m256i d = _mm256_sub_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(address + i)), before);
        same |= static_cast<uint32_t>(_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(d, zero)))) << i;
        next |= static_cast<uint32_t>(_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(d, step)))) << i;
    }
    same &= ~1u;
#else
    for (int i = 1; i < 32; ++i) {
        const uint64_t d = address[i] - address[i - 1];
        same |= static_cast<uint32_t>(d == 0) << i;
        next |= static_cast<uint32_t>(d == bytes) << i;
    }
#endif
}

}  // namespace vgpu::VGPU_ISA
