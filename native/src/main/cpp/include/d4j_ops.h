// What an op computes, for every kind of device: the descriptors that the cpu device (d4j_cpu.h) makes ops from and the
// cuda device (d4j_cuda.h) makes launches from.
//
// Layouts: images are NHWC (row-major [n, h, w, c]), token sequences row-major [rows, c]; a stride is the number of
// elements from one row to the next, 0 meaning dense. Sizes are in elements. Accumulation is f32. Weights, biases, scales
// and tables are handles of d4j_weight_create on the cpu and device addresses on cuda; 0 is "none".
#pragma once

#include <cstdint>

enum d4j_dtype {
    D4J_F32 = 0,
    D4J_F16 = 1,  // on the cpu only as the source of a weight
    D4J_BF16 = 2,
    D4J_TF32 = 3,  // on cuda and virtual: stored as f32, multiplied with 10 mantissa bits
};

enum d4j_activation {
    D4J_ACTIVATION_NONE = 0,
    D4J_ACTIVATION_SILU = 1,        // x * sigmoid(x)
    D4J_ACTIVATION_GELU_ERF = 2,    // x * Phi(x)
    D4J_ACTIVATION_GELU_TANH = 3,   // the tanh approximation of it
    D4J_ACTIVATION_QUICK_GELU = 4,  // x * sigmoid(1.702 x)
    D4J_ACTIVATION_GEGLU = 5,       // cuda's linear only: of column pairs, x[2j] * gelu_erf(x[2j + 1])
};

enum d4j_weight_kind {
    D4J_WEIGHT_CONV = 0,    // dims [k, c, kh, kw], published OIHW
    D4J_WEIGHT_LINEAR = 1,  // dims [n, k], published [out, in]
    D4J_WEIGHT_VECTOR = 2,  // dims [count]: bias, norm scale and shift, Fourier frequencies; always kept in f32
    D4J_WEIGHT_TABLE = 3,   // dims [rows, c]: embedding table
};

// dst = activation(scale * (conv(src) + bias + residual)). src is src0, or src0 and src1 side by side along the
// channels. Output height: (upsample*h + pad_top + pad_bottom - kh) / stride_h + 1. The residual may be dst itself.
// On cuda an embedding, f32 rows [n, k] of embedding_stride, is added beside the residual; on the cpu the norm behind it
// does that. On cuda a shortcut can be part of the same sum: a 1x1 convolution of one or two sources of the output's size,
// whose packed weights [k, shortcut_c0 + shortcut_c1] follow the filter's directly, and whose bias is in the bias.
// Addresses: src0, src1, residual, dst, scratch.
struct d4j_conv2d_desc {
    int64_t weight = 0;  // D4J_WEIGHT_CONV [k, c0 + c1, kh, kw]
    int64_t bias = 0;    // D4J_WEIGHT_VECTOR [k] or 0
    int32_t src_dtype = D4J_F32;
    int32_t dst_dtype = D4J_F32;  // also the residual's; f32 from bf16 sources is allowed
    int32_t n = 0, h = 0, w = 0;  // of the source, before upsampling
    int32_t c0 = 0, c1 = 0;       // channels of src0 and src1; c1 = 0: no second source
    int32_t k = 0, kh = 1, kw = 1;
    int32_t stride_h = 1, stride_w = 1;
    int32_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;
    int32_t upsample = 1;  // 2: nearest 2x of the source before the convolution
    int32_t residual = 0;  // 1: a residual of dst's shape
    int32_t embedding_stride = 0;  // cuda only
    int32_t shortcut_c0 = 0, shortcut_c1 = 0;  // cuda only; 0: no shortcut
    int32_t activation = D4J_ACTIVATION_NONE;  // none or silu
    float scale = 1;
    int32_t batch_invariant = 0;  // 1: each image runs through the primitives of a batch of one
};

// dst = activation(scale * (src * weight^T + bias + residual)). src is src0, or src0 and src1 side by side along k.
// The residual may be dst itself, with dst's stride.
// Addresses: src0, src1, residual, dst, scratch.
struct d4j_linear_desc {
    int64_t weight = 0;  // D4J_WEIGHT_LINEAR [n, k0 + k1]
    int64_t bias = 0;    // D4J_WEIGHT_VECTOR [n] or 0
    int32_t src_dtype = D4J_F32;
    int32_t dst_dtype = D4J_F32;  // also the residual's
    int32_t m = 0, n = 0, k0 = 0, k1 = 0;
    int32_t src0_stride = 0, src1_stride = 0, dst_stride = 0, residual_stride = 0;
    int32_t residual = 0;
    int32_t activation = D4J_ACTIVATION_NONE;
    float scale = 1;
    int32_t rows_per_sample = 0;  // > 0 (a divisor of m): batch invariant, that many rows at a time
};

// dst[rows, c] = a * gelu_erf(b), where src is [rows, 2c] = [a | b]. Addresses: src, dst.
struct d4j_geglu_desc {
    int32_t dtype = D4J_F32;
    int32_t rows = 0, c = 0;
    int32_t src_stride = 0, dst_stride = 0;
};

// Group normalisation (Wu and He 2018, equations 1 and 2) of x = src + embedding over [n, hw, c0 + c1], groups of
// consecutive channels: y = activation((x_hat * gamma + beta) * (1 + film_scale) + film_shift). The bits of a sample do
// not depend on its batch nor on the threads.
// Addresses: src0, src1, embedding, film, dst, scratch. embedding: f32 rows [n, c0 + c1] of embedding_stride; film: f32
// rows [n, 2 (c0 + c1)] of film_stride, scale first.
struct d4j_group_norm_desc {
    int64_t gamma = 0, beta = 0;  // D4J_WEIGHT_VECTOR [c0 + c1] or 0
    int32_t src_dtype = D4J_F32, dst_dtype = D4J_F32;
    int32_t n = 0, hw = 0, c0 = 0, c1 = 0;
    int32_t groups = 1;  // divides c0 + c1
    float eps = 1e-5f;
    int32_t embedding = 0, embedding_stride = 0;
    int32_t film = 0, film_stride = 0;
    int32_t activation = D4J_ACTIVATION_NONE;  // none or silu
};

// Layer normalisation over c. Addresses: src, dst.
struct d4j_layer_norm_desc {
    int64_t gamma = 0, beta = 0;  // D4J_WEIGHT_VECTOR [c] or 0
    int32_t src_dtype = D4J_F32, dst_dtype = D4J_F32;
    int32_t rows = 0, c = 0;
    int32_t src_stride = 0, dst_stride = 0;
    float eps = 1e-5f;
};

// dst = softmax(scale * q k^T) v per sample and head, without a [q_tokens, k_tokens] buffer. Head h is the columns
// [h * head_dim, (h + 1) * head_dim) of each row; sample b starts at row b * tokens. Strides are rows' (0: dense, that
// is heads * head_dim); q, k and v may be slices of one fused buffer. Causal (q_tokens = k_tokens): query i sees keys
// 0..i. Addresses: q, k, v, dst, scratch.
struct d4j_attention_desc {
    int32_t dtype = D4J_F32;
    int32_t batch = 0, heads = 0, head_dim = 0;
    int32_t q_tokens = 0, k_tokens = 0;
    int32_t q_stride = 0, k_stride = 0, v_stride = 0, dst_stride = 0;
    float scale = 1;
    int32_t causal = 0;
};

enum d4j_elementwise_kind {
    D4J_ELEMENTWISE_SILU = 0,   // dst = silu(a)
    D4J_ELEMENTWISE_ADD = 1,    // dst = scale * (a + b)
    D4J_ELEMENTWISE_SCALE = 2,  // dst = scale * a
};

// dst may be a or b. b has a's dtype. Addresses: a, b, dst.
struct d4j_elementwise_desc {
    int32_t kind = D4J_ELEMENTWISE_SILU;
    int32_t src_dtype = D4J_F32, dst_dtype = D4J_F32;
    int64_t count = 0;
    float scale = 1;
};

// dst[i, p, :] = src[i, p, :] + embedding[i, :] over [n, hw, c]; the embedding is f32. dst may be src.
// Addresses: src, embedding, dst.
struct d4j_add_embedding_desc {
    int32_t dtype = D4J_F32;
    int32_t n = 0, hw = 0, c = 0;
    int32_t embedding_stride = 0;
};

enum d4j_resample_kind {
    D4J_RESAMPLE_AVG_POOL_2X2 = 0,  // h and w even
    D4J_RESAMPLE_NEAREST_2X = 1,
};

// Addresses: src [n, h, w, c], dst.
struct d4j_resample_desc {
    int32_t kind = D4J_RESAMPLE_AVG_POOL_2X2;
    int32_t dtype = D4J_F32;
    int32_t n = 0, h = 0, w = 0, c = 0;
};

// Rows of `columns` elements from one stride and dtype to another. Addresses: src, dst.
struct d4j_copy_desc {
    int32_t src_dtype = D4J_F32, dst_dtype = D4J_F32;
    int32_t rows = 0, columns = 0;
    int32_t src_stride = 0, dst_stride = 0;
};

// dst[i, :] = table[ids[i], :]; ids are int32 and must lie in the table: the caller checks. Addresses: ids, dst.
struct d4j_embedding_lookup_desc {
    int64_t table = 0;  // D4J_WEIGHT_TABLE [rows, c]
    int32_t count = 0, c = 0;
    int32_t dst_dtype = D4J_F32, dst_stride = 0;
};

enum d4j_timestep_kind {
    D4J_TIMESTEP_SINUSOIDAL = 0,  // Ho et al. 2020, after Vaswani et al. 2017, section 3.5
    D4J_TIMESTEP_FOURIER = 1,     // Gaussian Fourier features, Song et al. 2021
};

// f32 rows [n, dim] from f32 timesteps [n]. Sinusoidal: w_j = exp(-ln(max_period) j / (dim/2 - downscale_freq_shift)),
// row = [sin(scale t w) | cos(scale t w)], an odd dim ends in 0. Fourier: row = [sin(2 pi s w) | cos(2 pi s w)] with the
// frequencies w [dim/2] of a weight and s = ln(t) if log, else t. flip_sin_to_cos puts the cosines first.
// Addresses: timesteps, dst.
struct d4j_timestep_desc {
    int32_t kind = D4J_TIMESTEP_SINUSOIDAL;
    int32_t n = 0, dim = 0, dst_stride = 0;
    int32_t flip_sin_to_cos = 0;
    float downscale_freq_shift = 1, max_period = 10000, scale = 1;
    int64_t frequencies = 0;  // D4J_WEIGHT_VECTOR [dim / 2], Fourier only
    int32_t log = 0;
};

enum d4j_layout_kind {
    D4J_LAYOUT_NCHW_TO_NHWC = 0,  // f32 NCHW to dtype NHWC
    D4J_LAYOUT_NHWC_TO_NCHW = 1,  // dtype NHWC to f32 NCHW
};

// Addresses: src, dst.
struct d4j_layout_desc {
    int32_t kind = D4J_LAYOUT_NCHW_TO_NHWC;
    int32_t dtype = D4J_F32;  // of the NHWC side
    int32_t n = 0, h = 0, w = 0, c = 0;
};
