// Diagnostics as text.
#include "machine.hpp"

namespace vgpu {

const char* name(DiagnosticKind kind) {
    switch (kind) {
        case DiagnosticKind::Memcheck: return "memcheck";
        case DiagnosticKind::Racecheck: return "racecheck";
        case DiagnosticKind::Initcheck: return "initcheck";
        case DiagnosticKind::Synccheck: return "synccheck";
        case DiagnosticKind::Leakcheck: return "leakcheck";
        case DiagnosticKind::Deadlock: return "deadlock";
        case DiagnosticKind::Trap: return "trap";
    }
    return "?";
}

namespace {
std::string position(const Dim3& d) { return "(" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + ")"; }
}  // namespace

std::string Diagnostic::text() const {
    std::string t = std::string(vgpu::name(kind)) + ": " + message + "\n";
    if (!kernel.empty()) {
        t += "    in kernel " + kernel;
        if (!file.empty()) t += " at " + file + ":" + std::to_string(line);
        t += " (" + instruction + ", ptx line " + std::to_string(ptxLine) + ")\n";
        t += "    by thread " + position(thread) + " of block " + position(block);
        if (otherThread) {
            t += ", and thread " + position(*otherThread);
            if (otherBlock) t += " of block " + position(*otherBlock);
            if (otherLine != 0) t += " at line " + std::to_string(otherLine);
        }
        t += "\n";
    }
    if (size != 0) {
        char text[64];
        std::snprintf(text, sizeof text, "    %u bytes at 0x%llx", size, static_cast<unsigned long long>(address));
        t += text;
        if (!allocation.empty()) t += ", " + allocation;
        t += "\n";
    }
    if (count > 1) t += "    " + std::to_string(count) + " times\n";
    return t;
}

}  // namespace vgpu
