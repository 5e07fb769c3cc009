// What is not implemented says so.
#include "driver/call.hpp"

namespace {

CUresult unsupported(const char* name) {
    return vgpu::driver::api(name, [&](vgpu::driver::Call&) {
        vgpu::driver::fail(CUDA_ERROR_NOT_SUPPORTED, "the virtual GPU does not implement this call");
    });
}

}  // namespace

// The arguments are the caller's to clean up, so one function without parameters serves every signature.
#define VGPU_UNSUPPORTED(name) \
    VGPU_DRIVER_API name() { return unsupported(#name); }
#include "driver/unsupported.def"
#undef VGPU_UNSUPPORTED
