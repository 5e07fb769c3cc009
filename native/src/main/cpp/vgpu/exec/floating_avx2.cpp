#include "exec/isa.hpp"

#define VGPU_ISA avx2
#include "exec/floating.inl"
