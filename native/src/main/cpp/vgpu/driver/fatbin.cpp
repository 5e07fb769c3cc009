#include "driver/fatbin.hpp"

#include "driver/errors.hpp"
#include "driver/lz4.hpp"
#include "driver/zstd.hpp"

#include <cstdint>
#include <cstring>

namespace vgpu::driver {

namespace {

constexpr uint32_t containerMagic = 0xba55ed50;
constexpr uint32_t wrapperMagic = 0x466243b1;
constexpr uint32_t elfMagic = 0x464c457f;
constexpr uint64_t sizeLimit = uint64_t(1) << 30;  // larger containers do not exist; a damaged header may claim one
constexpr uint32_t deviceArchitecture = 80;

struct ContainerHeader {
    uint32_t magic;
    uint16_t version, headerBytes;
    uint64_t payloadBytes;
};

struct EntryHeader {
    uint16_t kind, version;
    uint32_t headerBytes;
    uint64_t storedBytes;  // padded
    uint32_t compressedBytes, options;
    uint16_t minor, major;
    uint32_t architecture;
    uint64_t name;
    uint64_t flags;
    uint64_t reserved;
    uint64_t plainBytes;
};
static_assert(sizeof(EntryHeader) == 64, "the layout is nvcc's");

constexpr uint16_t kindPtx = 1;
constexpr uint64_t flagLz4 = 0x2000;
constexpr uint64_t flagZstd = 0x8000;

uint32_t firstWord(const void* image) {
    uint32_t word;
    std::memcpy(&word, image, sizeof word);
    return word;
}

std::string unpack(const EntryHeader& entry, const uint8_t* data, size_t available) {
    bool compressed = (entry.flags & (flagLz4 | flagZstd)) != 0;
    uint64_t stored = compressed ? entry.compressedBytes : entry.storedBytes;
    require(stored <= available, CUDA_ERROR_INVALID_IMAGE, "the fat binary is truncated");
    std::string text;
    if (!compressed) {
        text.assign(reinterpret_cast<const char*>(data), stored);
    } else {
        require(entry.plainBytes <= sizeLimit, CUDA_ERROR_INVALID_IMAGE, "the fat binary claims an impossible size");
        try {
            text = entry.flags & flagLz4 ? lz4Decompress(data, stored, entry.plainBytes)
                                         : zstdDecompress(data, stored, entry.plainBytes);
        } catch (const std::invalid_argument& e) {
            fail(CUDA_ERROR_INVALID_IMAGE, std::string("the fat binary is damaged: ") + e.what());
        }
    }
    // The text is padded with NULs.
    return text.substr(0, std::strlen(text.c_str()));
}

}  // namespace

ImageKind imageKind(const void* image) {
    switch (firstWord(image)) {
        case containerMagic: return ImageKind::FatBinary;
        case wrapperMagic: return ImageKind::FatBinaryWrapper;
        case elfMagic: return ImageKind::MachineCode;
        default: return ImageKind::Ptx;
    }
}

std::string ptxOfFatBinary(const void* image) {
    const uint8_t* bytes = static_cast<const uint8_t*>(image);
    ContainerHeader header;
    std::memcpy(&header, bytes, sizeof header);
    require(header.magic == containerMagic && header.headerBytes >= sizeof header && header.payloadBytes <= sizeLimit,
            CUDA_ERROR_INVALID_IMAGE, "not a fat binary");
    const uint8_t* position = bytes + header.headerBytes;
    const uint8_t* end = position + header.payloadBytes;
    EntryHeader best{};
    const uint8_t* bestData = nullptr;
    while (end - position >= static_cast<ptrdiff_t>(sizeof(EntryHeader))) {
        EntryHeader entry;
        std::memcpy(&entry, position, sizeof entry);
        uint64_t left = static_cast<uint64_t>(end - position);
        require(entry.headerBytes >= sizeof entry && entry.headerBytes <= left &&
                    entry.storedBytes <= left - entry.headerBytes,
                CUDA_ERROR_INVALID_IMAGE, "the fat binary is truncated");
        if (entry.kind == kindPtx && entry.architecture <= deviceArchitecture &&
            (bestData == nullptr || entry.architecture > best.architecture)) {
            best = entry;
            bestData = position + entry.headerBytes;
        }
        position += entry.headerBytes + entry.storedBytes;
    }
    require(bestData != nullptr, CUDA_ERROR_NO_BINARY_FOR_GPU,
            "the fat binary holds no PTX for compute_80 or below: compile with -gencode arch=compute_80,code=compute_80");
    return unpack(best, bestData, static_cast<size_t>(end - bestData));
}

std::string ptxOfImage(const void* image, size_t size) {
    require(size == 0 || size >= 4, CUDA_ERROR_INVALID_IMAGE, "the image is too short");
    if (size == 0 && static_cast<const char*>(image)[0] == '\0') {
        fail(CUDA_ERROR_INVALID_IMAGE, "the image is empty");
    }
    switch (imageKind(image)) {
        case ImageKind::FatBinary:
            return ptxOfFatBinary(image);
        case ImageKind::FatBinaryWrapper: {
            struct Wrapper {
                uint32_t magic, version;
                const void* container;
            } wrapper;
            std::memcpy(&wrapper, image, sizeof wrapper);
            require(wrapper.container != nullptr, CUDA_ERROR_INVALID_IMAGE, "the fat binary wrapper is empty");
            return ptxOfFatBinary(wrapper.container);
        }
        case ImageKind::MachineCode:
            fail(CUDA_ERROR_NO_BINARY_FOR_GPU,
                 "the image is machine code; the virtual GPU executes PTX: compile for compute_80");
        case ImageKind::Ptx:
            break;
    }
    const char* characters = static_cast<const char*>(image);
    std::string text(characters, size == 0 ? std::strlen(characters) : strnlen(characters, size));
    require(text.find(".version") != std::string::npos, CUDA_ERROR_INVALID_IMAGE,
            "the image is neither PTX, which begins with .version, nor a fat binary");
    return text;
}

}  // namespace vgpu::driver
