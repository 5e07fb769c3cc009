#include "ptx/lexer.hpp"

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace vgpu::ptx {

namespace {

bool isWordStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%'; }
bool isWordPart(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$'; }

class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    std::vector<Token> run() {
        tokens_.reserve(text_.size() / 4);  // a token is rarely shorter, with the space before it
        for (;;) {
            size_t before = at_;
            skipBlank();
            Token token;
            token.line = line_;
            token.adjacent = at_ == before && at_ > 0;
            if (at_ >= text_.size()) {
                tokens_.push_back(token);
                return std::move(tokens_);
            }
            scan(token);
            tokens_.push_back(token);
        }
    }

private:
    char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

    void skipBlank() {
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (c == '\n') {
                ++line_;
                ++at_;
            } else if (std::isspace(static_cast<unsigned char>(c))) {
                ++at_;
            } else if (c == '/' && peek(1) == '/') {
                while (at_ < text_.size() && text_[at_] != '\n') ++at_;
            } else if (c == '/' && peek(1) == '*') {
                uint32_t start = line_;
                at_ += 2;
                while (at_ < text_.size() && !(text_[at_] == '*' && peek(1) == '/')) {
                    if (text_[at_] == '\n') ++line_;
                    ++at_;
                }
                if (at_ >= text_.size()) throw SyntaxError(start, "comment is not closed");
                at_ += 2;
            } else {
                return;
            }
        }
    }

    void scan(Token& token) {
        size_t start = at_;
        char c = peek();
        if (isWordStart(c)) {
            ++at_;
            while (isWordPart(peek())) ++at_;
            token.kind = TokenKind::Word;
            token.text = text_.substr(start, at_ - start);
        } else if (c == '.' && (isWordPart(peek(1)))) {
            ++at_;
            while (isWordPart(peek()) || (peek() == ':' && peek(1) == ':' && isWordPart(peek(2)))) {
                at_ += peek() == ':' ? 2 : 1;
            }
            token.kind = TokenKind::DotWord;
            token.text = text_.substr(start + 1, at_ - start - 1);
        } else if (std::isdigit(static_cast<unsigned char>(c))) {
            number(token);
        } else if (c == '"') {
            ++at_;
            while (at_ < text_.size() && peek() != '"' && peek() != '\n') at_ += peek() == '\\' ? 2 : 1;
            if (peek() != '"') throw SyntaxError(line_, "string is not closed");
            token.kind = TokenKind::String;
            token.text = text_.substr(start + 1, at_ - start - 1);
            ++at_;
        } else if (std::strchr("{}[]()<>;,:@!|+-=*~&^?/", c) != nullptr && c != '\0') {
            token.kind = TokenKind::Punct;
            token.text = text_.substr(at_++, 1);
        } else {
            throw SyntaxError(line_, std::string("unexpected character '") + (std::isprint(static_cast<unsigned char>(c)) ? c : '?') + "'");
        }
    }

    void number(Token& token) {
        size_t start = at_;
        if (peek() == '0' && (peek(1) == 'f' || peek(1) == 'F' || peek(1) == 'd' || peek(1) == 'D')) {
            bool wide = peek(1) == 'd' || peek(1) == 'D';
            size_t digits = wide ? 16 : 8;
            at_ += 2;
            uint64_t bits = 0;
            for (size_t i = 0; i < digits; ++i, ++at_) {
                if (!std::isxdigit(static_cast<unsigned char>(peek()))) {
                    throw SyntaxError(line_, std::string("a 0") + (wide ? "d" : "f") + " literal needs " + std::to_string(digits) + " hexadecimal digits");
                }
                bits = bits * 16 + hexDigit(peek());
            }
            token.kind = wide ? TokenKind::Float64 : TokenKind::Float32;
            token.value = bits;
        } else {
            integerOrDecimal(token, start);
        }
        if (isWordPart(peek())) throw SyntaxError(line_, "malformed number");
        token.text = text_.substr(start, at_ - start);
    }

    void integerOrDecimal(Token& token, size_t start) {
        int base = 10;
        if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
            base = 16;
            at_ += 2;
        } else if (peek() == '0' && (peek(1) == 'b' || peek(1) == 'B')) {
            base = 2;
            at_ += 2;
        } else if (peek() == '0' && std::isdigit(static_cast<unsigned char>(peek(1)))) {
            base = 8;
            ++at_;
        }
        size_t first = at_;
        while (std::isxdigit(static_cast<unsigned char>(peek())) && (base == 16 || std::isdigit(static_cast<unsigned char>(peek())))) ++at_;
        if (base == 10 && ((peek() == '.' && std::isdigit(static_cast<unsigned char>(peek(1)))) || peek() == 'e' || peek() == 'E')) {
            decimal(token, start);
            return;
        }
        uint64_t value = 0;
        for (size_t i = first; i < at_; ++i) {
            int digit = hexDigit(text_[i]);
            if (digit >= base) throw SyntaxError(line_, "digit out of range in an integer literal");
            uint64_t next = value * base + digit;
            if (value > (UINT64_MAX - digit) / base) throw SyntaxError(line_, "integer literal exceeds 64 bits");
            value = next;
        }
        if (first == at_ && base != 8) throw SyntaxError(line_, "integer literal without digits");
        if (peek() == 'U' || peek() == 'u') ++at_;
        token.kind = TokenKind::Integer;
        token.value = value;
    }

    void decimal(Token& token, size_t start) {
        while (std::isdigit(static_cast<unsigned char>(peek())) || peek() == '.') ++at_;
        if (peek() == 'e' || peek() == 'E') {
            ++at_;
            if (peek() == '+' || peek() == '-') ++at_;
            if (!std::isdigit(static_cast<unsigned char>(peek()))) throw SyntaxError(line_, "malformed exponent");
            while (std::isdigit(static_cast<unsigned char>(peek()))) ++at_;
        }
        std::string copy(text_.substr(start, at_ - start));
        double value = std::strtod(copy.c_str(), nullptr);
        token.kind = TokenKind::Float64;
        std::memcpy(&token.value, &value, 8);
    }

    static int hexDigit(char c) {
        if (c >= '0' && c <= '9') return c - '0';
        return (c | 0x20) - 'a' + 10;
    }

    std::string_view text_;
    size_t at_ = 0;
    uint32_t line_ = 1;
    std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text) { return Lexer(text).run(); }

}  // namespace vgpu::ptx
