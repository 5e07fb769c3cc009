#include "translate/builder.hpp"

#include "translate/allocator.hpp"

#include <cstring>

namespace vgpu {

Register ProgramBuilder::constant(uint64_t bits, uint32_t bytes) {
    if (bytes != 0 && bytes < 8) bits &= (1ull << (bytes * 8)) - 1;
    auto [it, fresh] = constants_.try_emplace({bits, bytes}, 0);
    if (fresh) {
        it->second = newRegister(bytes);
        registers_.back().kind = VirtualRegister::Constant;
        registers_.back().bits = bits;
    }
    return it->second;
}

Register ProgramBuilder::special(Special special, uint32_t bytes) {
    auto [it, fresh] = specials_.try_emplace({static_cast<int>(special), bytes}, 0);
    if (fresh) {
        it->second = newRegister(bytes);
        registers_.back().kind = VirtualRegister::SpecialValue;
        registers_.back().special = special;
    }
    return it->second;
}

Register ProgramBuilder::frameBase() {
    if (frameBase_ == NO_REGISTER) {
        frameBase_ = newRegister(4);
        registers_.back().kind = VirtualRegister::FrameBase;
    }
    return frameBase_;
}

uint32_t ProgramBuilder::add(Draft draft) {
    draft.instr.pool = program_.pool.size();
    program_.pool.resize(program_.pool.size() + draft.poolSize, Instr::SINK);
    if (draft.poolSize > 255) throw TranslateError("too many operands");
    program_.code.push_back(draft.instr);
    program_.info.push_back(std::move(draft.info));
    references_.push_back(std::move(draft.references));
    return size() - 1;
}

uint32_t ProgramBuilder::opcode(const std::string& text) {
    auto [it, fresh] = opcodes_.try_emplace(text, static_cast<uint32_t>(program_.opcodes.size()));
    if (fresh) program_.opcodes.push_back(text);
    return it->second;
}

uint8_t ProgramBuilder::mix(const char* name) {
    auto [it, fresh] = mixes_.try_emplace(name, static_cast<uint8_t>(program_.mixNames.size()));
    if (fresh) program_.mixNames.push_back(name);
    return it->second;
}

void ProgramBuilder::patch(uint32_t pc, const Reference& r) {
    Instr& i = program_.code[pc];
    InstrInfo& info = program_.info[pc];
    uint32_t row = registers_[r.reg].row;
    switch (r.slot) {
        case Slot::D: i.d = row; break;
        case Slot::A: i.a = row; break;
        case Slot::B: i.b = row; break;
        case Slot::C: i.c = row; break;
        case Slot::E: i.e = row; break;
        case Slot::Guard: i.guard = row; break;
        case Slot::Sync: i.sync = row; break;
        case Slot::Pool: program_.pool[i.pool + r.index] = row; break;
        case Slot::AccessAddress: info.access.address = row; break;
        case Slot::CallPointer: program_.calls[i.target].pointer = row; break;
        case Slot::CallArgument: program_.calls[i.target].arguments[r.index].source = row; break;
        case Slot::CallResult: program_.calls[i.target].results[r.index].source = row; break;
        case Slot::CallBase: program_.calls[i.target].callerBase = row; break;
        case Slot::BarrierId: program_.barriers[static_cast<size_t>(i.imm)].id = row; break;
        case Slot::BarrierCount: program_.barriers[static_cast<size_t>(i.imm)].count = row; break;
        case Slot::BarrierPredicate: program_.barriers[static_cast<size_t>(i.imm)].predicate = row; break;
    }
    bool address = r.slot == Slot::AccessAddress || r.slot == Slot::Guard || r.slot == Slot::Sync || r.slot == Slot::CallBase;
    if (address) return;
    InstrInfo::Row operand{row, registers_[r.reg].bytes};
    (r.writes ? info.writes : info.reads).push_back(operand);
}

void ProgramBuilder::finish() {
    Allocator(*this).run(functionBegins_);
    for (uint32_t pc = 0; pc < size(); ++pc) {
        for (const Reference& r : references_[pc]) patch(pc, r);
    }
    for (Instr& i : program_.code) i.v = program_.pool.data() + i.pool;
}

}  // namespace vgpu
