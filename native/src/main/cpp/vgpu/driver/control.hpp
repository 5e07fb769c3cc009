// The control API: what tests and tools ask of the virtual GPU beyond CUDA. Found through cuGetProcAddress under the names
// below; not exported, because the library's exports are the driver's alone. The functions, as C types:
//
//   int d4jVgpuConfigure(const char* settings)   KEY=VALUE,... as in DIFFUSE4J_VGPU, for work queued from now on;
//                                                profile and memory from the next reset on
//   int d4jVgpuReset(void)                       destroys every context and forgets everything but the settings
//   int d4jVgpuLabelCaller(const char* label)    names the allocation site of this thread's next calls; "" ends it
//   int d4jVgpuFailCalls(const char* name, uint64_t skip, uint64_t times, int result)
//                                                fails `times` calls of that name ("*": any) after `skip` more
//   int d4jVgpuClear(const char* what)           forgets one of the records below, or "faults"
//   size_t d4jVgpuRead(const char* what, char* buffer, size_t capacity)
//                                                bytes that the text needs with its NUL; writes as much as fits
//
// The functions that return int return a CUresult. What can be read:
//
//   message      why the last call of this thread failed
//   diagnostics  findings of the checkers, leaks and bad frees
//   calls        each entry point called, its calls and bytes
//   sequence     the calls in order, with their bytes
//   launches     the last 4096 launches: kernel, shape, counters, modelled time and what bounds it
//   allocations  memory that is allocated now
//
// A record is lines of KEY=VALUE, with newlines and backslashes in values escaped by a backslash; a blank line ends it.
#pragma once

namespace vgpu::driver {

/// Null for a name that is none of the above.
void (*controlFunction(const char* name))();

}  // namespace vgpu::driver
