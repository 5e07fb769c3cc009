// The frame of the small ops that turn a source into a destination row by row.
#pragma once

#include "isa.hpp"
#include "op.hpp"
#include "parallel.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace d4j {

// Rows: holds a checked descriptor and has `double work()`, `int64_t rows()` and
// `void run(const int64_t* addresses, int64_t begin, int64_t end)`, which does rows [begin, end).
template <class Rows, int kAddresses>
class Rowwise final : public Op {
public:
    Rowwise(std::shared_ptr<Engine> engine, Rows rows)
        : Op(kAddresses), engine_(std::move(engine)), rows_(std::move(rows)), team_(team_for(*engine_, rows_.work())) {}

    std::string implementation() const override { return own_implementation(); }
    void bind(const std::int64_t* addresses) override {
        for (int i = 0; i < kAddresses; ++i) addresses_[i] = addresses[i];
    }
    void run() override {
        parallel_ranges(team_, rows_.rows(), 1,
                        [this](std::int64_t begin, std::int64_t end) { rows_.run(addresses_, begin, end); });
    }

private:
    const std::shared_ptr<Engine> engine_;
    const Rows rows_;
    const int team_;
    std::int64_t addresses_[kAddresses] = {};
};

}  // namespace d4j
