/* A C program as anyone writes it against the CUDA driver API, linked with -lcuda: y += s * x, from PTX text.
 * Arguments: "leak" forgets to free y; "beyond" lets the kernel write one element too many. */
#include <stdio.h>
#include <string.h>

typedef int CUresult, CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct context *CUcontext;
typedef struct module *CUmodule;
typedef struct function *CUfunction;
CUresult cuInit(unsigned);
CUresult cuDeviceGet(CUdevice *, int);
CUresult cuDeviceGetName(char *, int, CUdevice);
CUresult cuCtxCreate_v2(CUcontext *, unsigned, CUdevice);
CUresult cuCtxDestroy_v2(CUcontext);
CUresult cuCtxSynchronize(void);
CUresult cuModuleLoadData(CUmodule *, const void *);
CUresult cuModuleGetFunction(CUfunction *, CUmodule, const char *);
CUresult cuMemAlloc_v2(CUdeviceptr *, size_t);
CUresult cuMemFree_v2(CUdeviceptr);
CUresult cuMemcpyHtoD_v2(CUdeviceptr, const void *, size_t);
CUresult cuMemcpyDtoH_v2(void *, CUdeviceptr, size_t);
CUresult cuLaunchKernel(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *,
                        void **, void **);
CUresult cuGetErrorName(CUresult, const char **);

static const char ptx[] =
    ".version 8.0\n.target sm_80\n.address_size 64\n"
    ".visible .entry axpy(.param .f32 s, .param .u64 x, .param .u64 y, .param .u32 n)\n"
    "{\n"
    " .reg .pred %p<2>;\n .reg .f32 %f<5>;\n .reg .b32 %r<6>;\n .reg .b64 %rd<8>;\n"
    " ld.param.f32 %f1, [s];\n ld.param.u64 %rd1, [x];\n ld.param.u64 %rd2, [y];\n ld.param.u32 %r2, [n];\n"
    " mov.u32 %r3, %ctaid.x;\n mov.u32 %r4, %ntid.x;\n mov.u32 %r5, %tid.x;\n mad.lo.s32 %r1, %r3, %r4, %r5;\n"
    " setp.ge.s32 %p1, %r1, %r2;\n @%p1 bra done;\n"
    " mul.wide.s32 %rd3, %r1, 4;\n add.s64 %rd4, %rd1, %rd3;\n ld.global.f32 %f2, [%rd4];\n"
    " add.s64 %rd5, %rd2, %rd3;\n ld.global.f32 %f3, [%rd5];\n fma.rn.f32 %f4, %f1, %f2, %f3;\n"
    " st.global.f32 [%rd5], %f4;\n"
    "done:\n ret;\n}\n";

static int check(CUresult result, const char *call) {
    const char *name = "?";
    if (result != 0) {
        cuGetErrorName(result, &name);
        printf("%s: %s\n", call, name);
    }
    return result;
}

#define CHECK(call) \
    if (check(call, #call)) return 1

int main(int count, char **arguments) {
    const char *fault = count > 1 ? arguments[1] : "";
    enum { N = 100 };
    float x[N], y[N], s = 2;
    char name[80];
    CUdevice device;
    CUcontext context;
    CUmodule module;
    CUfunction axpy;
    CUdeviceptr dx, dy;
    int n = strcmp(fault, "beyond") == 0 ? N + 1 : N;
    for (int i = 0; i < N; i++) x[i] = (float)i, y[i] = 1;
    CHECK(cuInit(0));
    CHECK(cuDeviceGet(&device, 0));
    CHECK(cuDeviceGetName(name, sizeof name, device));
    printf("%s\n", name);
    CHECK(cuCtxCreate_v2(&context, 0, device));
    CHECK(cuModuleLoadData(&module, ptx));
    CHECK(cuModuleGetFunction(&axpy, module, "axpy"));
    CHECK(cuMemAlloc_v2(&dx, sizeof x));
    CHECK(cuMemAlloc_v2(&dy, sizeof y));
    CHECK(cuMemcpyHtoD_v2(dx, x, sizeof x));
    CHECK(cuMemcpyHtoD_v2(dy, y, sizeof y));
    void *parameters[] = {&s, &dx, &dy, &n};
    CHECK(cuLaunchKernel(axpy, 4, 1, 1, 32, 1, 1, 0, 0, parameters, 0));
    CHECK(cuCtxSynchronize());
    CHECK(cuMemcpyDtoH_v2(y, dy, sizeof y));
    for (int i = 0; i < N; i++) {
        if (y[i] != 1 + 2 * x[i]) {
            printf("y[%d] is %g\n", i, y[i]);
            return 1;
        }
    }
    CHECK(cuMemFree_v2(dx));
    if (strcmp(fault, "leak") != 0) CHECK(cuMemFree_v2(dy));
    CHECK(cuCtxDestroy_v2(context));
    printf("correct\n");
    return 0;
}
