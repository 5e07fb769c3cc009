// Initialisation, errors and the one device.
#include "driver/call.hpp"
#include "model/occupancy.hpp"

#include <cstdio>
#include <cstring>

using namespace vgpu;
using namespace vgpu::driver;

namespace {

// The API of CUDA 13.3, which the JavaCPP presets are generated from.
constexpr int driverVersion = 13030;

// Device attributes by number, as documented for CUdevice_attribute. An attribute of a feature that is not here is 0.
int attribute(const model::DeviceProfile& profile, int number) {
    switch (number) {
        case 1: return 1024;        // MAX_THREADS_PER_BLOCK
        case 2: return 1024;        // MAX_BLOCK_DIM_X
        case 3: return 1024;        // MAX_BLOCK_DIM_Y
        case 4: return 64;          // MAX_BLOCK_DIM_Z
        case 5: return 2147483647;  // MAX_GRID_DIM_X
        case 6: return 65535;       // MAX_GRID_DIM_Y
        case 7: return 65535;       // MAX_GRID_DIM_Z
        case 8: return model::sharedWithoutOptIn;
        case 9: return 65536;       // TOTAL_CONSTANT_MEMORY
        case 10: return model::warpSize;
        case 11: return 2147483647;  // MAX_PITCH
        case 12: return model::registersPerSm;  // MAX_REGISTERS_PER_BLOCK
        case 13: return static_cast<int>(profile.clockKhz);
        case 14: return 512;        // TEXTURE_ALIGNMENT
        case 15: return 1;          // GPU_OVERLAP
        case 16: return static_cast<int>(profile.smCount);
        case 19: return 1;          // CAN_MAP_HOST_MEMORY
        case 31: return 1;          // CONCURRENT_KERNELS
        case 36: return static_cast<int>(profile.memoryClockKhz);
        case 37: return static_cast<int>(profile.busWidthBits);
        case 38: return static_cast<int>(profile.l2Bytes);
        case 39: return static_cast<int>(profile.maxThreadsPerSm);
        case 40: return 2;          // ASYNC_ENGINE_COUNT: one in, one out
        case 41: return 1;          // UNIFIED_ADDRESSING
        case 75: return 8;          // COMPUTE_CAPABILITY_MAJOR: the compute_80 PTX runs under every profile
        case 76: return 0;          // COMPUTE_CAPABILITY_MINOR
        case 78: return 1;          // STREAM_PRIORITIES_SUPPORTED
        case 79: return 1;          // GLOBAL_L1_CACHE_SUPPORTED
        case 80: return 1;          // LOCAL_L1_CACHE_SUPPORTED
        case 81: return static_cast<int>(profile.sharedPerSm);
        case 82: return model::registersPerSm;
        case 83: return 1;          // MANAGED_MEMORY
        case 87: return static_cast<int>(profile.fp32LanesPerSm / profile.fp64LanesPerSm);
        case 91: return 1;          // CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM
        case 95: return 1;          // COOPERATIVE_LAUNCH
        case 97: return static_cast<int>(profile.sharedPerBlock);
        case 99: return 1;          // HOST_REGISTER_SUPPORTED
        case 106: return static_cast<int>(profile.maxBlocksPerSm);
        case 111: return model::reservedSharedPerBlock;
        case 115: return 1;         // MEMORY_POOLS_SUPPORTED
        case 129: return 0;         // UNIFIED_FUNCTION_POINTERS
        default: return 0;
    }
}
constexpr int attributeCount = 160;

}  // namespace

VGPU_DRIVER_API cuInit(unsigned flags) {
    return api("cuInit", [&](Call& call) {
        require(flags == 0, CUDA_ERROR_INVALID_VALUE, "flags must be 0");
        if (!call.driver.settingsError.empty()) {
            // A misspelt setting must not pass unnoticed, and a C program shows nothing but a number.
            std::fprintf(stderr, "%s\n", call.driver.settingsError.c_str());
            fail(CUDA_ERROR_INVALID_VALUE, call.driver.settingsError);
        }
        call.driver.initialised = true;
    });
}

VGPU_DRIVER_API cuDriverGetVersion(int* version) {
    return api("cuDriverGetVersion", [&](Call&) {
        requirePointer(version, "version");
        *version = driverVersion;
    });
}

VGPU_DRIVER_API cuGetErrorName(CUresult code, const char** text) {
    return api("cuGetErrorName", [&](Call&) {
        requirePointer(text, "text");
        *text = errorName(code);
        require(*text != nullptr, CUDA_ERROR_INVALID_VALUE, "not a CUresult");
    });
}

VGPU_DRIVER_API cuGetErrorString(CUresult code, const char** text) {
    return api("cuGetErrorString", [&](Call&) {
        requirePointer(text, "text");
        *text = errorDescription(code);
        require(*text != nullptr, CUDA_ERROR_INVALID_VALUE, "not a CUresult");
    });
}

VGPU_DRIVER_API cuDeviceGetCount(int* count) {
    return api("cuDeviceGetCount", [&](Call& call) {
        call.requireInitialised();
        requirePointer(count, "count");
        *count = 1;
    });
}

VGPU_DRIVER_API cuDeviceGet(CUdevice* device, int ordinal) {
    return api("cuDeviceGet", [&](Call& call) {
        requirePointer(device, "device");
        call.requireDevice(ordinal);
        *device = 0;
    });
}

VGPU_DRIVER_API cuDeviceGetName(char* name, int length, CUdevice device) {
    return api("cuDeviceGetName", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(name, "name");
        require(length > 0, CUDA_ERROR_INVALID_VALUE, "length must be positive");
        std::snprintf(name, static_cast<size_t>(length), "%s", call.driver.profile().marketName);
    });
}

VGPU_DRIVER_API cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice device) {
    return api("cuDeviceGetUuid_v2", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(uuid, "uuid");
        std::memset(uuid->bytes, 0, sizeof uuid->bytes);
        std::snprintf(uuid->bytes, sizeof uuid->bytes, "d4j-%s", call.driver.profile().name);
    });
}

VGPU_DRIVER_API cuDeviceGetUuid(CUuuid* uuid, CUdevice device) { return cuDeviceGetUuid_v2(uuid, device); }

VGPU_DRIVER_API cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
    return api("cuDeviceTotalMem_v2", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(bytes, "bytes");
        *bytes = call.driver.settings.capacity();
    });
}

VGPU_DRIVER_API cuDeviceGetAttribute(int* value, int number, CUdevice device) {
    return api("cuDeviceGetAttribute", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(value, "value");
        require(number >= 1 && number < attributeCount, CUDA_ERROR_INVALID_VALUE, "unknown device attribute");
        *value = attribute(call.driver.profile(), number);
    });
}

VGPU_DRIVER_API cuDeviceComputeCapability(int* major, int* minor, CUdevice device) {
    return api("cuDeviceComputeCapability", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(major, "major");
        requirePointer(minor, "minor");
        *major = 8;
        *minor = 0;
    });
}

VGPU_DRIVER_API cuDeviceGetProperties(CUdevprop* properties, CUdevice device) {
    return api("cuDeviceGetProperties", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(properties, "properties");
        auto value = [&call](int number) { return attribute(call.driver.profile(), number); };
        *properties = {value(1), {value(2), value(3), value(4)}, {value(5), value(6), value(7)},
                       value(8), value(9), value(10), value(11), value(12), value(13), value(14)};
    });
}

VGPU_DRIVER_API cuDeviceGetPCIBusId(char* text, int length, CUdevice device) {
    return api("cuDeviceGetPCIBusId", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(text, "text");
        require(length >= 13, CUDA_ERROR_INVALID_VALUE, "length must be at least 13");
        std::snprintf(text, static_cast<size_t>(length), "0000:00:00.0");
    });
}

VGPU_DRIVER_API cuDeviceGetByPCIBusId(CUdevice* device, const char* text) {
    return api("cuDeviceGetByPCIBusId", [&](Call& call) {
        call.requireInitialised();
        requirePointer(device, "device");
        requirePointer(text, "text");
        require(std::strcmp(text, "0000:00:00.0") == 0, CUDA_ERROR_INVALID_DEVICE, "no device has this bus id");
        *device = 0;
    });
}

VGPU_DRIVER_API cuDeviceCanAccessPeer(int* can, CUdevice device, CUdevice peer) {
    return api("cuDeviceCanAccessPeer", [&](Call& call) {
        call.requireDevice(device);
        call.requireDevice(peer);
        requirePointer(can, "can");
        *can = 0;
    });
}

VGPU_DRIVER_API cuDeviceGetExecAffinitySupport(int* supported, int, CUdevice device) {
    return api("cuDeviceGetExecAffinitySupport", [&](Call& call) {
        call.requireDevice(device);
        requirePointer(supported, "supported");
        *supported = 0;
    });
}
