// Recursive descent over the directives of a module; bodies of functions are in parser_body.cpp.
#include "ptx/parser.hpp"

#include "ptx/parser_state.hpp"

namespace vgpu::ptx {

const Token& ParserState::expect(TokenKind kind, const char* what) {
    if (peek().kind != kind) fail(std::string("expected ") + what + ", found " + describe(peek()));
    return next();
}

void ParserState::expectPunct(char c) {
    if (!atPunct(c)) fail(std::string("expected '") + c + "', found " + describe(peek()));
    next();
}

bool ParserState::acceptPunct(char c) {
    if (!atPunct(c)) return false;
    next();
    return true;
}

std::string ParserState::describe(const Token& token) {
    switch (token.kind) {
        case TokenKind::End: return "the end of the text";
        case TokenKind::DotWord: return "'." + std::string(token.text) + "'";
        default: return "'" + std::string(token.text) + "'";
    }
}

uint64_t ParserState::expectInteger(const char* what) { return expect(TokenKind::Integer, what).value; }

int64_t ParserState::signedInteger(const char* what) {
    bool minus = acceptPunct('-');
    int64_t value = static_cast<int64_t>(expectInteger(what));
    return minus ? -value : value;
}

namespace {

class ModuleParser : public ParserState {
public:
    explicit ModuleParser(std::string_view text) : ParserState(tokenize(text)) {}

    ModuleAst run() {
        header();
        while (peek().kind != TokenKind::End) directive();
        return std::move(module_);
    }

private:
    void header() {
        if (!atDot("version")) fail("a PTX module starts with .version, found " + describe(peek()));
        next();
        const Token& version = expect(TokenKind::Float64, "a version such as 8.0");
        size_t dot = version.text.find('.');
        module_.versionMajor = static_cast<uint32_t>(std::stoul("0" + std::string(version.text.substr(0, dot))));
        module_.versionMinor = static_cast<uint32_t>(std::stoul("0" + std::string(version.text.substr(dot + 1))));
        if (!atDot("target")) fail("expected .target after .version, found " + describe(peek()));
        next();
        module_.target = expect(TokenKind::Word, "a target such as sm_80").text;
        while (acceptPunct(',')) {
            std::string option(expect(TokenKind::Word, "a target option").text);
            if (option != "debug" && option != "texmode_unified" && option != "texmode_independent") fail("target option '" + option + "' is not supported");
        }
    }

    void directive() {
        if (acceptPunct(';')) return;
        const Token& token = peek();
        if (token.kind != TokenKind::DotWord) fail("expected a directive, found " + describe(token));
        std::string_view word = token.text;
        if (word == "address_size") {
            next();
            if (expectInteger("64") != 64) fail("only .address_size 64 is supported");
        } else if (word == "file") {
            next();
            file();
        } else if (word == "section") {
            next();
            expect(TokenKind::DotWord, "a section name");
            skipBraces();
        } else if (word == "pragma") {
            next();
            pragma();
        } else {
            linkedDirective();
        }
    }

    void file() {
        uint64_t index = expectInteger("a file index");
        if (index > UINT32_MAX) fail("file index out of range");
        module_.files[static_cast<uint32_t>(index)] = std::string(expect(TokenKind::String, "a file name").text);
        while (acceptPunct(',')) expectInteger("a time stamp or size");
    }

    void skipBraces() {
        expectPunct('{');
        for (int depth = 1; depth > 0;) {
            if (peek().kind == TokenKind::End) fail("section is not closed");
            if (atPunct('{')) ++depth;
            if (atPunct('}')) --depth;
            next();
        }
    }

    void linkedDirective() {
        bool isExtern = false;
        while (atDot("visible") || atDot("extern") || atDot("weak") || atDot("common")) {
            isExtern |= peek().text == "extern";
            next();
        }
        if (atDot("entry") || atDot("func")) {
            function();
            return;
        }
        if (atDot("global") || atDot("const") || atDot("shared") || atDot("local")) {
            Variable variable = declaration();
            variable.isExtern = isExtern;
            module_.variables.push_back(std::move(variable));
            while (acceptPunct(',')) fail("several variables in one module-scope declaration are not supported");
            expectPunct(';');
            return;
        }
        fail("directive " + describe(peek()) + " is not supported");
    }

    void function() {
        auto function = std::make_unique<Function>();
        function->line = peek().line;
        function->isEntry = next().text == "entry";
        attributes();
        if (!function->isEntry && atPunct('(')) function->returns = parameters();
        function->name = expect(TokenKind::Word, "a function name").text;
        if (atPunct('(')) function->parameters = parameters();
        performanceDirectives(*function);
        if (acceptPunct(';')) {
            function->isDeclaration = true;
        } else {
            body(*this, *function);
        }
        module_.functions.push_back(std::move(function));
    }

    void attributes() {
        if (!atDot("attribute")) return;
        fail(".attribute is not supported");
    }

    void performanceDirectives(Function& function) {
        for (;;) {
            if (atDot("maxntid")) {
                next();
                dimensions(function.maxThreads);
            } else if (atDot("reqntid")) {
                next();
                dimensions(function.requiredThreads);
            } else if (atDot("minnctapersm")) {
                next();
                function.minBlocks = static_cast<uint32_t>(expectInteger("a count"));
            } else if (atDot("maxnreg") || atDot("maxnctapersm")) {
                next();
                expectInteger("a count");
            } else if (atDot("noreturn")) {
                next();
            } else if (atDot("pragma")) {
                next();
                pragma();
            } else {
                return;
            }
        }
    }

    void dimensions(uint32_t (&out)[3]) {
        for (uint32_t& d : out) d = 1;
        int n = 0;
        do {
            uint64_t value = expectInteger("a number of threads");
            if (n == 3 || value == 0 || value > 1024) fail("block dimensions are one to three numbers from 1 to 1024");
            out[n++] = static_cast<uint32_t>(value);
        } while (acceptPunct(','));
    }

    ModuleAst module_;
};

}  // namespace

void ParserState::pragma() {
    // Pragmas are hints to ptxas ("nounroll"); they never change what a program computes.
    do expect(TokenKind::String, "a pragma string");
    while (acceptPunct(','));
    expectPunct(';');
}

std::vector<Variable> ParserState::parameters() {
    std::vector<Variable> list;
    expectPunct('(');
    if (acceptPunct(')')) return list;
    do list.push_back(declaration());
    while (acceptPunct(','));
    expectPunct(')');
    return list;
}

Variable ParserState::declaration() {
    Variable v;
    v.line = peek().line;
    const Token& space = expect(TokenKind::DotWord, "a state space");
    if (space.text == "reg") v.space = Space::Reg;
    else if (space.text == "global") v.space = Space::Global;
    else if (space.text == "const") v.space = Space::Const;
    else if (space.text == "shared") v.space = Space::Shared;
    else if (space.text == "local") v.space = Space::Local;
    else if (space.text == "param") v.space = Space::Param;
    else failAt(space.line, "state space '." + std::string(space.text) + "' is not supported");
    bool typed = false;
    while (!typed) {
        const Token& word = expect(TokenKind::DotWord, "a type");
        if (word.text == "align") {
            uint64_t alignment = expectInteger("an alignment");
            if (alignment == 0 || alignment > 4096 || (alignment & (alignment - 1))) fail("alignment must be a power of two up to 4096");
            v.alignment = static_cast<uint32_t>(alignment);
        } else if (word.text == "v2" || word.text == "v4") {
            v.vector = word.text == "v2" ? 2 : 4;
        } else if ((v.type = typeNamed(std::string(word.text))) != Type::None) {
            typed = true;
        } else {
            failAt(word.line, "type '." + std::string(word.text) + "' is not supported");
        }
    }
    if (v.space == Space::Param) parameterAttributes();
    v.name = expect(TokenKind::Word, "a name").text;
    dimensionsAndRange(v);
    if (acceptPunct('=')) initialiser(v);
    return v;
}

void ParserState::parameterAttributes() {
    // What a pointer parameter points to; only ptxas uses it.
    if (!atDot("ptr")) return;
    next();
    for (;;) {
        if (atDot("global") || atDot("const") || atDot("shared") || atDot("local")) {
            next();
        } else if (atDot("align")) {
            next();
            expectInteger("an alignment");
        } else {
            return;
        }
    }
}

void ParserState::dimensionsAndRange(Variable& v) {
    if (acceptPunct('<')) {
        uint64_t count = expectInteger("a register count");
        if (count > 1u << 20) fail("too many registers in one declaration");
        v.range = static_cast<uint32_t>(count);
        if (count == 0) v.range = UINT32_MAX;
        expectPunct('>');
        return;
    }
    while (acceptPunct('[')) {
        v.isArray = true;
        if (acceptPunct(']')) {
            v.unsizedArray = true;
            v.elements = 0;
            continue;
        }
        uint64_t n = expectInteger("an array size");
        if (n > (1ull << 40) || (n != 0 && v.elements > (1ull << 40) / n)) fail("array is too large");
        v.elements *= n;
        expectPunct(']');
    }
}

void ParserState::initialiser(Variable& v) {
    if (!atPunct('{')) {
        v.init.push_back(initialValue(v.type));
        return;
    }
    // Rows of a multidimensional array may be braced; nvcc writes them out in full, so flattening keeps positions.
    int depth = 0;
    do {
        while (acceptPunct('{')) ++depth;
        if (!atPunct('}')) v.init.push_back(initialValue(v.type));
        while (depth > 0 && acceptPunct('}')) --depth;
    } while (acceptPunct(','));
    if (depth != 0) fail("initialiser is not closed");
    if (v.unsizedArray) v.elements = v.init.size() / v.vector;
    if (v.init.size() > v.elements * v.vector) fail("more initial values than elements in '" + v.name + "'");
}

InitialValue ParserState::initialValue(Type type) {
    InitialValue value;
    bool minus = acceptPunct('-');
    if (peek().kind == TokenKind::Integer) {
        uint64_t bits = next().value;
        if (!minus && acceptPunct('(')) {  // 0xFF00(symbol)
            value = initialValue(type);
            if (value.kind != InitialValue::Symbol) fail("a mask applies to an address");
            value.mask = bits;
            expectPunct(')');
            return value;
        }
        value.bits = minus ? 0 - bits : bits;
        return value;
    }
    if (peek().kind == TokenKind::Float32 || peek().kind == TokenKind::Float64) {
        const Token& token = next();
        value.bits = floatBits(token, type);
        if (minus) value.bits ^= 1ull << (sizeOf(type) * 8 - 1);
        return value;
    }
    if (minus) fail("expected a number after '-'");
    value.kind = InitialValue::Symbol;
    value.symbol = expect(TokenKind::Word, "an initial value").text;
    if (value.symbol == "generic" && acceptPunct('(')) {
        value.generic = true;
        value.symbol = expect(TokenKind::Word, "a symbol").text;
        value.offset = symbolOffset();
        expectPunct(')');
    }
    value.offset += symbolOffset();
    return value;
}

int64_t ParserState::symbolOffset() {
    if (acceptPunct('+')) return signedInteger("an offset");
    if (acceptPunct('-')) return -static_cast<int64_t>(expectInteger("an offset"));
    return 0;
}

ModuleAst parse(std::string_view text) { return ModuleParser(text).run(); }

}  // namespace vgpu::ptx
