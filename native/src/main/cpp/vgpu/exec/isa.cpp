#include "exec/isa.hpp"

namespace vgpu {

#define VGPU_TABLE(ISA)                                                                                          \
    IsaTable {                                                                                                   \
        ISA::integerHandler, ISA::floatHandler, ISA::compareHandler, ISA::fastConvertHandler, ISA::narrowPairHandler, \
            ISA::loadHandler, ISA::storeHandler, ISA::mmaHalfHandler                                             \
    }

const IsaTable& isa() {
    static const IsaTable table = [] {
#if defined(__x86_64__)
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) return VGPU_TABLE(avx2);
#endif
        return VGPU_TABLE(baseline);
    }();
    return table;
}

}  // namespace vgpu
