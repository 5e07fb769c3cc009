// Runs the kernels of one family against references in double: device_test LIBCUDA IMAGES FAMILY
// [cases | times | MUTANTS]. With "cases", every case is a line of its own; with "times", launches also tell how long they
// would take by the virtual GPU's time model. With a file of mutants it asks instead whether those are noticed.
// On the virtual GPU, DIFFUSE4J_VGPU chooses checkers and schedule. Exit status 0: all right.
#include "test/device/mutation.hpp"
#include "test/device/suite.hpp"

int main(int count, char** arguments) {
    using d4j::test::Suite;
    const std::map<std::string, void (*)(Suite&)> families = {
        {"attention", d4j::test::attentionCases}, {"conv", d4j::test::convCases},
        // How kernels use memory and tensor cores.
        {"attention_counters", d4j::test::attentionCounterCases},
        {"matrix_counters", d4j::test::matrixCounterCases},
        {"memory_counters", d4j::test::memoryCounterCases},
        {"elementwise", d4j::test::elementwiseCases}, {"gemm", d4j::test::gemmCases},
        {"linear_small", d4j::test::linearSmallCases}, {"norm", d4j::test::normCases},
        {"sampler", d4j::test::samplerCases},
    };
    const std::string more = count == 5 ? arguments[4] : "";
    const bool times = more == "times", everyCase = times || more == "cases";
    if (count < 4 || count > 5 || families.count(arguments[3]) == 0) {
        std::fprintf(stderr,
                     "usage: device_test LIBCUDA IMAGES FAMILY [cases | times | MUTANTS]; FAMILY is a folder of kernels\n");
        return 2;
    }
    try {
        if (count == 5 && !everyCase) {
            return d4j::test::testMutants(arguments[1], arguments[2], families.at(arguments[3]), arguments[4]);
        }
        d4j::test::Gpu gpu(arguments[1]);
        Suite suite(gpu, arguments[2], everyCase, times);
        families.at(arguments[3])(suite);
        return suite.finish();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
