// A kernel of a loaded module.
#pragma once

#include "exec/program.hpp"

namespace vgpu {

class LoadedKernel : public Kernel {
public:
    const KernelInfo& info() const override { return info_; }
    const Program& program() const { return program_; }
    KernelInfo& info() { return info_; }
    Program& program() { return program_; }

private:
    KernelInfo info_;
    Program program_;
};

}  // namespace vgpu
