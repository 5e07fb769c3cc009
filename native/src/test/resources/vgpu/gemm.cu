// A tiled SGEMM and a tensor-core GEMM with ldmatrix and cp.async: results, counters and speed.
#include <cstdint>
#include <cuda_fp16.h>

// C[M][N] = A[M][K] B[K][N] with tiles of 64x64x16, 256 threads, 4x4 results a thread.
extern "C" __global__ void __launch_bounds__(256) sgemm(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c, int m, int n, int k) {
    __shared__ float as[16][68], bs[16][64];
    int t = threadIdx.x, tx = t & 15, ty = t >> 4, row = blockIdx.y * 64, column = blockIdx.x * 64;
    float sums[4][4] = {};
    for (int k0 = 0; k0 < k; k0 += 16) {
        int r = t >> 2, kc = (t & 3) * 4;
        float4 v = *reinterpret_cast<const float4*>(&a[(size_t)(row + r) * k + k0 + kc]);
        as[kc][r] = v.x;
        as[kc + 1][r] = v.y;
        as[kc + 2][r] = v.z;
        as[kc + 3][r] = v.w;
        int br = t >> 4, bc = (t & 15) * 4;
        *reinterpret_cast<float4*>(&bs[br][bc]) = *reinterpret_cast<const float4*>(&b[(size_t)(k0 + br) * n + column + bc]);
        __syncthreads();
#pragma unroll
        for (int kk = 0; kk < 16; ++kk) {
            float4 x = *reinterpret_cast<float4*>(&as[kk][ty * 4]), y = *reinterpret_cast<float4*>(&bs[kk][tx * 4]);
            float xs[4] = {x.x, x.y, x.z, x.w}, ys[4] = {y.x, y.y, y.z, y.w};
#pragma unroll
            for (int i = 0; i < 4; ++i)
#pragma unroll
                for (int j = 0; j < 4; ++j) sums[i][j] = fmaf(xs[i], ys[j], sums[i][j]);
        }
        __syncthreads();
    }
    for (int i = 0; i < 4; ++i) {
        *reinterpret_cast<float4*>(&c[(size_t)(row + ty * 4 + i) * n + column + tx * 4]) = make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]);
    }
}

__device__ __forceinline__ uint32_t sharedAddress(const void* p) { return static_cast<uint32_t>(__cvta_generic_to_shared(p)); }
__device__ __forceinline__ void copy16(uint32_t to, const void* from) { asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from)); }
__device__ __forceinline__ void loadMatrices(uint32_t* r, uint32_t a) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(a));
}
__device__ __forceinline__ void mma(float* c, const uint32_t* a, const uint32_t* b) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
// Rows of 64 bytes; chunks of 8 halves are exchanged so that ldmatrix meets no bank twice.
__device__ __forceinline__ int swizzled(int row, int column) { return row * 32 + (((column >> 3) ^ ((row >> 1) & 3)) << 3); }

// C[M][N] = A[M][K] B[N][K]^T with tiles of 64x64x32, four warps, two stages.
extern "C" __global__ void __launch_bounds__(128) hgemm(const __half* __restrict__ a, const __half* __restrict__ b, __half* __restrict__ c, int m, int n, int k) {
    __shared__ __align__(128) __half as[2][64 * 32], bs[2][64 * 32];
    int t = threadIdx.x, warp = t >> 5, lane = t & 31, wm = (warp & 1) * 32, wn = (warp >> 1) * 32, bm = blockIdx.y * 64, bn = blockIdx.x * 64;
    float sums[2][4][4] = {};
    auto load = [&](int stage, int k0) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            int id = t + i * 128, r = id >> 2, col = (id & 3) * 8;
            copy16(sharedAddress(&as[stage][swizzled(r, col)]), a + (size_t)(bm + r) * k + k0 + col);
            copy16(sharedAddress(&bs[stage][swizzled(r, col)]), b + (size_t)(bn + r) * k + k0 + col);
        }
        asm volatile("cp.async.commit_group;");
    };
    load(0, 0);
    for (int i = 0; i < k / 32; ++i) {
        if (i + 1 < k / 32) {
            load((i + 1) & 1, (i + 1) * 32);
            asm volatile("cp.async.wait_group 1;");
        } else {
            asm volatile("cp.async.wait_group 0;");
        }
        __syncthreads();
        const __half *ta = as[i & 1], *tb = bs[i & 1];
#pragma unroll
        for (int kk = 0; kk < 32; kk += 16) {
            uint32_t fa[2][4], fb[4][2];
#pragma unroll
            for (int x = 0; x < 2; ++x) loadMatrices(fa[x], sharedAddress(&ta[swizzled(wm + x * 16 + (lane & 15), kk + (lane >> 4) * 8)]));
#pragma unroll
            for (int y = 0; y < 2; ++y) {
                uint32_t q[4];
                loadMatrices(q, sharedAddress(&tb[swizzled(wn + y * 16 + (lane & 7) + ((lane >> 4) << 3), kk + ((lane >> 3) & 1) * 8)]));
                fb[y * 2][0] = q[0];
                fb[y * 2][1] = q[1];
                fb[y * 2 + 1][0] = q[2];
                fb[y * 2 + 1][1] = q[3];
            }
#pragma unroll
            for (int x = 0; x < 2; ++x)
#pragma unroll
                for (int y = 0; y < 4; ++y) mma(sums[x][y], fa[x], fb[y]);
        }
        __syncthreads();
    }
#pragma unroll
    for (int x = 0; x < 2; ++x)
#pragma unroll
        for (int y = 0; y < 4; ++y) {
            int r = bm + wm + x * 16 + (lane >> 2), col = bn + wn + y * 8 + (lane & 3) * 2;
            *reinterpret_cast<__half2*>(&c[(size_t)r * n + col]) = __floats2half2_rn(sums[x][y][0], sums[x][y][1]);
            *reinterpret_cast<__half2*>(&c[(size_t)(r + 8) * n + col]) = __floats2half2_rn(sums[x][y][2], sums[x][y][3]);
        }
}
