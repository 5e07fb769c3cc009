package io.diffuse4j.core.noise;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.weights.SafetensorsFile;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TorchNoiseTest {
  /** A few float32 roundings: PyTorch's vectorised log, sin and cos are not correctly rounded. */
  private static final float ROUNDING = 1e-6f;

  private static SafetensorsFile golden() throws Exception {
    return SafetensorsFile.open(
        Path.of(TorchNoiseTest.class.getResource("/golden/rng/torch_randn.safetensors").toURI()));
  }

  private static float[] draw(NoiseSource source, long seed, int n) {
    float[] values = new float[n];
    source.image(0, seed, 1, n).initial(values);
    return values;
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 42, 2147483655L, 12345678901234L})
  void torchCpuIsTorchRandnForEveryLengthAndSeed(long seed) throws Exception {
    try (SafetensorsFile file = golden()) {
      for (int n : new int[] {1, 5, 15, 16, 17, 100, 1000}) {
        String name = String.format("cpu.seed%d.n%d", seed, n);
        float[] actual = draw(new TorchCpuNoise(), seed, n);
        assertArrayEquals(file.get(name).toFloats(), actual, ROUNDING, name);
      }
      float[] latent = draw(new TorchCpuNoise(), seed, 4 * 64 * 64);
      String name = "cpu.seed" + seed + ".latent_1x4x64x64_";
      float[] head = Arrays.copyOf(latent, 64);
      assertArrayEquals(file.get(name + "head").toFloats(), head, ROUNDING);
      float[] tail = Arrays.copyOfRange(latent, latent.length - 64, latent.length);
      assertArrayEquals(file.get(name + "tail").toFloats(), tail, ROUNDING);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 42, 2147483655L, 12345678901234L})
  void torchCpuGoesOnWhereTheLastDrawStopped(long seed) throws Exception {
    try (SafetensorsFile file = golden()) {
      ImageNoise noise = new TorchCpuNoise().image(0, seed, 1, 3);
      float[] all = new float[30];
      int at = 0;
      for (int n : new int[] {3, 20, 7}) {
        float[] part = new float[n];
        noise.draw(0, part);
        System.arraycopy(part, 0, all, at, n);
        at += n;
      }
      assertArrayEquals(file.get("cpu.seed" + seed + ".sequence_3_20_7").toFloats(), all, ROUNDING);
    }
  }

  @Test
  void torchCudaIsTorchRandnOnCuda() {
    float[] expected = {
      -0.9246626f, -0.42534414f, -2.6438458f, 0.14518388f,
      -0.12086647f, -0.5797256f, -0.6228512f, -0.32838708f,
      -1.0745423f, -0.36314407f, -1.6710507f, 2.265505f
    };
    assertArrayEquals(expected, draw(new TorchCudaNoise(), 0, 12), ROUNDING);
  }

  @Test
  void torchCudaRefusesWhatWouldDependOnTheGpu() {
    TorchCudaNoise source = new TorchCudaNoise();
    source.image(0, 0, 3, TorchCudaNoise.MAX_ELEMENTS / 3);
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> source.image(0, 0, 3, TorchCudaNoise.MAX_ELEMENTS / 3 + 1));
    assertTrue(e.getMessage().contains("use philox"), e.getMessage());
  }

  @Test
  void torchCudaDrawsDifferInEveryCallAndStartAnewForEveryImage() {
    TorchCudaNoise source = new TorchCudaNoise();
    float[] first = new float[64];
    float[] second = new float[64];
    ImageNoise noise = source.image(0, 7, 1, 64);
    noise.initial(first);
    noise.draw(0, second);
    assertTrue(!Arrays.equals(first, second));
    assertArrayEquals(first, draw(source, 7, 64));
  }
}
