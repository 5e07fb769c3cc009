// Which functions a kernel can reach.
#pragma once

#include "translate/translator.hpp"

#include <set>

namespace vgpu {

class CallGraph {
public:
    CallGraph(const ModuleSymbols& symbols, const ptx::ModuleAst& module, const ptx::Function& entry);

    /// The kernel first, then every function with a body that it may call.
    const std::vector<const ptx::Function*>& functions() const { return functions_; }
    bool recursive(size_t i) const { return recursive_[i]; }
    /// Every name that occurs in an operand.
    const std::set<std::string>& names() const { return names_; }

private:
    std::set<std::string> callees(const ptx::Function& f);

    const ModuleSymbols& symbols_;
    std::set<std::string> addressTaken_;
    std::vector<const ptx::Function*> functions_;
    std::vector<bool> recursive_;
    std::set<std::string> names_;
};

}  // namespace vgpu
