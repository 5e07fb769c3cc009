#include "exec/address.hpp"
#include "exec/isa.hpp"

#define VGPU_ISA baseline
#include "exec/memory_ops.inl"
