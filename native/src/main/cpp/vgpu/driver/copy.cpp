#include "driver/copy.hpp"

namespace vgpu::driver {

namespace {

/// One side of a copy, resolved to an address.
struct Side {
    uint64_t address = 0;
    bool device = false;
};

void requireRange(Call& call, uint64_t address, uint64_t bytes, const char* side) {
    if (call.driver.memory->host(address, bytes) == nullptr) {
        fail(CUDA_ERROR_INVALID_VALUE, std::string("the ") + side + " of " + std::to_string(bytes) + " bytes at " +
                                           hex(address) + ": " + call.driver.memory->describe(address));
    }
}

/// Device memory, as opposed to host memory whether registered or not.
bool inDeviceMemory(Call& call, uint64_t address) {
    std::optional<Allocation> found = call.driver.memory->find(address);
    return found && found->kind != MemoryKind::Host;
}

Side resolve(Call& call, uint64_t address, bool asDevice, uint64_t span, const char* side) {
    if (address == 0 && span > 0) fail(CUDA_ERROR_INVALID_VALUE, std::string("the ") + side + " is null");
    if (asDevice) {
        requireRange(call, address, span, side);
        return {address, inDeviceMemory(call, address)};
    }
    // A device address where a host address belongs is as good as one: the address space is unified.
    bool device = inDeviceMemory(call, address);
    if (device) requireRange(call, address, span, side);
    return {address, device};
}

/// bytes from the first to behind the last byte of a box; throws when it overflows.
uint64_t span(size_t width, size_t height, size_t depth, size_t pitch, size_t slice) {
    if (width == 0 || height == 0 || depth == 0) return 0;
    unsigned __int128 total = static_cast<unsigned __int128>(depth - 1) * slice +
                              static_cast<unsigned __int128>(height - 1) * pitch + width;
    require(total <= UINT64_MAX / 2, CUDA_ERROR_INVALID_VALUE, "the copied box is impossibly large");
    return static_cast<uint64_t>(total);
}

struct BoxSide {
    CUmemorytype type;
    const void* host;
    CUdeviceptr device;
    CUarray array;
    size_t x, y, z, pitch, height;
};

Side resolveBox(Call& call, const BoxSide& box, const CUDA_MEMCPY3D& p, const char* name, size_t& pitch, size_t& slice) {
    require(box.type != CU_MEMORYTYPE_ARRAY && box.array == nullptr, CUDA_ERROR_NOT_SUPPORTED,
            "CUDA arrays are not implemented");
    require(box.type == CU_MEMORYTYPE_HOST || box.type == CU_MEMORYTYPE_DEVICE || box.type == CU_MEMORYTYPE_UNIFIED,
            CUDA_ERROR_INVALID_VALUE, "unknown memory type");
    pitch = box.pitch ? box.pitch : p.WidthInBytes + box.x;
    size_t rows = box.height ? box.height : p.Height + box.y;
    require(p.Height <= 1 || pitch >= p.WidthInBytes + box.x, CUDA_ERROR_INVALID_VALUE,
            "a pitch is smaller than the copied width");
    require(p.Depth <= 1 || rows >= p.Height + box.y, CUDA_ERROR_INVALID_VALUE, "a height is smaller than the copied one");
    require(pitch <= UINT32_MAX && rows <= UINT32_MAX && box.x <= UINT32_MAX && box.y <= UINT32_MAX && box.z <= UINT32_MAX,
            CUDA_ERROR_INVALID_VALUE, "a pitch or offset is impossibly large");
    slice = pitch * rows;
    bool host = box.type == CU_MEMORYTYPE_HOST;
    uint64_t base = host ? reinterpret_cast<uint64_t>(box.host) : box.device;
    uint64_t bytes = span(p.WidthInBytes, p.Height, p.Depth, pitch, slice);
    if (base == 0 && bytes > 0) fail(CUDA_ERROR_INVALID_VALUE, std::string("the ") + name + " is null");
    uint64_t first = base + box.x + box.y * pitch + box.z * slice;
    bool known = box.type == CU_MEMORYTYPE_DEVICE;
    return bytes == 0 ? Side{first, known} : resolve(call, first, known, bytes, name);
}

}  // namespace

CopyWork linearCopy(Call& call, uint64_t destination, bool destinationAsDevice, uint64_t source, bool sourceAsDevice,
                    size_t bytes) {
    CopyWork work;
    Side to = resolve(call, destination, destinationAsDevice, bytes, "destination");
    Side from = resolve(call, source, sourceAsDevice, bytes, "source");
    work.destination = to.address;
    work.source = from.address;
    work.destinationIsDevice = to.device;
    work.sourceIsDevice = from.device;
    work.width = work.destinationPitch = work.sourcePitch = bytes;
    CUDA_MEMCPY3D& asked = work.asked;
    asked.dstMemoryType = to.device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
    asked.srcMemoryType = from.device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
    asked.dstDevice = to.device ? destination : 0;
    asked.dstHost = to.device ? nullptr : reinterpret_cast<void*>(destination);
    asked.srcDevice = from.device ? source : 0;
    asked.srcHost = from.device ? nullptr : reinterpret_cast<const void*>(source);
    asked.WidthInBytes = asked.srcPitch = asked.dstPitch = bytes;
    asked.Height = asked.Depth = asked.srcHeight = asked.dstHeight = 1;
    return work;
}

CopyWork boxCopy(Call& call, const CUDA_MEMCPY3D& p) {
    require(p.srcLOD == 0 && p.dstLOD == 0, CUDA_ERROR_INVALID_VALUE, "levels of detail must be 0");
    CopyWork work;
    work.width = p.WidthInBytes;
    work.height = p.Height;
    work.depth = p.Depth;
    Side to = resolveBox(call, {p.dstMemoryType, p.dstHost, p.dstDevice, p.dstArray, p.dstXInBytes, p.dstY, p.dstZ,
                                p.dstPitch, p.dstHeight},
                         p, "destination", work.destinationPitch, work.destinationSlice);
    Side from = resolveBox(call, {p.srcMemoryType, p.srcHost, p.srcDevice, p.srcArray, p.srcXInBytes, p.srcY, p.srcZ,
                                  p.srcPitch, p.srcHeight},
                           p, "source", work.sourcePitch, work.sourceSlice);
    work.destination = to.address;
    work.source = from.address;
    work.destinationIsDevice = to.device;
    work.sourceIsDevice = from.device;
    work.asked = p;
    return work;
}

CUDA_MEMCPY3D boxOf(const CUDA_MEMCPY2D& p) {
    CUDA_MEMCPY3D box{};
    box.srcXInBytes = p.srcXInBytes;
    box.srcY = p.srcY;
    box.srcMemoryType = p.srcMemoryType;
    box.srcHost = p.srcHost;
    box.srcDevice = p.srcDevice;
    box.srcArray = p.srcArray;
    box.srcPitch = p.srcPitch;
    box.dstXInBytes = p.dstXInBytes;
    box.dstY = p.dstY;
    box.dstMemoryType = p.dstMemoryType;
    box.dstHost = p.dstHost;
    box.dstDevice = p.dstDevice;
    box.dstArray = p.dstArray;
    box.dstPitch = p.dstPitch;
    box.WidthInBytes = p.WidthInBytes;
    box.Height = p.Height;
    box.Depth = 1;
    return box;
}

FillWork fillWork(Call& call, CUdeviceptr destination, size_t pitch, uint32_t value, uint32_t elementSize, size_t width,
                  size_t height) {
    require(elementSize == 1 || elementSize == 2 || elementSize == 4, CUDA_ERROR_INVALID_VALUE,
            "elements are 1, 2 or 4 bytes");
    require(destination % elementSize == 0, CUDA_ERROR_INVALID_VALUE, "the address is not aligned to the element");
    require(width <= UINT64_MAX / 8, CUDA_ERROR_INVALID_VALUE, "the width is impossibly large");
    size_t rowBytes = width * elementSize;
    if (height <= 1) pitch = std::max(pitch, rowBytes);
    require(pitch >= rowBytes && pitch % elementSize == 0, CUDA_ERROR_INVALID_VALUE,
            "the pitch is smaller than a row, or not a multiple of the element");
    uint64_t bytes = span(rowBytes, height, 1, pitch, 0);
    if (bytes > 0) requireRange(call, destination, bytes, "destination");
    return {destination, pitch, value, elementSize, width, height};
}

}  // namespace vgpu::driver
