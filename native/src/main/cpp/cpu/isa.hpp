// The instruction set of our own kernels, chosen once for the process.
#pragma once

#include <string>

namespace d4j {

enum class Isa { kBaseline, kAvx2, kAvx512, kAvx512Bf16 };

// What the CPU and the operating system support, capped by DIFFUSE4J_CPU_ISA.
Isa isa();
const char* isa_name(Isa isa);
// "own:" and the instruction set: what an op of ours reports as its implementation.
std::string own_implementation();

// Whether oneDNN multiplies bf16 in hardware; if not, ops with bf16 operands compute in f32.
bool onednn_has_native_bf16();

// The table of one kernel family for this process's instruction set. Families without a variant for AVX512-BF16 pass
// their AVX-512 table twice.
template <class Table>
const Table& for_isa(const Table& baseline, const Table& avx2, const Table& avx512, const Table& avx512_bf16) {
    switch (isa()) {
        case Isa::kAvx512Bf16: return avx512_bf16;
        case Isa::kAvx512: return avx512;
        case Isa::kAvx2: return avx2;
        default: return baseline;
    }
}

}  // namespace d4j
