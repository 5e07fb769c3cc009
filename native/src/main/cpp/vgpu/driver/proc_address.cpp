#include "driver/proc_address.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <unordered_map>

// Declared without parameters: only their addresses matter here.
#define VGPU_ENTRY(name) extern "C" void name();
#define VGPU_UNSUPPORTED(name) extern "C" void name();
#include "driver/entry_points.def"
#include "driver/unsupported.def"
#undef VGPU_ENTRY
#undef VGPU_UNSUPPORTED

namespace vgpu::driver {

namespace {

const std::unordered_map<std::string, EntryPoint>& entryPoints() {
    static const auto* all = new std::unordered_map<std::string, EntryPoint>{
#define VGPU_ENTRY(name) {#name, &name},
#define VGPU_UNSUPPORTED(name) {#name, &name},
#include "driver/entry_points.def"
#include "driver/unsupported.def"
#undef VGPU_ENTRY
#undef VGPU_UNSUPPORTED
    };
    return *all;
}

struct Versioned {
    const char* base;
    int since;
    const char* symbol;
};

constexpr Versioned versions[] = {
#define VGPU_VERSIONED(base, since, symbol) {#base, since, #symbol},
#include "driver/versions.def"
#undef VGPU_VERSIONED
};

constexpr uint64_t flagPerThread = 2;

}  // namespace

EntryPoint lookUp(const std::string& name, int version, uint64_t flags, Query& query) {
    query = Found;
    const auto& all = entryPoints();
    std::string symbol;
    bool listed = false;
    for (const Versioned& candidate : versions) {  // ascending within a base
        if (name != candidate.base) continue;
        listed = true;
        if (candidate.since <= version) symbol = candidate.symbol;
    }
    if (!listed) symbol = name;
    if (listed && symbol.empty()) {
        query = VersionNotSufficient;
        return nullptr;
    }
    if (flags & flagPerThread) {
        for (const char* suffix : {"_ptsz", "_ptds"}) {
            auto found = all.find(symbol + suffix);
            if (found != all.end()) return found->second;
        }
    }
    auto found = all.find(symbol);
    if (found != all.end()) return found->second;
    query = NotFound;
    return nullptr;
}

}  // namespace vgpu::driver
