#include "exec/address.hpp"
#include "exec/isa.hpp"

#define VGPU_ISA avx2
#include "exec/memory_ops.inl"
