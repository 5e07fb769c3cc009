// Loading code and finding its kernels, for modules and libraries alike.
#pragma once

#include "driver/call.hpp"

namespace vgpu::driver {

/// The option arrays of a load or link call.
struct JitOptions {
    unsigned count = 0;
    const CUjit_option* names = nullptr;
    void** values = nullptr;

    /// Fills the log buffers that the program gave.
    void writeLogs(const std::string& info, const std::string& error) const;
};

std::shared_ptr<LoadedModule> loadModule(Call& call, const std::string& ptx, const JitOptions& options);
/// Reads an image from a file. Throws FILE_NOT_FOUND.
std::string readImage(const char* path);
/// Throws NOT_FOUND with the names that there are.
std::shared_ptr<Function> findFunction(Call& call, const std::shared_ptr<LoadedModule>& module, const char* name);
void unloadModule(Call& call, const std::shared_ptr<LoadedModule>& module);

int functionAttribute(const Function& function, int attribute);
void setFunctionAttribute(Driver& driver, Function& function, int attribute, int value);
/// Either kind of handle: cuLaunchKernel takes a kernel cast to a function.
std::shared_ptr<Function> functionOf(Driver& driver, CUfunction handle);

}  // namespace vgpu::driver
