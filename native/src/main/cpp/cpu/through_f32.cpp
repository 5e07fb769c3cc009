#include "through_f32.hpp"

#include "d4j_cpu.h"
#include "elementwise_kernels.hpp"
#include "parallel.hpp"

#include <utility>

namespace d4j {

namespace {
std::int64_t f32_bytes(const ThroughF32::Operand& operand) {
    constexpr auto kStep = static_cast<std::int64_t>(kAlignment);
    return (operand.count() * 4 + kStep - 1) / kStep * kStep;
}
}  // namespace

ThroughF32::ThroughF32(std::shared_ptr<Engine> engine, std::unique_ptr<Op> inner, std::vector<Operand> sources,
                       Operand destination)
    : Op(inner->address_count()),
      engine_(std::move(engine)),
      inner_(std::move(inner)),
      sources_(std::move(sources)),
      destination_(destination) {}

std::size_t ThroughF32::scratch_bytes() const {
    std::int64_t bytes = f32_bytes(destination_);
    for (const Operand& source : sources_) bytes += f32_bytes(source);
    return static_cast<std::size_t>(bytes) + inner_->scratch_bytes();
}

void ThroughF32::bind(const std::int64_t* addresses) {
    std::vector<std::int64_t> inner(addresses, addresses + address_count());
    std::int64_t scratch = addresses[address_count() - 1];
    before_.clear();
    for (const Operand& source : sources_) {
        if (source.count() == 0) continue;
        before_.push_back({source, addresses[source.index], scratch});
        inner[source.index] = scratch;
        scratch += f32_bytes(source);
    }
    after_ = {destination_, addresses[destination_.index], scratch};
    inner[destination_.index] = scratch;
    inner.back() = scratch + f32_bytes(destination_);
    inner_->bind(inner.data());
}

void ThroughF32::run() {
    for (const Conversion& conversion : before_) convert(conversion, true);
    inner_->run();
    convert(after_, false);
}

void ThroughF32::convert(const Conversion& c, bool to_f32) const {
    const Operand& o = c.operand;
    const auto element = static_cast<std::int64_t>(dtype_bytes(o.dtype));
    const int team = team_for(*engine_, 10.0 * static_cast<double>(o.count()));
    parallel_ranges(team, o.rows, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            void* const outer = at<char>(c.address) + row * o.stride * element;
            void* const f32 = at<float>(c.f32) + row * o.columns;
            elementwise_kernels().map(D4J_ELEMENTWISE_SCALE, to_f32 ? o.dtype : D4J_F32, to_f32 ? D4J_F32 : o.dtype,
                                      to_f32 ? outer : f32, nullptr, to_f32 ? f32 : outer, o.columns, 1.0f);
        }
    });
}

}  // namespace d4j
