// Instructions across the lanes of a warp, and matrices.
#include "exec/mma.hpp"
#include "exec/warp_ops.hpp"
#include "translate/translator.hpp"

namespace vgpu {

using ptx::Space;
using ptx::Type;

namespace {
void needSync(Modifiers& m) {
    if (!m.take("sync")) throw TranslateError("the form without .sync does not exist since sm_70");
}
}  // namespace

void Translator::shuffle() {
    Modifiers& m = modifiers();
    needSync(m);
    std::string name = m.takeOne({"up", "down", "bfly", "idx"});
    if (name.empty() || m.needType() != Type::B32) throw TranslateError("is written shfl.sync.{up,down,bfly,idx}.b32");
    ShuffleMode mode = name == "up" ? ShuffleMode::Up : name == "down" ? ShuffleMode::Down : name == "bfly" ? ShuffleMode::Bfly : ShuffleMode::Idx;
    operands(5);
    Draft d = begin(shuffleHandler(mode), "warp", Control::Convergent);
    d.info.poison = PoisonRule::Shuffle;
    d.instr.size = static_cast<uint8_t>(mode);
    d.reads(Slot::A, source(operand(1), Type::B32)).reads(Slot::B, source(operand(2), Type::B32)).reads(Slot::C, source(operand(3), Type::B32));
    d.reads(Slot::Sync, source(operand(4), Type::B32));
    d.instr.e = Instr::SINK;
    const Operand& to = operand(0);
    if (to.kind == Operand::Pair) {
        d.writes(Slot::D, destination(to.elements[0], Type::B32));
        if (to.elements[1].kind != Operand::Sink) d.writes(Slot::E, predicateDestination(to.elements[1]));
    } else {
        d.writes(Slot::D, destination(to, Type::B32));
    }
    add(std::move(d));
}

void Translator::vote() {
    Modifiers& m = modifiers();
    needSync(m);
    std::string name = m.takeOne({"all", "any", "uni", "ballot"});
    if (name.empty()) throw TranslateError("needs .all, .any, .uni or .ballot");
    VoteMode mode = name == "all" ? VoteMode::All : name == "any" ? VoteMode::Any : name == "uni" ? VoteMode::Uni : VoteMode::Ballot;
    Type type = m.needType();
    if (type != (mode == VoteMode::Ballot ? Type::B32 : Type::Pred)) throw TranslateError("the type is wrong");
    operands(3);
    bool negated = false;
    Register p = predicate(operand(1), &negated);
    Draft d = begin(voteHandler(mode), "warp", Control::Convergent);
    d.info.poison = PoisonRule::WarpWide;
    d.instr.flag = negated ? 1 : 0;
    d.reads(Slot::A, p).reads(Slot::Sync, source(operand(2), Type::B32));
    add(std::move(d.writes(Slot::D, mode == VoteMode::Ballot ? destination(operand(0), type) : predicateDestination(operand(0)))));
}

void Translator::match() {
    Modifiers& m = modifiers();
    std::string name = m.takeOne({"any", "all"});
    needSync(m);
    Type type = m.needType();
    if (name.empty() || (type != Type::B32 && type != Type::B64)) throw TranslateError("is written match.{any,all}.sync.{b32,b64}");
    operands(3);
    Draft d = begin(matchHandler(name == "all", ptx::sizeOf(type)), "warp", Control::Convergent);
    d.info.poison = PoisonRule::WarpWide;
    d.reads(Slot::A, source(operand(1), type)).reads(Slot::Sync, source(operand(2), Type::B32));
    d.instr.e = Instr::SINK;
    const Operand& to = operand(0);
    if (to.kind == Operand::Pair) {
        if (name != "all") throw TranslateError("only .all has a predicate result");
        d.writes(Slot::D, destination(to.elements[0], Type::B32));
        if (to.elements[1].kind != Operand::Sink) d.writes(Slot::E, predicateDestination(to.elements[1]));
    } else {
        d.writes(Slot::D, destination(to, Type::B32));
    }
    add(std::move(d));
}

void Translator::redux() {
    Modifiers& m = modifiers();
    needSync(m);
    std::string name = m.takeOne({"add", "min", "max", "and", "or", "xor"});
    static const std::map<std::string, ReduxOp> ops = {{"add", ReduxOp::Add}, {"min", ReduxOp::Min}, {"max", ReduxOp::Max},
                                                       {"and", ReduxOp::And}, {"or", ReduxOp::Or}, {"xor", ReduxOp::Xor}};
    if (name.empty()) throw TranslateError("the operation is missing");
    Type type = m.needType();
    ReduxOp op = ops.at(name);
    bool logical = op >= ReduxOp::And;
    if (logical ? type != Type::B32 : type != Type::U32 && type != Type::S32) throw TranslateError("this type does not exist here");
    operands(3);
    Draft d = begin(reduxHandler(op, type), "warp", Control::Convergent);
    d.info.poison = PoisonRule::WarpWide;
    d.reads(Slot::A, source(operand(1), type)).reads(Slot::Sync, source(operand(2), Type::B32));
    add(std::move(d.writes(Slot::D, destination(operand(0), type))));
}

void Translator::electLane() {
    needSync(modifiers());
    operands(2);
    Draft d = begin(elect, "warp", Control::Convergent);
    d.reads(Slot::Sync, source(operand(1), Type::B32));
    d.instr.e = Instr::SINK;
    const Operand& to = operand(0);
    if (to.kind != Operand::Pair) throw TranslateError("writes d|p");
    d.writes(Slot::D, destination(to.elements[0], Type::B32));
    d.writes(Slot::E, predicateDestination(to.elements[1]));
    add(std::move(d));
}

void Translator::activeMaskOf() {
    if (modifiers().needType() != Type::B32) throw TranslateError("exists for .b32 only");
    operands(1);
    add(std::move(begin(activeMask, "warp").writes(Slot::D, destination(operand(0), Type::B32))));
}

void Translator::matrixLoad() {
    Modifiers& m = modifiers();
    needSync(m);
    if (!m.take("aligned") || !m.take("m8n8")) throw TranslateError("is implemented as ldmatrix.sync.aligned.m8n8");
    std::string num = m.takeOne({"x1", "x2", "x4"});
    if (num.empty()) throw TranslateError("needs .x1, .x2 or .x4");
    bool transposed = m.take("trans");
    Space space = takeSpace();
    if (m.needType() != Type::B16) throw TranslateError("exists for .b16 only");
    if (space != Space::Shared && space != Space::None) throw TranslateError("reads shared memory");
    operands(2);
    uint32_t n = num == "x1" ? 1 : num == "x2" ? 2 : 4;
    Draft d = begin(matrixLoadHandler(transposed), "ldmatrix", Control::Convergent);
    d.instr.n = static_cast<uint8_t>(n);
    d.instr.size = 16;  // rows are read whole
    describeAccess(d, Access::MatrixLoad, address(operand(1), space), space, 16);
    d.info.poison = PoisonRule::Matrix;
    for (Register r : destinations(operand(0), Type::B32, n)) d.pool(r, true);
    add(std::move(d.reads(Slot::Sync, b_.constant(~0u, 4))));
}

void Translator::matrixStore() {
    Modifiers& m = modifiers();
    needSync(m);
    if (!m.take("aligned") || !m.take("m8n8")) throw TranslateError("is implemented as stmatrix.sync.aligned.m8n8");
    std::string num = m.takeOne({"x1", "x2", "x4"});
    if (num.empty()) throw TranslateError("needs .x1, .x2 or .x4");
    bool transposed = m.take("trans");
    Space space = takeSpace();
    if (m.needType() != Type::B16) throw TranslateError("exists for .b16 only");
    if (space != Space::Shared && space != Space::None) throw TranslateError("writes shared memory");
    operands(2);
    uint32_t n = num == "x1" ? 1 : num == "x2" ? 2 : 4;
    Address a = address(operand(0), space);
    // Fragments to whole rows, and a vector store of these by the lanes that have one. Where the guard keeps the first from
    // running, the predicate stays false.
    Register holdsRow = b_.newRegister(0), words[4];
    for (Register& w : words) w = b_.newRegister(4);
    auto guardedBy = [](Draft& d, Register r) {
        d.instr.negate = 0;
        d.reads(Slot::Guard, r);
    };
    Draft none = begin(isa().integer(IntOp::PredMov, Type::Pred), "stshared");
    guardedBy(none, b_.always());
    add(std::move(none.reads(Slot::A, b_.constant(0, 0)).writes(Slot::D, holdsRow)));
    Draft rows = begin(matrixRowsHandler(transposed), "stshared", Control::Convergent);
    rows.instr.n = static_cast<uint8_t>(n);
    rows.info.poison = PoisonRule::MatrixRows;
    for (Register r : sources(operand(1), Type::B32, n)) rows.pool(r, false);
    for (Register w : words) rows.pool(w, true);
    add(std::move(rows.writes(Slot::E, holdsRow).reads(Slot::Sync, b_.constant(~0u, 4))));
    Draft store = begin(isa().store(Type::B32, 4), "stshared");
    guardedBy(store, holdsRow);
    store.instr.n = 4;
    store.instr.size = 4;
    describeAccess(store, Access::Store, a, space, 16);
    store.info.poison = PoisonRule::Store;
    for (Register w : words) store.pool(w, false);
    add(std::move(store));
}

void Translator::matrixTransposition() {
    Modifiers& m = modifiers();
    needSync(m);
    if (!m.take("aligned") || !m.take("m8n8") || !m.take("trans") || m.needType() != Type::B16) {
        throw TranslateError("is written movmatrix.sync.aligned.m8n8.trans.b16");
    }
    operands(2);
    Draft d = begin(matrixTranspose, "warp", Control::Convergent);
    d.info.poison = PoisonRule::MatrixRows;
    d.reads(Slot::A, source(operand(1), Type::B32)).reads(Slot::Sync, b_.constant(~0u, 4));
    add(std::move(d.writes(Slot::D, destination(operand(0), Type::B32))));
}

void Translator::matrixMultiply() {
    Modifiers& m = modifiers();
    if (m.take("sp") || m.takePrefix("sp::")) throw TranslateError("sparse matrices are not implemented");
    if (!m.take("sync") || !m.take("aligned")) throw TranslateError("needs .sync.aligned");
    MmaShape s;
    std::string shape = m.takeOne({"m8n8k4", "m8n8k16", "m8n8k32", "m8n8k128", "m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32", "m16n8k64", "m16n8k128", "m16n8k256"});
    if (shape.empty()) throw TranslateError("this shape is not implemented");
    s.m = shape[1] == '8' ? 8 : 16;
    s.k = static_cast<uint16_t>(std::stoul(shape.substr(shape.find('k') + 1)));
    if (!m.take("row") || !m.take("col")) throw TranslateError("only .row.col is implemented");
    s.satfinite = m.take("satfinite");
    // The type names of sub-byte operands are not types elsewhere.
    auto type = [&](const char* what) {
        std::string t = m.takeOne({"f16", "bf16", "tf32", "f32", "f64", "s8", "u8", "s4", "u4", "b1", "s32"});
        MmaType result;
        if (!mmaTypeNamed(t, result)) throw TranslateError(std::string("the type of ") + what + " is missing or not implemented");
        return result;
    };
    s.d = type("d");
    s.a = type("a");
    s.b = type("b");
    s.c = type("c");
    if (s.a == MmaType::B1) {
        std::string op = m.takeOne({"xor", "and"});
        if (op.empty() || !m.take("popc")) throw TranslateError("needs .xor.popc or .and.popc");
        s.andPopc = op == "and";
    }
    std::string problem = s.check();
    if (!problem.empty()) throw TranslateError(problem);
    operands(4);
    Draft d = begin(mmaHandler(s), "mma", Control::Convergent);
    d.info.poison = PoisonRule::MatrixMultiply;
    d.info.mmaFlops = 2u * s.m * 8u * s.k;
    d.info.mmaType = static_cast<uint8_t>(s.a);
    d.instr.imm = s.pack();
    d.instr.n = static_cast<uint8_t>(s.registersD());
    auto width = [](MmaType t) { return t == MmaType::F64 ? Type::B64 : Type::B32; };
    for (Register r : destinations(operand(0), width(s.d), s.registersD())) d.pool(r, true);
    for (Register r : sources(operand(1), width(s.a), s.registersA())) d.pool(r, false);
    for (Register r : sources(operand(2), width(s.b), s.registersB())) d.pool(r, false);
    for (Register r : sources(operand(3), width(s.c), s.registersC())) d.pool(r, false);
    add(std::move(d.reads(Slot::Sync, b_.constant(~0u, 4))));
}

}  // namespace vgpu
