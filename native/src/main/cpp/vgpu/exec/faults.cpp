// Things that go wrong while a kernel runs.
#include "exec/launch_context.hpp"

#include "exec/block.hpp"

namespace vgpu {

void LaunchContext::report(Diagnostic d) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto key = std::make_tuple(static_cast<int>(d.kind), d.message, d.ptxLine);
    auto [it, fresh] = diagnostics_.try_emplace(key, d);
    if (fresh) return;
    uint64_t count = it->second.count + d.count;
    auto position = [](const Diagnostic& x) { return std::make_tuple(x.block.z, x.block.y, x.block.x, x.thread.z, x.thread.y, x.thread.x); };
    if (position(d) < position(it->second)) it->second = std::move(d);
    it->second.count = count;
}

void LaunchContext::note(Status status, const std::string& message) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (status_ != Status::Success) return;
    status_ = status;
    message_ = message;
}

void LaunchContext::fail(Status status, const std::string& message) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (status_ == Status::Success) {
        status_ = status;
        message_ = message;
    }
    stop = true;
}

std::vector<Diagnostic> LaunchContext::takeDiagnostics() {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Diagnostic> list;
    for (auto& [key, d] : diagnostics_) list.push_back(std::move(d));
    diagnostics_.clear();
    return list;
}

Diagnostic diagnosticAt(const Warp& w, uint32_t pc, int lane, DiagnosticKind kind, const std::string& message) {
    const Program& p = *w.program;
    const InstrInfo& info = p.info[pc];
    Diagnostic d;
    d.kind = kind;
    d.message = message;
    d.kernel = w.launch->info.name;
    if (info.location.file < p.files.size()) d.file = p.files[info.location.file];
    d.line = info.location.line;
    d.ptxLine = info.ptxLine;
    d.instruction = p.opcodes[info.text];
    d.block = w.block->id;
    d.thread = w.block->threadId(w.id, static_cast<uint32_t>(lane));
    return d;
}

namespace {
void faultAt(Warp& w, int lane, Status status, uint64_t address, uint32_t bytes, const std::string& message) {
    Diagnostic d = diagnosticAt(w, w.pc, lane, DiagnosticKind::Memcheck, message);
    d.address = address;
    d.size = bytes;
    if (address < (1ull << 56) && address >= 4096) d.allocation = w.launch->memory.describe(address);
    w.launch->fail(status, d.text());
    w.launch->report(std::move(d));
    w.interrupt = true;
}
}  // namespace

void faultAddress(Warp& w, int lane, uint64_t address, uint32_t bytes, const char* what) {
    faultAt(w, lane, Status::IllegalAddress, address, bytes, what);
}

void faultAlignment(Warp& w, int lane, uint64_t address, uint32_t bytes) {
    faultAt(w, lane, Status::MisalignedAddress, address, bytes, "misaligned access: the address is not a multiple of " + std::to_string(bytes));
}

void faultStop(Warp& w, int lane, Status status, const std::string& message) {
    Diagnostic d = diagnosticAt(w, w.pc, lane, DiagnosticKind::Trap, message);
    w.launch->fail(status, d.text());
    w.launch->report(std::move(d));
    w.interrupt = true;
}

uint8_t* slowGlobal(Warp& w, int lane, uint64_t address, uint32_t bytes, const char* what) {
    void* host = w.launch->memory.host(address, bytes);
    if (host != nullptr) return static_cast<uint8_t*>(host);
    faultAddress(w, lane, address, bytes, *what == 'w' ? "write to an address that no allocation holds" : "read from an address that no allocation holds");
    return nullptr;
}

}  // namespace vgpu
