// Kernels whose substance is code that others wrote: CUB, cooperative groups, libcu++.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>
#include <cub/warp/warp_scan.cuh>
#include <cuda/atomic>

namespace cg = cooperative_groups;

constexpr int THREADS = 128;
constexpr int ITEMS = 4;

extern "C" __global__ void block_scan(const int* in, int* out) {
    using Scan = cub::BlockScan<int, THREADS>;
    __shared__ typename Scan::TempStorage storage;
    int items[ITEMS];
    for (int i = 0; i < ITEMS; ++i) items[i] = in[threadIdx.x * ITEMS + i];
    Scan(storage).InclusiveSum(items, items);
    for (int i = 0; i < ITEMS; ++i) out[threadIdx.x * ITEMS + i] = items[i];
}

extern "C" __global__ void block_reduce(const int* in, int* out) {
    using Reduce = cub::BlockReduce<int, THREADS>;
    __shared__ typename Reduce::TempStorage storage;
    int sum = Reduce(storage).Sum(in[threadIdx.x]);
    if (threadIdx.x == 0) *out = sum;
}

extern "C" __global__ void radix_sort(const int* in, int* out) {
    using Sort = cub::BlockRadixSort<int, THREADS, ITEMS>;
    __shared__ typename Sort::TempStorage storage;
    int items[ITEMS];
    for (int i = 0; i < ITEMS; ++i) items[i] = in[threadIdx.x * ITEMS + i];
    Sort(storage).Sort(items);
    for (int i = 0; i < ITEMS; ++i) out[threadIdx.x * ITEMS + i] = items[i];
}

extern "C" __global__ void warp_scan(const int* in, int* out) {
    using Scan = cub::WarpScan<int>;
    __shared__ typename Scan::TempStorage storage[THREADS / 32];
    int sum;
    Scan(storage[threadIdx.x / 32]).ExclusiveSum(in[threadIdx.x], sum);
    out[threadIdx.x] = sum;
}

// Threads with odd values form a group of their own and number themselves.
extern "C" __global__ void odd_ranks(const int* in, int* out) {
    out[threadIdx.x] = -1;
    if (in[threadIdx.x] & 1) {
        auto group = cg::coalesced_threads();
        out[threadIdx.x] = group.thread_rank() + 100 * group.size();
    }
}

extern "C" __global__ void atomic_histogram(const int* in, int* bins, int* largest) {
    cuda::atomic_ref<int, cuda::thread_scope_device> bin(bins[in[threadIdx.x] & 7]);
    bin.fetch_add(1, cuda::memory_order_relaxed);
    cuda::atomic_ref<int, cuda::thread_scope_device> top(*largest);
    top.fetch_max(in[threadIdx.x], cuda::memory_order_acq_rel);
}

extern "C" __global__ void tile_sums(const int* in, int* out) {
    auto tile = cg::tiled_partition<8>(cg::this_thread_block());
    out[threadIdx.x] = cg::reduce(tile, in[threadIdx.x], cg::plus<int>());
}
