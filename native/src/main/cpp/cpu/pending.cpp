#include "d4j_cpu.h"
#include "status.hpp"

int d4j_conv2d_create(int64_t, const d4j_conv2d_desc*, int64_t*) {
    d4j::set_last_error("conv2d: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_linear_create(int64_t, const d4j_linear_desc*, int64_t*) {
    d4j::set_last_error("linear: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_geglu_create(int64_t, const d4j_geglu_desc*, int64_t*) {
    d4j::set_last_error("geglu: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_group_norm_create(int64_t, const d4j_group_norm_desc*, int64_t*) {
    d4j::set_last_error("group_norm: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_layer_norm_create(int64_t, const d4j_layer_norm_desc*, int64_t*) {
    d4j::set_last_error("layer_norm: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_attention_create(int64_t, const d4j_attention_desc*, int64_t*) {
    d4j::set_last_error("attention: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_elementwise_create(int64_t, const d4j_elementwise_desc*, int64_t*) {
    d4j::set_last_error("elementwise: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_add_embedding_create(int64_t, const d4j_add_embedding_desc*, int64_t*) {
    d4j::set_last_error("add_embedding: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_resample_create(int64_t, const d4j_resample_desc*, int64_t*) {
    d4j::set_last_error("resample: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_copy_create(int64_t, const d4j_copy_desc*, int64_t*) {
    d4j::set_last_error("copy: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_embedding_lookup_create(int64_t, const d4j_embedding_lookup_desc*, int64_t*) {
    d4j::set_last_error("embedding_lookup: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_timestep_create(int64_t, const d4j_timestep_desc*, int64_t*) {
    d4j::set_last_error("timestep: not in this build");
    return D4J_UNSUPPORTED;
}
int d4j_layout_create(int64_t, const d4j_layout_desc*, int64_t*) {
    d4j::set_last_error("layout: not in this build");
    return D4J_UNSUPPORTED;
}
