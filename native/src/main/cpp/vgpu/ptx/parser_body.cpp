// The statements of a function.
#include "ptx/parser_state.hpp"

#include <cstring>

namespace vgpu::ptx {

uint64_t ParserState::floatBits(const Token& token, Type type) {
    // A literal keeps its own width; an f32 initialiser may be written as a double.
    uint64_t bits = token.value;
    if (type == Type::F32 && token.kind == TokenKind::Float64) {
        double wide;
        std::memcpy(&wide, &bits, 8);
        float narrow = static_cast<float>(wide);
        uint32_t narrowBits;
        std::memcpy(&narrowBits, &narrow, 4);
        return narrowBits;
    }
    if (type == Type::F64 && token.kind == TokenKind::Float32) {
        uint32_t narrowBits = static_cast<uint32_t>(bits);
        float narrow;
        std::memcpy(&narrow, &narrowBits, 4);
        double wide = narrow;
        std::memcpy(&bits, &wide, 8);
    }
    return bits;
}

namespace {

class BodyParser {
public:
    BodyParser(ParserState& parser, Function& function) : p_(parser), function_(function) {}

    void run() {
        p_.expectPunct('{');
        int depth = 1;
        while (depth > 0) {
            if (p_.peek().kind == TokenKind::End) p_.fail("function '" + function_.name + "' is not closed");
            if (p_.atPunct('{')) {
                p_.next();
                ++depth;
                if (depth > MAX_DEPTH) p_.fail("scopes are nested too deeply");
                add(Statement::ScopeBegin);
            } else if (p_.atPunct('}')) {
                p_.next();
                if (--depth > 0) add(Statement::ScopeEnd);
            } else if (!p_.acceptPunct(';')) {
                statement();
            }
        }
    }

private:
    static constexpr int MAX_DEPTH = 256;

    Statement& add(Statement::Kind kind) {
        Statement s;
        s.kind = kind;
        s.line = p_.peek().line;
        s.location = location_;
        function_.body.push_back(std::move(s));
        return function_.body.back();
    }

    void statement() {
        const Token& token = p_.peek();
        if (token.kind == TokenKind::DotWord) {
            directive();
        } else if (token.kind == TokenKind::Word && p_.atPunct(':', 1)) {
            label();
        } else {
            instruction();
        }
    }

    void directive() {
        if (p_.atDot("loc")) {
            p_.next();
            loc();
        } else if (p_.atDot("pragma")) {
            p_.next();
            p_.pragma();
        } else {
            Variable v = p_.declaration();
            add(Statement::Declaration).variable = v;
            while (p_.acceptPunct(',')) {
                Variable more = v;
                more.name = p_.expect(TokenKind::Word, "a name").text;
                more.range = 0;
                if (p_.atPunct('<') || p_.atPunct('[')) p_.fail("write such declarations one at a time");
                add(Statement::Declaration).variable = std::move(more);
            }
            p_.expectPunct(';');
        }
    }

    void loc() {
        SourceLocation location;
        location.file = static_cast<uint32_t>(p_.expectInteger("a file index"));
        location.line = static_cast<uint32_t>(p_.expectInteger("a line"));
        p_.expectInteger("a column");
        while (p_.acceptPunct(',')) {
            std::string word(p_.expect(TokenKind::Word, "function_name or inlined_at").text);
            if (word == "function_name") {
                if (p_.peek().kind != TokenKind::Word && p_.peek().kind != TokenKind::DotWord) p_.fail("expected a label");
                p_.next();
                p_.symbolOffset();
            } else if (word == "inlined_at") {
                for (int i = 0; i < 3; ++i) p_.expectInteger("a position");
            } else {
                p_.fail("'" + word + "' in .loc is not supported");
            }
        }
        if (location.line != 0) location_ = location;
    }

    void label() {
        std::string name(p_.next().text);
        p_.next();
        if (p_.atDot("branchtargets") || p_.atDot("calltargets")) {
            bool branch = p_.next().text == "branchtargets";
            Statement& s = add(branch ? Statement::BranchTargets : Statement::CallTargets);
            s.label = name;
            do s.names.emplace_back(p_.expect(TokenKind::Word, "a label").text);
            while (p_.acceptPunct(','));
            p_.expectPunct(';');
        } else if (p_.atDot("callprototype")) {
            p_.next();
            Statement& s = add(Statement::CallPrototype);
            s.label = name;
            if (p_.atPunct('(')) s.prototype.returns = p_.parameters();
            p_.expect(TokenKind::Word, "_");
            if (p_.atPunct('(')) s.prototype.parameters = p_.parameters();
            while (p_.atDot("noreturn")) p_.next();
            p_.expectPunct(';');
        } else {
            add(Statement::Label).label = name;
        }
    }

    void instruction() {
        Statement& s = add(Statement::Instr);
        Instruction& i = s.instruction;
        if (p_.acceptPunct('@')) {
            i.guardNegated = p_.acceptPunct('!');
            i.guard = p_.expect(TokenKind::Word, "a predicate register").text;
        }
        s.line = p_.peek().line;
        i.opcode = p_.expect(TokenKind::Word, "an instruction").text;
        while (p_.peek().kind == TokenKind::DotWord && p_.peek().adjacent) i.modifiers.emplace_back(p_.next().text);
        if (!p_.atPunct(';')) {
            do i.operands.push_back(operand(0));
            while (p_.acceptPunct(','));
        }
        p_.expectPunct(';');
    }

    Operand operand(int depth) {
        if (depth > 4) p_.fail("operand is nested too deeply");
        Operand first = simpleOperand(depth);
        if (!p_.acceptPunct('|')) return first;
        Operand pair;
        pair.kind = Operand::Pair;
        pair.elements.push_back(std::move(first));
        pair.elements.push_back(simpleOperand(depth));
        return pair;
    }

    Operand simpleOperand(int depth) {
        Operand o;
        if (p_.acceptPunct('{')) return sequence(Operand::Vector, '}', depth);
        if (p_.acceptPunct('[')) return sequence(Operand::Address, ']', depth);
        if (p_.acceptPunct('(')) return sequence(Operand::List, ')', depth);
        o.negated = p_.acceptPunct('!');
        bool minus = p_.acceptPunct('-');
        const Token& token = p_.peek();
        switch (token.kind) {
            case TokenKind::Integer:
                o.kind = Operand::Integer;
                o.bits = minus ? 0 - token.value : token.value;
                p_.next();
                return o;
            case TokenKind::Float32:
            case TokenKind::Float64:
                o.kind = token.kind == TokenKind::Float32 ? Operand::Float32 : Operand::Float64;
                o.bits = token.value;
                if (minus) o.bits ^= token.kind == TokenKind::Float32 ? 1ull << 31 : 1ull << 63;
                p_.next();
                return o;
            case TokenKind::Word:
                if (minus) p_.fail("'-' applies to numbers only");
                return nameOperand(std::move(o));
            default: p_.fail("expected an operand, found " + ParserState::describe(token));
        }
    }

    Operand nameOperand(Operand o) {
        o.name = p_.next().text;
        if (o.name == "_") {
            o.kind = Operand::Sink;
            return o;
        }
        if (o.name[0] == '%' && p_.peek().kind == TokenKind::DotWord && p_.peek().adjacent) {
            o.name += "." + std::string(p_.next().text);
        }
        o.offset = p_.symbolOffset();
        return o;
    }

    Operand sequence(Operand::Kind kind, char close, int depth) {
        Operand o;
        o.kind = kind;
        if (p_.acceptPunct(close)) {
            if (kind != Operand::List) p_.fail("empty operand");
            return o;
        }
        do o.elements.push_back(operand(depth + 1));
        while (p_.acceptPunct(','));
        p_.expectPunct(close);
        if (kind == Operand::Address) {
            o.offset = o.elements[0].offset;
            o.elements[0].offset = 0;
            if (o.elements[0].kind != Operand::Name && o.elements[0].kind != Operand::Integer) p_.fail("expected a register, a variable or a number as address");
        }
        return o;
    }

    ParserState& p_;
    Function& function_;
    SourceLocation location_;
};

}  // namespace

void body(ParserState& parser, Function& function) { BodyParser(parser, function).run(); }

}  // namespace vgpu::ptx
