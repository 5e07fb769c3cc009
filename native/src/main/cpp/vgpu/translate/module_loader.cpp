// Module::load: globals into memory, kernels with the functions that they reach into programs.
#include "exec/loaded_kernel.hpp"
#include "ptx/parser.hpp"
#include "translate/call_graph.hpp"
#include "translate/translator.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace vgpu {

using ptx::Space;

namespace {

constexpr uint32_t NEWEST_MAJOR = 9;
constexpr uint32_t NEWEST_TARGET = 90;

class LoadedModule : public Module {
public:
    explicit LoadedModule(Memory& memory) : memory_(memory) {}
    ~LoadedModule() override {
        for (const auto& [name, g] : globals_) memory_.free(g.address, "module unload");
    }

    std::vector<std::string> kernelNames() const override {
        std::vector<std::string> names;
        for (const auto& [name, k] : kernels_) names.push_back(name);
        return names;
    }
    const Kernel* kernel(const std::string& name) const override {
        auto it = kernels_.find(name);
        return it == kernels_.end() ? nullptr : it->second.get();
    }
    const GlobalVariable* global(const std::string& name) const override {
        auto it = globals_.find(name);
        return it == globals_.end() ? nullptr : &it->second;
    }
    std::vector<GlobalVariable> globals() const override {
        std::vector<GlobalVariable> list;
        for (const auto& [name, g] : globals_) list.push_back(g);
        return list;
    }

    Memory& memory_;
    std::map<std::string, std::unique_ptr<LoadedKernel>> kernels_;
    std::map<std::string, GlobalVariable> globals_;
};

class Loader {
public:
    Loader(Memory& memory, const std::string& text) : memory_(memory), module_(std::make_unique<LoadedModule>(memory)) {
        try {
            ast_ = ptx::parse(text);
        } catch (const ptx::SyntaxError& e) {
            throw LoadError(Status::InvalidPtx, "ptx line " + std::to_string(e.line) + ": " + e.what() + "\n");
        }
    }

    std::unique_ptr<Module> load() {
        checkTarget();
        collectFunctions();
        for (const ptx::Variable& v : ast_.variables) declare(v);
        for (const ptx::Variable& v : ast_.variables) initialise(v);
        if (problems_.count != 0) fail();
        for (const auto& f : ast_.functions) {
            if (f->isEntry && !f->isDeclaration) loadKernel(*f);
        }
        if (problems_.count != 0) fail();
        return std::move(module_);
    }

private:
    [[noreturn]] void fail() const {
        std::string more = problems_.count > 20 ? "and " + std::to_string(problems_.count - 20) + " more\n" : "";
        throw LoadError(Status::InvalidPtx, problems_.text + more);
    }

    void checkTarget() {
        if (ast_.versionMajor > NEWEST_MAJOR || ast_.versionMajor == 0) {
            throw LoadError(Status::UnsupportedPtxVersion, ".version " + std::to_string(ast_.versionMajor) + "." + std::to_string(ast_.versionMinor) + " is not supported: 1.0 to 9.x are\n");
        }
        const std::string& t = ast_.target;
        bool known = t.rfind("sm_", 0) == 0 && t.size() > 3 && t.size() < 8 && std::all_of(t.begin() + 3, t.end() - 1, ::isdigit);
        if (!known) throw LoadError(Status::InvalidPtx, "target '" + t + "' is not known\n");
        target_ = static_cast<uint32_t>(std::atoi(t.c_str() + 3));
        if (target_ > NEWEST_TARGET || !std::isdigit(static_cast<unsigned char>(t.back()))) {
            throw LoadError(Status::NoBinaryForGpu, "PTX for " + t + " cannot run here: the virtual GPU executes sm_80 code, and of newer code what sm_90 without suffix has in common with it\n");
        }
    }

    void collectFunctions() {
        uint32_t index = 0;
        for (const auto& f : ast_.functions) {
            auto [it, fresh] = symbols_.functions.try_emplace(f->name, ModuleSymbols::FunctionSymbol{f.get(), index});
            if (fresh) ++index;
            else if (it->second.function->isDeclaration) it->second.function = f.get();
            else if (!f->isDeclaration) problems_.add(f->line, "function '" + f->name + "' is defined twice");
        }
        symbols_.files = ast_.files;
    }

    void declare(const ptx::Variable& v) {
        if (symbols_.variables.count(v.name) != 0) {
            problems_.add(v.line, "variable '" + v.name + "' is declared twice");
            return;
        }
        ModuleSymbols::Variable symbol;
        symbol.space = v.space;
        symbol.size = v.bytes();
        if (v.space == Space::Shared) {
            sharedVariables_.push_back(&v);
        } else if (v.space == Space::Global || v.space == Space::Const) {
            if (v.isExtern) {
                problems_.add(v.line, "variable '" + v.name + "' is external and defined nowhere: link the modules first");
                return;
            }
            MemoryKind kind = v.space == Space::Const ? MemoryKind::Constant : MemoryKind::Device;
            symbol.address = memory_.allocate(v.bytes(), "module variable " + v.name, kind, std::max<uint32_t>(v.align(), 1));
            if (symbol.address == 0) throw LoadError(Status::OutOfMemory, "no memory for variable '" + v.name + "' of " + std::to_string(v.bytes()) + " bytes\n");
            module_->globals_[v.name] = {v.name, symbol.address, v.bytes(), kind};
            memory_.markInitialised(symbol.address, v.bytes());
            if (kind == MemoryKind::Constant) constantBytes_ += static_cast<uint32_t>(v.bytes());
        } else {
            problems_.add(v.line, "module variable '" + v.name + "' in this state space is not implemented");
            return;
        }
        symbols_.variables[v.name] = symbol;
    }

    void initialise(const ptx::Variable& v) {
        auto it = module_->globals_.find(v.name);
        if (it == module_->globals_.end()) return;
        uint32_t size = ptx::sizeOf(v.type);
        uint8_t* at = reinterpret_cast<uint8_t*>(it->second.address);
        for (const ptx::InitialValue& value : v.init) {
            uint64_t bits = value.bits;
            if (value.kind == ptx::InitialValue::Symbol) {
                if (!symbolAddress(value.symbol, bits)) {
                    problems_.add(v.line, "initial value '" + value.symbol + "' of '" + v.name + "' is not known");
                    return;
                }
                bits += static_cast<uint64_t>(value.offset);
                if (value.mask != ~0ull && value.mask != 0) bits = (bits & value.mask) >> __builtin_ctzll(value.mask);
            }
            std::memcpy(at, &bits, size);
            at += size;
        }
    }

    bool symbolAddress(const std::string& name, uint64_t& address) const {
        auto v = symbols_.variables.find(name);
        if (v != symbols_.variables.end()) {
            address = v->second.address;
            return v->second.space != Space::Shared;
        }
        auto f = symbols_.functions.find(name);
        if (f == symbols_.functions.end()) return false;
        address = FUNCTION_BASE + 16ull * f->second.index;
        return true;
    }

    void describeKernel(const ptx::Function& f, KernelInfo& info) {
        info.name = f.name;
        uint32_t at = 0;
        for (const ptx::Variable& p : f.parameters) {
            if (p.bytes() > 32764 || at > 32764) throw TranslateError("the parameters of kernel '" + f.name + "' exceed 32764 bytes");
            uint32_t alignment = std::max<uint32_t>(p.align(), 1);
            at = (at + alignment - 1) / alignment * alignment;
            info.parameters.push_back({at, static_cast<uint32_t>(p.bytes()), alignment});
            at += static_cast<uint32_t>(p.bytes());
        }
        info.parameterBytes = at;
        if (f.requiredThreads[0] != 0) {
            info.requiredBlock = {f.requiredThreads[0], f.requiredThreads[1], f.requiredThreads[2]};
            info.maxThreads = static_cast<uint32_t>(std::min<uint64_t>(1024, info.requiredBlock.count()));
        } else if (f.maxThreads[0] != 0) {
            info.maxThreads = static_cast<uint32_t>(std::min<uint64_t>(1024, uint64_t(f.maxThreads[0]) * f.maxThreads[1] * f.maxThreads[2]));
        }
        info.minBlocksPerSm = f.minBlocks;
        info.constantBytes = constantBytes_;
        info.ptxVersion = ast_.versionMajor * 10 + ast_.versionMinor;
        info.target = target_;
    }

    /// Module-scope shared variables that the program uses, then the dynamic part behind everything static.
    void placeShared(const CallGraph& graph, KernelInfo& info) {
        uint64_t at = 0;
        std::vector<const ptx::Variable*> dynamic;
        for (const ptx::Variable* v : sharedVariables_) {
            if (graph.names().count(v->name) == 0) continue;
            if (v->unsizedArray || (v->isExtern && v->elements == 0)) {
                dynamic.push_back(v);
                continue;
            }
            uint32_t alignment = std::max<uint32_t>(v->align(), 1);
            at = (at + alignment - 1) / alignment * alignment;
            symbols_.variables[v->name].address = at;
            at += v->bytes();
            if (at > (1u << 24)) throw TranslateError("shared memory is too large");
        }
        info.staticSharedBytes = static_cast<uint32_t>(at);
        uint64_t end = at;
        for (const ptx::Function* f : graph.functions()) {
            for (const ptx::Statement& s : f->body) {
                if (s.kind != ptx::Statement::Declaration || s.variable.space != Space::Shared) continue;
                uint32_t alignment = std::max<uint32_t>(s.variable.align(), 1);
                end = (end + alignment - 1) / alignment * alignment + s.variable.bytes();
            }
        }
        for (const ptx::Variable* v : dynamic) {
            uint32_t alignment = std::max<uint32_t>(v->align(), 16);
            symbols_.variables[v->name].address = (end + alignment - 1) / alignment * alignment;
        }
        sharedEnd_ = end;
        for (const ptx::Variable* v : dynamic) sharedEnd_ = std::max(sharedEnd_, symbols_.variables[v->name].address);
    }

    void loadKernel(const ptx::Function& entry) {
        auto kernel = std::make_unique<LoadedKernel>();
        try {
            describeKernel(entry, kernel->info());
            CallGraph graph(symbols_, ast_, entry);
            placeShared(graph, kernel->info());
            translate(graph, *kernel);
        } catch (const TranslateError& e) {
            problems_.add(entry.line, e.what());
        }
        module_->kernels_[entry.name] = std::move(kernel);
    }

    void translate(const CallGraph& graph, LoadedKernel& kernel) {
        Program& program = kernel.program();
        for (const auto& [index, name] : ast_.files) {
            if (index > 65535) continue;
            if (program.files.size() <= index) program.files.resize(index + 1);
            program.files[index] = name;
        }
        ProgramBuilder builder(program);
        const auto& functions = graph.functions();
        std::vector<FrameLayout> frames;
        std::map<std::string, uint32_t> inProgram;
        uint32_t localBytes = 0;
        for (size_t i = 0; i < functions.size(); ++i) {
            frames.push_back(layoutFrame(*functions[i]));
            if (i == 0) {
                localBytes += frames[0].bytes;
                continue;
            }
            FunctionCode code;
            code.name = functions[i]->name;
            code.moduleIndex = symbols_.functions.at(code.name).index;
            code.recursive = graph.recursive(i);
            code.frameBytes = frames[i].bytes;
            code.parameters = frames[i].parameters;
            code.results = frames[i].results;
            code.frameOffset = localBytes;
            if (!code.recursive) localBytes += frames[i].bytes;
            program.hasRecursion |= code.recursive;
            inProgram[code.name] = static_cast<uint32_t>(program.functions.size());
            program.functions.push_back(std::move(code));
        }
        // The frame of a recursive function ends where its frame base points, so that the base can start at zero.
        for (FunctionCode& code : program.functions) {
            if (code.recursive) code.frameOffset = localBytes - code.frameBytes;
        }
        program.localBytes = localBytes;
        for (size_t i = 0; i < functions.size(); ++i) {
            builder.beginFunction(static_cast<uint32_t>(i));
            bool recursive = i != 0 && program.functions[i - 1].recursive;
            uint32_t offset = i == 0 ? 0 : program.functions[i - 1].frameOffset;
            if (i != 0) program.functions[i - 1].entry = builder.size();
            Translator(builder, symbols_, *functions[i], frames[i], offset, recursive, kernel.info(), inProgram, problems_).run();
        }
        if (problems_.count != 0) return;
        if (program.hasRecursion) builder.frameBase();
        builder.finish();
        KernelInfo& info = kernel.info();
        // Dynamic shared memory starts behind the padding that its alignment needs.
        info.staticSharedBytes = static_cast<uint32_t>(std::max<uint64_t>(info.staticSharedBytes, sharedEnd_));
        info.localBytes = program.localBytes;
        // Some more for addresses and predicates, and no more than .minnctapersm leaves: a compiler keeps that promise.
        info.registers = std::min(mostRegisters(info), std::max(16u, program.registerPressure + 6));
    }

    static uint32_t mostRegisters(const KernelInfo& info) {
        constexpr uint32_t PER_SM = 65536, UNIT = 8, PER_THREAD = 255;
        if (info.minBlocksPerSm == 0) return PER_THREAD;
        const uint32_t threads = (info.maxThreads + 31) / 32 * 32;
        return std::min(PER_THREAD, PER_SM / (info.minBlocksPerSm * threads) / UNIT * UNIT);
    }

    Memory& memory_;
    std::unique_ptr<LoadedModule> module_;
    ptx::ModuleAst ast_;
    ModuleSymbols symbols_;
    ProblemLog problems_;
    std::vector<const ptx::Variable*> sharedVariables_;
    uint32_t target_ = 0, constantBytes_ = 0;
    uint64_t sharedEnd_ = 0;
};

}  // namespace

std::unique_ptr<Module> Module::load(Memory& memory, const std::string& ptx) {
    try {
        return Loader(memory, ptx).load();
    } catch (const std::bad_alloc&) {
        throw LoadError(Status::OutOfMemory, "the host ran out of memory for the module\n");
    }
}

}  // namespace vgpu
