// Attention on tensor cores, bf16.
#include "attention/attention_entries.cuh"

D4J_ATTENTIONS(BF16, bf16);
