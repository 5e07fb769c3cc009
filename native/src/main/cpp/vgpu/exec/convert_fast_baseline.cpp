#include "exec/isa.hpp"
#define VGPU_ISA baseline
#include "exec/convert_fast.inl"
