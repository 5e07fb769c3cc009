// The cpu device: memory, packed weights, ops and plans. A model is compiled into ops with fixed addresses in one
// arena; a plan runs them in order with one call.
//
// Life of an op: create it from a descriptor, ask for its scratch bytes, lay out the arena, bind the addresses, put it
// into a plan. Handles and addresses are int64_t; 0 is "none". Every function that returns int returns a d4j_status.
//
// Layouts: images are NHWC (row-major [n, h, w, c]), token sequences row-major [rows, c]; a stride is the number of
// elements from one row to the next, 0 meaning dense. Sizes are in elements, memory in bytes. Accumulation is f32.
//
// Threads: an engine's OpenMP team is used by whatever thread creates or runs a plan. Results do not depend on that
// thread, but each calling thread makes OpenMP keep a team of its own, so run all plans of a process on one thread.
// Creation and destruction may happen on any thread; one plan must not run twice at the same time, and an op belongs to
// at most one plan that runs at a time. Weights may be bound by several threads at once.
#pragma once

#include "d4j_ops.h"
#include "d4j_status.h"

#include <cstdint>

// ---- engine and memory ----------------------------------------------------------------------------------------------

// threads: the OpenMP team, 1..1024.
D4J_API int d4j_engine_create(int32_t threads, int64_t* engine);
D4J_API int d4j_engine_destroy(int64_t engine);

// 64-byte aligned; large blocks ask for huge pages. The contents are undefined.
D4J_API int d4j_memory_alloc(int64_t bytes, int64_t* address);
D4J_API int d4j_memory_free(int64_t address);
// Bytes held by all of our allocations (arenas, packed weights, tables of ops), as requested, exactly.
D4J_API int64_t d4j_memory_in_use(void);
// Engines, weights, ops and plans that are not destroyed yet.
D4J_API int64_t d4j_live_objects(void);

// The instruction set of our own kernels: "baseline", "avx2", "avx512" or "avx512_bf16". The environment variable
// DIFFUSE4J_CPU_ISA with one of these names caps it.
D4J_API const char* d4j_cpu_isa(void);
// The instruction set that oneDNN uses, in its own words; ONEDNN_MAX_CPU_ISA caps it.
D4J_API const char* d4j_onednn_isa(void);
// 1 if bf16 products run natively (AVX512-BF16 or AMX) in oneDNN; else bf16 is correct but not faster than f32.
D4J_API int32_t d4j_cpu_has_native_bf16(void);

// ---- weights --------------------------------------------------------------------------------------------------------

// Kinds of weights: d4j_weight_kind in d4j_ops.h.
//
// A weight copies its source, so the source may be freed at once. It holds one copy: the first op that uses it reorders
// it to the layout that its primitive prefers and frees the plain one; later ops are created for that layout. Where
// oneDNN has only a reference implementation for that, the op makes a second packed copy, which
// d4j_weight_bytes counts.
//
// sources: `count` addresses of published tensors that are concatenated along the first dimension (fused q, k, v; all
// time embedding projections); first_dims: their sizes in that dimension, which add up to dims[0].
// dtype: the compute dtype (D4J_F32 or D4J_BF16); vectors are kept in f32 whatever it is.
D4J_API int d4j_weight_create(int64_t engine, int32_t kind, const int64_t* sources, const int64_t* first_dims,
                              int32_t count, int32_t source_dtype, const int64_t* dims, int32_t rank, int32_t dtype,
                              int64_t* weight);
// A filter or matrix by its shape alone, for planning: ops created from it tell their scratch and the packed bytes, but
// cannot be bound.
D4J_API int d4j_weight_declare(int64_t engine, int32_t kind, const int64_t* dims, int32_t rank, int32_t dtype,
                               int64_t* weight);
// Legal while ops that use it exist: they keep what they need; the memory goes with the last of them.
D4J_API int d4j_weight_destroy(int64_t weight);
D4J_API int d4j_weight_bytes(int64_t weight, int64_t* bytes);

// ---- ops ------------------------------------------------------------------------------------------------------------

D4J_API int d4j_conv2d_create(int64_t engine, const d4j_conv2d_desc* desc, int64_t* op);
D4J_API int d4j_linear_create(int64_t engine, const d4j_linear_desc* desc, int64_t* op);
D4J_API int d4j_geglu_create(int64_t engine, const d4j_geglu_desc* desc, int64_t* op);
D4J_API int d4j_group_norm_create(int64_t engine, const d4j_group_norm_desc* desc, int64_t* op);
D4J_API int d4j_layer_norm_create(int64_t engine, const d4j_layer_norm_desc* desc, int64_t* op);
D4J_API int d4j_attention_create(int64_t engine, const d4j_attention_desc* desc, int64_t* op);
D4J_API int d4j_elementwise_create(int64_t engine, const d4j_elementwise_desc* desc, int64_t* op);
D4J_API int d4j_add_embedding_create(int64_t engine, const d4j_add_embedding_desc* desc, int64_t* op);
D4J_API int d4j_resample_create(int64_t engine, const d4j_resample_desc* desc, int64_t* op);
D4J_API int d4j_copy_create(int64_t engine, const d4j_copy_desc* desc, int64_t* op);
D4J_API int d4j_embedding_lookup_create(int64_t engine, const d4j_embedding_lookup_desc* desc, int64_t* op);
D4J_API int d4j_timestep_create(int64_t engine, const d4j_timestep_desc* desc, int64_t* op);
D4J_API int d4j_layout_create(int64_t engine, const d4j_layout_desc* desc, int64_t* op);

D4J_API int d4j_op_scratch_bytes(int64_t op, int64_t* bytes);
// One address per entry of the op's list above, the scratch last where the list has one (0 if it needs no bytes).
// Addresses are 64-byte aligned, but those of column slices: element aligned. Scratch contents need not be kept.
D4J_API int d4j_op_bind(int64_t op, const int64_t* addresses, int32_t count);
// What runs underneath, for profiles: "brgconv:avx512_core", "own:avx2", ...; valid until the op is destroyed.
D4J_API const char* d4j_op_implementation(int64_t op);
D4J_API int d4j_op_destroy(int64_t op);

// ---- plans ----------------------------------------------------------------------------------------------------------

// A plan refers to its ops; destroy it first. Every op must be bound.
D4J_API int d4j_plan_create(int64_t engine, const int64_t* ops, int32_t count, int64_t* plan);
D4J_API int d4j_plan_run(int64_t plan);
// The same, with the nanoseconds of each op: `nanoseconds` has `count` places, one per op of the plan.
D4J_API int d4j_plan_run_timed(int64_t plan, int64_t* nanoseconds, int32_t count);
D4J_API int d4j_plan_destroy(int64_t plan);
