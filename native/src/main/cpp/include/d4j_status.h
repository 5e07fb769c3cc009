// The status convention of the C ABI: every fallible call returns one of these, and a message waits in
// d4j_last_error() on the same thread. Java turns it into an exception in exactly one place.
#pragma once

#if defined(__CUDACC_RTC__)
#define D4J_API extern "C" __device__  // kernels use the structs; the functions are declared and never called
#elif defined(_WIN32)
#define D4J_API extern "C" __declspec(dllexport)
#else
#define D4J_API extern "C" __attribute__((visibility("default")))
#endif

enum d4j_status {
    D4J_OK = 0,
    D4J_INVALID_ARGUMENT = 1,
    D4J_OUT_OF_MEMORY = 2,
    D4J_UNSUPPORTED = 3,
    D4J_INTERNAL = 4,
};

D4J_API const char* d4j_last_error(void);
D4J_API const char* d4j_onednn_version(void);
