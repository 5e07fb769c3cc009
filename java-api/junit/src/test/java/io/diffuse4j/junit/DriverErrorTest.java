package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.*;
import static org.bytedeco.cuda.global.cudart.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.cuda.cudart.CUDA_ARRAY_DESCRIPTOR_v2;
import org.bytedeco.cuda.cudart.CUarray_st;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Calls that a driver refuses are refused with its codes, and a message says why. */
@ExtendWith(VirtualGpuExtension.class)
class DriverErrorTest {
  private static final String AXPY =
      """
      extern "C" __global__ void axpy(float s, const float* x, float* y, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) y[i] += s * x[i];
      }
      """;

  private static final int ERROR_LOG_BUFFER = 5;
  private static final int ERROR_LOG_BUFFER_SIZE_BYTES = 6;

  @Test
  void malformedPtxIsRefusedWithALog(VirtualGpu gpu) {
    BytePointer image =
        new BytePointer(".version 8.0\n.target sm_80\n.address_size 64\n.visible .entr y f() {\n");
    BytePointer log = new BytePointer(1000);
    log.put(0, (byte) 0);
    PointerPointer<Pointer> values = new PointerPointer<>(2);
    values.put(0, log);
    try (SizeAsPointer thousand = new SizeAsPointer(1000)) {
      values.put(1, thousand);
      int result =
          cuModuleLoadDataEx(
              new CUmod_st(),
              image,
              2,
              new IntPointer(ERROR_LOG_BUFFER, ERROR_LOG_BUFFER_SIZE_BYTES),
              values);
      assertEquals(INVALID_PTX, result);
    }
    assertTrue(log.getString().contains("line"), log.getString());
  }

  @Test
  void imageThatIsNoCodeIsRefused(VirtualGpu gpu) {
    assertEquals(200, cuModuleLoadData(new CUmod_st(), new BytePointer("hello world")));
    assertEquals(200, cuModuleLoadData(new CUmod_st(), new BytePointer("")));
    assertEquals(209, cuModuleLoadData(new CUmod_st(), new BytePointer("\u007fELF and so on")));
    assertEquals(301, cuModuleLoad(new CUmod_st(), "/nowhere/at/all.ptx"));
  }

  @Test
  void kernelThatIsNotThereIsRefusedWithTheNamesThatAre(VirtualGpu gpu) {
    KernelModule module = gpu.compile(AXPY);
    VirtualGpuException e = assertThrows(VirtualGpuException.class, () -> module.kernel("axpi"));
    assertEquals(NOT_FOUND, e.code());
    assertTrue(e.getMessage().contains("axpy"), e.getMessage());
  }

  @Test
  void badShapesAreRefusedBeforeAnythingRuns(VirtualGpu gpu) {
    Kernel axpy = gpu.compile(AXPY).kernel("axpy");
    DeviceArray x = gpu.floats(1);
    DeviceArray y = gpu.floats(1);
    LaunchShape good = LaunchShape.of(1, 32);
    assertCode(INVALID_VALUE, () -> axpy.launch(good.withGrid(0, 1, 1), 1f, x, y, 1));
    assertCode(INVALID_VALUE, () -> axpy.launch(good.withGrid(1, 65536, 1), 1f, x, y, 1));
    assertCode(INVALID_VALUE, () -> axpy.launch(good.withBlock(32, 33, 1), 1f, x, y, 1));
    assertCode(INVALID_VALUE, () -> axpy.launch(good.withBlock(1, 1, 65), 1f, x, y, 1));
    assertCode(INVALID_VALUE, () -> axpy.launch(good.withShared(200_000), 1f, x, y, 1));
    assertEquals(1f, y.toFloats()[0]);
  }

  @Test
  void sharedMemoryBeyond48KibNeedsTheAttribute(VirtualGpu gpu) {
    CUfunc_st function = gpu.compile(AXPY).kernel("axpy").function();
    IntPointer n = new IntPointer(1).put(0);
    PointerPointer<Pointer> arguments = new PointerPointer<>(n, n, n, n);
    int size = 100 * 1024;
    int refused = cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, size, null, arguments, null);
    assertEquals(INVALID_VALUE, refused);
    assertTrue(gpu.driver().lastMessage().contains("MAX_DYNAMIC_SHARED_SIZE_BYTES"));
    ok(cuFuncSetAttribute(function, 8, size));
    assertEquals(INVALID_VALUE, cuFuncSetAttribute(function, 8, 163 * 1024 + 1));
  }

  @Test
  void wrongArgumentsAreRefused(VirtualGpu gpu) {
    Kernel axpy = gpu.compile(AXPY).kernel("axpy");
    LaunchShape shape = LaunchShape.of(1, 32);
    DeviceArray x = gpu.floats(1);
    assertThrows(IllegalArgumentException.class, () -> axpy.launch(shape, 1f, x, x));
    assertThrows(IllegalArgumentException.class, () -> axpy.launch(shape, 1.0, x, x, 1));
    assertThrows(IllegalArgumentException.class, () -> axpy.launch(shape, 1f, x, null, 1));
    int result =
        cuLaunchKernel(axpy.function(), 1, 1, 1, 1, 1, 1, 0, null, (PointerPointer<?>) null, null);
    assertEquals(INVALID_VALUE, result);
  }

  @Test
  void handlesOfTheWrongKindOrDestroyedOnesAreNoticed(VirtualGpu gpu) {
    var stream = stream(0);
    var event = event();
    ok(cuEventDestroy(event));
    assertEquals(INVALID_HANDLE, cuEventSynchronize(event));
    assertEquals(INVALID_HANDLE, cuEventRecord(event, stream));
    CUmod_st module = new CUmod_st();
    assertEquals(INVALID_HANDLE, cuModuleUnload(module));
    assertEquals(INVALID_HANDLE, cuFuncGetAttribute(new int[1], 0, new CUfunc_st(stream)));
  }

  @Test
  void callWithoutAContextIsRefused(VirtualGpu gpu) {
    ok(cuCtxSetCurrent(null));
    assertEquals(201, cuMemAlloc(new long[1], 16));
    ok(cuCtxSetCurrent(gpu.context()));
  }

  @Test
  void contextsStackAndEndIndependently(VirtualGpu gpu) {
    CUctx_st own = new CUctx_st();
    ok(cuCtxCreate(own, null, 0, 0));
    long inOwn = alloc(16);
    ok(cuMemFree(inOwn));
    CUctx_st popped = new CUctx_st();
    ok(cuCtxPopCurrent(popped));
    assertEquals(own.address(), popped.address());
    CUctx_st current = new CUctx_st();
    ok(cuCtxGetCurrent(current));
    assertEquals(gpu.context().address(), current.address());
    ok(cuCtxDestroy(own));
    assertEquals(INVALID_HANDLE, cuCtxPushCurrent(own));
  }

  @Test
  void whatIsNotImplementedSaysSo(VirtualGpu gpu) {
    int result = cuArrayCreate(new CUarray_st(), new CUDA_ARRAY_DESCRIPTOR_v2());
    assertEquals(NOT_SUPPORTED, result);
    assertTrue(gpu.driver().lastMessage().contains("cuArrayCreate_v2"));
  }

  @Test
  void errorsHaveNamesAndTexts(VirtualGpu gpu) {
    PointerPointer<BytePointer> text = new PointerPointer<>(1);
    ok(cuGetErrorName(700, text));
    assertEquals("CUDA_ERROR_ILLEGAL_ADDRESS", text.get(BytePointer.class).getString());
    ok(cuGetErrorString(700, text));
    assertEquals("illegal memory access", text.get(BytePointer.class).getString());
    assertEquals(INVALID_VALUE, cuGetErrorName(12345, text));
  }

  private static void assertCode(int code, Runnable launch) {
    assertEquals(code, assertThrows(VirtualGpuException.class, launch::run).code());
  }

  /** A size where the driver API wants it cast to a pointer. */
  private static final class SizeAsPointer extends Pointer {
    SizeAsPointer(long size) {
      address = size;
    }
  }
}
