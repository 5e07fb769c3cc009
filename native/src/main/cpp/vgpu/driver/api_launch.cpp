// Launching kernels and host functions, and asking what would fit.
#include "driver/launch.hpp"
#include "driver/modules.hpp"
#include "driver/stream_order.hpp"

using namespace vgpu;
using namespace vgpu::driver;

namespace {

void launchOn(Call& call, const CUDA_KERNEL_NODE_PARAMS& parameters, CUstream stream, bool cooperative) {
    std::shared_ptr<Stream> resolved = resolveStream(call, stream);
    enqueue(call, resolved, kernelWork(call.driver, parameters, cooperative));
}

/// The cooperative flag of a launch's attributes; throws for those that would change what the launch means.
bool cooperativeAttribute(const CUlaunchConfig& config) {
    bool cooperative = false;
    if (config.numAttrs > 0) requirePointer(config.attrs, "attrs");
    for (unsigned i = 0; i < config.numAttrs; i++) {
        const CUlaunchAttribute& attribute = config.attrs[i];
        switch (attribute.id) {
            case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
                cooperative = attribute.value.cooperative != 0;
                break;
            case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION: {
                const auto& d = attribute.value.clusterDim;
                require(d.x <= 1 && d.y <= 1 && d.z <= 1, CUDA_ERROR_NOT_SUPPORTED,
                        "clusters need compute capability 9.0; the virtual GPU executes 8.0");
                break;
            }
            case CU_LAUNCH_ATTRIBUTE_IGNORE:
            case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
            case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
            case CU_LAUNCH_ATTRIBUTE_PRIORITY:
            case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
            case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
            case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
                break;  // hints that change no result
            default:
                fail(CUDA_ERROR_NOT_SUPPORTED, "launch attribute " + std::to_string(attribute.id) + " is not implemented");
        }
    }
    return cooperative;
}

}  // namespace

VGPU_DRIVER_API cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                               unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream stream,
                               void** kernelParams, void** extra) {
    return api("cuLaunchKernel", [&](Call& call) {
        launchOn(call,
                 {function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, kernelParams, extra, nullptr, nullptr},
                 stream, false);
    });
}

VGPU_DRIVER_API cuLaunchCooperativeKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,
                                          unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                                          CUstream stream, void** kernelParams) {
    return api("cuLaunchCooperativeKernel", [&](Call& call) {
        launchOn(call,
                 {function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, kernelParams, nullptr, nullptr,
                  nullptr},
                 stream, true);
    });
}

VGPU_DRIVER_API cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** kernelParams, void** extra) {
    return api("cuLaunchKernelEx", [&](Call& call) {
        requirePointer(config, "config");
        bool cooperative = cooperativeAttribute(*config);
        launchOn(call,
                 {function, config->gridDimX, config->gridDimY, config->gridDimZ, config->blockDimX, config->blockDimY,
                  config->blockDimZ, config->sharedMemBytes, kernelParams, extra, nullptr, nullptr},
                 config->hStream, cooperative);
    });
}

VGPU_DRIVER_API cuLaunchHostFunc(CUstream stream, CUhostFn function, void* argument) {
    return api("cuLaunchHostFunc", [&](Call& call) {
        if (function == nullptr) fail(CUDA_ERROR_INVALID_VALUE, "function is null");
        std::shared_ptr<Stream> resolved = resolveStream(call, stream);
        enqueue(call, resolved, HostWork{function, argument});
    });
}

// The last argument chooses how the host thread waits, which changes no result.
VGPU_DRIVER_API cuLaunchHostFunc_v2(CUstream stream, CUhostFn function, void* argument, unsigned) {
    return cuLaunchHostFunc(stream, function, argument);
}

VGPU_DRIVER_API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, CUfunction function, int blockSize,
                                                                     size_t dynamicShared, unsigned flags) {
    return api("cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags", [&](Call& call) {
        requirePointer(blocks, "numBlocks");
        require(flags <= 1, CUDA_ERROR_INVALID_VALUE, "unknown occupancy flags");
        std::shared_ptr<Function> found = functionOf(call.driver, function);
        require(blockSize > 0 && blockSize <= 1024, CUDA_ERROR_INVALID_VALUE, "blockSize must be 1 to 1024");
        *blocks = static_cast<int>(
            functionOccupancy(call.driver, *found, static_cast<uint32_t>(blockSize), dynamicShared).blocksPerSm);
    });
}

VGPU_DRIVER_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction function, int blockSize,
                                                            size_t dynamicShared) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, blockSize, dynamicShared, 0);
}

VGPU_DRIVER_API cuOccupancyMaxPotentialBlockSizeWithFlags(int* minGrid, int* blockSize, CUfunction function,
                                                          CUoccupancyB2DSize sharedOfBlock, size_t dynamicShared,
                                                          int limit, unsigned flags) {
    return api("cuOccupancyMaxPotentialBlockSizeWithFlags", [&](Call& call) {
        requirePointer(minGrid, "minGridSize");
        requirePointer(blockSize, "blockSize");
        require(flags <= 1, CUDA_ERROR_INVALID_VALUE, "unknown occupancy flags");
        std::shared_ptr<Function> found = functionOf(call.driver, function);
        int largest = static_cast<int>(found->info().maxThreads);
        if (limit > 0) largest = std::min(largest, limit);
        uint32_t bestWarps = 0;
        *blockSize = *minGrid = 0;
        // From large to small in whole warps; the larger block wins a tie.
        for (int threads = (largest + 31) / 32 * 32; threads >= 32; threads -= 32) {
            int size = std::min(threads, largest);
            size_t shared = sharedOfBlock ? sharedOfBlock(size) : dynamicShared;
            model::Occupancy o = functionOccupancy(call.driver, *found, static_cast<uint32_t>(size), shared);
            if (o.warpsPerSm > bestWarps) {
                bestWarps = o.warpsPerSm;
                *blockSize = size;
                *minGrid = static_cast<int>(o.blocksPerSm * call.driver.profile().smCount);
            }
        }
    });
}

VGPU_DRIVER_API cuOccupancyMaxPotentialBlockSize(int* minGrid, int* blockSize, CUfunction function,
                                                 CUoccupancyB2DSize sharedOfBlock, size_t dynamicShared, int limit) {
    return cuOccupancyMaxPotentialBlockSizeWithFlags(minGrid, blockSize, function, sharedOfBlock, dynamicShared, limit, 0);
}

VGPU_DRIVER_API cuOccupancyAvailableDynamicSMemPerBlock(size_t* bytes, CUfunction function, int blocks, int blockSize) {
    return api("cuOccupancyAvailableDynamicSMemPerBlock", [&](Call& call) {
        requirePointer(bytes, "dynamicSmemSize");
        require(blocks > 0 && blockSize > 0, CUDA_ERROR_INVALID_VALUE, "numBlocks and blockSize must be positive");
        std::shared_ptr<Function> found = functionOf(call.driver, function);
        const model::DeviceProfile& profile = call.driver.profile();
        uint32_t perBlock = profile.sharedPerSm / static_cast<uint32_t>(blocks) / model::sharedUnit * model::sharedUnit;
        uint32_t taken = found->info().staticSharedBytes + model::reservedSharedPerBlock;
        *bytes = perBlock > taken ? std::min(perBlock - taken, profile.sharedPerBlock - found->info().staticSharedBytes) : 0;
    });
}
