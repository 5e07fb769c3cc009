// Operands to virtual registers.
#include "translate/translator.hpp"

#include <cstring>

namespace vgpu {

using ptx::Space;
using ptx::Type;

const ptx::Operand& Translator::operand(size_t i) const {
    if (i >= instruction_->operands.size()) throw TranslateError("operand " + std::to_string(i + 1) + " is missing");
    return instruction_->operands[i];
}

void Translator::operands(size_t count) const { operands(count, count); }

void Translator::operands(size_t least, size_t most) const {
    size_t n = instruction_->operands.size();
    if (n < least || n > most) throw TranslateError("takes " + std::to_string(least) + (most != least ? " to " + std::to_string(most) : "") + " operands, found " + std::to_string(n));
}

Register Translator::findRegister(const std::string& name) const {
    const Name* n = find(name);
    if (n == nullptr || n->kind != Name::RegisterName) throw TranslateError("'" + name + "' is not a register that is declared here");
    return n->reg;
}

bool Translator::specialRegister(const std::string& name, uint32_t bytes, Register& out) {
    static const std::map<std::string, Special> names = {
        {"%tid.x", Special::TidX}, {"%tid.y", Special::TidY}, {"%tid.z", Special::TidZ}, {"%ntid.x", Special::NtidX},
        {"%ntid.y", Special::NtidY}, {"%ntid.z", Special::NtidZ}, {"%ctaid.x", Special::CtaidX}, {"%ctaid.y", Special::CtaidY},
        {"%ctaid.z", Special::CtaidZ}, {"%nctaid.x", Special::NctaidX}, {"%nctaid.y", Special::NctaidY}, {"%nctaid.z", Special::NctaidZ},
        {"%laneid", Special::LaneId}, {"%warpid", Special::WarpId}, {"%nwarpid", Special::NWarpId}, {"%smid", Special::SmId},
        {"%nsmid", Special::NSmId}, {"%gridid", Special::GridId}, {"%lanemask_eq", Special::LaneMaskEq}, {"%lanemask_le", Special::LaneMaskLe},
        {"%lanemask_lt", Special::LaneMaskLt}, {"%lanemask_ge", Special::LaneMaskGe}, {"%lanemask_gt", Special::LaneMaskGt},
        {"%dynamic_smem_size", Special::DynamicSmemSize}, {"%total_smem_size", Special::TotalSmemSize},
    };
    auto it = names.find(name);
    if (it == names.end()) return false;
    out = b_.special(it->second, bytes);
    return true;
}

Register Translator::constantOf(const Operand& o, Type type, uint32_t bytes) {
    if (o.kind == Operand::Integer) {
        if (ptx::isFloat(type) && bytes >= 4 && type != Type::F16x2 && type != Type::Bf16x2 && type != Type::Tf32) {
            throw TranslateError("an integer cannot be a ." + std::string(ptx::nameOf(type)) + " operand");
        }
        return b_.constant(o.bits, bytes);
    }
    if (o.kind == Operand::Float64 && bytes == 4) {
        double wide;
        std::memcpy(&wide, &o.bits, 8);
        float narrow = static_cast<float>(wide);
        uint32_t bits;
        std::memcpy(&bits, &narrow, 4);
        return b_.constant(bits, 4);
    }
    if ((o.kind == Operand::Float32 ? 4u : 8u) != bytes) throw TranslateError("the literal's width differs from the instruction's type");
    return b_.constant(o.bits, bytes);
}

Register Translator::named(const Operand& o, uint32_t bytes) {
    if (const Name* n = find(o.name)) {
        if (n->kind == Name::RegisterName) {
            if (o.offset != 0) throw TranslateError("an offset is allowed in addresses only");
            return n->reg;
        }
        Register r = b_.newRegister(bytes);
        addressOf(o, r, bytes);
        return r;
    }
    Register r;
    if (specialRegister(o.name, bytes, r)) return r;
    auto variable = symbols_.variables.find(o.name);
    if (variable != symbols_.variables.end()) return b_.constant(variable->second.address + static_cast<uint64_t>(o.offset), bytes);
    auto function = symbols_.functions.find(o.name);
    if (function != symbols_.functions.end() && bytes == 8) return b_.constant(FUNCTION_BASE + 16ull * function->second.index, 8);
    if (o.name == "WARP_SZ") return b_.constant(32, bytes);
    throw TranslateError("'" + o.name + "' is not known");
}

Register Translator::source(const Operand& o, Type type) {
    uint32_t bytes = ptx::sizeOf(type);
    if (o.negated) throw TranslateError("'!' applies to predicates only");
    if (o.kind == Operand::Name) {
        Register r = named(o, bytes);
        if (b_.bytesOf(r) != bytes) {
            throw TranslateError("register '" + o.name + "' has " + std::to_string(b_.bytesOf(r) * 8) + " bits, the instruction needs " + std::to_string(bytes * 8));
        }
        return r;
    }
    if (o.kind == Operand::Integer || o.kind == Operand::Float32 || o.kind == Operand::Float64) return constantOf(o, type, bytes);
    throw TranslateError("expected a register or a number");
}

Register Translator::wideSource(const Operand& o, Type type) {
    uint32_t bytes = std::max(ptx::sizeOf(type), 2u);
    if (o.kind != Operand::Name) return ptx::sizeOf(type) == 1 ? b_.constant(o.bits, 2) : constantOf(o, type, bytes);
    Register r = named(o, bytes);
    if (b_.bytesOf(r) < bytes || b_.bytesOf(r) > 8) throw TranslateError("register '" + o.name + "' is too narrow");
    return r;
}

Register Translator::destination(const Operand& o, Type type) {
    uint32_t bytes = ptx::sizeOf(type);
    if (o.kind == Operand::Sink) return b_.newRegister(bytes);
    if (o.kind != Operand::Name) throw TranslateError("the destination must be a register");
    Register r = findRegister(o.name);
    if (b_.bytesOf(r) != bytes) {
        throw TranslateError("register '" + o.name + "' has " + std::to_string(b_.bytesOf(r) * 8) + " bits, the instruction writes " + std::to_string(bytes * 8));
    }
    return r;
}

Register Translator::wideDestination(const Operand& o, Type type) {
    uint32_t bytes = std::max(ptx::sizeOf(type), 2u);
    if (o.kind == Operand::Sink) return b_.newRegister(bytes);
    if (o.kind != Operand::Name) throw TranslateError("the destination must be a register");
    Register r = findRegister(o.name);
    if (b_.bytesOf(r) < bytes) throw TranslateError("register '" + o.name + "' is too narrow");
    return r;
}

Register Translator::predicate(const Operand& o, bool* negated) {
    if (o.kind == Operand::Integer) return b_.constant(((o.bits != 0) != o.negated) ? 1 : 0, 0);
    if (o.kind != Operand::Name) throw TranslateError("expected a predicate");
    Register r = findRegister(o.name);
    if (b_.bytesOf(r) != 0) throw TranslateError("register '" + o.name + "' is not a predicate");
    if (negated != nullptr) {
        *negated = o.negated;
        return r;
    }
    if (!o.negated) return r;
    Register t = b_.newRegister(0);
    add(begin(isa().integer(IntOp::PredNot, Type::Pred), "int").writes(Slot::D, t).reads(Slot::A, r));
    return t;
}

Register Translator::predicateDestination(const Operand& o) {
    if (o.kind == Operand::Sink) return b_.newRegister(0);
    if (o.kind != Operand::Name) throw TranslateError("the destination must be a predicate");
    Register r = findRegister(o.name);
    if (b_.bytesOf(r) != 0) throw TranslateError("register '" + o.name + "' is not a predicate");
    return r;
}

uint64_t Translator::immediate(const Operand& o, const char* what) const {
    if (o.kind != Operand::Integer) throw TranslateError(std::string(what) + " must be a constant");
    return o.bits;
}

Register Translator::frameRegister() { return recursive_ ? b_.frameBase() : b_.constant(0, 4); }

Translator::Address Translator::address(const Operand& o, Space space) {
    if (o.kind != Operand::Address || o.elements.size() != 1) throw TranslateError("expected an address in brackets");
    const Operand& base = o.elements[0];
    Address a;
    a.offset = o.offset;
    a.space = space;
    if (base.kind == Operand::Integer) {
        a.base = b_.constant(0, 8);
        a.offset += static_cast<int64_t>(base.bits);
        return a;
    }
    const Name* n = find(base.name);
    if (n != nullptr && n->kind == Name::RegisterName) {
        a.base = n->reg;
        uint32_t bytes = b_.bytesOf(a.base);
        if (bytes != 4 && bytes != 8) throw TranslateError("address register '" + base.name + "' must have 32 or 64 bits");
        a.wide = bytes == 8;
        if (!a.wide && (space == Space::None || space == Space::Global || space == Space::Const)) {
            throw TranslateError("a 32-bit register cannot address this state space");
        }
        return a;
    }
    if (n != nullptr && n->kind == Name::FrameVariable) {
        if (space != Space::Local && space != Space::Param) throw TranslateError("variable '" + base.name + "' is in local or parameter space");
        a.space = Space::Local;
        a.base = frameRegister();
        a.wide = false;
        a.offset += frameOffset_ + n->offset;
        return a;
    }
    if (n != nullptr) {
        if (space != Space::Shared) throw TranslateError("variable '" + base.name + "' is in shared space");
        a.base = b_.constant(0, 4);
        a.wide = false;
        a.offset += n->offset;
        return a;
    }
    if (function_.isEntry && space == Space::Param) {
        for (size_t i = 0; i < function_.parameters.size(); ++i) {
            if (function_.parameters[i].name != base.name) continue;
            a.base = b_.constant(0, 4);
            a.wide = false;
            a.offset += kernel_.parameters[i].offset;
            return a;
        }
    }
    auto v = symbols_.variables.find(base.name);
    if (v == symbols_.variables.end()) throw TranslateError("'" + base.name + "' is not known");
    bool global = v->second.space == Space::Global || v->second.space == Space::Const;
    if (space != v->second.space && !(space == Space::None && global)) throw TranslateError("variable '" + base.name + "' is not in this state space");
    a.base = b_.constant(0, global ? 8 : 4);
    a.wide = global;
    a.offset += static_cast<int64_t>(v->second.address);
    return a;
}

std::vector<Register> Translator::sources(const Operand& o, Type type, size_t count) {
    std::vector<Register> list;
    if (count == 1 && o.kind != Operand::Vector) return {source(o, type)};
    if (o.kind != Operand::Vector || o.elements.size() != count) throw TranslateError("expected a vector of " + std::to_string(count) + " elements");
    for (const Operand& e : o.elements) list.push_back(source(e, type));
    return list;
}

std::vector<Register> Translator::destinations(const Operand& o, Type type, size_t count) {
    std::vector<Register> list;
    if (count == 1 && o.kind != Operand::Vector) return {destination(o, type)};
    if (o.kind != Operand::Vector || o.elements.size() != count) throw TranslateError("expected a vector of " + std::to_string(count) + " elements");
    for (const Operand& e : o.elements) list.push_back(destination(e, type));
    return list;
}

}  // namespace vgpu
