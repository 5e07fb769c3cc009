// A parsed PTX module, before any meaning is given to instructions.
#pragma once

#include "ptx/types.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace vgpu::ptx {

/// A position in the CUDA source, from .loc; file is a .file index, 0 when unknown.
struct SourceLocation {
    uint32_t file = 0, line = 0;
};

struct Operand {
    enum Kind : uint8_t {
        Name,     // register, special register, variable, label or function; + offset
        Integer,  // bits
        Float32,
        Float64,
        Sink,     // _
        Vector,   // {a, b, ...} in elements
        Address,  // [base + offset]: the base in elements[0] (Name or Integer); more elements for tensor forms
        Pair,     // d|p in elements
        List,     // (a, b, ...) in elements
    };
    Kind kind = Name;
    bool negated = false;  // ! before a predicate
    std::string name;
    uint64_t bits = 0;
    int64_t offset = 0;
    std::vector<Operand> elements;
};

struct Instruction {
    std::string opcode;
    std::vector<std::string> modifiers;
    std::vector<Operand> operands;
    std::string guard;  // predicate register, empty if none
    bool guardNegated = false;

    std::string text() const {  // opcode with its modifiers
        std::string s = opcode;
        for (const std::string& m : modifiers) s += "." + m;
        return s;
    }
};

/// One value of an initialiser.
struct InitialValue {
    enum Kind : uint8_t { Bits, Symbol } kind = Bits;
    uint64_t bits = 0;     // the value, already in the element's representation
    std::string symbol;
    bool generic = false;  // generic(symbol)
    int64_t offset = 0;
    uint64_t mask = ~0ull;  // 0xFF00(symbol): the byte of the address that this element holds
};

struct Variable {
    Space space = Space::None;
    Type type = Type::None;
    uint32_t vector = 1;
    uint32_t alignment = 0;  // 0: the natural one
    std::string name;
    uint32_t range = 0;  // %r<N> declares N registers; 0 if a single name
    bool isArray = false;
    bool unsizedArray = false;
    uint64_t elements = 1;
    bool isExtern = false;
    std::vector<InitialValue> init;
    uint32_t line = 0;

    uint64_t bytes() const { return uint64_t(sizeOf(type)) * vector * elements; }
    uint32_t align() const { return alignment ? alignment : sizeOf(type) * vector; }
};

/// .callprototype
struct Prototype {
    std::vector<Variable> returns, parameters;
};

struct Statement {
    enum Kind : uint8_t { Instr, Label, Declaration, ScopeBegin, ScopeEnd, BranchTargets, CallTargets, CallPrototype };
    Kind kind = Instr;
    uint32_t line = 0;
    SourceLocation location;
    Instruction instruction;
    std::string label;                // Label, and the name of the tables
    std::vector<std::string> names;   // BranchTargets, CallTargets
    Variable variable;
    Prototype prototype;
};

struct Function {
    bool isEntry = false;
    bool isDeclaration = false;  // no body
    std::string name;
    std::vector<Variable> returns, parameters;
    std::vector<Statement> body;
    uint32_t line = 0;
    uint32_t maxThreads[3] = {0, 0, 0}, requiredThreads[3] = {0, 0, 0};
    uint32_t minBlocks = 0;
};

struct ModuleAst {
    uint32_t versionMajor = 0, versionMinor = 0;
    std::string target;  // sm_80
    std::map<uint32_t, std::string> files;
    std::vector<Variable> variables;
    std::vector<std::unique_ptr<Function>> functions;
};

}  // namespace vgpu::ptx
