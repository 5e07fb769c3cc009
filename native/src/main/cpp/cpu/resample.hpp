// Nearest 2x upsampling of NHWC images, for the resample op and for convolutions that upsample their source.
#pragma once

#include "engine.hpp"

#include <cstdint>

namespace d4j {

class NearestUpsample {
public:
    NearestUpsample(const Engine& engine, int dtype, int n, int h, int w, int c, std::int64_t src, std::int64_t dst);

    void run();

private:
    int team_;
    std::int64_t rows_, w_, pixel_bytes_;
    std::int64_t src_, dst_;
};

}  // namespace d4j
