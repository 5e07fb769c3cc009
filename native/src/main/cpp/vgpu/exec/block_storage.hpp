// Memory for the state of blocks, kept from one launch to the next: many blocks of a cooperative launch are in flight, and
// fresh pages for each of them would cost more than what they execute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace vgpu {

struct BlockStorage {
    std::unique_ptr<uint8_t[]> bytes;  // of any content
    size_t size = 0;
};

class BlockStorages {
public:
    BlockStorage take(size_t size) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            for (size_t i = free_.size(); i-- != 0;) {
                if (free_[i].size < size || free_[i].size > 2 * size) continue;
                std::swap(free_[i], free_.back());
                BlockStorage found = std::move(free_.back());
                free_.pop_back();
                kept_ -= found.size;
                return found;
            }
        }
        return {std::unique_ptr<uint8_t[]>(new uint8_t[size]), size};
    }

    void give(BlockStorage storage) {
        constexpr size_t MOST = 256u << 20;
        std::lock_guard<std::mutex> lock(mutex_);
        // The oldest go first: kernels of other sizes have come since.
        while (!free_.empty() && kept_ + storage.size > MOST) {
            kept_ -= free_.front().size;
            free_.erase(free_.begin());
        }
        if (storage.size > MOST) return;
        kept_ += storage.size;
        free_.push_back(std::move(storage));
    }

private:
    std::mutex mutex_;
    std::vector<BlockStorage> free_;
    size_t kept_ = 0;
};

}  // namespace vgpu
