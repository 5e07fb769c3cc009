// Status codes below, exceptions above: inside the library C++ throws, and `guarded` is the one place where an
// exception becomes a status.
#pragma once

#include "d4j_status.h"

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

#include <oneapi/dnnl/dnnl.hpp>

namespace d4j {

void set_last_error(const std::string& message) noexcept;

inline void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

template <class Body>
int guarded(Body&& body) noexcept {
    try {
        body();
        return D4J_OK;
    } catch (const std::bad_alloc&) {
        set_last_error("out of host memory");
        return D4J_OUT_OF_MEMORY;
    } catch (const std::invalid_argument& e) {
        set_last_error(e.what());
        return D4J_INVALID_ARGUMENT;
    } catch (const dnnl::error& e) {
        set_last_error(std::string("oneDNN: ") + e.what());
        if (e.status == dnnl_out_of_memory) return D4J_OUT_OF_MEMORY;
        return e.status == dnnl_unimplemented ? D4J_UNSUPPORTED : D4J_INTERNAL;
    } catch (const std::exception& e) {
        set_last_error(e.what());
        return D4J_INTERNAL;
    } catch (...) {
        set_last_error("unknown C++ exception");
        return D4J_INTERNAL;
    }
}

}  // namespace d4j
