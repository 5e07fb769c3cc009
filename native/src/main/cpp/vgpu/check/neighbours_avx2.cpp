#include "exec/isa.hpp"
#define VGPU_ISA avx2
#include "check/neighbours.inl"
