// The sampler: one fused pass over the latents per network call, driven by one row of a coefficient table.
//
// A scheduler never has code here. What the table's row says is, for every element, with `out` the guided network
// output, x the latents that the network was fed (before input_scale), s the saved sample, m1..m3 stored conversions
// and z a standard normal:
//
//     out = u + g (c - u), times the rescale factor of arXiv 2305.08891 section 3.4 where asked
//     x0  = x0_x * x + x0_output * out               epsilon, x0, v and score predictions are all of this form
//     x0  = clamp(x0, -clip, clip)                   or dynamic thresholding (arXiv 2205.11487 section 2.3)
//     m   = m_x * x + m_x0 * x0                      what the solver integrates: x0, or noise again
//     x'  = update . (x, s, m, m1, m2, m3, out, z)
//     s'  = save   . (x, s, m, m1, m2, m3, out, z)
//
// with z scaled by a standard deviation that the network gives, where the row says so. A term whose coefficient is 0
// is not read, so unused state may be uninitialised. Latents, saved, history, network inputs and outputs are NHWC;
// noise that is given is NCHW, and generated noise is numbered in NCHW order, so that an image does not depend on the
// device layout. Everything is float32 unless a dtype says otherwise.
//
// Same inputs, same bits: whatever the batch, the order of its samples, the number of threads and the instruction set.
#pragma once

#include "d4j_status.h"

#include <stdint.h>

enum d4j_sampler_dtype {
    D4J_SAMPLER_F32 = 0,
    D4J_SAMPLER_BF16 = 1,
    D4J_SAMPLER_F16 = 2,  // on cuda and virtual
};

enum d4j_sampler_instruction_set {
    D4J_SAMPLER_BEST = 0,  // of this CPU
    D4J_SAMPLER_BASE = 1,
    D4J_SAMPLER_AVX2 = 2,
    D4J_SAMPLER_AVX512 = 3,
};

enum d4j_sampler_flags {
    D4J_ROW_NOISE = 1,           // z is drawn
    D4J_ROW_CLIP = 2,            // x0 is clamped to [-clip, clip]
    D4J_ROW_THRESHOLD = 4,       // x0 is clamped to +-s and divided by s = min(max(quantile of abs x0, 1), clip)
    D4J_ROW_VARIANCE = 8,        // z is scaled by sqrt(max(v, 0)), v the second half of the output's channels
    D4J_ROW_VARIANCE_RANGE = 16, // z is scaled by exp of half the log variance that v picks between the two bounds
    D4J_ROW_SAVE = 32,           // s' is written
};

// Index of each term in `update` and `save`.
enum d4j_sampler_term {
    D4J_TERM_X = 0,
    D4J_TERM_SAVED = 1,
    D4J_TERM_M = 2,  // then m1, m2, m3
    D4J_TERM_OUTPUT = 6,
    D4J_TERM_NOISE = 7,
    D4J_TERMS = 8,
};

// 128 bytes, one cache line of a GPU, no padding; the same struct on host and device.
typedef struct d4j_sampler_row {
    float input_scale;       //   0
    float timestep;          //   4
    float x0_x;              //   8
    float x0_output;         //  12
    float m_x;               //  16
    float m_x0;              //  20
    float clip;              //  24  range of CLIP, largest threshold of THRESHOLD
    float quantile;          //  28  in [0, 1], of THRESHOLD
    float log_variance_min;  //  32
    float log_variance_max;  //  36
    int32_t flags;           //  40
    int32_t noise_step;      //  44  which noise this row draws: the step in the key of the generator
    float update[D4J_TERMS]; //  48
    float save[D4J_TERMS];   //  80
    int32_t push_slot;       // 112  history slot (0..2) that m is stored in, -1 for none
    int32_t history_slot[3]; // 116  where m1, m2, m3 are (0..2)
} d4j_sampler_row;

// One sample of a batch: 128 bytes.
typedef struct d4j_sampler_sample {
    const d4j_sampler_row* table; //   0
    uint64_t seed;                //   8  of this image
    float* latents;               //  16  [pixels][channels]
    float* saved;                 //  24  the same shape
    float* history;               //  32  3 of the same shape
    const void* conditional;      //  40  network output [pixels][output_channels]
    const void* unconditional;    //  48  the same, or null: no guidance
    const float* noise;           //  56  [rows of noise_stride][channels][pixels], or null: generated
    void* input;                  //  64  network input [pixels][input_channels]; the first `channels` are written
    void* unconditional_input;    //  72  the same, or null
    float* timestep;              //  80  the network's timestep for `input`
    float* unconditional_timestep;//  88  the same, or null
    int32_t row;                  //  96  which row of the table
    int32_t rows;                 // 100  the table's length
    float guidance_scale;         // 104
    float guidance_rescale;       // 108  in [0, 1]
    int64_t noise_stride;         // 112  elements from the noise of one row of the table to that of the next
    int64_t reserved;             // 120
} d4j_sampler_sample;

// What all samples of a batch share: 32 bytes.
typedef struct d4j_sampler_shape {
    int32_t samples;
    int32_t channels;        // of the latents
    int32_t pixels;          // height * width (* frames)
    int32_t input_channels;  // >= channels
    int32_t output_channels; // channels, or at least 2 * channels where a variance is learned
    int32_t input_dtype;
    int32_t output_dtype;
    int32_t instruction_set; // of d4j_sampler_instruction_set; the bits do not depend on it
} d4j_sampler_shape;

// The step number of initial noise: no row has it.
#define D4J_INITIAL_NOISE_STEP (-1)

// Bytes that d4j_sampler_step needs at `scratch` for this shape.
D4J_API int64_t d4j_sampler_scratch_bytes(const d4j_sampler_shape* shape);

// Writes each sample's network input (input_scale * latents) and timestep.
D4J_API int d4j_sampler_prepare(const d4j_sampler_shape* shape, const d4j_sampler_sample* samples);

// Carries out each sample's row on its network output.
D4J_API int d4j_sampler_step(const d4j_sampler_shape* shape, const d4j_sampler_sample* samples, void* scratch);

// scale * (the noise that a row with this noise_step draws); [pixels][channels] if nhwc, else [channels][pixels].
D4J_API int d4j_sampler_noise(uint64_t seed, int32_t noise_step, int32_t channels, int32_t pixels, int32_t nhwc,
                              float scale, float* noise);

// The error of an adaptive step (arXiv 2206.00927, appendix C.2), as the root mean square over `count` elements of
// (higher - lower) / max(atol, rtol * max(|lower|, |previous|)).
D4J_API int d4j_sampler_error(const float* lower, const float* higher, const float* previous, int64_t count,
                              double atol, double rtol, double* error);
