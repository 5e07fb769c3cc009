#include "exec/isa.hpp"

#define VGPU_ISA baseline
#include "exec/floating.inl"
