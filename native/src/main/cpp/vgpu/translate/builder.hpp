// A program while it is built: instructions over virtual registers, which become rows when all is known.
#pragma once

#include "exec/program.hpp"
#include "translate/modifiers.hpp"

#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace vgpu {

using Register = uint32_t;  // index of a virtual register
constexpr Register NO_REGISTER = UINT32_MAX;

/// Where the row of a virtual register is to be written.
enum class Slot : uint8_t { D, A, B, C, E, Guard, Sync, Pool, AccessAddress, CallPointer, CallArgument, CallResult, CallBase, BarrierId, BarrierCount, BarrierPredicate };

struct Reference {
    Slot slot;
    bool writes;
    uint32_t index;  // within the pool entries of the instruction, or of the argument
    Register reg;
};

/// One instruction under construction.
struct Draft {
    Instr instr;
    InstrInfo info;
    std::vector<Reference> references;
    uint32_t poolSize = 0;

    Draft& reads(Slot slot, Register r, uint32_t index = 0) {
        references.push_back({slot, false, index, r});
        return *this;
    }
    Draft& writes(Slot slot, Register r, uint32_t index = 0) {
        references.push_back({slot, true, index, r});
        return *this;
    }
    /// Appends an operand to v.
    Draft& pool(Register r, bool write) {
        references.push_back({Slot::Pool, write, poolSize++, r});
        return *this;
    }
};

class ProgramBuilder {
public:
    explicit ProgramBuilder(Program& program) : program_(program) { always_ = constant(1, 0); }

    struct VirtualRegister {
        enum Kind : uint8_t { Local, Constant, SpecialValue, FrameBase } kind = Local;
        uint8_t bytes = 4;  // of a lane; 0 for a predicate
        uint32_t function = 0;
        uint64_t bits = 0;
        Special special = Special::Zero;
        uint32_t row = UINT32_MAX;
    };

    Register newRegister(uint32_t bytes) {
        registers_.push_back({});
        registers_.back().bytes = static_cast<uint8_t>(bytes);
        registers_.back().function = currentFunction_;
        return static_cast<Register>(registers_.size() - 1);
    }
    /// A row that holds the same value in all lanes; bytes 0: a predicate.
    Register constant(uint64_t bits, uint32_t bytes);
    Register special(Special special, uint32_t bytes);
    Register frameBase();
    Register always() const { return always_; }
    uint32_t bytesOf(Register r) const { return registers_[r].bytes; }

    uint32_t add(Draft draft);
    uint32_t size() const { return static_cast<uint32_t>(program_.code.size()); }
    uint32_t opcode(const std::string& text);
    uint8_t mix(const char* name);
    Program& program() { return program_; }

    void beginFunction(uint32_t index) {
        currentFunction_ = index;
        functionBegins_.push_back(size());
    }
    /// Rows for everything; control flow must be final.
    void finish();

    // For allocation.
    struct Operand {
        Register reg;
        bool writes;
    };

private:
    friend class Allocator;
    void patch(uint32_t pc, const Reference& reference);

    Program& program_;
    std::vector<VirtualRegister> registers_;
    std::vector<std::vector<Reference>> references_;  // by instruction
    std::map<std::pair<uint64_t, uint32_t>, Register> constants_;
    std::map<std::pair<int, uint32_t>, Register> specials_;
    std::map<std::string, uint32_t> opcodes_;
    std::map<std::string, uint8_t> mixes_;
    Register frameBase_ = NO_REGISTER;
    Register always_;
    uint32_t currentFunction_ = 0;
    std::vector<uint32_t> functionBegins_;
};

}  // namespace vgpu
