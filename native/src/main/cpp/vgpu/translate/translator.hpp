// PTX statements of one function to decoded instructions. Each translate_*.cpp handles one family of opcodes.
#pragma once

#include "exec/isa.hpp"
#include "translate/builder.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace vgpu {

/// What names at module scope mean.
struct ModuleSymbols {
    struct Variable {
        ptx::Space space = ptx::Space::None;
        uint64_t address = 0;  // device address; offset for shared
        uint64_t size = 0;
    };
    struct FunctionSymbol {
        const ptx::Function* function = nullptr;
        uint32_t index = 0;
    };
    std::map<std::string, Variable> variables;
    std::map<std::string, FunctionSymbol> functions;
    std::map<uint32_t, std::string> files;
};

/// Where a function keeps its parameters and variables in local memory.
struct FrameLayout {
    std::vector<Parameter> parameters, results;
    std::map<size_t, uint32_t> declarations;  // by index of the statement
    uint32_t bytes = 0;
};
FrameLayout layoutFrame(const ptx::Function& function);

struct ProblemLog {
    uint32_t count = 0;
    std::string text;
    void add(uint32_t line, const std::string& message);
};

class Translator {
public:
    /// frameOffset: of the function's frame in local memory, relative to its frame base.
    Translator(ProgramBuilder& builder, const ModuleSymbols& symbols, const ptx::Function& function, const FrameLayout& frame, uint32_t frameOffset,
               bool recursive, KernelInfo& kernel, const std::map<std::string, uint32_t>& functionsInProgram, ProblemLog& problems);

    void run();

    // Operands -----------------------------------------------------------------------------------------------------
    using Operand = ptx::Operand;
    using Instruction = ptx::Instruction;

    struct Address {
        Register base = NO_REGISTER;
        bool wide = true;
        int64_t offset = 0;
        ptx::Space space = ptx::Space::None;  // the variable's own space when named
    };

    const Operand& operand(size_t i) const;
    void operands(size_t count) const;
    void operands(size_t least, size_t most) const;
    Register source(const Operand& o, ptx::Type type);
    /// A register of any width at least that of the type (ld, st, cvt).
    Register wideSource(const Operand& o, ptx::Type type);
    Register destination(const Operand& o, ptx::Type type);
    Register wideDestination(const Operand& o, ptx::Type type);
    /// A predicate; a negated one goes through a temporary unless negated is given.
    Register predicate(const Operand& o, bool* negated = nullptr);
    Register predicateDestination(const Operand& o);
    Address address(const Operand& o, ptx::Space space);
    uint64_t immediate(const Operand& o, const char* what) const;
    std::vector<Register> sources(const Operand& o, ptx::Type type, size_t count);
    std::vector<Register> destinations(const Operand& o, ptx::Type type, size_t count);

    // Instructions ---------------------------------------------------------------------------------------------------
    Draft begin(Handler handler, const char* mix, Control control = Control::None);
    uint32_t add(Draft draft) { return b_.add(std::move(draft)); }
    ProgramBuilder& builder() { return b_; }
    Modifiers& modifiers() { return *modifiers_; }
    const Instruction& instruction() const { return *instruction_; }
    uint32_t uniqueLabelTarget(const std::string& label);

    // Families; each is one file.
    void integerArithmetic();
    void floatArithmetic();
    void minMax();
    void logic();
    void shift();
    void bitField();
    void compare();
    void select();
    void set();
    void approximate();
    void testProperty();
    void copySign();
    void dotProduct();
    void move();
    void convertType();
    void convertAddress();
    void isSpacep();
    void load();
    void store();
    void prefetch();
    void atomic();
    void asyncCopies();
    void fence();
    void branch();
    void branchIndexed();
    void call();
    void leave();
    void barrierSync();
    void warpBarrier();
    void shuffle();
    void vote();
    void match();
    void redux();
    void electLane();
    void activeMaskOf();
    void matrixLoad();
    void matrixStore();
    void matrixTransposition();
    void matrixMultiply();
    void sleep();
    void trapNow();

private:
    struct Name {
        enum Kind : uint8_t { RegisterName, FrameVariable, SharedVariable } kind = RegisterName;
        Register reg = NO_REGISTER;
        uint32_t offset = 0;
        uint64_t size = 0;
    };
    using Scope = std::map<std::string, Name>;

    void statement(size_t index);
    void declare(const ptx::Variable& v, size_t index);
    void instructionAt(const ptx::Statement& s);
    void dispatch();
    const Name* find(const std::string& name) const;
    Register findRegister(const std::string& name) const;
    Register named(const Operand& o, uint32_t bytes);
    Register constantOf(const Operand& o, ptx::Type type, uint32_t bytes);
    bool specialRegister(const std::string& name, uint32_t bytes, Register& out);
    bool clockRegister(const std::string& name, Draft& draft);
    Register frameRegister();
    void resolveLabels();
    void addressOf(const Operand& o, Register d, uint32_t bytes);
    void unpackMove(ptx::Type type);
    void packMove(ptx::Type type);
    std::string scopedLabel(const std::string& label, size_t depth) const;
    void describeAccess(Draft& d, Access::Kind kind, const Address& a, ptx::Space space, uint32_t bytes);
    ptx::Space takeSpace();
    void copyCall(CallSite& site, Draft& d, const std::vector<Operand>& list, bool results);

    ProgramBuilder& b_;
    const ModuleSymbols& symbols_;
    const ptx::Function& function_;
    const FrameLayout& frame_;
    uint32_t frameOffset_;
    bool recursive_;
    KernelInfo& kernel_;
    const std::map<std::string, uint32_t>& functionsInProgram_;
    ProblemLog& problems_;

    std::vector<Scope> scopes_;
    std::vector<uint32_t> scopeIds_;  // identity of open scopes, for labels
    uint32_t nextScope_ = 0;
    std::map<std::string, uint32_t> labels_;
    std::map<std::string, std::vector<std::string>> branchTables_;
    struct Fix {
        uint32_t pc;              // branch instruction, or
        uint32_t table;           // index in Program::targets when isTable
        bool isTable;
        std::string label;
        std::vector<uint32_t> scopes;
        uint32_t line;
    };
    std::vector<Fix> fixes_;

    const Instruction* instruction_ = nullptr;
    const ptx::Statement* statement_ = nullptr;
    Modifiers* modifiers_ = nullptr;
};

}  // namespace vgpu
