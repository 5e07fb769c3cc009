#include "isa.hpp"

#include "d4j_cpu.h"

#include <cstdlib>
#include <cstring>

#include <oneapi/dnnl/dnnl.hpp>

namespace d4j {

namespace {

Isa detect() {
    // The compiler's own probes read CPUID and, through XGETBV, what the operating system saves.
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    const bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
    return bf16 ? Isa::kAvx512Bf16 : avx512 ? Isa::kAvx512 : avx2 ? Isa::kAvx2 : Isa::kBaseline;
}

Isa capped(Isa detected) {
    const char* cap = std::getenv("DIFFUSE4J_CPU_ISA");
    if (cap == nullptr) return detected;
    for (Isa candidate : {Isa::kBaseline, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Bf16}) {
        if (std::strcmp(cap, isa_name(candidate)) == 0) return candidate < detected ? candidate : detected;
    }
    return detected;
}

}  // namespace

Isa isa() {
    static const Isa chosen = capped(detect());
    return chosen;
}

const char* isa_name(Isa isa) {
    switch (isa) {
        case Isa::kAvx512Bf16: return "avx512_bf16";
        case Isa::kAvx512: return "avx512";
        case Isa::kAvx2: return "avx2";
        default: return "baseline";
    }
}

std::string own_implementation() { return std::string("own:") + isa_name(isa()); }

bool onednn_has_native_bf16() {
    // The values are sets of features: newer ones contain older ones.
    const auto bf16 = static_cast<unsigned>(dnnl_cpu_isa_avx512_core_bf16);
    return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & bf16) == bf16;
}

}  // namespace d4j

const char* d4j_cpu_isa(void) { return d4j::isa_name(d4j::isa()); }

const char* d4j_onednn_isa(void) {
    switch (dnnl::get_effective_cpu_isa()) {
        case dnnl::cpu_isa::sse41: return "sse41";
        case dnnl::cpu_isa::avx: return "avx";
        case dnnl::cpu_isa::avx2: return "avx2";
        case dnnl::cpu_isa::avx2_vnni: return "avx2_vnni";
        case dnnl::cpu_isa::avx2_vnni_2: return "avx2_vnni_2";
        case dnnl::cpu_isa::avx512_core: return "avx512_core";
        case dnnl::cpu_isa::avx512_core_vnni: return "avx512_core_vnni";
        case dnnl::cpu_isa::avx512_core_bf16: return "avx512_core_bf16";
        case dnnl::cpu_isa::avx512_core_fp16: return "avx512_core_fp16";
        case dnnl::cpu_isa::avx512_core_amx: return "avx512_core_amx";
        case dnnl::cpu_isa::avx512_core_amx_fp16: return "avx512_core_amx_fp16";
        default: return "other";
    }
}

int32_t d4j_cpu_has_native_bf16(void) { return d4j::onednn_has_native_bf16() ? 1 : 0; }
