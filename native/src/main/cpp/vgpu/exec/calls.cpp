// Device functions: parameters travel through the frames of caller and callee in local memory. Each function has one
// frame and one set of registers in a program; recursive functions get a new frame on the device stack for every
// activation, and their registers are saved by the interpreter.
#include "check/observer.hpp"
#include "exec/address.hpp"
#include "exec/block.hpp"
#include "exec/builtins.hpp"
#include "exec/isa.hpp"

namespace vgpu {

namespace {

uint8_t* laneMemory(Warp& w, int lane, uint32_t offset, uint32_t bytes) {
    if (offset > w.localStride || w.localStride - offset < bytes) {
        faultStop(w, lane, Status::HardwareStackError, "device stack overflow");
        return nullptr;
    }
    return w.local + static_cast<uint64_t>(lane) * w.localStride + offset;
}

uint32_t frameBase(Warp& w, int lane) { return w.program->hasRecursion ? w.row<uint32_t>(w.program->frameBaseRow)[lane] : 0; }

void copy(Warp& w, int lane, uint32_t to, uint32_t from, uint32_t bytes) {
    uint8_t* target = laneMemory(w, lane, to, bytes);
    const uint8_t* source = laneMemory(w, lane, from, bytes);
    if (target == nullptr || source == nullptr) return;
    std::memcpy(target, source, bytes);
    if (w.block->observer != nullptr) w.block->observer->parameterCopied(w, lane, to, from, bytes);
}

const FunctionCode* callee(Warp& w, const CallSite& site, uint32_t& mask) {
    const Program& p = *w.program;
    if (!site.indirect) return &p.functions[site.function];
    const uint64_t* pointers = w.row<uint64_t>(site.pointer);
    uint64_t pointer = pointers[firstLane(mask)];
    uint32_t group = 0;
    eachLane(mask, [&](int i) { group |= (pointers[i] == pointer ? 1u : 0u) << i; });
    mask = group;
    for (const FunctionCode& f : p.functions) {
        if (pointer == FUNCTION_BASE + 16ull * f.moduleIndex) return &f;
    }
    faultStop(w, firstLane(mask), Status::InvalidPc, "indirect call to an address that is not a function");
    return nullptr;
}

}  // namespace

const FunctionCode* prepareCall(Warp& w, const Instr& instr, uint32_t& mask) {
    const Program& p = *w.program;
    const CallSite& site = p.calls[instr.target];
    if (site.builtin != CallSite::NotBuiltin) {
        runBuiltin(w, site, mask);
        return nullptr;
    }
    const FunctionCode* f = callee(w, site, mask);
    if (f == nullptr) return nullptr;
    if (f->parameters.size() != site.arguments.size() || f->results.size() != site.results.size()) {
        faultStop(w, firstLane(mask), Status::InvalidPc, "call of '" + f->name + "' with the wrong number of arguments");
        return nullptr;
    }
    eachLane(mask, [&](int lane) {
        uint32_t base = frameBase(w, lane);
        uint32_t callerBase = w.row<uint32_t>(site.callerBase)[lane];
        uint32_t calleeFrame = f->recursive ? f->frameOffset + base + f->frameBytes : f->frameOffset;
        for (size_t i = 0; i < site.arguments.size(); ++i) {
            const CallSite::Argument& a = site.arguments[i];
            uint32_t to = calleeFrame + f->parameters[i].offset;
            uint32_t bytes = std::min(a.size, f->parameters[i].size);
            if (!a.fromRow) {
                copy(w, lane, to, callerBase + a.source, bytes);
            } else if (uint8_t* target = laneMemory(w, lane, to, bytes)) {
                std::memcpy(target, w.regs + a.source + static_cast<size_t>(lane) * a.size, bytes);
                if (w.block->observer != nullptr) w.block->observer->parameterCopied(w, lane, to, Observer::REGISTER, bytes);
            }
        }
        if (f->recursive) {
            w.row<uint32_t>(p.frameBaseRow)[lane] = base + f->frameBytes;
            if (base + f->frameBytes > w.launch->config.stackBytes) {
                faultStop(w, lane, Status::HardwareStackError,
                          "device stack overflow: recursion in '" + f->name + "' needs more than " + std::to_string(w.launch->config.stackBytes) + " bytes a thread");
            }
        }
    });
    return w.interrupt ? nullptr : f;
}

void copyResults(Warp& w, const CallSite& site, const FunctionCode& f, uint32_t mask) {
    eachLane(mask, [&](int lane) {
        uint32_t base = frameBase(w, lane);
        uint32_t callerBase = w.row<uint32_t>(site.callerBase)[lane];
        bool callerMoves = site.callerBase == w.program->frameBaseRow && w.program->hasRecursion;
        if (callerMoves && f.recursive) callerBase -= f.frameBytes;
        uint32_t calleeFrame = f.recursive ? f.frameOffset + base : f.frameOffset;
        for (size_t i = 0; i < site.results.size(); ++i) {
            const CallSite::Argument& r = site.results[i];
            uint32_t from = calleeFrame + f.results[i].offset;
            uint32_t bytes = std::min(r.size, f.results[i].size);
            if (!r.fromRow) {
                copy(w, lane, callerBase + r.source, from, bytes);
            } else if (const uint8_t* source = laneMemory(w, lane, from, bytes)) {
                std::memcpy(w.regs + r.source + static_cast<size_t>(lane) * r.size, source, bytes);
            }
        }
    });
}

void leaveFrame(Warp& w, const FunctionCode& f, uint32_t mask) {
    if (!f.recursive) return;
    uint32_t* base = w.row<uint32_t>(w.program->frameBaseRow);
    eachLane(mask, [&](int lane) { base[lane] -= f.frameBytes; });
}

}  // namespace vgpu
