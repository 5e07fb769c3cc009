// Logic, shifts, bit fields, comparisons and selection.
#include "exec/warp_ops.hpp"
#include "translate/translator.hpp"

namespace vgpu {

using ptx::Type;

void Translator::logic() {
    const std::string& op = instruction().opcode;
    Modifiers& m = modifiers();
    Type type = m.needType();
    if (op == "lop3") {
        if (type != Type::B32) throw TranslateError("exists for .b32 only");
        operands(5);
        uint64_t table = immediate(operand(4), "the lookup table");
        if (table > 255) throw TranslateError("the lookup table is a number from 0 to 255");
        Draft d = begin(isa().integer(IntOp::Lop3, type), "int");
        d.instr.imm = static_cast<int64_t>(table);
        d.reads(Slot::A, source(operand(1), type)).reads(Slot::B, source(operand(2), type)).reads(Slot::C, source(operand(3), type));
        add(std::move(d.writes(Slot::D, destination(operand(0), type))));
        return;
    }
    static const std::map<std::string, std::pair<IntOp, IntOp>> ops = {{"and", {IntOp::And, IntOp::PredAnd}}, {"or", {IntOp::Or, IntOp::PredOr}},
                                                                       {"xor", {IntOp::Xor, IntOp::PredXor}}, {"not", {IntOp::Not, IntOp::PredNot}},
                                                                       {"cnot", {IntOp::Cnot, IntOp::Cnot}}};
    auto [plain, predicateOp] = ops.at(op);
    bool one = op == "not" || op == "cnot";
    operands(one ? 2 : 3);
    if (type == Type::Pred) {
        if (op == "cnot") throw TranslateError("does not exist for predicates");
        Register a = predicate(operand(1)), b = one ? NO_REGISTER : predicate(operand(2));
        Draft d = begin(isa().integer(predicateOp, type), "int");
        d.reads(Slot::A, a);
        if (!one) d.reads(Slot::B, b);
        if (op == "and" || op == "or") {
            d.info.poison = PoisonRule::BothPredicates;
            d.instr.flag = op == "or" ? 1 : 0;
        }
        add(std::move(d.writes(Slot::D, predicateDestination(operand(0)))));
        return;
    }
    if (!ptx::isBits(type)) throw TranslateError("needs an untyped size such as .b32");
    Draft d = begin(isa().integer(plain, type), "int");
    d.reads(Slot::A, source(operand(1), type));
    if (!one) d.reads(Slot::B, source(operand(2), type));
    add(std::move(d.writes(Slot::D, destination(operand(0), type))));
}

void Translator::shift() {
    const std::string& op = instruction().opcode;
    Modifiers& m = modifiers();
    if (op == "shf") {
        std::string side = m.takeOne({"l", "r"}), mode = m.takeOne({"clamp", "wrap"});
        if (side.empty() || mode.empty() || m.needType() != Type::B32) throw TranslateError("is written shf.{l,r}.{clamp,wrap}.b32");
        IntOp which = side == "l" ? (mode == "clamp" ? IntOp::ShfLeftClamp : IntOp::ShfLeftWrap) : (mode == "clamp" ? IntOp::ShfRightClamp : IntOp::ShfRightWrap);
        operands(4);
        Draft d = begin(isa().integer(which, Type::B32), "int");
        d.reads(Slot::A, source(operand(1), Type::B32)).reads(Slot::B, source(operand(2), Type::B32)).reads(Slot::C, source(operand(3), Type::B32));
        add(std::move(d.writes(Slot::D, destination(operand(0), Type::B32))));
        return;
    }
    Type type = m.needType();
    if (ptx::isFloat(type) || ptx::sizeOf(type) < 2 || (op == "shl" && !ptx::isBits(type))) throw TranslateError("this type does not exist here");
    operands(3);
    Draft d = begin(isa().integer(op == "shl" ? IntOp::Shl : IntOp::Shr, type), "int");
    d.reads(Slot::A, source(operand(1), type)).reads(Slot::B, source(operand(2), Type::U32));
    add(std::move(d.writes(Slot::D, destination(operand(0), type))));
}

void Translator::bitField() {
    const std::string& op = instruction().opcode;
    Modifiers& m = modifiers();
    auto emit = [&](IntOp which, Type type, Type result, std::initializer_list<Type> types) {
        operands(types.size() + 1);
        constexpr Slot slots[] = {Slot::A, Slot::B, Slot::C, Slot::E};
        Draft d = begin(isa().integer(which, type), "int");
        size_t i = 0;
        for (Type t : types) {
            d.reads(slots[i], source(operand(i + 1), t));
            ++i;
        }
        add(std::move(d.writes(Slot::D, destination(operand(0), result))));
    };
    auto word = [](Type t) {
        if (ptx::sizeOf(t) != 4 && ptx::sizeOf(t) != 8) throw TranslateError("exists for 32 and 64 bits only");
        return t;
    };
    auto bits = [&](Type t) {
        if (!ptx::isBits(t)) throw TranslateError("exists for .b32 and .b64 only");
        return word(t);
    };
    auto number = [&](Type t) {
        if (!ptx::isInteger(t)) throw TranslateError("needs a signed or unsigned type");
        return word(t);
    };
    if (op == "prmt") {
        std::string mode = m.takeOne({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
        static const std::map<std::string, IntOp> modes = {{"", IntOp::Prmt}, {"f4e", IntOp::PrmtF4e}, {"b4e", IntOp::PrmtB4e}, {"rc8", IntOp::PrmtRc8},
                                                           {"ecl", IntOp::PrmtEcl}, {"ecr", IntOp::PrmtEcr}, {"rc16", IntOp::PrmtRc16}};
        // The mode follows the type: prmt.b32.f4e.
        if (m.needType() != Type::B32) throw TranslateError("exists for .b32 only");
        emit(modes.at(mode), Type::B32, Type::B32, {Type::B32, Type::B32, Type::B32});
    } else if (op == "szext" || op == "bmsk") {
        std::string mode = m.takeOne({"clamp", "wrap"});
        if (mode.empty()) throw TranslateError("needs .clamp or .wrap");
        Type type = m.needType();
        if (op == "szext" ? type != Type::U32 && type != Type::S32 : type != Type::B32) throw TranslateError("this type does not exist here");
        IntOp which = op == "szext" ? (mode == "wrap" ? IntOp::SzextWrap : IntOp::Szext) : (mode == "wrap" ? IntOp::BmskWrap : IntOp::BmskClamp);
        emit(which, type, type, {type, Type::U32});
    } else if (op == "popc" || op == "clz") {
        Type type = bits(m.needType());
        emit(op == "popc" ? IntOp::Popc : IntOp::Clz, type, Type::U32, {type});
    } else if (op == "bfind") {
        bool amount = m.take("shiftamt");
        Type type = number(m.needType());
        emit(amount ? IntOp::BfindShift : IntOp::Bfind, type, Type::U32, {type});
    } else if (op == "brev") {
        Type type = bits(m.needType());
        emit(IntOp::Brev, type, type, {type});
    } else if (op == "bfe") {
        Type type = number(m.needType());
        emit(IntOp::Bfe, type, type, {type, Type::U32, Type::U32});
    } else if (op == "bfi") {
        Type type = bits(m.needType());
        emit(IntOp::Bfi, type, type, {type, type, Type::U32, Type::U32});
    } else {
        if (m.needType() != Type::B32) throw TranslateError("exists for .b32 only");
        emit(IntOp::Fns, Type::B32, Type::B32, {Type::B32, Type::B32, Type::S32});
    }
}

namespace {

bool compareNamed(const std::string& name, Compare& out) {
    static const std::map<std::string, Compare> names = {
        {"eq", Compare::Eq}, {"ne", Compare::Ne}, {"lt", Compare::Lt}, {"le", Compare::Le}, {"gt", Compare::Gt}, {"ge", Compare::Ge},
        {"lo", Compare::Lt}, {"ls", Compare::Le}, {"hi", Compare::Gt}, {"hs", Compare::Ge}, {"equ", Compare::Equ}, {"neu", Compare::Neu},
        {"ltu", Compare::Ltu}, {"leu", Compare::Leu}, {"gtu", Compare::Gtu}, {"geu", Compare::Geu}, {"num", Compare::Num}, {"nan", Compare::Nan}};
    auto it = names.find(name);
    if (it == names.end()) return false;
    out = it->second;
    return true;
}

Compare takeCompare(Modifiers& m, std::string& name) {
    name = m.takeOne({"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
    Compare c = Compare::Eq;
    if (!compareNamed(name, c)) throw TranslateError("the comparison is missing");
    return c;
}

void checkCompare(const std::string& name, Type type) {
    bool unsignedOnly = name == "lo" || name == "ls" || name == "hi" || name == "hs";
    if (unsignedOnly && !ptx::isUnsigned(type)) throw TranslateError("." + name + " compares unsigned numbers");
    if (ptx::isBits(type) && name != "eq" && name != "ne") throw TranslateError("untyped operands compare with .eq and .ne only");
}

uint8_t takeCombination(Modifiers& m) {
    std::string c = m.takeOne({"and", "or", "xor"});
    return static_cast<uint8_t>(c == "and" ? COMBINE_AND : c == "or" ? COMBINE_OR : c == "xor" ? COMBINE_XOR : 0);
}

void checkFlush(bool ftz, Type t) {
    if (ftz && t != Type::F32 && t != Type::F16 && t != Type::F16x2) throw TranslateError(".ftz exists for .f32 and .f16 only");
}

/// What selp and slct select: numbers and bits of 16 to 64 bits, but no half-precision types.
bool isPlain(Type t) {
    const uint32_t bytes = ptx::sizeOf(t);
    return bytes >= 2 && bytes <= 8 && (ptx::isInteger(t) || ptx::isBits(t) || t == Type::F32 || t == Type::F64);
}

/// Whether set has this result for operands of a type.
bool setExists(Type result, Type operand) {
    const bool word = result == Type::U32 || result == Type::S32, half = result == Type::U16 || result == Type::S16;
    switch (operand) {
        case Type::F16: return word || half || result == Type::F16 || result == Type::Bf16;
        case Type::Bf16: return word || half;
        case Type::F16x2: case Type::Bf16x2: return word || result == operand;
        default: return word || result == Type::F32 || result == Type::F16 || result == Type::Bf16;
    }
}

bool isPair(Type t) { return t == Type::F16x2 || t == Type::Bf16x2; }

}  // namespace

void Translator::compare() {
    Modifiers& m = modifiers();
    std::string name;
    Compare op = takeCompare(m, name);
    uint8_t combination = takeCombination(m);
    bool ftz = m.take("ftz");
    Type type = m.needType();
    checkCompare(name, type);
    checkFlush(ftz, type);
    operands(combination != 0 ? 4 : 3);
    Draft d = begin(isa().compare(op, type, ftz), "compare");
    d.instr.flag = static_cast<uint8_t>(combination | (ftz ? COMPARE_FTZ : 0));
    d.reads(Slot::A, source(operand(1), type)).reads(Slot::B, source(operand(2), type));
    if (combination != 0) {
        bool negated = false;
        d.reads(Slot::C, predicate(operand(3), &negated));
        if (negated) d.instr.flag |= COMBINE_NEGATED;
    }
    const Operand& to = operand(0);
    d.instr.e = Instr::SINK;
    if (to.kind == Operand::Pair) {
        d.writes(Slot::D, predicateDestination(to.elements[0]));
        if (to.elements[1].kind != Operand::Sink) d.writes(Slot::E, predicateDestination(to.elements[1]));
    } else {
        if (isPair(type)) throw TranslateError("packed comparison writes p|q");
        d.writes(Slot::D, predicateDestination(to));
    }
    add(std::move(d));
}

void Translator::select() {
    Modifiers& m = modifiers();
    const bool bySign = instruction().opcode == "slct";
    const bool ftz = bySign && m.take("ftz");
    Type type = m.needType();
    if (!isPlain(type)) throw TranslateError("this type does not exist here");
    operands(4);
    Register condition;
    bool negated = false;
    if (bySign) {
        Type by = m.needType();
        if (by != Type::S32 && by != Type::F32) throw TranslateError("selects by .s32 or .f32");
        if (ftz && by != Type::F32) throw TranslateError(".ftz exists for .f32 only");
        condition = builder().newRegister(0);
        Draft c = begin(isa().compare(Compare::Ge, by, ftz), "compare");
        c.instr.e = Instr::SINK;
        c.reads(Slot::A, source(operand(3), by)).reads(Slot::B, builder().constant(0, 4));
        add(std::move(c.writes(Slot::D, condition)));
    } else {
        condition = predicate(operand(3), &negated);
    }
    Draft d = begin(isa().integer(IntOp::Selp, type), "move");
    d.info.poison = PoisonRule::Select;
    d.instr.imm = negated ? -1 : 0;
    d.reads(Slot::A, source(operand(1), type)).reads(Slot::B, source(operand(2), type)).reads(Slot::C, condition);
    add(std::move(d.writes(Slot::D, destination(operand(0), type))));
}

void Translator::set() {
    Modifiers& m = modifiers();
    std::string name;
    Compare op = takeCompare(m, name);
    uint8_t combination = takeCombination(m);
    bool ftz = m.take("ftz");
    Type result = m.needType(), type = m.needType();
    checkCompare(name, type);
    checkFlush(ftz, type);
    if (!setExists(result, type)) throw TranslateError("this result type does not exist");
    operands(combination != 0 ? 4 : 3);
    Register p = builder().newRegister(0), q = builder().newRegister(0);
    Draft c = begin(isa().compare(op, type, ftz), "compare");
    c.instr.flag = static_cast<uint8_t>(combination | (ftz ? COMPARE_FTZ : 0));
    c.reads(Slot::A, source(operand(1), type)).reads(Slot::B, source(operand(2), type));
    if (combination != 0) {
        bool negated = false;
        c.reads(Slot::C, predicate(operand(3), &negated));
        if (negated) c.instr.flag |= COMBINE_NEGATED;
    }
    add(std::move(c.writes(Slot::D, p).writes(Slot::E, q)));
    uint64_t one;
    switch (result) {
        case Type::F32: one = 0x3f800000; break;
        case Type::F16: case Type::F16x2: one = 0x3c00; break;
        case Type::Bf16: case Type::Bf16x2: one = 0x3f80; break;
        case Type::U32: case Type::S32: case Type::U16: case Type::S16: one = ~0ull; break;
        default: throw TranslateError("this result type does not exist");
    }
    if (isPair(type)) {
        Draft d = begin(predicatesToHalves, "move");
        d.instr.imm = static_cast<int64_t>(one & 0xffff);
        d.reads(Slot::A, p).reads(Slot::B, q);
        add(std::move(d.writes(Slot::D, destination(operand(0), result))));
        return;
    }
    Draft d = begin(isa().integer(IntOp::Selp, result), "move");
    uint32_t bytes = ptx::sizeOf(result);
    d.reads(Slot::A, builder().constant(one, bytes)).reads(Slot::B, builder().constant(0, bytes)).reads(Slot::C, p);
    add(std::move(d.writes(Slot::D, destination(operand(0), result))));
}

}  // namespace vgpu
