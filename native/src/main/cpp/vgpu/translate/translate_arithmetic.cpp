// Integer and floating-point arithmetic.
#include "exec/approximate.hpp"
#include "exec/convert.hpp"
#include "translate/translator.hpp"

namespace vgpu {

using ptx::Type;

namespace {

const char* floatMix(Type t) { return t == Type::F64 ? "fp64" : t == Type::F32 ? "fp32" : "fp16"; }

bool isNarrow(Type t) { return t == Type::F16 || t == Type::F16x2 || t == Type::Bf16 || t == Type::Bf16x2; }

Rounding roundingNamed(const std::string& name) {
    if (name == "rz") return Rounding::Rz;
    if (name == "rm") return Rounding::Rm;
    if (name == "rp") return Rounding::Rp;
    return Rounding::Rn;
}

/// Turns an instruction into one that runs under this rounding mode.
void applyRounding(Draft& d, Rounding mode) {
    if (mode == Rounding::Rn) return;
    d.instr.imm = reinterpret_cast<int64_t>(d.instr.run);
    d.instr.size = static_cast<uint8_t>(mode);
    d.instr.run = rounded;
}

IntOp carryOp(const std::string& opcode, bool out, bool high) {
    if (opcode == "add") return IntOp::AddCarryOut;
    if (opcode == "addc") return out ? IntOp::AddCarryInOut : IntOp::AddCarryIn;
    if (opcode == "sub") return IntOp::SubCarryOut;
    if (opcode == "subc") return out ? IntOp::SubCarryInOut : IntOp::SubCarryIn;
    if (opcode == "mad") return high ? IntOp::MadHiCarryOut : IntOp::MadLoCarryOut;
    if (high) return out ? IntOp::MadHiCarryInOut : IntOp::MadHiCarryIn;
    return out ? IntOp::MadLoCarryInOut : IntOp::MadLoCarryIn;
}

IntOp simpleOp(const std::string& opcode) {
    static const std::map<std::string, IntOp> ops = {{"add", IntOp::Add}, {"sub", IntOp::Sub}, {"sad", IntOp::Sad}, {"div", IntOp::Div},
                                                     {"rem", IntOp::Rem}, {"abs", IntOp::Abs}, {"neg", IntOp::Neg}, {"min", IntOp::Min},
                                                     {"max", IntOp::Max}};
    return ops.at(opcode);
}

}  // namespace

void Translator::integerArithmetic() {
    const std::string& op = instruction().opcode;
    Modifiers& m = modifiers();
    const std::string half = m.takeOne({"lo", "hi", "wide"});
    const bool carry = m.take("cc");
    const bool usesCarry = op == "addc" || op == "subc" || op == "madc";
    if (carry && !usesCarry && op != "add" && op != "sub" && op != "mad") throw TranslateError("takes no .cc");
    const std::vector<std::string>& names = instruction().modifiers;
    Type type = names.empty() ? Type::None : ptx::typeNamed(names.back());
    if (ptx::isFloat(type)) {
        if (!half.empty() || carry || usesCarry) throw TranslateError("this form does not exist for floating point");
        floatArithmetic();
        return;
    }
    const bool sat = m.take("sat");
    type = m.needType();
    if (!ptx::isInteger(type) || ptx::sizeOf(type) < 2) throw TranslateError("needs an integer type of 16 bits or more");
    const bool isMul = op == "mul" || op == "mul24", isMad = op == "mad" || op == "madc" || op == "mad24";
    if ((isMul || isMad) == half.empty()) throw TranslateError(half.empty() ? "needs .lo, .hi or .wide" : "takes no .lo, .hi or .wide");

    IntOp which;
    if (carry || usesCarry) {
        if (half == "wide" || sat || ptx::sizeOf(type) < 4) throw TranslateError("this form does not exist with a carry");
        which = carryOp(op, carry, half == "hi");
    } else if (op == "mul") {
        which = half == "lo" ? IntOp::MulLo : half == "hi" ? IntOp::MulHi : IntOp::MulWide;
    } else if ((op == "mul24" || op == "mad24") && (half == "wide" || ptx::sizeOf(type) != 4)) {
        throw TranslateError("exists for .lo and .hi of 32 bits only");
    } else if (op == "mul24") {
        which = half == "lo" ? IntOp::Mul24Lo : IntOp::Mul24Hi;
    } else if (op == "mad") {
        which = half == "lo" ? IntOp::MadLo : half == "hi" ? (sat ? IntOp::MadHiSat : IntOp::MadHi) : IntOp::MadWide;
    } else if (op == "mad24") {
        which = half == "lo" ? IntOp::Mad24Lo : sat ? IntOp::Mad24HiSat : IntOp::Mad24Hi;
    } else {
        which = simpleOp(op);
        if (sat && which == IntOp::Add) which = IntOp::AddSat;
        if (sat && which == IntOp::Sub) which = IntOp::SubSat;
    }
    bool satExists = which == IntOp::AddSat || which == IntOp::SubSat || which == IntOp::MadHiSat || which == IntOp::Mad24HiSat;
    if (sat && (!satExists || type != Type::S32)) throw TranslateError(".sat exists for .s32 of add, sub, mad.hi and mad24.hi only");
    if ((op == "abs" || op == "neg") && !ptx::isSigned(type)) throw TranslateError("needs a signed type");

    const bool one = op == "abs" || op == "neg", three = isMad || op == "sad";
    operands(one ? 2 : three ? 4 : 3);
    Type wide = type;
    if (half == "wide") {
        if (ptx::sizeOf(type) > 4) throw TranslateError(".wide exists for 16 and 32 bits only");
        wide = ptx::sizeOf(type) == 2 ? Type::B32 : Type::B64;
    }
    Draft d = begin(isa().integer(which, type), "int");
    d.reads(Slot::A, source(operand(1), type));
    if (!one) d.reads(Slot::B, source(operand(2), type));
    if (three) d.reads(Slot::C, source(operand(3), wide));
    d.writes(Slot::D, destination(operand(0), wide));
    add(std::move(d));
}

void Translator::floatArithmetic() {
    const std::string& op = instruction().opcode;
    Modifiers& m = modifiers();
    if (op == "div") {
        bool full = m.take("full"), approx = m.take("approx");
        if (full && approx) throw TranslateError("takes .approx or .full");
        if (full || approx) {
            bool ftz = m.take("ftz");
            if (m.needType() != Type::F32) throw TranslateError("approximate division exists for .f32 only");
            operands(3);
            Draft d = begin(approximateHandler(full ? Approx::DivFull : Approx::Div, Type::F32, ftz), "special");
            d.reads(Slot::A, source(operand(1), Type::F32)).reads(Slot::B, source(operand(2), Type::F32));
            add(std::move(d.writes(Slot::D, destination(operand(0), Type::F32))));
            return;
        }
    }
    const std::string rounding = m.takeOne({"rn", "rz", "rm", "rp"});
    const bool ftz = m.take("ftz"), sat = m.take("sat"), relu = m.take("relu");
    const Type type = m.needType();
    if (!ptx::isFloat(type) || type == Type::Tf32) throw TranslateError("needs a floating-point type");
    if (isNarrow(type) && !rounding.empty() && rounding != "rn") throw TranslateError("16-bit arithmetic rounds to nearest only");
    if (type == Type::F64 && (ftz || sat)) throw TranslateError(".ftz and .sat do not exist for .f64");
    bool bf = type == Type::Bf16 || type == Type::Bf16x2;
    if (bf && ((ftz) || sat)) throw TranslateError(".ftz and .sat do not exist for bf16");
    static const std::map<std::string, FloatOp> ops = {{"add", FloatOp::Add}, {"sub", FloatOp::Sub}, {"mul", FloatOp::Mul}, {"fma", FloatOp::Fma},
                                                       {"mad", FloatOp::Fma}, {"div", FloatOp::Div}, {"abs", FloatOp::Abs}, {"neg", FloatOp::Neg}};
    auto it = ops.find(op);
    if (it == ops.end()) throw TranslateError("does not exist for floating point");
    FloatOp which = it->second;
    if (op == "mad" && type != Type::F32 && type != Type::F64) throw TranslateError("exists for .f32 and .f64 only");
    if (rounding.empty() && (which == FloatOp::Fma || which == FloatOp::Div)) throw TranslateError("needs a rounding modifier");
    if (relu) {
        if (which != FloatOp::Fma || !isNarrow(type) || sat) throw TranslateError(".relu exists for 16-bit fma only");
        which = FloatOp::FmaRelu;
    }
    const bool one = which == FloatOp::Abs || which == FloatOp::Neg, three = which == FloatOp::Fma || which == FloatOp::FmaRelu;
    if (one && (!rounding.empty() || sat)) throw TranslateError("takes no rounding or .sat");
    if (which == FloatOp::Div && sat) throw TranslateError("takes no .sat");
    operands(one ? 2 : three ? 4 : 3);
    Draft d = begin(isa().floating(which, type, ftz, sat), floatMix(type));
    applyRounding(d, roundingNamed(rounding));
    d.reads(Slot::A, source(operand(1), type));
    if (!one) d.reads(Slot::B, source(operand(2), type));
    if (three) d.reads(Slot::C, source(operand(3), type));
    add(std::move(d.writes(Slot::D, destination(operand(0), type))));
}

void Translator::minMax() {
    Modifiers& m = modifiers();
    const bool max = instruction().opcode == "max";
    const bool ftz = m.take("ftz"), nan = m.take("NaN"), xorsign = m.take("xorsign"), abs = m.take("abs");
    const Type type = m.needType();
    operands(3);
    Handler handler;
    if (ptx::isFloat(type)) {
        if (xorsign != abs) throw TranslateError(".xorsign and .abs come together");
        if (ftz && (type == Type::Bf16 || type == Type::Bf16x2)) throw TranslateError(".ftz does not exist for bf16");
        if (type == Type::F64 && (ftz || nan || xorsign)) throw TranslateError("these modifiers do not exist for .f64");
        FloatOp op;
        if (xorsign) op = nan ? (max ? FloatOp::MaxNanXorsign : FloatOp::MinNanXorsign) : (max ? FloatOp::MaxXorsign : FloatOp::MinXorsign);
        else op = nan ? (max ? FloatOp::MaxNan : FloatOp::MinNan) : (max ? FloatOp::Max : FloatOp::Min);
        handler = isa().floating(op, type, ftz, false);
    } else {
        if (ftz || nan || xorsign || abs) throw TranslateError("these modifiers exist for floating point only");
        handler = isa().integer(max ? IntOp::Max : IntOp::Min, type);
    }
    Draft d = begin(handler, ptx::isFloat(type) ? floatMix(type) : "int");
    d.reads(Slot::A, source(operand(1), type)).reads(Slot::B, source(operand(2), type));
    add(std::move(d.writes(Slot::D, destination(operand(0), type))));
}

void Translator::approximate() {
    const std::string& op = instruction().opcode;
    Modifiers& m = modifiers();
    const bool approx = m.take("approx");
    const std::string rounding = m.takeOne({"rn", "rz", "rm", "rp"});
    const bool ftz = m.take("ftz");
    const Type type = m.needType();
    operands(2);
    Draft d;
    if (!rounding.empty()) {
        if (approx || (op != "rcp" && op != "sqrt") || (type != Type::F32 && type != Type::F64)) throw TranslateError("this form does not exist");
        if (type == Type::F64 && ftz) throw TranslateError(".ftz does not exist for .f64 here");
        d = begin(isa().floating(op == "rcp" ? FloatOp::Rcp : FloatOp::Sqrt, type, ftz, false), floatMix(type));
        applyRounding(d, roundingNamed(rounding));
    } else {
        if (!approx) throw TranslateError("needs .approx or a rounding modifier");
        static const std::map<std::string, Approx> ops = {{"rcp", Approx::Rcp}, {"sqrt", Approx::Sqrt}, {"rsqrt", Approx::Rsqrt},
                                                          {"sin", Approx::Sin}, {"cos", Approx::Cos}, {"lg2", Approx::Lg2},
                                                          {"ex2", Approx::Ex2}, {"tanh", Approx::Tanh}};
        if (type == Type::F64 && op == "rcp" && !ftz) throw TranslateError("rcp.approx.f64 needs .ftz");
        d = begin(approximateHandler(ops.at(op), type, ftz), "special");
    }
    d.reads(Slot::A, source(operand(1), type));
    add(std::move(d.writes(Slot::D, destination(operand(0), type))));
}

void Translator::testProperty() {
    Modifiers& m = modifiers();
    static const std::map<std::string, FloatOp> ops = {{"finite", FloatOp::TestFinite}, {"infinite", FloatOp::TestInfinite},
                                                       {"number", FloatOp::TestNumber}, {"notanumber", FloatOp::TestNotanumber},
                                                       {"normal", FloatOp::TestNormal}, {"subnormal", FloatOp::TestSubnormal}};
    std::string property = m.takeOne({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
    if (property.empty()) throw TranslateError("the property is missing");
    Type type = m.needType();
    if (type != Type::F32 && type != Type::F64) throw TranslateError("exists for .f32 and .f64 only");
    operands(2);
    Draft d = begin(isa().floating(ops.at(property), type, false, false), "compare");
    d.reads(Slot::A, source(operand(1), type));
    add(std::move(d.writes(Slot::D, predicateDestination(operand(0)))));
}

void Translator::copySign() {
    Type type = modifiers().needType();
    if (type != Type::F32 && type != Type::F64) throw TranslateError("exists for .f32 and .f64 only");
    operands(3);
    Draft d = begin(isa().floating(FloatOp::Copysign, type, false, false), floatMix(type));
    d.reads(Slot::A, source(operand(1), type)).reads(Slot::B, source(operand(2), type));
    add(std::move(d.writes(Slot::D, destination(operand(0), type))));
}

void Translator::dotProduct() {
    Modifiers& m = modifiers();
    bool four = instruction().opcode == "dp4a";
    std::string half = four ? "" : m.takeOne({"lo", "hi"});
    if (!four && half.empty()) throw TranslateError("needs .lo or .hi");
    Type a = m.needType(), b = m.needType();
    if ((a != Type::U32 && a != Type::S32) || (b != Type::U32 && b != Type::S32)) throw TranslateError("needs .u32 or .s32");
    IntOp first = four ? IntOp::Dp4aUU : half == "lo" ? IntOp::Dp2aLoUU : IntOp::Dp2aHiUU;
    int variant = (ptx::isSigned(a) ? 2 : 0) + (ptx::isSigned(b) ? 1 : 0);
    operands(4);
    Draft d = begin(isa().integer(static_cast<IntOp>(static_cast<int>(first) + variant), Type::U32), "int");
    d.reads(Slot::A, source(operand(1), a)).reads(Slot::B, source(operand(2), b)).reads(Slot::C, source(operand(3), Type::B32));
    add(std::move(d.writes(Slot::D, destination(operand(0), Type::B32))));
}

}  // namespace vgpu
