// Loads, stores, atomics and asynchronous copies.
#include "exec/address.hpp"
#include "exec/async_copy.hpp"
#include "exec/atomics.hpp"
#include "exec/warp_ops.hpp"
#include "translate/translator.hpp"

namespace vgpu {

using ptx::Space;
using ptx::Type;

namespace {

enum Scope : uint8_t { SCOPE_CTA = 0, SCOPE_GPU = 1, SCOPE_SYS = 2 };

uint8_t takeScope(Modifiers& m, bool required) {
    std::string s = m.takeOne({"cta", "gpu", "sys", "cluster"});
    if (s == "cluster") throw TranslateError("clusters are not implemented (sm_90)");
    if (s.empty() && required) throw TranslateError("the scope is missing");
    return s == "cta" ? SCOPE_CTA : s == "sys" ? SCOPE_SYS : SCOPE_GPU;
}

/// Cache hints change nothing that a program can see; .L2::cache_hint brings an operand. True if it does. The priorities
/// .L2::evict_* exist for accesses of 32 bytes only.
bool takeCacheHints(Modifiers& m, bool load, const std::string& semantics, Space space, std::initializer_list<const char*> operators) {
    const bool strong = !semantics.empty() && semantics != "weak";
    const bool cached = !m.takeOne(operators).empty();
    if (cached && strong) throw TranslateError("takes no cache operator with ." + semantics);
    const bool policy = m.take("L2::cache_hint");
    if (policy && semantics == "volatile") throw TranslateError("takes no .L2::cache_hint with .volatile");
    const bool evict = !m.takeOne({"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate"}).empty();
    if (evict && (cached || semantics == "volatile")) throw TranslateError("takes an eviction priority, a cache operator or .volatile");
    const bool fetch = load && !m.takeOne({"L2::64B", "L2::128B", "L2::256B"}).empty();
    if ((policy || fetch) && space != Space::Global && space != Space::None) throw TranslateError("hints for L2 exist for .global only");
    return policy;
}

/// What memory holds: numbers and bits of 8 to 64 bits, but no half-precision types.
bool isMemoryType(Type t) { return (ptx::isInteger(t) || ptx::isBits(t) || t == Type::F32 || t == Type::F64) && t != Type::B128; }

void checkOrder(bool strong, Space space) {
    if (strong && space != Space::Global && space != Space::Shared && space != Space::None) {
        throw TranslateError(".volatile, .relaxed, .acquire and .release exist for .global and .shared only");
    }
}

const char* mixOf(Space space, bool store) {
    switch (space) {
        case Space::Global: return store ? "stglobal" : "ldglobal";
        case Space::Shared: return store ? "stshared" : "ldshared";
        case Space::Local: return store ? "stlocal" : "ldlocal";
        case Space::Const: return "ldconst";
        case Space::Param: return "ldparam";
        default: return store ? "stgeneric" : "ldgeneric";
    }
}

uint32_t takeVector(Modifiers& m) {
    std::string v = m.takeOne({"v2", "v4", "v8"});
    if (v == "v8") throw TranslateError(".v8 is not implemented (sm_100)");
    return v == "v2" ? 2 : v == "v4" ? 4 : 1;
}

}  // namespace

Space Translator::takeSpace() {
    std::string s = modifiers().takeOne({"global", "shared", "shared::cta", "local", "param", "param::entry", "param::func", "const"});
    if (s.empty()) {
        if (modifiers().takePrefix("shared::cluster")) throw TranslateError("clusters are not implemented (sm_90)");
        return Space::None;
    }
    if (s == "global") return Space::Global;
    if (s == "local") return Space::Local;
    if (s == "const") return Space::Const;
    return s.compare(0, 6, "shared") == 0 ? Space::Shared : Space::Param;
}

void Translator::describeAccess(Draft& d, Access::Kind kind, const Address& a, Space space, uint32_t bytes) {
    Access& access = d.info.access;
    access.kind = kind;
    access.space = space;
    access.bytes = static_cast<uint8_t>(bytes);
    access.wideAddress = a.wide;
    access.offset = a.offset;
    d.reads(Slot::AccessAddress, a.base);
    d.reads(Slot::A, a.base);
    d.instr.imm = a.offset;
    d.instr.flag = addressForm(space, a.wide);
    if (space == Space::Shared || space == Space::None) {
        Program& p = b_.program();
        // Vectors count by their elements: a race is looked for in units that single accesses may touch.
        uint32_t element = d.instr.size != 0 ? d.instr.size : bytes;
        p.sharedGranularity = std::min(p.sharedGranularity, std::max(1u, element));
    }
}

void Translator::load() {
    Modifiers& m = modifiers();
    const bool uniform = instruction().opcode == "ldu";
    Draft order;
    std::string semantics = uniform ? "" : m.takeOne({"weak", "volatile", "relaxed", "acquire", "mmio"});
    if (semantics == "mmio") throw TranslateError(".mmio is not implemented");
    bool strong = semantics == "volatile" || semantics == "relaxed" || semantics == "acquire";
    uint8_t scope = strong && semantics != "volatile" ? takeScope(m, true) : static_cast<uint8_t>(SCOPE_SYS);
    Space space = takeSpace();
    bool nc = !uniform && m.take("nc");
    if (nc && space != Space::Global) throw TranslateError(".nc exists for .global only");
    if (nc && !semantics.empty()) throw TranslateError(".nc takes no ." + semantics);
    checkOrder(strong, space);
    if (uniform && space != Space::Global && space != Space::None) throw TranslateError("reads global memory");
    bool policy = false;
    if (nc) policy = takeCacheHints(m, true, semantics, space, {"ca", "cg", "cs"});
    else if (!uniform) policy = takeCacheHints(m, true, semantics, space, {"ca", "cg", "cs", "lu", "cv"});
    uint32_t n = takeVector(m);
    Type type = m.needType();
    if (!isMemoryType(type)) throw TranslateError("this type cannot be loaded");
    uint32_t bytes = n * ptx::sizeOf(type);
    if (bytes > 16) throw TranslateError("loads of more than 16 bytes are not implemented (sm_100)");
    operands(policy ? 3 : 2);
    if (policy) source(operand(2), Type::B64);
    Address a = address(operand(1), space);
    if (space == Space::Param && !function_.isEntry) a.space = Space::Local;
    if (space == Space::Param) space = a.space;

    std::vector<Register> to;
    const Operand& target = operand(0);
    if (n > 1) {
        if (target.kind != Operand::Vector || target.elements.size() != n) throw TranslateError("expected a vector of " + std::to_string(n) + " registers");
        uint32_t width = 0;
        for (const Operand& e : target.elements) {
            if (e.kind != Operand::Sink) width = std::max(width, b_.bytesOf(wideDestination(e, type)));
        }
        if (width == 0) width = std::max(2u, ptx::sizeOf(type));
        for (const Operand& e : target.elements) to.push_back(e.kind == Operand::Sink ? b_.newRegister(width) : wideDestination(e, type));
    } else {
        to.push_back(wideDestination(target.kind == Operand::Vector && target.elements.size() == 1 ? target.elements[0] : target, type));
    }
    uint32_t width = b_.bytesOf(to[0]);
    for (Register r : to) {
        if (b_.bytesOf(r) != width) throw TranslateError("the registers of a vector must have one width");
    }
    Draft d = begin(isa().load(type, width), mixOf(space, false));
    d.instr.n = static_cast<uint8_t>(n);
    d.instr.size = static_cast<uint8_t>(ptx::sizeOf(type));
    describeAccess(d, Access::Load, a, space, bytes);
    d.info.access.strong = strong;
    d.info.access.acquire = semantics == "acquire";
    d.info.access.scope = scope;
    d.info.poison = PoisonRule::Load;
    for (Register r : to) d.pool(r, true);
    add(std::move(d));
}

void Translator::store() {
    Modifiers& m = modifiers();
    std::string semantics = m.takeOne({"weak", "volatile", "relaxed", "release", "mmio"});
    if (semantics == "mmio") throw TranslateError(".mmio is not implemented");
    if (m.take("async") || m.take("bulk")) throw TranslateError("asynchronous stores are not implemented (sm_90)");
    bool strong = semantics == "volatile" || semantics == "relaxed" || semantics == "release";
    uint8_t scope = strong && semantics != "volatile" ? takeScope(m, true) : static_cast<uint8_t>(SCOPE_SYS);
    Space space = takeSpace();
    if (space == Space::Const) throw TranslateError("constant memory cannot be written");
    checkOrder(strong, space);
    bool policy = takeCacheHints(m, false, semantics, space, {"wb", "cg", "cs", "wt"});
    uint32_t n = takeVector(m);
    Type type = m.needType();
    if (!isMemoryType(type)) throw TranslateError("this type cannot be stored");
    uint32_t bytes = n * ptx::sizeOf(type);
    if (bytes > 16) throw TranslateError("stores of more than 16 bytes are not implemented (sm_100)");
    operands(policy ? 3 : 2);
    if (policy) source(operand(2), Type::B64);
    Address a = address(operand(0), space);
    if (space == Space::Param) {
        if (a.space == Space::Param && function_.isEntry) throw TranslateError("kernel parameters cannot be written");
        space = Space::Local;
    }
    std::vector<Register> from;
    const Operand& value = operand(1);
    if (n > 1) {
        if (value.kind != Operand::Vector || value.elements.size() != n) throw TranslateError("expected a vector of " + std::to_string(n) + " registers");
        for (const Operand& e : value.elements) from.push_back(wideSource(e, type));
        // Constants come in the element's width; registers may be wider.
        uint32_t width = 0;
        for (Register r : from) width = std::max(width, b_.bytesOf(r));
        for (size_t i = 0; i < from.size(); ++i) {
            if (b_.bytesOf(from[i]) != width && value.elements[i].kind != Operand::Name) from[i] = b_.constant(value.elements[i].bits, width);
        }
    } else {
        from.push_back(wideSource(value.kind == Operand::Vector && value.elements.size() == 1 ? value.elements[0] : value, type));
    }
    uint32_t width = b_.bytesOf(from[0]);
    for (Register r : from) {
        if (b_.bytesOf(r) != width) throw TranslateError("the registers of a vector must have one width");
    }
    Draft d = begin(isa().store(type, width), mixOf(space, true));
    d.instr.n = static_cast<uint8_t>(n);
    d.instr.size = static_cast<uint8_t>(ptx::sizeOf(type));
    describeAccess(d, Access::Store, a, space, bytes);
    d.info.access.strong = strong;
    d.info.access.release = semantics == "release";
    d.info.access.scope = scope;
    d.info.poison = PoisonRule::Store;
    for (Register r : from) d.pool(r, false);
    add(std::move(d));
}

void Translator::prefetch() {
    // Hints: the operands are checked, nothing happens.
    Modifiers& m = modifiers();
    const std::string& op = instruction().opcode;
    if (m.take("tensormap")) throw TranslateError("tensor maps are not implemented (sm_90)");
    const Space space = takeSpace();
    bool exists;
    if (op == "prefetchu") {
        exists = m.take("L1") && space == Space::None;
    } else if (op == "applypriority") {
        exists = m.take("L2::evict_normal") && (space == Space::None || space == Space::Global);
    } else {
        const std::string level = m.takeOne({"L1", "L2", "L2::evict_last", "L2::evict_normal"});
        const bool local = space == Space::Local && (level == "L1" || level == "L2");
        const bool generic = space == Space::None && (level == "L1" || level == "L2");
        exists = !level.empty() && (space == Space::Global || local || generic);
    }
    if (!exists) throw TranslateError("this form does not exist");
    operands(op == "applypriority" ? 2 : 1);
    if (op == "applypriority" && immediate(operand(1), "the size") != 128) throw TranslateError("the size is 128");
    address(operand(0), space);
    add(begin(nothing, "prefetch"));
}

void Translator::atomic() {
    Modifiers& m = modifiers();
    const bool reduction = instruction().opcode == "red";
    if (m.take("async")) throw TranslateError("red.async is not implemented (sm_90)");
    std::string semantics = reduction ? m.takeOne({"relaxed", "release"}) : m.takeOne({"relaxed", "acquire", "release", "acq_rel"});
    uint8_t scope = takeScope(m, false);
    Space space = takeSpace();
    if (space != Space::None && space != Space::Global && space != Space::Shared) throw TranslateError("atomics exist for .global and .shared");
    std::string name = m.takeOne({"and", "or", "xor", "cas", "exch", "add", "inc", "dec", "min", "max"});
    if (name.empty()) throw TranslateError("the operation is missing");
    const bool noftz = m.take("noftz");
    const bool policy = m.take("L2::cache_hint");
    if (policy && (space == Space::Shared || name == "cas")) throw TranslateError("takes no .L2::cache_hint");
    if (takeVector(m) != 1) throw TranslateError("vector atomics are not implemented (sm_90)");
    Type type = m.needType();
    const bool narrow = type == Type::F16 || type == Type::F16x2 || type == Type::Bf16 || type == Type::Bf16x2;
    if (noftz != narrow) throw TranslateError(narrow ? "needs .noftz" : "takes no .noftz");
    static const std::map<std::string, AtomicOp> ops = {{"and", AtomicOp::And}, {"or", AtomicOp::Or}, {"xor", AtomicOp::Xor}, {"cas", AtomicOp::Cas},
                                                        {"exch", AtomicOp::Exch}, {"add", AtomicOp::Add}, {"inc", AtomicOp::Inc}, {"dec", AtomicOp::Dec},
                                                        {"min", AtomicOp::Min}, {"max", AtomicOp::Max}};
    AtomicOp op = ops.at(name);
    if (reduction && (op == AtomicOp::Cas || op == AtomicOp::Exch)) throw TranslateError("does not exist as a reduction");
    size_t at = reduction ? 0 : 1;
    operands(at + (op == AtomicOp::Cas ? 3 : 2) + (policy ? 1 : 0));
    Address a = address(operand(at), space);
    Draft d = begin(atomicHandler(op, type), "atomic");
    describeAccess(d, Access::Atomic, a, space, ptx::sizeOf(type));
    Access& access = d.info.access;
    access.strong = true;
    access.acquire = semantics == "acquire" || semantics == "acq_rel";
    access.release = semantics == "release" || semantics == "acq_rel";
    access.scope = scope;
    access.storesResult = !reduction;
    d.info.poison = PoisonRule::Store;
    d.reads(Slot::B, source(operand(at + 1), type));
    if (op == AtomicOp::Cas) d.reads(Slot::C, source(operand(at + 2), type));
    d.instr.d = Instr::SINK;
    if (!reduction && operand(0).kind != Operand::Sink) d.writes(Slot::D, destination(operand(0), type));
    add(std::move(d));
}

void Translator::asyncCopies() {
    Modifiers& m = modifiers();
    if (!m.take("async")) throw TranslateError("this instruction is not implemented");
    if (m.take("bulk")) throw TranslateError("bulk copies are not implemented (sm_90)");
    if (m.takePrefix("mbarrier")) throw TranslateError("mbarriers are not implemented (sm_90 code only)");
    b_.program().usesAsyncCopies = true;
    if (m.take("commit_group")) {
        operands(0);
        add(begin(commitGroup, "asynccopy"));
        return;
    }
    if (m.take("wait_group")) {
        operands(1);
        Draft d = begin(waitGroup, "asynccopy");
        uint64_t groups = immediate(operand(0), "the number of groups");
        if (groups > INT32_MAX) throw TranslateError("the number of groups is negative or too large");
        d.instr.imm = static_cast<int64_t>(groups);
        add(std::move(d));
        return;
    }
    if (m.take("wait_all")) {
        operands(0);
        add(begin(waitAll, "asynccopy"));
        return;
    }
    std::string level = m.takeOne({"ca", "cg"});
    Space to = takeSpace(), from = takeSpace();
    if (level.empty() || to != Space::Shared || from != Space::Global) throw TranslateError("is written cp.async.{ca,cg}.shared.global");
    bool policy = m.take("L2::cache_hint");
    m.takeOne({"L2::64B", "L2::128B", "L2::256B"});
    operands(3, 5);
    uint64_t size = immediate(operand(2), "the size");
    if (!(size == 16 || (level == "ca" && (size == 4 || size == 8)))) throw TranslateError("copies 16 bytes, or 4, 8, 16 with .ca");
    size_t count = instruction().operands.size() - (policy ? 1 : 0);
    if (count > 4) throw TranslateError("too many operands");
    Address target = address(operand(0), Space::Shared), origin = address(operand(1), Space::Global);
    if (origin.offset != static_cast<int32_t>(origin.offset)) {
        Register sum = b_.newRegister(8);
        Draft s = begin(addImmediate64, "int");
        s.instr.imm = origin.offset;
        add(std::move(s.reads(Slot::A, origin.base).writes(Slot::D, sum)));
        origin.base = sum;
        origin.offset = 0;
    }
    Draft d = begin(vgpu::asyncCopy, "asynccopy");
    d.instr.size = static_cast<uint8_t>(size);
    describeAccess(d, Access::AsyncCopy, target, Space::Shared, static_cast<uint32_t>(size));
    b_.program().sharedGranularity = std::min(b_.program().sharedGranularity, 4u);
    d.info.poison = PoisonRule::None;
    d.reads(Slot::B, origin.base);
    d.instr.e = static_cast<uint32_t>(origin.offset);
    if (count == 4) {
        const Operand& extra = operand(3);
        bool isPredicate = extra.negated;
        if (extra.kind == Operand::Name && !isPredicate) {
            const Name* n = find(extra.name);
            isPredicate = n != nullptr && n->kind == Name::RegisterName && b_.bytesOf(n->reg) == 0;
        }
        d.instr.n = isPredicate ? COPY_IGNORE_SOURCE : COPY_SOURCE_SIZE;
        d.reads(Slot::C, isPredicate ? predicate(extra) : source(extra, Type::U32));
    }
    add(std::move(d));
}

void Translator::fence() {
    Modifiers& m = modifiers();
    uint8_t scope;
    if (instruction().opcode == "membar") {
        std::string s = m.takeOne({"cta", "gl", "sys"});
        if (s.empty()) throw TranslateError("the level is missing");
        scope = s == "cta" ? SCOPE_CTA : s == "gl" ? SCOPE_GPU : SCOPE_SYS;
    } else {
        if (m.take("proxy")) throw TranslateError("proxy fences are not implemented (sm_90)");
        m.takeOne({"sc", "acq_rel"});
        scope = takeScope(m, true);
    }
    operands(0);
    Draft d = begin(nothing, "fence");
    d.info.fence = static_cast<uint8_t>(scope + 1);
    add(std::move(d));
}

}  // namespace vgpu
