#include "driver/driver.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace vgpu::driver {

namespace {

thread_local std::string caller_label;

void reportAtExit() {
    Driver& driver = Driver::instance();
    // Another thread may be inside a call for ever: the report is worth less than an exit that ends.
    std::unique_lock<std::mutex> lock(driver.mutex, std::try_to_lock);
    if (lock.owns_lock() && !driver.settings.report.empty()) driver.reportLeaks(nullptr);
}

void forgetContext(Driver& driver, const Context& context) {
    auto belongs = [&context](const std::weak_ptr<Context>& owner) {
        std::shared_ptr<Context> alive = owner.lock();
        return alive == nullptr || alive.get() == &context;
    };
    for (const auto& stream : driver.streams.all()) {
        if (belongs(stream->context)) driver.streams.remove(stream->handle);
    }
    for (const auto& event : driver.events.all()) {
        if (belongs(event->context)) driver.events.remove(event->handle);
    }
    for (const auto& module : context.modules) {
        for (const auto& [name, function] : module->functions) {
            driver.functions.remove(function->handle);
            driver.kernels.remove(function->kernelHandle);
        }
        driver.modules.remove(module->handle);
        driver.libraries.remove(module->library);
    }
    for (const auto& executable : driver.executables.all()) {
        if (executable->context.get() == &context) driver.executables.remove(executable->handle);
    }
}

}  // namespace

Driver& Driver::instance() {
    static Driver* driver = new Driver;
    return *driver;
}

Driver::Driver() {
    const char* text = std::getenv("DIFFUSE4J_VGPU");
    try {
        if (text != nullptr) settings.parse(text);
    } catch (const std::exception& e) {
        settingsError = e.what();
    }
    queue.setSchedule(settings.schedule);
    std::atexit(reportAtExit);
}

void Driver::diagnose(const Diagnostic& diagnostic) {
    diagnostics.push_back(diagnostic);
    write(diagnostic.text());
}

void Driver::write(const std::string& text) const {
    if (settings.report.empty()) return;
    FILE* file = settings.report == "stderr" ? stderr : std::fopen(settings.report.c_str(), "a");
    if (file == nullptr) return;
    std::fprintf(file, "%s\n", text.c_str());
    if (file != stderr) std::fclose(file);
}

std::shared_ptr<Context> Driver::createContext(bool isPrimary, unsigned flags) {
    if (memory == nullptr) memory = std::make_shared<Memory>(settings.capacity());
    if (defaultPool == nullptr) {
        defaultPool = std::make_shared<MemoryPool>();
        defaultPool->handle = pools.add(defaultPool);
        currentPool = defaultPool;
    }
    auto context = std::make_shared<Context>();
    context->primary = isPrimary;
    context->flags = flags;
    context->id = nextId();
    context->legacy = std::make_shared<Stream>();
    context->legacy->handle = CU_STREAM_LEGACY;
    context->legacy->context = context;
    context->legacy->legacy = true;
    context->legacy->id = nextId();
    context->handle = contexts.add(context);
    return context;
}

void Driver::reportLeaks(const Context* context) {
    for (const auto& [address, memory_] : owned) {
        if (memory_.freeing || (context && memory_.context.lock().get() != context)) continue;
        const char* kind = memory_.ownership == Ownership::Device    ? " bytes of device memory"
                           : memory_.ownership == Ownership::Managed ? " bytes of managed memory"
                           : memory_.ownership == Ownership::Pinned  ? " bytes of pinned host memory"
                                                                     : " bytes of host memory stayed registered";
        Diagnostic leak;
        leak.kind = DiagnosticKind::Leakcheck;
        leak.message = std::to_string(memory_.size) + kind +
                       (memory_.ownership == Ownership::Registered ? "" : " were not freed");
        leak.address = address;
        leak.size = static_cast<uint32_t>(std::min<uint64_t>(memory_.size, UINT32_MAX));
        leak.allocation = "from " + memory_.site;
        diagnose(leak);
    }
}

void Driver::release(const OwnedMemory& memory_) {
    OwnedMemory gone = memory_;  // the argument may live in the map
    owned.erase(gone.address);
    if (gone.pool) gone.pool->used -= gone.size;
    if (gone.ownership == Ownership::Pinned || gone.ownership == Ownership::Registered) {
        void* host = reinterpret_cast<void*>(gone.address);
        memory->unregisterHost(host);
        if (gone.ownership == Ownership::Pinned) std::free(host);
    } else {
        memory->free(gone.address, gone.site);
    }
}

void Driver::destroyContext(Lock& lock, const std::shared_ptr<Context>& context) {
    queue.finishAll(lock, queue.pending(*context));
    if (context->destroyed) return;  // another thread was faster while the lock was released
    context->destroyed = true;
    // A faulty context cannot free: what it still holds says nothing about the program.
    if (context->fault == CUDA_SUCCESS) reportLeaks(context.get());
    std::vector<OwnedMemory> leaked;
    for (const auto& entry : owned) {
        if (entry.second.context.lock() == context) leaked.push_back(entry.second);
    }
    for (const OwnedMemory& memory_ : leaked) release(memory_);
    forgetContext(*this, *context);
    context->modules.clear();
    context->streams.clear();
    context->perThread.clear();
    contexts.remove(context->handle);
    if (primary == context) {
        primary = nullptr;
        primaryReferences = 0;
    }
}

void Driver::reset(Lock& lock) {
    for (const auto& context : contexts.all()) destroyContext(lock, context);
    graphs.clear();
    nodes.clear();
    executables.clear();
    links.clear();
    pools.clear();
    captures.clear();
    defaultPool = currentPool = nullptr;
    memory = nullptr;
    diagnostics.clear();
    launches.clear();
    launchCount = 0;
    if (queue.idle()) queue.resetTime();
    queue.setSchedule(settings.schedule);
    log.clear();
    log.clearFaults();
}

std::string hex(uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

void setCallerLabel(const std::string& label) { caller_label = label; }

std::string callerSite(const char* call, uint64_t serial, const void* returnAddress) {
    std::string site = std::string(call) + " #" + std::to_string(serial);
    if (!caller_label.empty()) return site + " at " + caller_label;
    Dl_info info;
    if (dladdr(returnAddress, &info) == 0 || info.dli_fname == nullptr) return site;
    const char* slash = std::string(info.dli_fname).rfind('/') == std::string::npos
                            ? info.dli_fname
                            : info.dli_fname + std::string(info.dli_fname).rfind('/') + 1;
    const char* base = info.dli_sname ? static_cast<const char*>(info.dli_saddr) : static_cast<const char*>(info.dli_fbase);
    std::string where = info.dli_sname ? std::string(info.dli_sname) + "+" : std::string();
    return site + " at " + where + hex(static_cast<const char*>(returnAddress) - base) + " (" + slash + ")";
}

}  // namespace vgpu::driver
