// Conversion between dtypes.
#pragma once

#include <cstdint>
#include <cstring>

namespace d4j {

// Published tensors (f32, f16, bf16; any alignment) to what we compute in (f32, bf16).
void convert_published(const void* source, int source_dtype, void* target, int dtype, std::int64_t count);

}  // namespace d4j
