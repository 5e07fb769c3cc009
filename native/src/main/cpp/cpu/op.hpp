// The interface of every op of the cpu device.
#pragma once

#include "engine.hpp"
#include "memory.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace d4j {

class Op {
public:
    // addresses: how many entries bind() takes, the scratch among them.
    explicit Op(int addresses) : addresses_(addresses) {}
    Op(const Op&) = delete;
    Op& operator=(const Op&) = delete;
    virtual ~Op() = default;

    virtual std::size_t scratch_bytes() const { return 0; }
    virtual std::string implementation() const = 0;
    virtual void bind(const std::int64_t* addresses) = 0;
    // Allocates nothing. The caller has set the OpenMP team to the engine's.
    virtual void run() = 0;

    int address_count() const { return addresses_; }

private:
    const int addresses_;
};

struct OpHandle {
    std::unique_ptr<Op> op;
    std::string implementation;
    bool bound = false;
    LiveObject live;
};

std::int64_t op_handle(std::unique_ptr<Op> op);

template <class T>
T* at(std::int64_t address) {
    return reinterpret_cast<T*>(address);
}

// The size of an element, of a dtype that activations may have.
std::size_t dtype_bytes(int dtype);
// Both check what a descriptor claims, and throw what the caller should read.
void require_activation_dtype(int dtype);
void require_positive(std::int64_t value, const char* name);
// The row stride of a descriptor: 0 is dense.
std::int64_t row_stride(std::int64_t stride, std::int64_t columns, const char* name);

}  // namespace d4j
