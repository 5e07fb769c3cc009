#include "translate/call_graph.hpp"

namespace vgpu {

namespace {

void collectNames(const ptx::Operand& o, std::set<std::string>& names) {
    if (!o.name.empty()) names.insert(o.name);
    for (const ptx::Operand& e : o.elements) collectNames(e, names);
}

/// The operand of a call that names its target.
const ptx::Operand* callTarget(const ptx::Instruction& i) {
    if (i.opcode != "call") return nullptr;
    for (const ptx::Operand& o : i.operands) {
        if (o.kind == ptx::Operand::Name) return &o;
    }
    return nullptr;
}

}  // namespace

std::set<std::string> CallGraph::callees(const ptx::Function& f) {
    std::set<std::string> found;
    for (const ptx::Statement& s : f.body) {
        if (s.kind != ptx::Statement::Instr) continue;
        const ptx::Operand* target = callTarget(s.instruction);
        if (target == nullptr) continue;
        if (symbols_.functions.count(target->name) != 0) found.insert(target->name);
        else found.insert(addressTaken_.begin(), addressTaken_.end());
    }
    return found;
}

CallGraph::CallGraph(const ModuleSymbols& symbols, const ptx::ModuleAst& module, const ptx::Function& entry) : symbols_(symbols) {
    for (const auto& v : module.variables) {
        for (const auto& value : v.init) {
            if (symbols.functions.count(value.symbol) != 0) addressTaken_.insert(value.symbol);
        }
    }
    for (const auto& f : module.functions) {
        for (const ptx::Statement& s : f->body) {
            if (s.kind != ptx::Statement::Instr || s.instruction.opcode == "call") continue;
            std::set<std::string> names;
            for (const ptx::Operand& o : s.instruction.operands) collectNames(o, names);
            for (const std::string& name : names) {
                if (symbols.functions.count(name) != 0) addressTaken_.insert(name);
            }
        }
    }
    std::map<std::string, size_t> numbers;
    std::vector<std::set<std::string>> edges;
    functions_.push_back(&entry);
    numbers[entry.name] = 0;
    for (size_t i = 0; i < functions_.size(); ++i) {
        edges.push_back(callees(*functions_[i]));
        for (const std::string& name : edges.back()) {
            const ptx::Function* f = symbols.functions.at(name).function;
            if (!f->isDeclaration && !f->isEntry && numbers.emplace(name, functions_.size()).second) functions_.push_back(f);
        }
        for (const ptx::Statement& s : functions_[i]->body) {
            for (const ptx::Operand& o : s.instruction.operands) collectNames(o, names_);
        }
    }
    // A function is recursive if it can reach itself.
    recursive_.assign(functions_.size(), false);
    for (size_t start = 1; start < functions_.size(); ++start) {
        std::vector<bool> seen(functions_.size(), false);
        std::vector<size_t> work{start};
        while (!work.empty() && !recursive_[start]) {
            size_t at = work.back();
            work.pop_back();
            for (const std::string& name : edges[at]) {
                auto it = numbers.find(name);
                if (it == numbers.end()) continue;
                if (it->second == start) recursive_[start] = true;
                if (!seen[it->second]) {
                    seen[it->second] = true;
                    work.push_back(it->second);
                }
            }
        }
    }
}

}  // namespace vgpu
