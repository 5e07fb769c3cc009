// A few lines instead of a test framework: a test is a function with a name that states what holds.
#pragma once

#include "machine.hpp"

#include <cstring>
#include <sstream>
#include <string>
#include <vector>

namespace vgpu::test {

struct Test {
    const char* name;
    void (*body)();
};
std::vector<Test>& tests();
struct Registration {
    Registration(const char* name, void (*body)()) { tests().push_back({name, body}); }
};
#define VGPU_TEST(NAME)                                                \
    static void NAME();                                                \
    static const ::vgpu::test::Registration registered_##NAME(#NAME, NAME); \
    static void NAME()

[[noreturn]] void failed(const std::string& message);

template <class A, class B>
void expectEqual(const A& actual, const B& expected, const std::string& what) {
    if (actual == expected) return;
    std::ostringstream s;
    s << what << ": expected " << expected << ", found " << actual;
    failed(s.str());
}
inline void expect(bool condition, const std::string& what) {
    if (!condition) failed(what);
}

/// Text of a file of the test resources.
std::string fixture(const std::string& name);

/// A device with one loaded module.
class Device {
public:
    explicit Device(const std::string& ptx) : memory(256u << 20), module(Module::load(memory, ptx)) {}

    template <class T>
    T* upload(const std::vector<T>& values, const std::string& site = "upload") {
        T* p = reserve<T>(values.size(), site);
        std::memcpy(p, values.data(), values.size() * sizeof(T));
        memory.markInitialised(reinterpret_cast<uint64_t>(p), values.size() * sizeof(T));
        return p;
    }
    template <class T>
    T* reserve(size_t n, const std::string& site = "reserve") {
        return reinterpret_cast<T*>(memory.allocate(n * sizeof(T), site));
    }
    /// Arguments are copied in order with the size of the parameter.
    template <class... Args>
    LaunchResult run(const std::string& kernel, Dim3 grid, Dim3 block, Args... args) {
        const Kernel* k = module->kernel(kernel);
        expect(k != nullptr, "kernel " + kernel + " exists");
        LaunchConfig c = config;
        c.grid = grid;
        c.block = block;
        c.parameters.assign(k->info().parameterBytes, 0);
        [[maybe_unused]] size_t i = 0;
        [[maybe_unused]] auto put = [&](const void* p) {
            const Parameter& parameter = k->info().parameters.at(i++);
            std::memcpy(&c.parameters[parameter.offset], p, parameter.size);
        };
        (put(&args), ...);
        c.print = [this](const std::string& text) { printed += text; };
        return launch(memory, *k, c);
    }

    Memory memory;
    std::unique_ptr<Module> module;
    LaunchConfig config;
    std::string printed;
};

bool has(const LaunchResult& result, DiagnosticKind kind, const std::string& part = "");

}  // namespace vgpu::test
