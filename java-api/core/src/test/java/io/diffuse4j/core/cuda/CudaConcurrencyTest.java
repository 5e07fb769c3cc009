package io.diffuse4j.core.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.diffuse4j.core.Golden;
import io.diffuse4j.core.VirtualTestDevice;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.pipeline.GenerationRequest;
import io.diffuse4j.core.pipeline.Model;
import io.diffuse4j.core.pipeline.Sampler;
import io.diffuse4j.core.pipeline.UNetModule;
import io.diffuse4j.weights.BundledModels;
import io.diffuse4j.weights.HostTensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Two models on one device, many threads that open, run and close in any order. */
class CudaConcurrencyTest {
  private static final int THREADS = 8;
  private static final int ROUNDS = 3;
  private static final Path DIGITS = BundledModels.load().resolve("digits-32");

  @Test
  void everyThreadGetsItsOwnRightResultAndNothingIsLeftBehind() throws Exception {
    Path folder = Golden.folder("modules", "unet2d-class");
    Map<String, HostTensor> inputs = Golden.tensors(folder.resolve("io.safetensors"), "in.");
    HostTensor expected = Golden.tensors(folder.resolve("io.safetensors"), "out.").get("sample");
    try (VirtualTestDevice gpu = VirtualTestDevice.checked()) {
      byte[] digit = digit(gpu.device());
      ExecutorService pool = Executors.newFixedThreadPool(THREADS);
      try {
        List<Future<?>> work = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
          Random random = new Random(i);
          work.add(
              pool.submit(
                  () -> {
                    for (int round = 0; round < ROUNDS; round++) {
                      if (random.nextBoolean()) {
                        assertArrayEquals(digit, digit(gpu.device()));
                      } else {
                        check(gpu.device(), folder, inputs, expected);
                      }
                    }
                  }));
        }
        for (Future<?> done : work) {
          done.get();
        }
      } finally {
        pool.shutdownNow();
      }
    }
  }

  private static byte[] digit(Device device) {
    try (Model model = Model.load(device, DIGITS, DType.F16, w -> fail(w));
        Sampler sampler = model.sampler()) {
      GenerationRequest request = GenerationRequest.builder().labels(7).steps(1).seed(3).build();
      return sampler.generate(request).images().get(0).pixels();
    }
  }

  private static void check(
      Device device, Path folder, Map<String, HostTensor> inputs, HostTensor expected) {
    try (UNetModule module = UNetModule.load(device, folder, DType.F16, w -> fail(w))) {
      float[] actual = module.run(inputs).get("sample").toFloats();
      double error = Golden.error(actual, expected.toFloats());
      assertTrue(error <= 5e-3, "error " + error);
    }
  }
}
