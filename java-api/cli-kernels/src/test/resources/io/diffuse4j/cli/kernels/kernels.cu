#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "scale.h"

// out = s x + y, for n elements.
__global__ void axpy(float s, const float* x, const float* y, float* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = s * x[i] + y[i];
}

template <class T>
__device__ void scaleBy(T* values) {
    values[threadIdx.x] = T(SCALE * float(values[threadIdx.x]));
}

extern "C" __global__ void scale_f16(__half* values) { scaleBy(values); }
extern "C" __global__ void scale_bf16(__nv_bfloat16* values) { scaleBy(values); }
extern "C" __global__ void scale_f32(float* values) { scaleBy(values); }

// Every scalar that can be an argument, and every integer output.
extern "C" __global__ void widths(signed char a, short b, int c, long long d, float e, double f, signed char* i8,
                                  unsigned char* u8, int* i32, long long* i64, double* f64) {
    i8[0] = a;
    u8[0] = (unsigned char)b;
    i32[0] = c;
    i64[0] = d;
    f64[0] = e + f;
}

extern "C" __global__ void reverse(float* values) {
    extern __shared__ float shared[];
    shared[threadIdx.x] = values[threadIdx.x];
#ifndef FAULTY
    __syncthreads();
#endif
    values[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

extern "C" __global__ void uninitialised(const float* x, float* out) { out[0] = x[0] > 0 ? 1 : 2; }

extern "C" __global__ void count(int* n) { n[0] += 1; }

extern "C" __global__ void endless(int* n) {
    while (true) atomicAdd(n, 1);
}

extern "C" __global__ void trap() { __trap(); }

struct Pair {
    int a, b, c;
};
extern "C" __global__ void takes_struct(Pair pair) {}
