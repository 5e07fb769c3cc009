// Kernels with one fault each, beside versions without it: what the checkers must name, and where they must be silent.
#include <cassert>
#include <cstdio>

extern "C" __global__ void copyOnePastTheEnd(const float* in, float* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) out[i] = in[i];
}

extern "C" __global__ void readMisaligned(const char* in, int* out) {
    out[threadIdx.x] = *reinterpret_cast<const int*>(in + 1 + 4 * threadIdx.x);
}

extern "C" __global__ void reverseWithoutBarrier(const int* in, int* out) {
    __shared__ int tile[64];
    tile[threadIdx.x] = in[threadIdx.x];
    out[threadIdx.x] = tile[63 - threadIdx.x];
}

extern "C" __global__ void reverse(const int* in, int* out) {
    __shared__ int tile[64];
    tile[threadIdx.x] = in[threadIdx.x];
    __syncthreads();
    out[threadIdx.x] = tile[63 - threadIdx.x];
}

extern "C" __global__ void reverseWarpWithoutSync(const int* in, int* out) {
    __shared__ int tile[32];
    tile[threadIdx.x] = in[threadIdx.x];
    out[threadIdx.x] = tile[31 - threadIdx.x];
}

extern "C" __global__ void reverseWarp(const int* in, int* out) {
    __shared__ int tile[32];
    tile[threadIdx.x] = in[threadIdx.x];
    __syncwarp();
    out[threadIdx.x] = tile[31 - threadIdx.x];
}

extern "C" __global__ void blocksWriteTheSame(int* out) { out[threadIdx.x] = blockIdx.x; }

__device__ unsigned ticket;

// The last block to finish adds what all have left.
template <bool RELEASE, bool ACQUIRE>
__device__ void lastBlockSums(const int* in, int* partial, int* out) {
    __shared__ bool last;
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = in[blockIdx.x];
        if (RELEASE) __threadfence();
        unsigned t = atomicInc(&ticket, gridDim.x - 1);
        if (ACQUIRE) __threadfence();
        last = t == gridDim.x - 1;
    }
    __syncthreads();
    if (last) {
        int sum = 0;
        for (int i = threadIdx.x; i < gridDim.x; i += blockDim.x) sum += partial[i];
        atomicAdd(out, sum);
    }
}
extern "C" __global__ void sumFenced(const int* in, int* partial, int* out) { lastBlockSums<true, true>(in, partial, out); }
extern "C" __global__ void sumWithoutRelease(const int* in, int* partial, int* out) { lastBlockSums<false, true>(in, partial, out); }
extern "C" __global__ void sumWithoutAcquire(const int* in, int* partial, int* out) { lastBlockSums<true, false>(in, partial, out); }

extern "C" __global__ void doubled(const float* in, float* out) { out[threadIdx.x] = in[threadIdx.x] * 2; }

extern "C" __global__ void storePadding(float* out, int n) {
    __shared__ float tile[64];
    if (threadIdx.x < n) tile[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = tile[threadIdx.x];
}

extern "C" __global__ void loadPadding(float* out, int n) {
    __shared__ float tile[64];
    if (threadIdx.x < n) tile[threadIdx.x] = threadIdx.x;
    __syncthreads();
    float tripled = tile[threadIdx.x] * 3;
    if (threadIdx.x < n) out[threadIdx.x] = tripled;
}

extern "C" __global__ void barrierInBothBranches(int* out) {
    if (threadIdx.x < 16) {
        __syncthreads();
        out[0] = 1;
    } else {
        __syncthreads();
        out[1] = 2;
    }
}

extern "C" __global__ void halfReachTheBarrier(int* out) {
    if (threadIdx.x < 32) asm volatile("bar.sync 1, 64;");
    out[threadIdx.x] = 1;
}

extern "C" __global__ void loopForEver(volatile int* in) {
    while (in[0] == 0) {
    }
}

extern "C" __global__ void printAndAssert(int n) {
    printf("thread %d %s %.2f %lld %5x|\n", threadIdx.x, "text", n * 0.5, (long long)n << 33, 255);
    assert(threadIdx.x < n);
}

__device__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
extern "C" __global__ void recursive(int* out) { out[threadIdx.x] = fibonacci(threadIdx.x % 12); }

__device__ __noinline__ int plusOne(int x) { return x + 1; }
__device__ __noinline__ int twice(int x) { return x * 2; }
__device__ __noinline__ int indexed(int x) {
    int t[4] = {x, x + 1, x + 2, x + 3};
    return t[x & 3];
}
__device__ int (*table[3])(int) = {plusOne, twice, indexed};
extern "C" __global__ void indirect(int* out) { out[threadIdx.x] = table[threadIdx.x % 3](threadIdx.x); }

// Lanes of one warp take the lock from each other: needs a program counter for each lane.
extern "C" __global__ void lockedCount(int* lock, int* count) {
    while (atomicCAS(lock, 0, 1) != 0) {
    }
    __threadfence();
    *reinterpret_cast<volatile int*>(count) = *reinterpret_cast<volatile int*>(count) + 1;
    __threadfence();
    atomicExch(lock, 0);
}

extern "C" __global__ void gridBarrier(unsigned* arrived, int* in, int* out) {
    in[blockIdx.x] = blockIdx.x + 1;
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(arrived, 1);
        while (atomicAdd(arrived, 0) < gridDim.x) {
        }
        __threadfence();
    }
    __syncthreads();
    if (threadIdx.x == 0) out[blockIdx.x] = in[(blockIdx.x + 1) % gridDim.x];
}

extern "C" __global__ void syncwarpInBothBranches(int* out) {
    __shared__ int tile[32];
    int t = threadIdx.x;
    if (t < 16) {
        tile[t] = t + 1;
        __syncwarp();
        out[t] = tile[31 - t];
    } else {
        tile[t] = t + 2;
        __syncwarp();
        out[t] = tile[31 - t];
    }
}

// cp.async without and with the wait.
template <bool WAIT>
__device__ void copyThrough(const int* in, int* out) {
    __shared__ int tile[32];
    unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(&tile[threadIdx.x]));
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(in + threadIdx.x));
    if (WAIT) asm volatile("cp.async.wait_all;" ::: "memory");
    __syncthreads();
    out[threadIdx.x] = tile[31 - threadIdx.x];
}
extern "C" __global__ void copyWithoutWait(const int* in, int* out) { copyThrough<false>(in, out); }
extern "C" __global__ void copyWithWait(const int* in, int* out) { copyThrough<true>(in, out); }

// Column access of a 32x32 tile: every lane in the same bank, unless the rows are padded.
template <int STRIDE>
__device__ void transposed(const float* in, float* out) {
    __shared__ float tile[32 * STRIDE];
    tile[threadIdx.y * STRIDE + threadIdx.x] = in[threadIdx.y * 32 + threadIdx.x];
    __syncthreads();
    out[threadIdx.y * 32 + threadIdx.x] = tile[threadIdx.x * STRIDE + threadIdx.y];
}
extern "C" __global__ void transposeWithConflicts(const float* in, float* out) { transposed<32>(in, out); }
extern "C" __global__ void transposePadded(const float* in, float* out) { transposed<33>(in, out); }
