package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.*;
import static org.bytedeco.cuda.global.cudart.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.natives.VirtualGpuDiagnostic;
import io.diffuse4j.natives.VirtualGpuDiagnostic.Kind;
import java.util.List;
import org.bytedeco.cuda.cudart.CUDA_MEMCPY2D_v2;
import org.bytedeco.cuda.cudart.CUDA_MEMCPY3D_v2;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Memory calls: sizes, boxes, what an address is, and what goes wrong. */
@ExtendWith(VirtualGpuExtension.class)
class DriverMemoryTest {
  private static final int MEMORYTYPE_HOST = 1;
  private static final int MEMORYTYPE_DEVICE = 2;

  @Test
  @VirtualGpuSettings("memory=64M")
  void memoryEndsWhereTheSettingSays(VirtualGpu gpu) {
    SizeTPointer free = new SizeTPointer(1);
    SizeTPointer total = new SizeTPointer(1);
    ok(cuMemGetInfo(free, total));
    assertEquals(64 << 20, total.get());
    long address = alloc(48 << 20);
    assertEquals(OUT_OF_MEMORY, cuMemAlloc(new long[1], 32 << 20));
    assertTrue(gpu.driver().lastMessage().contains("16777216 of 67108864 left"));
    ok(cuMemGetInfo(free, total));
    assertEquals(16 << 20, free.get());
    ok(cuMemFree(address));
    ok(cuMemFree(alloc(60 << 20)));
  }

  @Test
  @VirtualGpuSettings(failOnDiagnostics = false)
  void secondFreeIsRefusedAndReported(VirtualGpu gpu) {
    long address = alloc(100);
    ok(cuMemFree(address));
    assertEquals(INVALID_VALUE, cuMemFree(address));
    List<VirtualGpuDiagnostic> found = gpu.diagnostics();
    assertEquals(1, found.size());
    assertEquals(Kind.MEMCHECK, found.get(0).kind());
    assertTrue(found.get(0).message().contains("freed before"), found.get(0).message());
  }

  @Test
  @VirtualGpuSettings(failOnDiagnostics = false)
  void leakIsReportedWithItsSizeAndPlace(VirtualGpu gpu) {
    DeviceArray leaked = new DeviceArray(new CudaCalls(gpu.driver()), 1234); // not the gpu's
    assertTrue(leaked.address() != 0);
    gpu.close();
    List<VirtualGpuDiagnostic> found = gpu.diagnostics();
    assertEquals(1, found.size());
    assertEquals(Kind.LEAKCHECK, found.get(0).kind());
    assertTrue(found.get(0).message().startsWith("1234 bytes"), found.get(0).message());
    assertTrue(
        found.get(0).allocation().contains("DriverMemoryTest.java"), found.get(0).allocation());
  }

  @Test
  void copiedBoxIsTheOneThatWasAskedFor(VirtualGpu gpu) {
    LongPointer address = new LongPointer(1);
    SizeTPointer pitch = new SizeTPointer(1);
    ok(cuMemAllocPitch(address, pitch, 10, 6, 4));
    assertEquals(512, pitch.get());
    byte[] image = new byte[60];
    for (int i = 0; i < image.length; i++) {
      image[i] = (byte) i;
    }
    BytePointer host = new BytePointer(image);
    CUDA_MEMCPY2D_v2 in =
        new CUDA_MEMCPY2D_v2()
            .srcMemoryType(MEMORYTYPE_HOST)
            .srcHost(host)
            .srcPitch(10)
            .dstMemoryType(MEMORYTYPE_DEVICE)
            .dstDevice(address.get())
            .dstPitch(pitch.get())
            .WidthInBytes(10)
            .Height(6);
    ok(cuMemcpy2D(in));
    // Rows 2 to 4, columns 3 to 6, as a 3-row box of a 3D copy.
    BytePointer out = new BytePointer(12);
    CUDA_MEMCPY3D_v2 box =
        new CUDA_MEMCPY3D_v2()
            .srcMemoryType(MEMORYTYPE_DEVICE)
            .srcDevice(address.get())
            .srcPitch(pitch.get())
            .srcHeight(6)
            .srcXInBytes(3)
            .srcY(2)
            .dstMemoryType(MEMORYTYPE_HOST)
            .dstHost(out)
            .dstPitch(4)
            .dstHeight(3)
            .WidthInBytes(4)
            .Height(3)
            .Depth(1);
    ok(cuMemcpy3D(box));
    byte[] got = new byte[12];
    out.get(got);
    assertArrayEquals(new byte[] {23, 24, 25, 26, 33, 34, 35, 36, 43, 44, 45, 46}, got);
    // One column too many to the right of the last row is outside of the allocation.
    box.srcXInBytes(512 - 3).srcY(3);
    assertEquals(INVALID_VALUE, cuMemcpy3D(box));
    ok(cuMemFree(address.get()));
  }

  @Test
  void memsetsWriteElementsOfTheirWidthAndNothingElse(VirtualGpu gpu) {
    long address = alloc(64);
    ok(cuMemsetD8(address, (byte) 0x11, 64));
    ok(cuMemsetD16(address + 2, (short) 0x2233, 3));
    ok(cuMemsetD32(address + 16, 0x44556677, 2));
    ok(cuMemsetD2D8(address + 32, 8, (byte) 0x7f, 3, 2));
    BytePointer out = new BytePointer(64);
    ok(cuMemcpyDtoH(out, address, 64));
    byte[] got = new byte[64];
    out.get(got);
    byte[] expected = new byte[64];
    java.util.Arrays.fill(expected, (byte) 0x11);
    for (int i = 2; i < 8; i += 2) {
      expected[i] = 0x33;
      expected[i + 1] = 0x22;
    }
    byte[] word = {0x77, 0x66, 0x55, 0x44};
    for (int i = 16; i < 24; i++) {
      expected[i] = word[i % 4];
    }
    for (int row = 32; row < 48; row += 8) {
      expected[row] = expected[row + 1] = expected[row + 2] = 0x7f;
    }
    assertArrayEquals(expected, got);
    assertEquals(INVALID_VALUE, cuMemsetD32(address + 2, 0, 1));
    assertEquals(INVALID_VALUE, cuMemsetD8(address, (byte) 0, 65));
    ok(cuMemFree(address));
  }

  @Test
  void copyBeyondAnAllocationIsRefusedAndSaysWhere(VirtualGpu gpu) {
    long address = alloc(100);
    BytePointer host = new BytePointer(200);
    assertEquals(INVALID_VALUE, cuMemcpyDtoH(host, address, 101));
    assertEquals(INVALID_VALUE, cuMemcpyHtoD(address + 1, host, 100));
    assertTrue(gpu.driver().lastMessage().contains("destination of 100 bytes"));
    assertEquals(INVALID_VALUE, cuMemcpyHtoD(0, host, 1));
    ok(cuMemcpyHtoD(address, host, 100));
    ok(cuMemFree(address));
  }

  @Test
  void pointerAttributesTellDeviceFromPinnedMemory(VirtualGpu gpu) {
    long device = alloc(16);
    IntPointer host = pinned(4);
    IntPointer type = new IntPointer(1);
    ok(cuPointerGetAttribute(type, 2, device + 4));
    assertEquals(MEMORYTYPE_DEVICE, type.get());
    ok(cuPointerGetAttribute(type, 2, host.address()));
    assertEquals(MEMORYTYPE_HOST, type.get());
    LongPointer size = new LongPointer(1);
    ok(cuPointerGetAttribute(size, 12, device + 4));
    assertEquals(16, size.get());
    assertEquals(INVALID_VALUE, cuPointerGetAttribute(type, 2, 4096));
    ok(cuMemFree(device));
    ok(cuMemFreeHost(host));
  }

  @Test
  void streamOrderedFreeHappensBehindTheWorkThatUsesTheMemory(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    LongPointer address = new LongPointer(1);
    ok(cuMemAllocAsync(address, 4, stream));
    IntPointer host = pinned(1).put(0);
    ok(cuMemsetD32Async(address.get(), 77, 1, stream));
    ok(cuMemcpyDtoHAsync(host, address.get(), 4, stream));
    ok(cuMemFreeAsync(address.get(), stream));
    assertEquals(INVALID_VALUE, cuMemFreeAsync(address.get(), stream));
    ok(cuStreamSynchronize(stream));
    assertEquals(77, host.get());
    ok(cuMemFreeHost(host));
  }

  @Test
  void registeredHostMemoryIsPinnedUntilItIsUnregistered(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    IntPointer host = new IntPointer(1).put(1);
    long device = alloc(4);
    ok(cuMemHostRegister(host, 4, 0));
    assertEquals(712, cuMemHostRegister(host, 4, 0)); // already registered
    ok(cuMemsetD32Async(device, 2, 1, stream));
    ok(cuMemcpyDtoHAsync(host, device, 4, stream));
    assertEquals(1, host.get());
    ok(cuMemHostUnregister(host)); // waits
    assertEquals(2, host.get());
    assertEquals(713, cuMemHostUnregister(host));
    ok(cuMemFree(device));
  }
}
