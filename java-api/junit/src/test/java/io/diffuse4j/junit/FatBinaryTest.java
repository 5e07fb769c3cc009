package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.ok;
import static org.bytedeco.cuda.global.cudart.cuModuleGetFunction;
import static org.bytedeco.cuda.global.cudart.cuModuleLoadData;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.javacpp.BytePointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What nvcc writes with {@code -fatbin}, in each of its compressions. */
@ExtendWith(VirtualGpuExtension.class)
class FatBinaryTest {
  private static final int NO_BINARY_FOR_GPU = 209;

  @ParameterizedTest
  @ValueSource(strings = {"axpy-plain", "axpy-lz4", "axpy-zstd"})
  void ptxInAFatBinaryRuns(String name, VirtualGpu gpu) throws IOException {
    CUmod_st module = new CUmod_st();
    ok(cuModuleLoadData(module, new BytePointer(image(name))));
    CUfunc_st function = new CUfunc_st();
    ok(cuModuleGetFunction(function, module, "axpy"));
    DeviceArray x = gpu.floats(1, 2, 3);
    DeviceArray y = gpu.floats(1, 1, 1);
    new Kernel(new CudaCalls(gpu.driver()), "axpy", function)
        .launch(LaunchShape.of(1, 32), 2f, x, y, 3);
    assertArrayEquals(new float[] {3, 5, 7}, y.toFloats());
  }

  @Test
  void machineCodeAloneIsRefusedWithTheReason(VirtualGpu gpu) throws IOException {
    BytePointer image = new BytePointer(image("axpy-machine-code"));
    assertEquals(NO_BINARY_FOR_GPU, cuModuleLoadData(new CUmod_st(), image));
    assertTrue(gpu.driver().lastMessage().contains("code=compute_80"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"axpy-plain", "axpy-lz4", "axpy-zstd"})
  void damagedFatBinaryIsRefusedOrLoadsButNeverCrashes(String name, VirtualGpu gpu)
      throws IOException {
    byte[] original = image(name);
    Random random = new Random(7);
    for (int i = 0; i < 2000; i++) {
      byte[] damaged = original.clone();
      for (int k = random.nextInt(3); k >= 0; k--) {
        // Not the first 16 bytes: the caller vouches for the size in the container's header.
        damaged[16 + random.nextInt(damaged.length - 16)] = (byte) random.nextInt();
      }
      try (BytePointer image = new BytePointer(damaged)) {
        int result = cuModuleLoadData(new CUmod_st(), image);
        assertTrue(Set.of(0, 200, 209, 218, 222, 801).contains(result), "result " + result);
      }
    }
  }

  private static byte[] image(String name) throws IOException {
    try (InputStream in = FatBinaryTest.class.getResourceAsStream(name + ".fatbin")) {
      byte[] bytes = in.readAllBytes();
      return Arrays.copyOf(bytes, bytes.length + 16);
    }
  }
}
