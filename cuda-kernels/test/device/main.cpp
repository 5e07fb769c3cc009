// Runs the matrix kernels against references in double: device_test LIBCUDA IMAGES conv|gemm|linear_small|counters.
// On the virtual GPU, DIFFUSE4J_VGPU chooses checkers and schedule. Exit status 0: all right.
#include "test/device/suite.hpp"

int main(int count, char** arguments) {
    if (count != 4) {
        std::fprintf(stderr, "usage: device_test LIBCUDA IMAGES conv|gemm|linear_small|counters\n");
        return 2;
    }
    try {
        d4j::test::Gpu gpu(arguments[1]);
        d4j::test::Suite suite(gpu, arguments[2]);
        const std::string kernels = arguments[3];
        if (kernels == "conv") {
            convCases(suite);
        } else if (kernels == "gemm") {
            gemmCases(suite);
        } else if (kernels == "linear_small") {
            linearSmallCases(suite);
        } else if (kernels == "counters") {
            counterCases(suite);
        }
        return suite.finish();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
