#include "exec/builtins.hpp"

#include "check/observer.hpp"
#include "exec/address.hpp"
#include "exec/block.hpp"

#include <cctype>
#include <cstdio>

namespace vgpu {

namespace {

constexpr uint32_t GENERIC_FORM = 4;
constexpr size_t MAX_STRING = 1 << 16;

const uint8_t* readable(Warp& w, int lane, uint64_t address, uint32_t bytes) {
    uint64_t va[32], host[32];
    va[lane] = address;
    return resolveSlow(w, 1u << lane, bytes, false, GENERIC_FORM, va, host) != 0 ? reinterpret_cast<const uint8_t*>(host[lane]) : nullptr;
}

/// Stops at the end of the string or, after reporting it, at the first byte that cannot be read.
std::string readString(Warp& w, int lane, uint64_t address) {
    std::string text;
    while (text.size() < MAX_STRING) {
        const uint8_t* c = readable(w, lane, address + text.size(), 1);
        if (c == nullptr || *c == 0) break;
        text.push_back(static_cast<char>(*c));
    }
    return text;
}

uint64_t argument(Warp& w, int lane, const CallSite& site, size_t index) {
    const CallSite::Argument& a = site.arguments[index];
    uint64_t value = 0;
    const uint8_t* source = a.fromRow ? w.regs + a.source + static_cast<size_t>(lane) * a.size
                                      : w.local + static_cast<uint64_t>(lane) * w.localStride + w.row<uint32_t>(site.callerBase)[lane] + a.source;
    std::memcpy(&value, source, std::min<uint32_t>(a.size, 8));
    return value;
}

void returnInt(Warp& w, int lane, const CallSite& site, int32_t value) {
    if (site.results.empty()) return;
    const CallSite::Argument& r = site.results[0];
    uint8_t* target = r.fromRow ? w.regs + r.source + static_cast<size_t>(lane) * r.size
                                : w.local + static_cast<uint64_t>(lane) * w.localStride + w.row<uint32_t>(site.callerBase)[lane] + r.source;
    std::memcpy(target, &value, std::min<uint32_t>(r.size, 4));
    Observer* observer = w.block->observer;
    if (!r.fromRow && observer != nullptr) {
        observer->parameterCopied(w, lane, w.row<uint32_t>(site.callerBase)[lane] + r.source, Observer::REGISTER, r.size);
    }
}

void print(Warp& w, const std::string& text) {
    LaunchContext& launch = *w.launch;
    std::lock_guard<std::mutex> lock(launch.printing);
    if (launch.config.print) launch.config.print(text);
}

/// printf over arguments that the compiler has packed, each aligned to its size.
class Formatter {
public:
    Formatter(Warp& w, int lane, std::string format, uint64_t arguments) : w_(w), lane_(lane), format_(std::move(format)), next_(arguments) {}

    std::string run() {
        for (size_t i = 0; i < format_.size();) {
            if (format_[i] != '%') {
                out_.push_back(format_[i++]);
            } else if (i + 1 < format_.size() && format_[i + 1] == '%') {
                out_.push_back('%');
                i += 2;
            } else {
                i = conversion(i);
            }
        }
        return out_;
    }
    int count() const { return count_; }

private:
    template <class T>
    T take() {
        next_ = (next_ + sizeof(T) - 1) / sizeof(T) * sizeof(T);
        T value{};
        if (const uint8_t* p = readable(w_, lane_, next_, sizeof(T))) std::memcpy(&value, p, sizeof(T));
        next_ += sizeof(T);
        ++count_;
        return value;
    }
    size_t number(size_t i, std::string& spec) {
        if (i < format_.size() && format_[i] == '*') {
            spec += std::to_string(std::min(take<int>(), 4096));
            return i + 1;
        }
        size_t digits = 0;
        while (i < format_.size() && std::isdigit(static_cast<unsigned char>(format_[i]))) {
            if (digits++ < 4) spec.push_back(format_[i]);  // no wider field than 9999
            ++i;
        }
        return i;
    }
    size_t conversion(size_t start) {
        size_t i = start + 1;
        std::string spec = "%";
        while (i < format_.size() && std::string("-+ #0").find(format_[i]) != std::string::npos) spec.push_back(format_[i++]);
        i = number(i, spec);
        if (i < format_.size() && format_[i] == '.') {
            spec.push_back('.');
            i = number(i + 1, spec);
        }
        bool wide = false;
        while (i < format_.size() && std::string("hlLqjzt").find(format_[i]) != std::string::npos) wide |= format_[i++] != 'h';
        if (i >= format_.size()) {
            out_ += format_.substr(start);
            return i;
        }
        char c = format_[i++];
        switch (c) {
            case 'd': case 'i': case 'u': case 'o': case 'x': case 'X':
                integer(spec, c, wide);
                break;
            case 'c': append(spec + c, take<int>()); break;
            case 'f': case 'F': case 'e': case 'E': case 'g': case 'G': case 'a': case 'A': append(spec + c, take<double>()); break;
            case 'p': append(spec + "p", reinterpret_cast<void*>(take<uint64_t>())); break;
            case 's': append(spec + "s", readString(w_, lane_, take<uint64_t>()).c_str()); break;
            default: out_ += format_.substr(start, i - start);
        }
        return i;
    }
    void integer(const std::string& spec, char c, bool wide) {
        if (wide) append(spec + "ll" + c, take<long long>());
        else append(spec + c, take<int>());
    }
    template <class T>
    void append(const std::string& spec, T value) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int length = std::snprintf(nullptr, 0, spec.c_str(), value);
        if (length <= 0) return;
        std::string text(static_cast<size_t>(length) + 1, '\0');
        std::snprintf(text.data(), text.size(), spec.c_str(), value);
#pragma GCC diagnostic pop
        text.pop_back();
        out_ += text;
    }

    Warp& w_;
    int lane_;
    std::string format_;
    uint64_t next_;
    std::string out_;
    int count_ = 0;
};

void assertFail(Warp& w, int lane, const CallSite& site) {
    Dim3 t = w.block->threadId(w.id, static_cast<uint32_t>(lane)), b = w.block->id;
    auto position = [](const Dim3& d) { return "[" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + "]"; };
    std::string message = readString(w, lane, argument(w, lane, site, 1)) + ":" + std::to_string(static_cast<uint32_t>(argument(w, lane, site, 2))) + ": " +
                          readString(w, lane, argument(w, lane, site, 3)) + ": block: " + position(b) + ", thread: " + position(t) + " Assertion `" +
                          readString(w, lane, argument(w, lane, site, 0)) + "` failed.";
    print(w, message + "\n");
    faultStop(w, lane, Status::AssertFailed, message);
}

}  // namespace

CallSite::Builtin builtinNamed(const std::string& name) {
    if (name == "vprintf") return CallSite::Vprintf;
    if (name == "__assertfail") return CallSite::AssertFail;
    return CallSite::NotBuiltin;
}

size_t builtinArity(CallSite::Builtin builtin) { return builtin == CallSite::Vprintf ? 2 : 5; }

void runBuiltin(Warp& w, const CallSite& site, uint32_t mask) {
    eachLane(mask, [&](int lane) {
        if (site.builtin == CallSite::AssertFail) {
            assertFail(w, lane, site);
            return;
        }
        Formatter formatter(w, lane, readString(w, lane, argument(w, lane, site, 0)), argument(w, lane, site, 1));
        print(w, formatter.run());
        returnInt(w, lane, site, formatter.count());
    });
}

}  // namespace vgpu
