// The frame of the translator: declarations, scopes, labels and the choice of a family.
#include "translate/translator.hpp"

#include "translate/control_flow.hpp"

#include <unordered_map>

namespace vgpu {

using ptx::Space;
using ptx::Statement;
using ptx::Type;

namespace {
constexpr uint32_t MAX_PROBLEMS = 20;

uint32_t alignUp(uint64_t value, uint32_t alignment) { return static_cast<uint32_t>((value + alignment - 1) / alignment * alignment); }
}  // namespace

void ProblemLog::add(uint32_t line, const std::string& message) {
    if (++count > MAX_PROBLEMS) return;
    text += "ptx line " + std::to_string(line) + ": " + message + "\n";
}

FrameLayout layoutFrame(const ptx::Function& f) {
    FrameLayout layout;
    uint64_t at = 0;
    auto place = [&](const ptx::Variable& v) {
        // Generously aligned, so that vector accesses that the source's own alignment promises stay aligned.
        at = alignUp(at, std::max<uint32_t>(v.align(), 8));
        uint32_t offset = static_cast<uint32_t>(at);
        at += v.bytes();
        if (at > (1u << 24)) throw TranslateError("local memory of function '" + f.name + "' exceeds 16 MiB a thread");
        return offset;
    };
    if (!f.isEntry) {
        for (const auto& p : f.parameters) layout.parameters.push_back({place(p), static_cast<uint32_t>(p.bytes()), p.align()});
        for (const auto& r : f.returns) layout.results.push_back({place(r), static_cast<uint32_t>(r.bytes()), r.align()});
    }
    for (size_t i = 0; i < f.body.size(); ++i) {
        const Statement& s = f.body[i];
        if (s.kind != Statement::Declaration) continue;
        if (s.variable.space == Space::Local || s.variable.space == Space::Param) layout.declarations[i] = place(s.variable);
    }
    layout.bytes = alignUp(at, 16);
    return layout;
}

Translator::Translator(ProgramBuilder& builder, const ModuleSymbols& symbols, const ptx::Function& function, const FrameLayout& frame,
                       uint32_t frameOffset, bool recursive, KernelInfo& kernel, const std::map<std::string, uint32_t>& functionsInProgram,
                       ProblemLog& problems)
    : b_(builder), symbols_(symbols), function_(function), frame_(frame), frameOffset_(frameOffset), recursive_(recursive), kernel_(kernel),
      functionsInProgram_(functionsInProgram), problems_(problems) {}

void Translator::run() {
    uint32_t begin = b_.size();
    scopes_.emplace_back();
    scopeIds_.push_back(nextScope_++);
    if (!function_.isEntry) {
        auto bind = [&](const std::vector<ptx::Variable>& list, const std::vector<Parameter>& places) {
            for (size_t i = 0; i < list.size(); ++i) {
                if (list[i].space != Space::Param) {
                    problems_.add(list[i].line, "parameter '" + list[i].name + "' of function '" + function_.name + "' is in register space; only .param is implemented");
                    continue;
                }
                Name n;
                n.kind = Name::FrameVariable;
                n.offset = places[i].offset;
                n.size = places[i].size;
                scopes_.back()[list[i].name] = n;
            }
        };
        bind(function_.parameters, frame_.parameters);
        bind(function_.returns, frame_.results);
    }
    for (size_t i = 0; i < function_.body.size(); ++i) statement(i);
    // A function whose last statement is not a jump returns.
    Draft end;
    end.instr.control = Control::Return;
    end.info.ptxLine = function_.body.empty() ? function_.line : function_.body.back().line;
    end.info.text = b_.opcode("ret");
    end.info.mix = b_.mix("control");
    end.reads(Slot::Guard, b_.always());
    add(std::move(end));
    resolveLabels();
    if (problems_.count == 0) ControlFlow::setJoins(b_.program(), begin, b_.size());
}

void Translator::statement(size_t index) {
    const Statement& s = function_.body[index];
    switch (s.kind) {
        case Statement::ScopeBegin:
            scopes_.emplace_back();
            scopeIds_.push_back(nextScope_++);
            break;
        case Statement::ScopeEnd:
            scopes_.pop_back();
            scopeIds_.pop_back();
            break;
        case Statement::Label: {
            std::string name = s.label + "@" + std::to_string(scopeIds_.back());
            if (!labels_.emplace(name, b_.size()).second) problems_.add(s.line, "label '" + s.label + "' is defined twice");
            break;
        }
        case Statement::Declaration:
            try {
                declare(s.variable, index);
            } catch (const TranslateError& e) {
                problems_.add(s.line, e.what());
            }
            break;
        case Statement::BranchTargets: branchTables_[s.label] = s.names; break;
        case Statement::CallTargets:
        case Statement::CallPrototype: break;  // calls are checked against the function that is called
        case Statement::Instr: instructionAt(s); break;
    }
}

void Translator::declare(const ptx::Variable& v, size_t index) {
    auto insert = [&](const std::string& name, const Name& n) {
        if (!scopes_.back().emplace(name, n).second) throw TranslateError("'" + name + "' is declared twice");
    };
    Name n;
    switch (v.space) {
        case Space::Reg: {
            if (v.vector != 1 || v.isArray) throw TranslateError("vector register '" + v.name + "' is not implemented");
            uint32_t bytes = ptx::sizeOf(v.type);
            if (v.type != Type::Pred && bytes < 2) bytes = 2;
            if (v.type == Type::B128) throw TranslateError("128-bit register '" + v.name + "' is not implemented");
            if (v.range == 0) {
                n.reg = b_.newRegister(bytes);
                insert(v.name, n);
            } else if (v.range != UINT32_MAX) {
                for (uint32_t i = 0; i < v.range; ++i) {
                    n.reg = b_.newRegister(bytes);
                    insert(v.name + std::to_string(i), n);
                }
            }
            break;
        }
        case Space::Local:
        case Space::Param:
            n.kind = Name::FrameVariable;
            n.offset = frame_.declarations.at(index);
            n.size = v.bytes();
            insert(v.name, n);
            break;
        case Space::Shared: {
            n.kind = Name::SharedVariable;
            uint64_t at = alignUp(kernel_.staticSharedBytes, std::max<uint32_t>(v.align(), 1));
            n.offset = static_cast<uint32_t>(at);
            n.size = v.bytes();
            if (at + v.bytes() > (1u << 24)) throw TranslateError("shared memory is too large");
            kernel_.staticSharedBytes = static_cast<uint32_t>(at + v.bytes());
            insert(v.name, n);
            break;
        }
        default: throw TranslateError("declaration of '" + v.name + "' inside a function is not implemented");
    }
}

void Translator::instructionAt(const Statement& s) {
    statement_ = &s;
    instruction_ = &s.instruction;
    Modifiers modifiers(s.instruction.modifiers);
    modifiers_ = &modifiers;
    try {
        dispatch();
        modifiers.finish();
    } catch (const TranslateError& e) {
        problems_.add(s.line, "'" + s.instruction.text() + "': " + e.what());
    }
    modifiers_ = nullptr;
}

void Translator::dispatch() {
    using Family = void (Translator::*)();
    static const std::unordered_map<std::string, Family> families = {
        {"add", &Translator::integerArithmetic}, {"sub", &Translator::integerArithmetic}, {"mul", &Translator::integerArithmetic},
        {"mad", &Translator::integerArithmetic}, {"mul24", &Translator::integerArithmetic}, {"mad24", &Translator::integerArithmetic},
        {"sad", &Translator::integerArithmetic}, {"div", &Translator::integerArithmetic}, {"rem", &Translator::integerArithmetic},
        {"abs", &Translator::integerArithmetic}, {"neg", &Translator::integerArithmetic}, {"addc", &Translator::integerArithmetic},
        {"subc", &Translator::integerArithmetic}, {"madc", &Translator::integerArithmetic}, {"fma", &Translator::floatArithmetic},
        {"min", &Translator::minMax}, {"max", &Translator::minMax}, {"rcp", &Translator::approximate}, {"sqrt", &Translator::approximate},
        {"rsqrt", &Translator::approximate}, {"sin", &Translator::approximate}, {"cos", &Translator::approximate},
        {"lg2", &Translator::approximate}, {"ex2", &Translator::approximate}, {"tanh", &Translator::approximate},
        {"and", &Translator::logic}, {"or", &Translator::logic}, {"xor", &Translator::logic}, {"not", &Translator::logic},
        {"cnot", &Translator::logic}, {"lop3", &Translator::logic}, {"shl", &Translator::shift}, {"shr", &Translator::shift},
        {"shf", &Translator::shift}, {"popc", &Translator::bitField}, {"clz", &Translator::bitField}, {"bfind", &Translator::bitField},
        {"fns", &Translator::bitField}, {"brev", &Translator::bitField}, {"bfe", &Translator::bitField}, {"bfi", &Translator::bitField},
        {"szext", &Translator::bitField}, {"bmsk", &Translator::bitField}, {"prmt", &Translator::bitField},
        {"dp4a", &Translator::dotProduct}, {"dp2a", &Translator::dotProduct}, {"setp", &Translator::compare}, {"set", &Translator::set},
        {"selp", &Translator::select}, {"slct", &Translator::select}, {"testp", &Translator::testProperty}, {"copysign", &Translator::copySign},
        {"mov", &Translator::move}, {"cvt", &Translator::convertType}, {"cvta", &Translator::convertAddress}, {"isspacep", &Translator::isSpacep},
        {"ld", &Translator::load}, {"ldu", &Translator::load}, {"st", &Translator::store}, {"prefetch", &Translator::prefetch},
        {"prefetchu", &Translator::prefetch}, {"applypriority", &Translator::prefetch},
        {"atom", &Translator::atomic}, {"red", &Translator::atomic}, {"cp", &Translator::asyncCopies}, {"membar", &Translator::fence},
        {"fence", &Translator::fence}, {"bra", &Translator::branch}, {"brx", &Translator::branchIndexed}, {"call", &Translator::call},
        {"ret", &Translator::leave}, {"exit", &Translator::leave}, {"bar", &Translator::barrierSync}, {"barrier", &Translator::barrierSync},
        {"shfl", &Translator::shuffle}, {"vote", &Translator::vote}, {"match", &Translator::match}, {"redux", &Translator::redux},
        {"elect", &Translator::electLane}, {"activemask", &Translator::activeMaskOf}, {"ldmatrix", &Translator::matrixLoad},
        {"stmatrix", &Translator::matrixStore}, {"movmatrix", &Translator::matrixTransposition},
        {"mma", &Translator::matrixMultiply}, {"nanosleep", &Translator::sleep}, {"trap", &Translator::trapNow}, {"brkpt", &Translator::trapNow},
        {"pmevent", &Translator::trapNow},
    };
    auto it = families.find(instruction_->opcode);
    if (it == families.end()) throw TranslateError("this instruction is not implemented");
    (this->*it->second)();
}

const Translator::Name* Translator::find(const std::string& name) const {
    for (size_t i = scopes_.size(); i-- > 0;) {
        auto it = scopes_[i].find(name);
        if (it != scopes_[i].end()) return &it->second;
    }
    return nullptr;
}

Draft Translator::begin(Handler handler, const char* mix, Control control) {
    if (handler == nullptr && control == Control::None) throw TranslateError("this form is not implemented");
    Draft d;
    d.instr.run = handler;
    d.instr.control = control;
    d.info.ptxLine = statement_->line;
    d.info.location = statement_->location;
    d.info.text = b_.opcode(instruction_->text());
    d.info.mix = b_.mix(mix);
    if (instruction_->guard.empty()) {
        d.reads(Slot::Guard, b_.always());
        return d;
    }
    Register guard = findRegister(instruction_->guard);
    if (b_.bytesOf(guard) != 0) throw TranslateError("guard '" + instruction_->guard + "' is not a predicate");
    d.reads(Slot::Guard, guard);
    if (instruction_->guardNegated) d.instr.negate = ~0u;
    return d;
}

void Translator::resolveLabels() {
    for (const Fix& fix : fixes_) {
        uint32_t target = UINT32_MAX;
        for (size_t i = fix.scopes.size(); i-- > 0 && target == UINT32_MAX;) {
            auto it = labels_.find(fix.label + "@" + std::to_string(fix.scopes[i]));
            if (it != labels_.end()) target = it->second;
        }
        if (target == UINT32_MAX) {
            problems_.add(fix.line, "label '" + fix.label + "' is not defined");
            continue;
        }
        if (fix.isTable) b_.program().targets[fix.table] = target;
        else b_.program().code[fix.pc].target = target;
    }
}

}  // namespace vgpu
