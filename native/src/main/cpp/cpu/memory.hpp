// Host memory of the cpu device, counted to the byte.
#pragma once

#include <cstddef>
#include <cstdint>

namespace d4j {

// 64 bytes: a cache line, and the widest vector.
constexpr std::size_t kAlignment = 64;

// An owned, counted block. Empty when default-constructed or of zero bytes.
class HostBuffer {
public:
    HostBuffer() = default;
    explicit HostBuffer(std::size_t bytes);
    HostBuffer(HostBuffer&& other) noexcept;
    HostBuffer& operator=(HostBuffer&& other) noexcept;
    ~HostBuffer();

    template <class T = void>
    T* as() const {
        return static_cast<T*>(data_);
    }
    std::size_t bytes() const { return bytes_; }

private:
    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

// A member of whatever stands behind a handle: d4j_live_objects() counts these.
class LiveObject {
public:
    LiveObject() noexcept;
    LiveObject(const LiveObject&) = delete;
    LiveObject& operator=(const LiveObject&) = delete;
    ~LiveObject();
};

}  // namespace d4j
