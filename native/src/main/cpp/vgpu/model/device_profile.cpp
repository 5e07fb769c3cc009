#include "model/device_profile.hpp"

namespace vgpu::model {

namespace {

constexpr uint64_t GiB = uint64_t(1) << 30;
constexpr uint64_t MiB = uint64_t(1) << 20;
constexpr uint32_t KiB = 1024;

// "NVIDIA A100 Tensor Core GPU Architecture" (2020) for the SXM4 80 GB part: 108 SMs, 1410 MHz boost, 312 TFLOPS dense
// f16 = 108 * 2048 * 1.41 GHz, 40 MB of L2 with 5120 bytes a clock, 2039 GB/s HBM2e. 164 KiB of shared memory an SM.
constexpr DeviceProfile a100 = {
    "a100", "NVIDIA A100-SXM4-80GB (virtual)",
    108, 2048, 32, 164 * KiB, 163 * KiB, 80 * GiB, 40 * MiB, 5120, 1593000,
    1410000, 2048, 1.0, 64, 32, 5120, 2.039e12, 25e9, 2000,
};

// "NVIDIA H100 Tensor Core GPU Architecture" (2022) for the SXM5 part: 132 SMs, 1830 MHz at the published rates, 989.4
// TFLOPS dense f16 = 132 * 4096 * 1.83 GHz, 50 MB of L2, 3352 GB/s HBM3, 228 KiB of shared memory an SM. NVIDIA does not
// state the L2 rate; 5120 bytes a clock is A100's. mma.sync, all that compute_80 code has, reaches 62.9% of the peak on
// Hopper: Luo et al., "Benchmarking and Dissecting the Nvidia Hopper GPU Architecture via Microbenchmarking" (2024).
constexpr DeviceProfile h100 = {
    "h100", "NVIDIA H100 80GB HBM3 (virtual)",
    132, 2048, 32, 228 * KiB, 227 * KiB, 80 * GiB, 50 * MiB, 5120, 2619000,
    1830000, 4096, 0.629, 128, 64, 5120, 3.352e12, 55e9, 2000,
};

// "NVIDIA Ada GPU Architecture" (2022): 128 SMs, 2520 MHz boost, 165.2 TFLOPS dense f16 with f32 accumulation = 128 * 512
// * 2.52 GHz, 72 MB of L2, 1008 GB/s GDDR6X, 100 KiB of shared memory and 1536 threads an SM. The L2 rate is not
// published; 2048 bytes a clock (5.2 TB/s) is what public microbenchmarks measure.
constexpr DeviceProfile rtx4090 = {
    "rtx4090", "NVIDIA GeForce RTX 4090 (virtual)",
    128, 1536, 24, 100 * KiB, 99 * KiB, 24 * GiB, 72 * MiB, 384, 10501000,
    2520000, 512, 1.0, 128, 2, 2048, 1.008e12, 25e9, 2000,
};

}  // namespace

const DeviceProfile* findProfile(const std::string& name) {
    for (const DeviceProfile* profile : {&h100, &a100, &rtx4090}) {
        if (name == profile->name) return profile;
    }
    return nullptr;
}

}  // namespace vgpu::model
