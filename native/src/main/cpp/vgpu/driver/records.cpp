#include "driver/records.hpp"

#include <cstdio>

namespace vgpu::driver {

namespace {

/// Collects one record after another.
class Records {
public:
    void add(const std::string& key, const std::string& value) {
        text_ += key + "=";
        for (char c : value) {
            if (c == '\\') text_ += "\\\\";
            else if (c == '\n') text_ += "\\n";
            else text_ += c;
        }
        text_ += '\n';
    }
    void add(const std::string& key, uint64_t value) { add(key, std::to_string(value)); }
    void add(const std::string& key, const Dim3& value) {
        add(key, std::to_string(value.x) + "," + std::to_string(value.y) + "," + std::to_string(value.z));
    }
    void add(const std::string& key, double value) {
        char digits[40];
        std::snprintf(digits, sizeof digits, "%.17g", value);
        add(key, std::string(digits));
    }
    void end() { text_ += '\n'; }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

void addAccess(Records& r, const std::string& name, const AccessCounters& c) {
    r.add(name + ".requests", c.requests);
    r.add(name + ".sectors", c.sectors);
    r.add(name + ".idealSectors", c.idealSectors);
    r.add(name + ".bytes", c.bytes);
    r.add(name + ".uniqueBytes", c.uniqueBytes);
}

void addShared(Records& r, const std::string& name, const SharedCounters& c) {
    r.add(name + ".requests", c.requests);
    r.add(name + ".wavefronts", c.wavefronts);
    r.add(name + ".idealWavefronts", c.idealWavefronts);
    r.add(name + ".bytes", c.bytes);
}

void addCounters(Records& r, const Counters& c) {
    r.add("warpInstructions", c.warpInstructions);
    r.add("threadInstructions", c.threadInstructions);
    addAccess(r, "globalLoad", c.globalLoad);
    addAccess(r, "globalStore", c.globalStore);
    addAccess(r, "globalAtomic", c.globalAtomic);
    addAccess(r, "localLoad", c.localLoad);
    addAccess(r, "localStore", c.localStore);
    addShared(r, "sharedLoad", c.sharedLoad);
    addShared(r, "sharedStore", c.sharedStore);
    addShared(r, "sharedAtomic", c.sharedAtomic);
    addShared(r, "asyncCopyShared", c.asyncCopyShared);
    addShared(r, "ldmatrixWaves", c.ldmatrixWaves);
    r.add("ldmatrix", c.ldmatrix);
    r.add("mma", c.mma);
    r.add("mmaFlops", c.mmaFlops);
    for (const auto& [type, flops] : c.mmaFlopsByType) r.add("mmaFlops." + type, flops);
    r.add("branches", c.branches);
    r.add("divergentBranches", c.divergentBranches);
    r.add("barriers", c.barriers);
    r.add("asyncCopies", c.asyncCopies);
    for (const auto& [name, count] : c.mix) r.add("mix." + name, count);
    r.add("blocks", c.blocks);
    if (!c.executedLines.empty()) {
        std::string lines;
        for (uint32_t line : c.executedLines) lines += (lines.empty() ? "" : ",") + std::to_string(line);
        r.add("executedLines", lines);
    }
}

void addTime(Records& r, const model::TimeEstimate& t) {
    r.add("time.tensor", t.tensor);
    r.add("time.issue", t.issue);
    r.add("time.fp32", t.fp32);
    r.add("time.shared", t.shared);
    r.add("time.l2", t.l2);
    r.add("time.dram", t.dram);
    r.add("time.total", t.total);
    r.add("time.bound", std::string(t.bound));
    r.add("time.waves", t.waves);
    r.add("time.blocksPerSm", uint64_t(t.blocksPerSm));
    r.add("time.occupancyLimit", std::string(t.occupancyLimit));
    r.add("time.balance", t.balance);
}

}  // namespace

std::string diagnosticRecords(const Driver& driver) {
    Records r;
    for (const Diagnostic& d : driver.diagnostics) {
        r.add("kind", std::string(name(d.kind)));
        r.add("message", d.message);
        r.add("kernel", d.kernel);
        r.add("file", d.file);
        r.add("line", uint64_t(d.line));
        r.add("ptxLine", uint64_t(d.ptxLine));
        r.add("instruction", d.instruction);
        r.add("block", d.block);
        r.add("thread", d.thread);
        if (d.otherBlock) r.add("otherBlock", *d.otherBlock);
        if (d.otherThread) r.add("otherThread", *d.otherThread);
        r.add("otherLine", uint64_t(d.otherLine));
        r.add("address", d.address);
        r.add("size", uint64_t(d.size));
        r.add("allocation", d.allocation);
        r.add("count", d.count);
        r.add("text", d.text());
        r.end();
    }
    return r.take();
}

std::string callRecords(const Driver& driver) {
    Records r;
    for (const auto& [name, total] : driver.log.totals()) {
        r.add("name", name);
        r.add("calls", total.calls);
        r.add("bytes", total.bytes);
        r.end();
    }
    return r.take();
}

std::string sequenceRecords(const Driver& driver) {
    Records r;
    for (const CallLog::Entry& entry : driver.log.sequence()) {
        r.add("name", entry.name);
        r.add("bytes", entry.bytes);
        r.end();
    }
    return r.take();
}

std::string launchRecords(const Driver& driver) {
    Records r;
    for (const LaunchRecord& launch : driver.launches) {
        r.add("kernel", launch.kernel);
        r.add("grid", launch.grid);
        r.add("block", launch.block);
        r.add("sharedBytes", uint64_t(launch.sharedBytes));
        r.add("registers", uint64_t(launch.registers));
        addCounters(r, launch.counters);
        addTime(r, launch.time);
        r.end();
    }
    return r.take();
}

std::string allocationRecords(const Driver& driver) {
    Records r;
    for (const auto& [address, memory] : driver.owned) {
        r.add("address", address);
        r.add("bytes", memory.size);
        r.add("site", memory.site);
        r.end();
    }
    return r.take();
}

}  // namespace vgpu::driver
