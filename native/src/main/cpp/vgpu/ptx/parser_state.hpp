// The token cursor and the grammar that modules and function bodies share.
#pragma once

#include "ptx/ast.hpp"
#include "ptx/lexer.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace vgpu::ptx {

class ParserState {
public:
    explicit ParserState(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    const Token& peek(size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
    const Token& next() {
        const Token& token = peek();
        if (at_ + 1 < tokens_.size()) ++at_;
        return token;
    }
    bool atPunct(char c, size_t ahead = 0) const { return peek(ahead).kind == TokenKind::Punct && peek(ahead).text[0] == c; }
    bool atDot(std::string_view word) const { return peek().kind == TokenKind::DotWord && peek().text == word; }

    const Token& expect(TokenKind kind, const char* what);
    void expectPunct(char c);
    bool acceptPunct(char c);
    uint64_t expectInteger(const char* what);
    int64_t signedInteger(const char* what);
    int64_t symbolOffset();

    [[noreturn]] void fail(const std::string& message) const { throw SyntaxError(peek().line, message); }
    [[noreturn]] static void failAt(uint32_t line, const std::string& message) { throw SyntaxError(line, message); }
    static std::string describe(const Token& token);

    void pragma();
    std::vector<Variable> parameters();
    Variable declaration();
    static uint64_t floatBits(const Token& token, Type type);

private:
    void parameterAttributes();
    void dimensionsAndRange(Variable& v);
    void initialiser(Variable& v);
    InitialValue initialValue(Type type);

    std::vector<Token> tokens_;
    size_t at_ = 0;
};

/// Parses { ... } of a function.
void body(ParserState& parser, Function& function);

}  // namespace vgpu::ptx
