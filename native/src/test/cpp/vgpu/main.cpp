// Runs all tests, or those whose name contains the second argument. The first is the folder of the fixtures.
#include "harness.hpp"

#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>

namespace vgpu::test {

namespace {
std::string folder;
}

std::vector<Test>& tests() {
    static std::vector<Test> list;
    return list;
}

void failed(const std::string& message) { throw std::runtime_error(message); }

std::string fixture(const std::string& name) {
    std::ifstream file(folder + "/" + name);
    if (!file) failed("cannot read fixture " + folder + "/" + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

bool has(const LaunchResult& result, DiagnosticKind kind, const std::string& part) {
    for (const Diagnostic& d : result.diagnostics) {
        if (d.kind == kind && d.text().find(part) != std::string::npos) return true;
    }
    return false;
}

}  // namespace vgpu::test

int main(int argc, char** argv) {
    using namespace vgpu::test;
    if (argc < 2) {
        std::fprintf(stderr, "usage: vgpu-tests FIXTURES [PART OF A NAME]\n");
        return 2;
    }
    folder = argv[1];
    int bad = 0, run = 0;
    for (const Test& t : tests()) {
        if (argc > 2 && std::string(t.name).find(argv[2]) == std::string::npos) continue;
        ++run;
        try {
            t.body();
        } catch (const std::exception& e) {
            ++bad;
            std::printf("FAILED %s: %s\n", t.name, e.what());
        }
    }
    std::printf("%d tests, %d failed\n", run, bad);
    return bad == 0 && run > 0 ? 0 : 1;
}
