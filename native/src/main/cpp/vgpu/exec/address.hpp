// Address resolution for lanes that are not all plainly in one space.
#pragma once

#include "exec/warp.hpp"

namespace vgpu {

/// The general case: each lane by itself, host-registered memory, mixed generic apertures, faults. va holds the lanes'
/// addresses, form an AddressForm without FORM_NARROW. Returns the lanes that are accessible.
uint32_t resolveSlow(Warp& warp, uint32_t mask, uint32_t bytes, bool store, uint32_t form, const uint64_t* va, uint64_t* host);

/// resolve() for instructions that exist in one version only (atomics, matrix loads).
uint32_t resolveAddresses(Warp& warp, const Instr& instr, uint32_t mask, uint32_t bytes, bool store, uint64_t* host);

/// Instr::flag for a space (None: generic) and address width.
uint8_t addressForm(ptx::Space space, bool wide);

}  // namespace vgpu
