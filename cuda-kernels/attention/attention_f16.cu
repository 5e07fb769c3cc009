// Attention on tensor cores, f16.
#include "attention/attention_entries.cuh"

D4J_ATTENTIONS(F16, f16);
