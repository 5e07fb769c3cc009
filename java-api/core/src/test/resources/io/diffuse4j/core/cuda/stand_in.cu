// What stands in for a foreign library in tests: a convolution and an attention without any art, over the layouts that
// ForeignKernel states. Compiled to stand_in.ptx with NVRTC for compute_80, as a test of this module has no compiler.

template <class T>
__device__ float load(const T* p);
template <class T>
__device__ void store(T* p, float value);

template <>
__device__ float load(const float* p) {
    return *p;
}
template <>
__device__ void store(float* p, float value) {
    *p = value;
}
template <>
__device__ float load(const unsigned short* p) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(*p));
    return value;
}
template <>
__device__ void store(unsigned short* p, float value) {
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(*p) : "f"(value));
}

struct Conv {
    const void *source, *filter;
    const float *bias, *embedding;
    const void* residual;
    void* output;
    int n, h, w, c, outH, outW, k, kernelH, kernelW, stride, padTop, padLeft, embeddingStride, silu;
    float scale;
};

template <class T>
__device__ void convolution(const Conv& p) {
    const long long index = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x;
    if (index >= static_cast<long long>(p.n) * p.outH * p.outW * p.k) return;
    const int k = static_cast<int>(index % p.k), pixel = static_cast<int>(index / p.k);
    const int x = pixel % p.outW, y = pixel / p.outW % p.outH, n = pixel / p.outW / p.outH;
    float sum = 0;
    for (int r = 0; r < p.kernelH; ++r) {
        for (int s = 0; s < p.kernelW; ++s) {
            const int inY = y * p.stride - p.padTop + r, inX = x * p.stride - p.padLeft + s;
            if (inY < 0 || inY >= p.h || inX < 0 || inX >= p.w) continue;
            const T* source = static_cast<const T*>(p.source) + ((static_cast<long long>(n) * p.h + inY) * p.w + inX) * p.c;
            const T* filter =
                static_cast<const T*>(p.filter) + ((static_cast<long long>(k) * p.kernelH + r) * p.kernelW + s) * p.c;
            for (int c = 0; c < p.c; ++c) sum += load(source + c) * load(filter + c);
        }
    }
    if (p.bias) sum += p.bias[k];
    if (p.embedding) sum += p.embedding[n * p.embeddingStride + k];
    if (p.residual) sum += load(static_cast<const T*>(p.residual) + index);
    sum *= p.scale;
    if (p.silu) sum /= 1 + __expf(-sum);
    store(static_cast<T*>(p.output) + index, sum);
}

extern "C" __global__ void stand_in_convolution_f32(Conv p) { convolution<float>(p); }
extern "C" __global__ void stand_in_convolution_f16(Conv p) { convolution<unsigned short>(p); }

struct Attention {
    const void *query, *key, *value;
    void* output;
    int batch, heads, headDim, queries, keys, queryStride, keyStride, valueStride, outputStride;
    float scale;
};

template <class T>
__device__ void attention(const Attention& p) {
    const int columns = p.heads * p.headDim;
    const int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index >= p.batch * p.queries * columns) return;
    const int column = index % columns, row = index / columns, sample = row / p.queries;
    const int head = column / p.headDim * p.headDim;
    const T* query = static_cast<const T*>(p.query) + static_cast<long long>(row) * p.queryStride + head;
    float most = -1e30f, total = 0, sum = 0;
    for (int j = 0; j < p.keys; ++j) {
        const long long other = static_cast<long long>(sample) * p.keys + j;
        const T* key = static_cast<const T*>(p.key) + other * p.keyStride + head;
        float score = 0;
        for (int d = 0; d < p.headDim; ++d) score += load(query + d) * load(key + d);
        score *= p.scale;
        const float now = fmaxf(most, score), kept = __expf(most - now), share = __expf(score - now);
        most = now;
        total = total * kept + share;
        sum = sum * kept + share * load(static_cast<const T*>(p.value) + other * p.valueStride + column);
    }
    store(static_cast<T*>(p.output) + static_cast<long long>(row) * p.outputStride + column, sum / total);
}

extern "C" __global__ void stand_in_attention_f32(Attention p) { attention<float>(p); }
extern "C" __global__ void stand_in_attention_f16(Attention p) { attention<unsigned short>(p); }
