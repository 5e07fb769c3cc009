// Moves, conversions and address spaces.
#include "exec/convert.hpp"
#include "exec/warp_ops.hpp"
#include "translate/translator.hpp"

namespace vgpu {

using ptx::Space;
using ptx::Type;

bool Translator::clockRegister(const std::string& name, Draft& d) {
    struct Clock {
        Handler handler;
        int64_t part;
        uint32_t bytes;
    };
    static const std::map<std::string, Clock> clocks = {{"%clock", {readClock, 0, 4}}, {"%clock_hi", {readClock, 1, 4}}, {"%clock64", {readClock, 2, 8}},
                                                        {"%globaltimer_lo", {readTimer, 0, 4}}, {"%globaltimer_hi", {readTimer, 1, 4}},
                                                        {"%globaltimer", {readTimer, 2, 8}}};
    auto it = clocks.find(name);
    if (it == clocks.end()) return false;
    d = begin(it->second.handler, "move");
    d.instr.imm = it->second.part;
    d.writes(Slot::D, destination(operand(0), it->second.bytes == 8 ? Type::U64 : Type::U32));
    return true;
}

void Translator::addressOf(const Operand& o, Register d, uint32_t bytes) {
    const Name* n = find(o.name);
    int64_t offset = o.offset + n->offset + (n->kind == Name::FrameVariable ? frameOffset_ : 0);
    bool moves = n->kind == Name::FrameVariable && recursive_;
    if (!moves) {
        Draft m = begin(isa().integer(IntOp::Mov, bytes == 8 ? Type::B64 : Type::B32), "move");
        add(std::move(m.reads(Slot::A, b_.constant(static_cast<uint64_t>(offset), bytes)).writes(Slot::D, d)));
        return;
    }
    Register sum = b_.newRegister(4);
    Draft m = begin(isa().integer(IntOp::Add, Type::U32), "int");
    add(std::move(m.reads(Slot::A, b_.frameBase()).reads(Slot::B, b_.constant(static_cast<uint64_t>(offset), 4)).writes(Slot::D, sum)));
    if (bytes == 8) {
        add(std::move(begin(isa().convert(Type::U64, 8, Type::U32, 4), "convert").reads(Slot::A, sum).writes(Slot::D, d)));
    } else {
        add(std::move(begin(isa().integer(IntOp::Mov, Type::B32), "move").reads(Slot::A, sum).writes(Slot::D, d)));
    }
}

void Translator::move() {
    Type type = modifiers().needType();
    const bool number = ptx::isInteger(type) || ptx::isBits(type) || type == Type::F32 || type == Type::F64;
    if (type != Type::Pred && (!number || ptx::sizeOf(type) < 2)) throw TranslateError("this type cannot be moved");
    operands(2);
    const Operand &to = operand(0), &from = operand(1);
    if (to.kind == Operand::Vector) {
        unpackMove(type);
        return;
    }
    if (from.kind == Operand::Vector) {
        packMove(type);
        return;
    }
    if (type == Type::Pred) {
        Register p = predicate(from);
        add(std::move(begin(isa().integer(IntOp::PredMov, type), "move").reads(Slot::A, p).writes(Slot::D, predicateDestination(to))));
        return;
    }
    if (from.kind == Operand::Name) {
        Draft clock;
        if (clockRegister(from.name, clock)) {
            add(std::move(clock));
            return;
        }
        if (function_.isEntry && find(from.name) == nullptr) {
            for (size_t i = 0; i < function_.parameters.size(); ++i) {
                if (function_.parameters[i].name != from.name) continue;
                Register offset = b_.constant(kernel_.parameters[i].offset + static_cast<uint64_t>(from.offset), ptx::sizeOf(type));
                add(std::move(begin(isa().integer(IntOp::Mov, type), "move").reads(Slot::A, offset).writes(Slot::D, destination(to, type))));
                return;
            }
        }
    }
    Register value = source(from, type);
    add(std::move(begin(isa().integer(IntOp::Mov, type), "move").reads(Slot::A, value).writes(Slot::D, destination(to, type))));
}

namespace {
Type partType(uint32_t bytes, size_t parts) {
    switch (bytes / parts) {
        case 2: return Type::B16;
        case 4: return Type::B32;
        default: throw TranslateError("moves between vectors of elements below 16 bits are not implemented");
    }
}
}  // namespace

void Translator::unpackMove(Type type) {
    const auto& parts = operand(0).elements;
    Draft d = begin(unpackHandler(ptx::sizeOf(type), static_cast<uint32_t>(parts.size())), "move");
    Type part = partType(ptx::sizeOf(type), parts.size());
    d.instr.n = static_cast<uint8_t>(parts.size());
    d.reads(Slot::A, source(operand(1), type));
    for (Register r : destinations(operand(0), part, parts.size())) d.pool(r, true);
    add(std::move(d));
}

void Translator::packMove(Type type) {
    const auto& parts = operand(1).elements;
    Draft d = begin(packHandler(ptx::sizeOf(type), static_cast<uint32_t>(parts.size())), "move");
    Type part = partType(ptx::sizeOf(type), parts.size());
    d.instr.n = static_cast<uint8_t>(parts.size());
    for (Register r : sources(operand(1), part, parts.size())) d.pool(r, false);
    add(std::move(d.writes(Slot::D, destination(operand(0), type))));
}

namespace {

Rounding takeRounding(Modifiers& m) {
    static const std::map<std::string, Rounding> names = {{"", Rounding::None}, {"rn", Rounding::Rn}, {"rz", Rounding::Rz}, {"rm", Rounding::Rm},
                                                          {"rp", Rounding::Rp}, {"rna", Rounding::Rna}, {"rni", Rounding::Rni}, {"rzi", Rounding::Rzi},
                                                          {"rmi", Rounding::Rmi}, {"rpi", Rounding::Rpi}};
    return names.at(m.takeOne({"rni", "rzi", "rmi", "rpi", "rna", "rn", "rz", "rm", "rp"}));
}

bool integral(Rounding r) { return r >= Rounding::Rni; }

/// Digits that decide whether a conversion must round.
int precision(Type t) {
    switch (t) {
        case Type::F64: return 53;
        case Type::F32: return 24;
        case Type::Tf32: case Type::F16: return 11;
        case Type::Bf16: return 8;
        default: return 0;
    }
}

bool isNarrow(Type t) { return t == Type::F16 || t == Type::Bf16; }

void checkConversion(const Conversion& c) {
    const bool toFloat = ptx::isFloat(c.to), fromFloat = ptx::isFloat(c.from), nearestOrZero = c.rounding == Rounding::Rn || c.rounding == Rounding::Rz;
    if (c.from == Type::Tf32 || (c.to == Type::Tf32 && c.from != Type::F32)) throw TranslateError(".tf32 is converted from .f32 only");
    if (c.to == Type::Tf32) {
        if (c.rounding != Rounding::Rna && !nearestOrZero) throw TranslateError("needs .rna, .rn or .rz");
        if (c.relu && c.rounding == Rounding::Rna) throw TranslateError(".relu needs .rn or .rz");
        if (c.ftz) throw TranslateError("takes no .ftz");
        return;
    }
    if (toFloat && fromFloat) {
        const bool narrows = precision(c.to) < precision(c.from) || (c.to != c.from && isNarrow(c.to) && isNarrow(c.from));
        if (narrows && (c.rounding == Rounding::None || integral(c.rounding))) throw TranslateError("needs .rn, .rz, .rm or .rp");
        if (!narrows && c.to != c.from && c.rounding != Rounding::None) throw TranslateError("an exact conversion takes no rounding");
        if (c.to == c.from && !integral(c.rounding) && c.rounding != Rounding::None) throw TranslateError("takes .rni, .rzi, .rmi or .rpi");
        if (c.rounding == Rounding::Rna) throw TranslateError(".rna exists for .tf32 only");
    } else if (toFloat) {
        if (c.rounding == Rounding::None || integral(c.rounding) || c.rounding == Rounding::Rna) throw TranslateError("needs .rn, .rz, .rm or .rp");
    } else if (fromFloat) {
        if (!integral(c.rounding)) throw TranslateError("needs .rni, .rzi, .rmi or .rpi");
    } else if (c.rounding != Rounding::None) {
        throw TranslateError("conversion between integers does not round");
    }
    if ((c.relu || c.finite) && !(isNarrow(c.to) && c.from == Type::F32 && nearestOrZero && !c.sat && !c.ftz)) {
        throw TranslateError(".relu and .satfinite exist from .f32 to 16-bit formats and .tf32, with .rn or .rz");
    }
    if (c.ftz && c.from != Type::F32 && c.to != Type::F32) throw TranslateError(".ftz needs an .f32 operand");
}

}  // namespace

void Translator::convertType() {
    Modifiers& m = modifiers();
    if (m.take("pack")) {
        if (!m.take("sat")) throw TranslateError("cvt.pack needs .sat");
        Conversion c;
        c.sat = true;
        c.to = m.needType();
        c.from = m.needType();
        bool bytes = ptx::sizeOf(c.to) == 1;
        if (c.from != Type::S32 || !ptx::isInteger(c.to) || ptx::sizeOf(c.to) > 2) throw TranslateError("packs .s32 to 8 or 16 bits");
        if (bytes && m.needType() != Type::B32) throw TranslateError("the third type is .b32");
        operands(bytes ? 4 : 3);
        Draft d = begin(convertPack, "convert");
        d.instr.imm = c.pack();
        d.reads(Slot::A, source(operand(1), c.from)).reads(Slot::B, source(operand(2), c.from));
        if (bytes) d.reads(Slot::C, source(operand(3), Type::B32));
        add(std::move(d.writes(Slot::D, destination(operand(0), Type::B32))));
        return;
    }
    Conversion c;
    c.rounding = takeRounding(m);
    c.ftz = m.take("ftz");
    c.sat = m.take("sat");
    c.relu = m.take("relu");
    c.finite = m.take("satfinite");
    c.to = m.needType();
    c.from = m.needType();
    const bool narrowed = c.to == Type::F16 || c.to == Type::F16x2 || c.to == Type::Bf16 || c.to == Type::Bf16x2 || c.to == Type::Tf32;
    if (c.finite && !(narrowed && c.from == Type::F32)) throw TranslateError(".satfinite exists from .f32 to 16-bit formats and .tf32 only");
    if (c.sat && (c.to == Type::Bf16 || c.to == Type::Tf32)) throw TranslateError(".sat does not exist for this type");
    if (c.to == Type::F16x2 || c.to == Type::Bf16x2) {
        if (c.from != Type::F32 || (c.rounding != Rounding::Rn && c.rounding != Rounding::Rz) || c.sat || c.ftz) throw TranslateError("converts .f32 with .rn or .rz");
        operands(3);
        bool fast = c.rounding == Rounding::Rn && !c.relu && !c.finite;
        Draft d = begin(fast ? isa().narrowPair(c.to) : convertPair, "convert");
        Conversion each = c;
        each.to = c.to == Type::F16x2 ? Type::F16 : Type::Bf16;
        d.instr.imm = each.pack();
        d.reads(Slot::A, source(operand(1), Type::F32)).reads(Slot::B, source(operand(2), Type::F32));
        add(std::move(d.writes(Slot::D, destination(operand(0), c.to))));
        return;
    }
    if (c.from == Type::F16x2 || c.from == Type::Bf16x2 || c.to == Type::Pred || c.from == Type::Pred || ptx::isBits(c.from) || (ptx::isBits(c.to))) {
        throw TranslateError("this conversion is not implemented");
    }
    checkConversion(c);
    operands(2);
    Register from = wideSource(operand(1), c.from), to = wideDestination(operand(0), c.to);
    c.fromBytes = static_cast<uint8_t>(b_.bytesOf(from));
    c.toBytes = static_cast<uint8_t>(b_.bytesOf(to));
    if (c.to == Type::F32 || c.to == Type::F64 || c.to == Type::F16 || c.to == Type::Bf16 || c.to == Type::Tf32) {
        if (c.toBytes != ptx::sizeOf(c.to)) throw TranslateError("register '" + operand(0).name + "' has the wrong width");
    }
    Handler fast = nullptr;
    bool plain = !c.sat && !c.ftz && !c.relu && !c.finite && (c.rounding == Rounding::None || c.rounding == Rounding::Rn);
    if (plain && !(c.rounding == Rounding::Rn && ptx::isFloat(c.from) && !(c.from == Type::F32 && ptx::sizeOf(c.to) == 2))) {
        fast = isa().convert(c.to, c.toBytes, c.from, c.fromBytes);
    }
    Draft d = begin(fast != nullptr ? fast : convert, "convert");
    d.instr.imm = c.pack();
    add(std::move(d.reads(Slot::A, from).writes(Slot::D, to)));
}

void Translator::convertAddress() {
    Modifiers& m = modifiers();
    bool to = m.take("to");
    std::string space = m.takeOne({"global", "const", "shared", "shared::cta", "local", "param", "param::entry"});
    if (space.empty()) throw TranslateError("the state space is missing");
    if (m.needType() != Type::U64) throw TranslateError("exists for .u64 here");
    operands(2);
    uint64_t window = space.compare(0, 6, "shared") == 0 ? SHARED_WINDOW : space == "local" ? LOCAL_WINDOW : space.compare(0, 5, "param") == 0 ? PARAM_WINDOW : 0;
    Register from;
    const Operand& o = operand(1);
    bool parameter = false;
    if (function_.isEntry && o.kind == Operand::Name && find(o.name) == nullptr) {
        for (size_t i = 0; i < function_.parameters.size(); ++i) {
            if (function_.parameters[i].name != o.name) continue;
            from = b_.constant(kernel_.parameters[i].offset + static_cast<uint64_t>(o.offset), 8);
            parameter = true;
        }
    }
    if (!parameter) from = source(o, Type::U64);
    Draft d = begin(addImmediate64, "int");
    d.instr.imm = static_cast<int64_t>(to ? 0 - window : window);
    add(std::move(d.reads(Slot::A, from).writes(Slot::D, destination(operand(0), Type::U64))));
}

void Translator::isSpacep() {
    std::string space = modifiers().takeOne({"global", "shared", "shared::cta", "local", "param", "param::entry"});
    if (space.empty()) throw TranslateError("this state space is not implemented");
    operands(2);
    Draft d = begin(vgpu::isSpace, "compare");
    d.instr.imm = space == "global" ? 0 : space.compare(0, 6, "shared") == 0 ? 1 : space == "local" ? 2 : 3;
    add(std::move(d.reads(Slot::A, source(operand(1), Type::U64)).writes(Slot::D, predicateDestination(operand(0)))));
}

}  // namespace vgpu
