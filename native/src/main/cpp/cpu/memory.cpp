#include "memory.hpp"

#include "d4j_cpu.h"
#include "status.hpp"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace d4j {

namespace {

std::atomic<std::int64_t> bytes_in_use{0};
std::atomic<std::int64_t> live_objects{0};

// From here on a block is aligned for huge pages and asks for them: an arena is swept end to end at every step, and
// 4 KiB pages would miss the TLB all the way.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

void* allocate(std::size_t bytes) {
    const bool huge = bytes >= 2 * kHugePage;
    const std::size_t alignment = huge ? kHugePage : kAlignment;
    if (bytes > SIZE_MAX - alignment) throw std::bad_alloc();
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
#if defined(_WIN32)
    void* data = _aligned_malloc(rounded, alignment);
#else
    void* data = std::aligned_alloc(alignment, rounded);
#endif
    if (data == nullptr) throw std::bad_alloc();
#if defined(__linux__)
    if (huge) madvise(data, rounded, MADV_HUGEPAGE);  // advice only: a refusal changes nothing
#endif
    bytes_in_use += static_cast<std::int64_t>(bytes);
    return data;
}

void release(void* data, std::size_t bytes) noexcept {
    if (data == nullptr) return;
#if defined(_WIN32)
    _aligned_free(data);
#else
    std::free(data);
#endif
    bytes_in_use -= static_cast<std::int64_t>(bytes);
}

// Blocks given out by address: only these may be freed.
std::mutex given_out_mutex;
std::unordered_map<std::int64_t, HostBuffer>& given_out() {
    static std::unordered_map<std::int64_t, HostBuffer> blocks;
    return blocks;
}

}  // namespace

HostBuffer::HostBuffer(std::size_t bytes) : data_(bytes == 0 ? nullptr : allocate(bytes)), bytes_(bytes) {}

HostBuffer::HostBuffer(HostBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

HostBuffer& HostBuffer::operator=(HostBuffer&& other) noexcept {
    if (this != &other) {
        release(data_, bytes_);
        data_ = std::exchange(other.data_, nullptr);
        bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
}

HostBuffer::~HostBuffer() { release(data_, bytes_); }

LiveObject::LiveObject() noexcept { ++live_objects; }
LiveObject::~LiveObject() { --live_objects; }

}  // namespace d4j

int d4j_memory_alloc(int64_t bytes, int64_t* address) {
    return d4j::guarded([&] {
        d4j::require(bytes > 0, "bytes must be positive");
        d4j::HostBuffer block(static_cast<std::size_t>(bytes));
        const auto at = reinterpret_cast<int64_t>(block.as());
        const std::lock_guard<std::mutex> lock(d4j::given_out_mutex);
        d4j::given_out().emplace(at, std::move(block));
        *address = at;
    });
}

int d4j_memory_free(int64_t address) {
    return d4j::guarded([&] {
        const std::lock_guard<std::mutex> lock(d4j::given_out_mutex);
        d4j::require(d4j::given_out().erase(address) == 1, "not an address from d4j_memory_alloc, or freed before");
    });
}

int64_t d4j_memory_in_use(void) { return d4j::bytes_in_use; }

int64_t d4j_live_objects(void) { return d4j::live_objects; }
