#include "driver/control.hpp"

#include "driver/call.hpp"
#include "driver/records.hpp"

#include <cstring>

namespace vgpu::driver {

namespace {

template <class Body>
int controlled(const char* name, Body&& body) noexcept {
    try {
        Driver& driver = Driver::instance();
        Lock lock(driver.mutex);
        body(driver, lock);
        return CUDA_SUCCESS;
    } catch (const std::invalid_argument& e) {
        setLastMessage(name, CUDA_ERROR_INVALID_VALUE, e.what());
        return CUDA_ERROR_INVALID_VALUE;
    } catch (const std::exception& e) {
        setLastMessage(name, CUDA_ERROR_UNKNOWN, e.what());
        return CUDA_ERROR_UNKNOWN;
    }
}

void requireText(const char* text, const char* name) {
    if (text == nullptr) throw std::invalid_argument(std::string(name) + " is null");
}

int configure(const char* settings) {
    return controlled("d4jVgpuConfigure", [&](Driver& driver, Lock&) {
        requireText(settings, "settings");
        Settings changed = driver.settings;
        changed.parse(settings);
        if (driver.memory && (changed.profile != driver.settings.profile || changed.capacity() != driver.settings.capacity())) {
            throw std::invalid_argument("profile and memory can change only before the first context or after d4jVgpuReset");
        }
        driver.settings = changed;
        driver.queue.setSchedule(changed.schedule);
    });
}

int reset() {
    return controlled("d4jVgpuReset", [](Driver& driver, Lock& lock) { driver.reset(lock); });
}

int labelCaller(const char* label) {
    return controlled("d4jVgpuLabelCaller", [&](Driver&, Lock&) { setCallerLabel(label ? label : ""); });
}

int failCalls(const char* name, uint64_t skip, uint64_t times, int result) {
    return controlled("d4jVgpuFailCalls", [&](Driver& driver, Lock&) {
        requireText(name, "name");
        if (errorName(result) == nullptr || result == CUDA_SUCCESS) {
            throw std::invalid_argument(std::to_string(result) + " is no error of CUresult");
        }
        driver.log.failCalls(name, skip, times, static_cast<CUresult>(result));
    });
}

int clear(const char* what) {
    return controlled("d4jVgpuClear", [&](Driver& driver, Lock&) {
        requireText(what, "what");
        std::string record = what;
        if (record == "diagnostics") driver.diagnostics.clear();
        else if (record == "calls" || record == "sequence") driver.log.clear();
        else if (record == "launches") driver.launches.clear();
        else if (record == "faults") driver.log.clearFaults();
        else throw std::invalid_argument("there is no record '" + record + "' to clear");
    });
}

size_t read(const char* what, char* buffer, size_t capacity) {
    std::string text;
    int status = controlled("d4jVgpuRead", [&](Driver& driver, Lock&) {
        requireText(what, "what");
        std::string record = what;
        if (record == "message") text = lastMessage();
        else if (record == "diagnostics") text = diagnosticRecords(driver);
        else if (record == "calls") text = callRecords(driver);
        else if (record == "sequence") text = sequenceRecords(driver);
        else if (record == "launches") text = launchRecords(driver);
        else if (record == "allocations") text = allocationRecords(driver);
        else throw std::invalid_argument("there is no record '" + record + "' to read");
    });
    if (status != CUDA_SUCCESS) return 0;
    if (buffer != nullptr && capacity > 0) {
        size_t bytes = std::min(text.size(), capacity - 1);
        std::memcpy(buffer, text.data(), bytes);
        buffer[bytes] = '\0';
    }
    return text.size() + 1;
}

template <class Function>
void (*address(Function* function))() {
    return reinterpret_cast<void (*)()>(function);
}

}  // namespace

void (*controlFunction(const char* name))() {
    const std::string wanted = name;
    if (wanted == "d4jVgpuConfigure") return address(&configure);
    if (wanted == "d4jVgpuReset") return address(&reset);
    if (wanted == "d4jVgpuLabelCaller") return address(&labelCaller);
    if (wanted == "d4jVgpuFailCalls") return address(&failCalls);
    if (wanted == "d4jVgpuClear") return address(&clear);
    if (wanted == "d4jVgpuRead") return address(&read);
    return nullptr;
}

}  // namespace vgpu::driver
