// Kernels with one fault each, compiled in with -DFAULTY=1 and absent with -DFAULTY=0.

// Writes one element beyond the array.
extern "C" __global__ void out_of_bounds(int* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n + FAULTY) out[i] = i;
}

// Adds one to every element: of freed memory, if the caller says so.
extern "C" __global__ void increment(int* data, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) data[i]++;
}

// Reads an int at an address that is no multiple of four.
extern "C" __global__ void misaligned(const char* bytes, int* out) {
    out[threadIdx.x] = *reinterpret_cast<const int*>(bytes + 4 * threadIdx.x + FAULTY);
}

// Sums what the caller has written, and one element that it has not.
extern "C" __global__ void uninitialised(const int* data, int* out, int written) {
    int sum = 0;
    for (int i = 0; i < written + FAULTY; i++) sum += data[i];
    if (sum != 12345) *out = sum;
}

// Reverses a block's elements through shared memory.
extern "C" __global__ void shared_race(int* data) {
    __shared__ int tile[64];
    tile[threadIdx.x] = data[threadIdx.x];
#if !FAULTY
    __syncthreads();
#endif
    data[threadIdx.x] = tile[63 - threadIdx.x];
}

// Every block counts into the same cell.
extern "C" __global__ void global_race(int* count) {
    if (threadIdx.x == 0) {
#if FAULTY
        *count = *count + 1;
#else
        atomicAdd(count, 1);
#endif
    }
}

// A barrier in a branch that only half of the block takes.
extern "C" __global__ void divergent_barrier(int* out) {
    __shared__ int cell;
    if (threadIdx.x == 0) cell = 7;
#if FAULTY
    if (threadIdx.x % 2 == 0) __syncthreads();
#else
    __syncthreads();
#endif
    __syncthreads();
    out[threadIdx.x] = cell;
}

// Two warps wait at two barriers for each other.
extern "C" __global__ void deadlock(int* out) {
    int first = FAULTY && threadIdx.x >= 32 ? 2 : 1;
    asm volatile("bar.sync %0, 64;" ::"r"(first) : "memory");
    asm volatile("bar.sync %0, 64;" ::"r"(3 - first) : "memory");
    out[threadIdx.x] = 1;
}

// Loops until a flag that nobody sets.
extern "C" __global__ void endless(volatile int* flag) {
    while (FAULTY && *flag == 0) {
    }
    if (threadIdx.x == 0) *flag = 2;
}
