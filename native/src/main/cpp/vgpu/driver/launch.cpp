#include "driver/launch.hpp"

#include "driver/modules.hpp"

#include <cstring>

namespace vgpu::driver {

namespace {

// The three markers of the `extra` array of a launch.
void* const extraEnd = nullptr;
void* const extraBuffer = reinterpret_cast<void*>(1);
void* const extraSize = reinterpret_cast<void*>(2);
constexpr int extraLimit = 16;  // entries looked at before an array without an end is given up

std::vector<uint8_t> packedParameters(const KernelInfo& info, void** kernelParams, void** extra) {
    std::vector<uint8_t> packed(info.parameterBytes);
    if (kernelParams != nullptr) {
        require(extra == nullptr, CUDA_ERROR_INVALID_VALUE, "give parameters as kernelParams or as extra, not both");
        for (size_t i = 0; i < info.parameters.size(); i++) {
            if (kernelParams[i] == nullptr) {
                fail(CUDA_ERROR_INVALID_VALUE, "kernel " + info.name + ": pointer to parameter " + std::to_string(i) +
                                                   " of " + std::to_string(info.parameters.size()) + " is null");
            }
            std::memcpy(packed.data() + info.parameters[i].offset, kernelParams[i], info.parameters[i].size);
        }
        return packed;
    }
    if (extra != nullptr) {
        const void* buffer = nullptr;
        const size_t* size = nullptr;
        for (int i = 0; extra[i] != extraEnd; i += 2) {
            require(i < extraLimit, CUDA_ERROR_INVALID_VALUE, "extra does not end with CU_LAUNCH_PARAM_END");
            if (extra[i] == extraBuffer) buffer = extra[i + 1];
            else if (extra[i] == extraSize) size = static_cast<const size_t*>(extra[i + 1]);
            else fail(CUDA_ERROR_INVALID_VALUE, "extra holds an unknown marker");
        }
        require(buffer != nullptr && size != nullptr, CUDA_ERROR_INVALID_VALUE, "extra lacks the buffer or its size");
        // A struct of the parameters may be padded to its alignment.
        if (*size < info.parameterBytes || *size >= info.parameterBytes + 16) {
            fail(CUDA_ERROR_INVALID_VALUE, "kernel " + info.name + " takes " + std::to_string(info.parameterBytes) +
                                               " bytes of parameters, not " + std::to_string(*size));
        }
        std::memcpy(packed.data(), buffer, info.parameterBytes);
        return packed;
    }
    if (!info.parameters.empty()) {
        fail(CUDA_ERROR_INVALID_VALUE, "kernel " + info.name + " takes " + std::to_string(info.parameters.size()) +
                                           " parameters and the launch gives none");
    }
    return packed;
}

std::string inWords(const Dim3& d) {
    return std::to_string(d.x) + "x" + std::to_string(d.y) + "x" + std::to_string(d.z);
}

}  // namespace

model::Occupancy functionOccupancy(Driver& driver, const Function& function, uint32_t threads, uint64_t dynamicShared) {
    const KernelInfo& info = function.info();
    uint64_t shared = info.staticSharedBytes + dynamicShared;
    if (threads > info.maxThreads || shared > driver.profile().sharedPerBlock) return {0, 0, "block"};
    uint32_t registers = std::min(info.registers, model::maxRegistersPerThread);
    return model::occupancy(driver.profile(), {threads, registers, static_cast<uint32_t>(shared)});
}

KernelWork kernelWork(Driver& driver, const CUDA_KERNEL_NODE_PARAMS& p, bool cooperative) {
    std::shared_ptr<Function> function =
        p.func ? functionOf(driver, p.func) : driver.kernels.get(p.kern);
    const KernelInfo& info = function->info();
    Dim3 grid{p.gridDimX, p.gridDimY, p.gridDimZ};
    Dim3 block{p.blockDimX, p.blockDimY, p.blockDimZ};
    auto refuse = [&info](CUresult code, const std::string& why) { fail(code, "kernel " + info.name + ": " + why); };
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 2147483647u || grid.y > 65535 || grid.z > 65535) {
        refuse(CUDA_ERROR_INVALID_VALUE, "grid " + inWords(grid) + " is not within 1x1x1 to 2147483647x65535x65535");
    }
    if (block.x == 0 || block.y == 0 || block.z == 0 || block.x > 1024 || block.y > 1024 || block.z > 64 ||
        block.count() > 1024) {
        refuse(CUDA_ERROR_INVALID_VALUE, "block " + inWords(block) + " is not within 1024x1024x64 and 1024 threads");
    }
    if (block.count() > info.maxThreads) {
        refuse(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, std::to_string(block.count()) + " threads a block exceed its launch " +
                                                       "bounds of " + std::to_string(info.maxThreads));
    }
    const Dim3& required = info.requiredBlock;
    if (required.x != 0 && (required.x != block.x || required.y != block.y || required.z != block.z)) {
        refuse(CUDA_ERROR_INVALID_VALUE, "it requires blocks of " + inWords(required) + ", not " + inWords(block));
    }
    if (p.sharedMemBytes > function->maxDynamicShared ||
        uint64_t(p.sharedMemBytes) + info.staticSharedBytes > driver.profile().sharedPerBlock) {
        refuse(CUDA_ERROR_INVALID_VALUE,
               std::to_string(p.sharedMemBytes) + " bytes of dynamic shared memory exceed the " +
                   std::to_string(function->maxDynamicShared) +
                   " that are allowed; raise CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES (device limit " +
                   std::to_string(driver.profile().sharedPerBlock) + ")");
    }
    model::Occupancy resident = functionOccupancy(driver, *function, static_cast<uint32_t>(block.count()), p.sharedMemBytes);
    if (resident.blocksPerSm == 0) {
        refuse(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, std::to_string(info.registers) + " registers in " +
                                                       std::to_string(block.count()) + " threads do not fit on an SM");
    }
    KernelWork work;
    work.code = function->owner.lock();
    require(work.code != nullptr, CUDA_ERROR_INVALID_HANDLE, "the function's module was unloaded");
    work.function = function;
    work.grid = grid;
    work.block = block;
    work.dynamicShared = p.sharedMemBytes;
    work.cooperative = cooperative;
    work.parameters = packedParameters(info, p.kernelParams, p.extra);
    if (cooperative) requireResident(driver, work);
    return work;
}

void requireResident(Driver& driver, const KernelWork& work) {
    const model::Occupancy resident =
        functionOccupancy(driver, *work.function, static_cast<uint32_t>(work.block.count()), work.dynamicShared);
    const uint64_t blocks = uint64_t(resident.blocksPerSm) * driver.profile().smCount;
    if (work.grid.count() > blocks) {
        fail(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE,
             "kernel " + work.function->info().name + ": only " + std::to_string(blocks) +
                 " blocks can be resident together, not " + std::to_string(work.grid.count()));
    }
}

}  // namespace vgpu::driver
