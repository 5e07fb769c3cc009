#include "driver/settings.hpp"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

namespace vgpu::driver {

namespace {

[[noreturn]] void refuse(const std::string& key, const std::string& value, const std::string& allowed) {
    throw std::invalid_argument("DIFFUSE4J_VGPU: " + key + "=" + value + ": expected " + allowed);
}

uint64_t number(const std::string& key, const std::string& value, const std::string& allowed) {
    if (value.empty() || value[0] < '0' || value[0] > '9') refuse(key, value, allowed);
    errno = 0;
    char* end = nullptr;
    uint64_t parsed = std::strtoull(value.c_str(), &end, 10);
    if (errno != 0 || *end != '\0') refuse(key, value, allowed);
    return parsed;
}

uint64_t bytes(const std::string& key, const std::string& value) {
    const char* allowed = "a size such as 512M or 8G, from 1M to 1024G";
    if (value.empty()) refuse(key, value, allowed);
    unsigned shift = 0;
    switch (value.back()) {
        case 'K': shift = 10; break;
        case 'M': shift = 20; break;
        case 'G': shift = 30; break;
        default: break;
    }
    uint64_t count = number(key, shift ? value.substr(0, value.size() - 1) : value, allowed);
    if (count > (uint64_t(1) << 40) >> shift || count << shift < uint64_t(1) << 20) refuse(key, value, allowed);
    return count << shift;
}

uint32_t checks(const std::string& key, const std::string& value) {
    uint32_t mask = CheckNone;
    size_t start = 0;
    while (start <= value.size()) {
        size_t end = std::min(value.find('+', start), value.size());
        std::string one = value.substr(start, end - start);
        if (one == "all") mask |= CheckAll;
        else if (one == "memory") mask |= CheckMemory;
        else if (one == "race") mask |= CheckRace;
        else if (one == "init") mask |= CheckInit;
        else if (one == "sync") mask |= CheckSync;
        else if (one != "none") refuse(key, value, "all, none, or memory, race, init, sync joined with +");
        start = end + 1;
    }
    return mask;
}

Schedule schedule(const std::string& key, const std::string& value) {
    const char* allowed = "forward, reverse or random:SEED";
    Schedule result;
    if (value == "reverse") {
        result.order = Schedule::Reverse;
    } else if (value.rfind("random:", 0) == 0) {
        result.order = Schedule::Random;
        result.seed = number(key, value.substr(7), allowed);
    } else if (value != "forward") {
        refuse(key, value, allowed);
    }
    return result;
}

}  // namespace

void Settings::set(const std::string& key, const std::string& value) {
    if (key == "profile") {
        const model::DeviceProfile* found = model::findProfile(value);
        if (found == nullptr) refuse(key, value, "h100, a100 or rtx4090");
        profile = found;
    } else if (key == "check") {
        checks = driver::checks(key, value);
    } else if (key == "schedule") {
        schedule = driver::schedule(key, value);
    } else if (key == "memory") {
        memoryBytes = bytes(key, value);
    } else if (key == "threads") {
        uint64_t count = number(key, value, "0 (all cores) to 1024");
        if (count > 1024) refuse(key, value, "0 (all cores) to 1024");
        hostThreads = static_cast<unsigned>(count);
    } else if (key == "limit") {
        instructionLimit = number(key, value, "warp instructions per launch, 0 for no limit");
    } else if (key == "counters") {
        if (value != "on" && value != "off") refuse(key, value, "on or off");
        counters = value == "on";
    } else if (key == "lines") {
        if (value != "on" && value != "off") refuse(key, value, "on or off");
        lines = value == "on";
    } else if (key == "approximation") {
        char* end = nullptr;
        double fraction = std::strtod(value.c_str(), &end);
        if (value.empty() || *end != '\0' || !(fraction >= 0 && fraction <= 1)) refuse(key, value, "0 to 1");
        approximationError = fraction;
    } else if (key == "report") {
        report = value;
    } else {
        refuse(key, value,
               "one of the keys profile, check, schedule, memory, threads, limit, counters, lines, approximation, report");
    }
}

void Settings::parse(const std::string& text) {
    size_t start = 0;
    while (start < text.size()) {
        size_t end = std::min(text.find(',', start), text.size());
        std::string entry = text.substr(start, end - start);
        start = end + 1;
        if (entry.empty()) continue;
        size_t equals = entry.find('=');
        if (equals == std::string::npos) refuse(entry, "", "KEY=VALUE");
        set(entry.substr(0, equals), entry.substr(equals + 1));
    }
}

Settings Settings::defaults() {
    Settings settings;
    settings.profile = model::findProfile("a100");
    return settings;
}

}  // namespace vgpu::driver
