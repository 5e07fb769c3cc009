// Virtual registers to rows of the register file.
#pragma once

#include "translate/builder.hpp"

namespace vgpu {

class Allocator {
public:
    explicit Allocator(ProgramBuilder& builder) : b_(builder), program_(builder.program_) {}

    /// begins: the first instruction of each function, in order.
    void run(const std::vector<uint32_t>& begins);

private:
    struct Interval {
        Register reg;
        uint32_t first, last;
    };
    void placeConstants();
    void placeFunction(uint32_t begin, uint32_t end, uint32_t function);
    uint32_t take(uint32_t bytes);

    ProgramBuilder& b_;
    Program& program_;
    uint32_t top_ = 0;
};

}  // namespace vgpu
