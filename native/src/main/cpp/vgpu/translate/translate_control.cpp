// Branches, calls and block barriers.
#include "exec/builtins.hpp"
#include "exec/warp_ops.hpp"
#include "translate/translator.hpp"

namespace vgpu {

using ptx::Type;

void Translator::branch() {
    modifiers().take("uni");
    operands(1);
    if (operand(0).kind != Operand::Name) throw TranslateError("expected a label");
    Draft d = begin(nullptr, "control", Control::Branch);
    d.instr.flag = instruction().guard.empty() ? 0 : 1;
    uint32_t pc = add(std::move(d));
    fixes_.push_back({pc, 0, false, operand(0).name, scopeIds_, statement_->line});
}

void Translator::branchIndexed() {
    if (!modifiers().take("idx")) throw TranslateError("is written brx.idx");
    modifiers().take("uni");
    operands(2);
    auto table = branchTables_.find(operand(1).name);
    if (table == branchTables_.end()) throw TranslateError("branch table '" + operand(1).name + "' is not declared before its use");
    Draft d = begin(nullptr, "control", Control::BranchIndexed);
    d.instr.flag = instruction().guard.empty() ? 0 : 1;
    d.reads(Slot::A, source(operand(0), Type::U32));
    std::vector<uint32_t>& targets = b_.program().targets;
    d.instr.imm = static_cast<int64_t>(targets.size());
    d.instr.target = static_cast<uint32_t>(table->second.size());
    uint32_t pc = add(std::move(d));
    for (const std::string& label : table->second) {
        fixes_.push_back({pc, static_cast<uint32_t>(targets.size()), true, label, scopeIds_, statement_->line});
        targets.push_back(0);
    }
}

void Translator::leave() {
    if (instruction().opcode == "ret") modifiers().take("uni");
    operands(0);
    Draft d = begin(nullptr, "control", instruction().opcode == "exit" ? Control::Exit : Control::Return);
    d.instr.flag = instruction().guard.empty() ? 0 : 1;
    add(std::move(d));
}

void Translator::copyCall(CallSite& site, Draft& d, const std::vector<Operand>& list, bool results) {
    std::vector<CallSite::Argument>& arguments = results ? site.results : site.arguments;
    for (const Operand& o : list) {
        CallSite::Argument a;
        if (o.kind == Operand::Name) {
            const Name* n = find(o.name);
            if (n == nullptr) throw TranslateError("'" + o.name + "' is not known");
            if (n->kind == Name::SharedVariable) throw TranslateError("'" + o.name + "' is not a parameter");
            if (n->kind == Name::FrameVariable) {
                a.source = frameOffset_ + n->offset;
                a.size = static_cast<uint32_t>(n->size);
            } else {
                a.fromRow = true;
                a.size = b_.bytesOf(n->reg);
                if (a.size == 0) throw TranslateError("a predicate cannot be an argument");
                if (results) d.writes(Slot::CallResult, n->reg, static_cast<uint32_t>(arguments.size()));
                else d.reads(Slot::CallArgument, n->reg, static_cast<uint32_t>(arguments.size()));
            }
        } else if (o.kind == Operand::Integer && !results) {
            a.fromRow = true;
            a.size = 8;
            d.reads(Slot::CallArgument, b_.constant(o.bits, 8), static_cast<uint32_t>(arguments.size()));
        } else if (o.kind != Operand::Sink) {
            throw TranslateError("this kind of argument is not implemented");
        }
        arguments.push_back(a);
    }
}

void Translator::call() {
    modifiers().take("uni");
    const auto& all = instruction().operands;
    size_t i = 0;
    static const std::vector<Operand> none;
    const std::vector<Operand>& results = i < all.size() && all[i].kind == Operand::List ? all[i++].elements : none;
    if (i >= all.size() || all[i].kind != Operand::Name) throw TranslateError("expected a function");
    const Operand& target = all[i++];
    const std::vector<Operand>& arguments = i < all.size() && all[i].kind == Operand::List ? all[i++].elements : none;
    bool hasPrototype = i < all.size() && all[i].kind == Operand::Name;
    if (hasPrototype) ++i;
    if (i != all.size()) throw TranslateError("too many operands");

    CallSite site;
    Draft d = begin(nullptr, "control", Control::Call);
    d.info.poison = PoisonRule::None;
    const Name* n = find(target.name);
    if (n != nullptr) {
        if (n->kind != Name::RegisterName || b_.bytesOf(n->reg) != 8) throw TranslateError("an indirect call needs a 64-bit register");
        if (!hasPrototype) throw TranslateError("an indirect call needs a prototype or a list of targets");
        site.indirect = true;
        d.reads(Slot::CallPointer, n->reg);
    } else {
        auto inProgram = functionsInProgram_.find(target.name);
        if (inProgram != functionsInProgram_.end()) {
            site.function = inProgram->second;
            const FunctionCode& callee = b_.program().functions[site.function];
            if (callee.parameters.size() != arguments.size() || callee.results.size() != results.size()) {
                throw TranslateError("function '" + target.name + "' takes " + std::to_string(callee.parameters.size()) + " arguments and gives " +
                                     std::to_string(callee.results.size()) + " results");
            }
        } else {
            site.builtin = builtinNamed(target.name);
            if (site.builtin == CallSite::NotBuiltin) throw TranslateError("function '" + target.name + "' has no body and is not a system call that is implemented");
            if (arguments.size() != builtinArity(site.builtin)) throw TranslateError("'" + target.name + "' takes " + std::to_string(builtinArity(site.builtin)) + " arguments");
        }
    }
    copyCall(site, d, arguments, false);
    copyCall(site, d, results, true);
    d.reads(Slot::CallBase, frameRegister());
    d.instr.target = static_cast<uint32_t>(b_.program().calls.size());
    b_.program().calls.push_back(std::move(site));
    add(std::move(d));
}

void Translator::barrierSync() {
    Modifiers& m = modifiers();
    if (instruction().opcode == "bar" && m.take("warp")) {
        warpBarrier();
        return;
    }
    if (m.take("cluster")) throw TranslateError("cluster barriers are not implemented (sm_90)");
    m.take("cta");
    BarrierSite site;
    const bool isBar = instruction().opcode == "bar";
    std::string kind = m.takeOne({"sync", "arrive", "red"});
    if (kind.empty()) throw TranslateError("needs .sync, .arrive or .red");
    site.aligned = isBar || m.take("aligned");
    Draft d = begin(nullptr, "barrier", Control::Barrier);
    size_t first = 0, count = instruction().operands.size();
    Type result = Type::None;
    if (kind == "red") {
        site.kind = BarrierSite::Reduce;
        std::string op = m.takeOne({"popc", "and", "or"});
        if (op.empty()) throw TranslateError("needs .popc, .and or .or");
        site.reduction = op == "popc" ? BarrierSite::Popc : op == "and" ? BarrierSite::And : BarrierSite::Or;
        result = m.needType();
        if ((op == "popc") != (result == Type::U32) || (op != "popc" && result != Type::Pred)) throw TranslateError("the result's type is wrong");
        operands(3, 4);
        Register r = predicate(operand(count - 1), &site.negatePredicate);
        d.reads(Slot::BarrierPredicate, r);
        --count;
        first = 1;
    } else {
        site.kind = kind == "sync" ? BarrierSite::Sync : BarrierSite::Arrive;
        operands(kind == "arrive" ? 2 : 1, 2);
    }
    auto constant = [&](size_t i) { return operand(i).kind == Operand::Integer; };
    if (constant(first) && operand(first).bits > 15) throw TranslateError("a block has barriers 0 to 15");
    if (count > first + 1 && constant(first + 1) && (operand(first + 1).bits == 0 || operand(first + 1).bits > 1024 || operand(first + 1).bits % 32 != 0)) {
        throw TranslateError("the number of threads is a multiple of 32 from 32 to 1024");
    }
    d.reads(Slot::BarrierId, source(operand(first), Type::U32));
    bool plainZero = operand(first).kind == Operand::Integer && operand(first).bits == 0;
    site.hasCount = count > first + 1;
    d.reads(Slot::BarrierCount, site.hasCount ? source(operand(first + 1), Type::U32) : b_.constant(0, 4));
    if (site.hasCount || !plainZero || site.kind == BarrierSite::Arrive) b_.program().usesPartialBarriers = true;
    d.instr.imm = static_cast<int64_t>(b_.program().barriers.size());
    b_.program().barriers.push_back(site);
    if (kind == "red") d.writes(Slot::D, result == Type::Pred ? predicateDestination(operand(0)) : destination(operand(0), result));
    add(std::move(d));
}

void Translator::warpBarrier() {
    if (!modifiers().take("sync")) throw TranslateError("is written bar.warp.sync");
    operands(1);
    Draft d = begin(nothing, "barrier", Control::Convergent);
    d.instr.run = nothing;
    d.instr.flag = 0xff;  // lanes may meet from different places
    d.reads(Slot::Sync, source(operand(0), Type::B32));
    add(std::move(d));
}

void Translator::sleep() {
    if (modifiers().needType() != Type::U32) throw TranslateError("exists for .u32 only");
    operands(1);
    Draft d = begin(nothing, "control", Control::Yield);
    add(std::move(d.reads(Slot::A, source(operand(0), Type::U32))));
    b_.program().sleeps = true;
}

void Translator::trapNow() {
    if (instruction().opcode == "pmevent") {
        operands(1);
        modifiers().take("mask");
        immediate(operand(0), "the event");
        add(begin(nothing, "control"));
        return;
    }
    operands(0);
    add(begin(vgpu::trap, "control"));
}

}  // namespace vgpu
