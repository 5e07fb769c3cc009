// Runs an f32 op on bf16 operands: converts its sources before and its destination after. For CPUs without bf16
// products, where oneDNN has none or only its reference.
#pragma once

#include "op.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace d4j {

class ThroughF32 final : public Op {
public:
    // One entry of the op's address list, rows of `columns` elements; without rows or columns it is absent.
    struct Operand {
        int index;
        int dtype;
        std::int64_t rows, columns, stride;

        std::int64_t count() const { return rows * columns; }
    };

    // inner: the same op with f32 operands, all dense, and the scratch as the last of its addresses.
    ThroughF32(std::shared_ptr<Engine> engine, std::unique_ptr<Op> inner, std::vector<Operand> sources,
               Operand destination);

    std::size_t scratch_bytes() const override;
    std::string implementation() const override { return "f32:" + inner_->implementation(); }
    void bind(const std::int64_t* addresses) override;
    void run() override;

private:
    struct Conversion {
        Operand operand;
        std::int64_t address, f32;
    };

    void convert(const Conversion& conversion, bool to_f32) const;

    const std::shared_ptr<Engine> engine_;
    const std::unique_ptr<Op> inner_;
    const std::vector<Operand> sources_;
    const Operand destination_;
    std::vector<Conversion> before_;
    Conversion after_{};
};

}  // namespace d4j
