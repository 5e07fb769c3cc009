// The control API of the virtual GPU for bindings: asks the libcuda.so.1 that the process has loaded. What the functions
// do and what can be read is described in vgpu/driver/control.hpp; the status convention is that of d4j_status.h, with
// D4J_UNSUPPORTED while no virtual GPU is loaded.
#pragma once

#include "d4j_status.h"

#include <stddef.h>
#include <stdint.h>

enum d4j_vgpu_driver_kind {
    D4J_VGPU_NO_DRIVER = 0,     // no libcuda is loaded
    D4J_VGPU_VIRTUAL = 1,       // ours
    D4J_VGPU_OTHER_DRIVER = 2,  // another one
};

D4J_API int d4j_vgpu_driver(void);
// 1 if a libcuda.so.1 is loaded or can be; loads none that was not.
D4J_API int d4j_cuda_driver_found(void);
D4J_API int d4j_vgpu_configure(const char* settings);
D4J_API int d4j_vgpu_reset(void);
D4J_API int d4j_vgpu_label_caller(const char* label);
D4J_API int d4j_vgpu_fail_calls(const char* name, int64_t skip, int64_t times, int result);
D4J_API int d4j_vgpu_clear(const char* what);
// Bytes needed with the final NUL; writes what fits. 0 when `what` cannot be read.
D4J_API int64_t d4j_vgpu_read(const char* what, char* buffer, int64_t capacity);
