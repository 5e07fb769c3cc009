#include "exec/isa.hpp"
#define VGPU_ISA baseline
#include "check/neighbours.inl"
