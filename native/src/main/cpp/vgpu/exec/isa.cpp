#include "exec/isa.hpp"

namespace vgpu {

#define VGPU_TABLE(ISA)                                                                                          \
    IsaTable {                                                                                                   \
        ISA::integerHandler, ISA::floatHandler, ISA::compareHandler, ISA::fastConvertHandler, ISA::narrowPairHandler, \
            ISA::loadHandler, ISA::storeHandler, ISA::mmaHalfHandler, ISA::resolveLanes, ISA::neighbours   \
    }

const IsaTable& isa() {
    static const IsaTable table = [] {
#if defined(__x86_64__)
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
            IsaTable wide = VGPU_TABLE(avx2);
            if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
                wide.mmaHalf = avx512::mmaHalfHandler;
            }
            return wide;
        }
#endif
        return VGPU_TABLE(baseline);
    }();
    return table;
}

}  // namespace vgpu
