// The last error of each thread.
#include "status.hpp"

namespace d4j {

namespace {
thread_local std::string last_error;
}

void set_last_error(const std::string& message) noexcept {
    try {
        last_error = message;
    } catch (...) {
        last_error.clear();  // never throws; the status code still says what happened
    }
}

}  // namespace d4j

const char* d4j_last_error(void) { return d4j::last_error.c_str(); }

const char* d4j_onednn_version(void) {
    static const std::string version = [] {
        const dnnl_version_t* v = dnnl_version();
        return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
    }();
    return version.c_str();
}
