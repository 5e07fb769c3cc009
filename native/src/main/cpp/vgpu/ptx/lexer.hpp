// PTX text to tokens.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vgpu::ptx {

/// A problem in the PTX text; the message does not repeat the line.
class SyntaxError : public std::runtime_error {
public:
    SyntaxError(uint32_t line, const std::string& message) : std::runtime_error(message), line(line) {}
    uint32_t line;
};

enum class TokenKind : uint8_t {
    End,
    Word,     // identifiers, registers, opcodes: %r1, $L__BB0_2, ld
    DotWord,  // directives and modifiers, text without the dot: global, L1::no_allocate
    Integer,  // bits in value
    Float32,  // bits in value: 0f...
    Float64,  // bits in value: 0d... and decimal literals
    String,
    Punct,    // one character
};

struct Token {
    TokenKind kind = TokenKind::End;
    uint32_t line = 0;
    bool adjacent = false;  // no white space before it
    std::string_view text;
    uint64_t value = 0;
};

/// The views point into text, which must outlive them. Throws SyntaxError.
std::vector<Token> tokenize(std::string_view text);

}  // namespace vgpu::ptx
