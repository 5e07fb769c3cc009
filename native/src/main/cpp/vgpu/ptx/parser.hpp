// PTX tokens to a syntax tree. Strict: a directive that is not known is an error.
#pragma once

#include "ptx/ast.hpp"
#include "ptx/lexer.hpp"

#include <string_view>

namespace vgpu::ptx {

/// Throws SyntaxError.
ModuleAst parse(std::string_view text);

}  // namespace vgpu::ptx
