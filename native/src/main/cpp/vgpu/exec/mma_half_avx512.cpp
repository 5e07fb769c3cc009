#include "exec/isa.hpp"
#define VGPU_ISA avx512
#include "exec/mma_half.inl"
