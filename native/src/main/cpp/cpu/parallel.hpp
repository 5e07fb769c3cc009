// Splitting independent work over the OpenMP team.
#pragma once

#include <cstdint>

#include <omp.h>

namespace d4j {

// Calls body(begin, end) on ranges that cover [0, count), one per thread, begins on multiples of `step`.
template <class Body>
void parallel_ranges(int team, std::int64_t count, std::int64_t step, Body body) {
    if (team == 1 || count <= step) {
        body(std::int64_t{0}, count);
        return;
    }
    const std::int64_t blocks = (count + step - 1) / step;
#pragma omp parallel num_threads(team)
    {
        const std::int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
        const std::int64_t begin = blocks * thread / threads * step;
        const std::int64_t last = blocks * (thread + 1) / threads * step;
        const std::int64_t end = last < count ? last : count;
        if (begin < end) body(begin, end);
    }
}

}  // namespace d4j
