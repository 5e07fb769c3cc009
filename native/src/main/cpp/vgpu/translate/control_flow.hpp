// Basic blocks of one function and where divergent branches join.
#pragma once

#include "exec/program.hpp"

#include <vector>

namespace vgpu {

class ControlFlow {
public:
    struct Block {
        uint32_t begin, end;  // instructions
        std::vector<uint32_t> successors;
        bool exits = false;
    };

    ControlFlow(const Program& program, uint32_t begin, uint32_t end);
    const std::vector<Block>& blocks() const { return blocks_; }

    /// The first instruction of each block's immediate post-dominator, Instr::END where only the exit post-dominates.
    std::vector<uint32_t> joins() const;
    /// Writes Instr::reconverge of all branches.
    static void setJoins(Program& program, uint32_t begin, uint32_t end);

private:
    std::vector<Block> blocks_;
};

}  // namespace vgpu
