// The host side of the CUDA kernels: from what an op computes (d4j_ops.h) to launches. It chooses kernels, tiles and
// splits, fills parameter structs and packs weights, and it calls no driver: the caller launches what a program lists.
//
// A program is a list of launches that run one after the other. Append ops, then ask for each launch. Handles and
// addresses are int64_t; 0 is "none". Every function that returns int returns a d4j_status. Addresses are device
// addresses, 256-byte aligned but for column slices. A program is used by one thread at a time.
//
// `scratch` is one region that all ops of a program share, because they run one after the other; append a program twice,
// first with stand-in addresses to learn d4j_cuda_program_scratch_bytes.
#pragma once

#include "d4j_ops.h"
#include "d4j_sampler.h"
#include "d4j_status.h"

#include <cstdint>

// multiprocessors: of the device, and shared_bytes of shared memory in each, for the choice of tiles and of what can be
// resident together. batch_invariant: no choice that decides about bits may depend on the batch. counters: device memory
// that is zero before the first run and that nobody else writes; 0 if no op needs any.
D4J_API int d4j_cuda_program_create(int32_t multiprocessors, int32_t shared_bytes, int32_t batch_invariant,
                                    int64_t scratch, int64_t counters, int64_t* program);
D4J_API int d4j_cuda_program_destroy(int64_t program);
// Work that is not in the list comes next: nothing behind it may join a launch in front of it.
D4J_API int d4j_cuda_program_seal(int64_t program);
D4J_API int64_t d4j_cuda_program_scratch_bytes(int64_t program);
D4J_API int64_t d4j_cuda_program_counter_bytes(int64_t program);
D4J_API int32_t d4j_cuda_program_launches(int64_t program);

// The image (a file of cuda-kernels without its ending) and the kernel in it. Valid as long as the program.
D4J_API const char* d4j_cuda_launch_image(int64_t program, int32_t index);
D4J_API const char* d4j_cuda_launch_kernel(int64_t program, int32_t index);
// shape: grid x, y, z, threads, dynamic shared bytes, parameter bytes, 1 if the launch is cooperative. params: the host address of the kernel's only
// parameter, a struct; valid as long as the program.
D4J_API int d4j_cuda_launch(int64_t program, int32_t index, int32_t* shape, int64_t* params);

// ---- weights --------------------------------------------------------------------------------------------------------

enum d4j_cuda_layout {
    D4J_CUDA_ROWS = 0,        // as published, [outputs, c0]: vectors, tables, linear layers of few rows
    D4J_CUDA_SLICES = 1,      // common/packed_weights.hpp
    D4J_CUDA_SLICES_ANY = 2,  // the same for channel counts that fill no 16 bytes
};

struct d4j_cuda_weight_desc {
    int32_t layout = D4J_CUDA_ROWS;
    int32_t dtype = D4J_F32;
    int32_t outputs = 0, taps = 1;
    int32_t c0 = 1, c1 = 0;  // input channels of either source
    int32_t interleave = 0;  // 1: output j of the first half, then output j of the second, and so on; for GEGLU
};

// How the weight of a convolution or linear layer wants to be packed. Depends on channels and dtype alone, never on batch
// or image size. few_rows: the layer's input is one vector a sample.
D4J_API int32_t d4j_cuda_conv2d_layout(const d4j_conv2d_desc* desc);
D4J_API int32_t d4j_cuda_linear_layout(const d4j_linear_desc* desc, int32_t few_rows);

D4J_API int d4j_cuda_weight_bytes(const d4j_cuda_weight_desc* desc, int64_t* bytes);
// Packs published tensors, [outputs, channels, taps], joined along their first dimension, into host memory at `target`.
D4J_API int d4j_cuda_weight_pack(const d4j_cuda_weight_desc* desc, const int64_t* sources, const int64_t* first_dims,
                                 int32_t count, int32_t source_dtype, int64_t target);
// Writes slices in host memory as others' kernels read filters: [outputs, taps, channels], dense, in the packed dtype.
D4J_API int d4j_cuda_weight_unpack(const d4j_cuda_weight_desc* desc, int64_t packed, int64_t target);

// ---- ops: descriptors and address lists of d4j_ops.h, without scratch ------------------------------------------------

// Bytes of the statistics that a convolution or linear layer can leave of its output, for the norm behind it; 0: none.
D4J_API int64_t d4j_cuda_statistics_bytes(int32_t n, int32_t hw, int32_t c);

// Addresses: src0, src1, embedding, residual, dst, statistics of dst or 0, the shortcut's sources.
D4J_API int d4j_cuda_conv2d(int64_t program, const d4j_conv2d_desc* desc, const int64_t* addresses);
// layout: of the weight. samples: that m consists of. silu_input: silu(src) is multiplied; few rows only.
// Addresses: src0, src1, residual, dst, statistics of dst or 0.
D4J_API int d4j_cuda_linear(int64_t program, const d4j_linear_desc* desc, int32_t layout, int32_t samples,
                            int32_t silu_input, const int64_t* addresses);
// Addresses: src0, src1, embedding, film, dst, statistics of src0 or 0, statistics of src1 or 0.
D4J_API int d4j_cuda_group_norm(int64_t program, const d4j_group_norm_desc* desc, const int64_t* addresses);
D4J_API int d4j_cuda_layer_norm(int64_t program, const d4j_layer_norm_desc* desc, const int64_t* addresses);
// Addresses: q, k, v, dst. dtype D4J_TF32 is computed in f32.
D4J_API int d4j_cuda_attention(int64_t program, const d4j_attention_desc* desc, const int64_t* addresses);
D4J_API int d4j_cuda_geglu(int64_t program, const d4j_geglu_desc* desc, const int64_t* addresses);
D4J_API int d4j_cuda_elementwise(int64_t program, const d4j_elementwise_desc* desc, const int64_t* addresses);
D4J_API int d4j_cuda_resample(int64_t program, const d4j_resample_desc* desc, const int64_t* addresses);
D4J_API int d4j_cuda_copy(int64_t program, const d4j_copy_desc* desc, const int64_t* addresses);
D4J_API int d4j_cuda_embedding_lookup(int64_t program, const d4j_embedding_lookup_desc* desc, const int64_t* addresses);
// Addresses: timesteps, dst, frequencies (f32 [dim / 2]; for sinusoidal features what d4j_cuda_timestep_frequencies gives).
D4J_API int d4j_cuda_timestep(int64_t program, const d4j_timestep_desc* desc, const int64_t* addresses);
// Writes the dim / 2 frequencies of sinusoidal features to host memory.
D4J_API int d4j_cuda_timestep_frequencies(const d4j_timestep_desc* desc, float* frequencies);

// ---- the sampler (cuda-kernels/sampler/sampler_params.hpp) -----------------------------------------------------------

enum d4j_cuda_sampler_kernel {
    D4J_CUDA_SAMPLER_PREPARE = 0,
    D4J_CUDA_SAMPLER_STATISTICS = 1,
    D4J_CUDA_SAMPLER_STEP = 2,  // writes the input of the next row, too
};

// What the sampler's kernels need beside the samples' own buffers: bytes of the two guidance numbers a sample, and of the
// magnitudes of thresholding.
D4J_API int d4j_cuda_sampler_bytes(const d4j_sampler_shape* shape, int64_t* guidance, int64_t* magnitudes);
// samples: d4j_sampler_sample[], device. progress: int32[2], device. Their buffers are device addresses.
D4J_API int d4j_cuda_sampler(int64_t program, int32_t kernel, const d4j_sampler_shape* shape, int64_t samples,
                             int64_t progress, int64_t guidance, int64_t magnitudes);
// latents = scale * initial noise.
D4J_API int d4j_cuda_sampler_initial(int64_t program, const d4j_sampler_shape* shape, int64_t samples, float scale);
// As d4j_sampler_error, with device addresses; error is a device double.
D4J_API int d4j_cuda_sampler_error(int64_t program, int64_t lower, int64_t higher, int64_t previous, int64_t count,
                                   double atol, double rtol, int64_t error);
