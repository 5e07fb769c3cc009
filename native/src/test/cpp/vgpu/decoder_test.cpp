// What is refused, with what words.
#include "harness.hpp"

#include <random>

using namespace vgpu;
using namespace vgpu::test;

namespace {

std::string kernel(const std::string& body) {
    return ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k()\n{\n.reg .pred %p<4>;\n.reg .b32 %r<8>;\n.reg .b64 %rd<8>;\n.reg .f32 %f<8>;\n" + body + "\nret;\n}\n";
}

LoadError refusal(const std::string& ptx) {
    Memory memory(16 << 20);
    try {
        Module::load(memory, ptx);
    } catch (const LoadError& e) {
        expectEqual(memory.used(), uint64_t(0), "nothing stays allocated");
        return e;
    }
    failed("was not refused: " + ptx);
}

void expectRefused(const std::string& body, const std::string& part) {
    LoadError e = refusal(kernel(body));
    expectEqual(static_cast<int>(e.status()), 218, "status for " + body);
    expect(std::string(e.what()).find(part) != std::string::npos, "'" + part + "' in: " + e.what());
    expect(std::string(e.what()).find("ptx line 10") != std::string::npos, "the line in: " + std::string(e.what()));
}

}  // namespace

VGPU_TEST(whatIsNotImplementedIsRefusedByNameAndLine) {
    expectRefused("frobnicate.u32 %r1, %r2;", "frobnicate.u32");
    expectRefused("add.wrong.u32 %r1, %r2, %r3;", ".wrong");
    expectRefused("add.ftz.s32 %r1, %r2, %r3;", ".ftz");
    expectRefused("mbarrier.init.shared.b64 [%r1], 1;", "mbarrier");
    expectRefused("cp.async.bulk.commit_group;", "bulk");
    expectRefused("wgmma.fence.sync.aligned;", "wgmma");
    expectRefused("setmaxnreg.inc.sync.aligned.u32 64;", "setmaxnreg");
    expectRefused("barrier.cluster.arrive;", "cluster");
    expectRefused("shfl.up.b32 %r1, %r2, %r3, 0;", "sync");
    expectRefused("tex.2d.v4.f32.f32 {%f0,%f1,%f2,%f3}, [t, {%f4,%f5}];", "tex");
}

VGPU_TEST(operandsOfTheWrongShapeAreRefused) {
    expectRefused("add.u32 %r1, %r2, %rd1;", "64 bits");
    expectRefused("add.u32 %r1, %r2;", "operands");
    expectRefused("add.u32 %r1, %r2, %nope;", "%nope");
    expectRefused("bra nowhere;", "nowhere");
    expectRefused("ld.global.u32 %r1, [%r2];", "32-bit");
    expectRefused("@%r1 add.u32 %r1, %r2, %r3;", "predicate");
}

VGPU_TEST(textThatIsNotPtxAndNewerPtxAreRefused) {
    expectEqual(static_cast<int>(refusal("hello").status()), 218, "not PTX");
    expectEqual(static_cast<int>(refusal("").status()), 218, "empty");
    expectEqual(static_cast<int>(refusal(".version 10.0\n.target sm_80\n.address_size 64\n").status()), 222, "version");
    expectEqual(static_cast<int>(refusal(".version 8.0\n.target sm_90a\n.address_size 64\n").status()), 209, "target");
}

VGPU_TEST(damagedPtxNeverCrashes) {
    std::mt19937 random(7);
    for (const char* name : {"planted_faults.ptx", "gemm.ptx"}) {
        const std::string good = fixture(name);
        for (int i = 0; i < 60; ++i) {
            std::string bad = good;
            for (int k = 0; k < 3; ++k) {
                size_t at = random() % bad.size();
                switch (random() % 3) {
                    case 0: bad.erase(at, random() % 40); break;
                    case 1: bad[at] = static_cast<char>(32 + random() % 95); break;
                    default: bad.insert(at, bad.substr(random() % bad.size(), random() % 40));
                }
            }
            Memory memory(16 << 20);
            try {
                Module::load(memory, bad);
            } catch (const LoadError&) {
                // Refused is right; anything else would end the test.
            }
            expectEqual(memory.used(), uint64_t(0), "nothing stays allocated");
        }
    }
}

VGPU_TEST(launchesThatCannotStartAreRefusedWithTheReason) {
    Device d(kernel(".shared .align 4 .b8 tile[40000];\nmov.u32 %r1, tile;"));
    auto refused = [&](Dim3 grid, Dim3 block) {
        try {
            d.run("k", grid, block);
        } catch (const LaunchError& e) {
            return static_cast<int>(e.status());
        }
        return 0;
    };
    expectEqual(refused({0}, {32}), 1, "empty grid");
    expectEqual(refused({1}, {1025}), 1, "too many threads");
    expectEqual(refused({1}, {32}), 0, "legal");
    d.config.dynamicSharedBytes = 150000;
    expectEqual(refused({1}, {32}), 1, "too much shared memory");
}
