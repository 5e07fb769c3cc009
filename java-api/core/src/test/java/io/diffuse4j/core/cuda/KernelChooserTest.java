package io.diffuse4j.core.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.diffuse4j.core.Golden;
import io.diffuse4j.core.VirtualTestDevice;
import io.diffuse4j.core.cuda.StandInKernels.Fault;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.PlannedMemory;
import io.diffuse4j.core.device.VirtualOptions;
import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.pipeline.GenerationRequest;
import io.diffuse4j.core.pipeline.Model;
import io.diffuse4j.core.pipeline.Sampler;
import io.diffuse4j.core.pipeline.SamplerOptions;
import io.diffuse4j.core.pipeline.UNetModule;
import io.diffuse4j.core.pipeline.UNetSession;
import io.diffuse4j.weights.BundledModels;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.ModuleFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Kernels that are not ours in plans, and which are chosen, with a library that stands in. */
class KernelChooserTest {
  private static final Path NETWORK = Golden.folder("modules", "unet-sd1");
  private static final UNet.Shape SHAPE = new UNet.Shape(2, 16, 16, 7);

  /** DESIGN's tolerance of whole modules in f16. */
  private static final double F16 = 5e-3;

  /** What {@link #measure} found, as the file has it. */
  private static final Map<DType, String> MEASURED = new EnumMap<>(DType.class);

  @TempDir private Path cache;
  private final List<String> warnings = new ArrayList<>();
  private final List<StandInKernels> opened = new ArrayList<>();

  private VirtualTestDevice gpu;

  @BeforeEach
  void openTheDriver() {
    gpu = VirtualTestDevice.with("counters=on");
  }

  /** All memory must have been returned. */
  @AfterEach
  void closeTheDriver() {
    gpu.close();
  }

  private CudaDevice open(int runs, Fault fault) {
    return open(VirtualOptions.defaults(), runs, fault);
  }

  private CudaDevice open(VirtualOptions options, int runs, Fault fault) {
    return CudaDevice.open(
        options,
        new CudaDevice.Foreign(
            () -> {
              opened.add(new StandInKernels(runs, fault));
              return library();
            },
            cache,
            warnings::add));
  }

  private StandInKernels library() {
    return opened.get(opened.size() - 1);
  }

  /** What ours alone compute. */
  private static float[] expected() {
    try (CudaDevice device = CudaDevice.open(VirtualOptions.defaults())) {
      return run(device, DType.F16);
    }
  }

  private static float[] run(CudaDevice device, DType dtype) {
    Map<String, HostTensor> inputs = Golden.tensors(NETWORK.resolve("io.safetensors"), "in.");
    try (UNetModule module = UNetModule.load(device, NETWORK, dtype, w -> fail(w))) {
      return module.run(inputs).get("sample").toFloats();
    }
  }

  private static double error(float[] actual) {
    HostTensor published = Golden.tensors(NETWORK.resolve("io.safetensors"), "out.").get("sample");
    return Golden.error(actual, published.toFloats());
  }

  /** Measures the network as a process before this one would have: really only once. */
  private void measure(DType dtype) {
    try (CudaDevice device = open(1, Fault.NONE)) {
      Path file = device.kernelChoiceFile().path();
      String known = MEASURED.get(dtype);
      if (known == null) {
        run(device, dtype);
        MEASURED.put(dtype, Files.readString(file));
      } else {
        Files.writeString(file, known);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void rewriteChoices(UnaryOperator<KernelChoice> change) {
    try (CudaDevice device = open(1, Fault.NONE)) {
      List<KernelChoice> choices = device.kernelChoices();
      assertFalse(choices.isEmpty());
      KernelChoiceFile file = device.kernelChoiceFile();
      file.add(choices.stream().map(change).collect(Collectors.toMap(KernelChoice::shape, c -> c)));
    }
  }

  /** As if the stand-in had been faster than ours, wherever it computes something. */
  private void preferForeign() {
    rewriteChoices(
        choice ->
            choice.isMeasured()
                ? new KernelChoice(choice.shape(), 2, 1, choice.workspaceBytes())
                : choice);
  }

  @Test
  void theFasterKernelsComputeEachOp() {
    try (CudaDevice device = open(1, Fault.NONE)) {
      run(device, DType.F16);
      gpu.driver().clearLaunches();
      // The choices are there: one run, and nothing is measured.
      float[] actual = run(device, DType.F16);
      List<String> kernels = gpu.driver().launches().stream().map(l -> l.kernel()).toList();
      assertTrue(error(actual) <= F16, "error " + error(actual));
      // Both are faster somewhere, by the time model's clock.
      assertTrue(kernels.contains("stand_in_attention_f16"), kernels.toString());
      assertEquals(
          device.kernelChoices().stream()
              .anyMatch(c -> c.shape().contains("convolution") && c.isForeign()),
          kernels.contains("stand_in_convolution_f16"));
      assertTrue(kernels.stream().anyMatch(k -> k.startsWith("conv_fprop")), kernels.toString());
      assertTrue(device.kernelChoices().stream().anyMatch(c -> !c.isForeign()));
      assertTrue(device.description().endsWith(", stand-in 1"));
    }
    assertEquals(List.of(), warnings);
    assertTrue(library().closed);
    assertEquals(library().prepared, library().closedKernels);
  }

  @Test
  void aSlowLibraryIsNotUsed() {
    float[] expected = expected();
    try (CudaDevice device = open(3, Fault.NONE)) {
      assertArrayEquals(expected, run(device, DType.F16));
      assertTrue(device.kernelChoices().stream().noneMatch(KernelChoice::isForeign));
      assertTrue(device.kernelChoices().stream().anyMatch(KernelChoice::isMeasured));
    }
  }

  @Test
  void choicesAreRememberedAndReadBack() {
    List<KernelChoice> measured;
    float[] expected;
    measure(DType.F16);
    try (CudaDevice device = open(1, Fault.NONE)) {
      expected = run(device, DType.F16);
      measured = device.kernelChoices();
    }
    // Slow by now, but what was measured holds.
    try (CudaDevice device = open(20, Fault.NONE)) {
      assertEquals(measured, device.kernelChoices());
      assertArrayEquals(expected, run(device, DType.F16));
      assertEquals(measured, device.kernelChoices());
      assertEquals(measured.stream().filter(KernelChoice::isForeign).count(), library().prepared);
    }
    assertEquals(List.of(), warnings);
  }

  @ParameterizedTest
  @CsvSource({"F32, 1e-5", "TF32, 2e-3", "F16, 5e-3"})
  void aPlanMayBeForeignWhereverTheLibraryComputes(DType dtype, double tolerance) {
    gpu.driver().configure("check=all");
    measure(dtype);
    preferForeign();
    try (CudaDevice device = open(1, Fault.NONE)) {
      PlannedMemory planned = UNetModule.planned(device, ModuleFolder.open(NETWORK), dtype, SHAPE);
      gpu.driver().clearLaunches();
      double error = error(run(device, dtype));
      assertTrue(error <= tolerance, dtype + ": error " + error);
      long foreign =
          gpu.driver().launches().stream().filter(l -> l.kernel().startsWith("stand_in_")).count();
      assertEquals(library().enqueued, foreign);
      assertTrue(foreign > 30, foreign + " foreign launches");
      try (UNetModule module = UNetModule.load(device, NETWORK, dtype, w -> fail(w));
          UNetSession session = module.session(SHAPE, false);
          UNetSession invariant = module.session(SHAPE, true)) {
        assertEquals(planned.planBytes(), session.planBytes());
        // Filters and workspace are beside what our kernels need; a batch-invariant plan has
        // none.
        assertTrue(invariant.planBytes() < session.planBytes());
      }
    }
    assertEquals(List.of(), warnings);
    assertEquals(library().prepared, library().closedKernels);
  }

  @Test
  void whatTheLibraryDoesNotComputeIsOursWithoutAWarning() {
    try (CudaDevice device = open(1, Fault.NONE)) {
      run(device, DType.BF16);
      assertTrue(device.kernelChoices().stream().noneMatch(KernelChoice::isMeasured));
      assertEquals(List.of(), warnings);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"PREPARE", "ENQUEUE", "RESULT"})
  void aLibraryThatFailsIsNotUsedAndNotRemembered(Fault fault) {
    float[] expected = expected();
    try (CudaDevice device = open(1, fault)) {
      assertArrayEquals(expected, run(device, DType.F16));
      int warned = warnings.size();
      assertTrue(warned > 0);
      assertTrue(warnings.get(0).startsWith("stand-in 1 fails to compute"), warnings.get(0));
      assertTrue(warnings.get(0).endsWith("; our kernels are used"), warnings.get(0));
      // Nor is it asked again.
      assertArrayEquals(expected, run(device, DType.F16));
      assertEquals(warned, warnings.size());
    }
    assertEquals(library().prepared, library().closedKernels);
    try (CudaDevice device = open(1, Fault.NONE)) {
      assertTrue(device.kernelChoices().stream().noneMatch(KernelChoice::isForeign));
      run(device, DType.F16);
      assertTrue(device.kernelChoices().stream().anyMatch(KernelChoice::isForeign));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"PREPARE", "ENQUEUE"})
  void aLibraryThatFailsAfterItWasChosenIsNotUsed(Fault fault) {
    float[] expected = expected();
    measure(DType.F16);
    try (CudaDevice device = open(1, fault)) {
      assertArrayEquals(expected, run(device, DType.F16));
      assertTrue(warnings.get(0).contains("stand-in 1"), warnings.get(0));
    }
    assertEquals(library().prepared, library().closedKernels);
  }

  @Test
  void aBudgetThatOnlyOurKernelsMeetIsMet() {
    float[] expected = expected();
    long ours;
    try (CudaDevice device = CudaDevice.open(VirtualOptions.defaults())) {
      PlannedMemory planned =
          UNetModule.planned(device, ModuleFolder.open(NETWORK), DType.F16, SHAPE);
      ours = planned.weightBytes() + planned.planBytes();
    }
    measure(DType.F16);
    preferForeign();
    VirtualOptions tight = VirtualOptions.defaults().withMemoryLimit(ours);
    try (CudaDevice device = open(tight, 1, Fault.NONE)) {
      assertArrayEquals(expected, run(device, DType.F16));
      assertTrue(warnings.get(0).contains("the plan"), warnings.get(0));
    }
    assertEquals(library().prepared, library().closedKernels);
  }

  @Test
  void anAbsentLibraryIsNoError() {
    try (CudaDevice device =
        CudaDevice.open(
            VirtualOptions.defaults(),
            new CudaDevice.Foreign(
                () -> {
                  throw new IllegalStateException("libstandin.so: no such file");
                },
                cache,
                warnings::add))) {
      run(device, DType.F16);
      assertFalse(device.cudnn().found());
      assertEquals("libstandin.so: no such file", device.cudnn().text());
      assertEquals(List.of(), device.kernelChoices());
      assertEquals(List.of(), warnings);
    }
  }

  @Test
  void aBrokenFileIsMeasuredAgainAndReplaced() throws IOException {
    List<KernelChoice> measured;
    Path file;
    try (CudaDevice device = open(1, Fault.NONE)) {
      run(device, DType.F16);
      measured = device.kernelChoices();
      file = device.kernelChoiceFile().path();
    }
    String text = Files.readString(file);
    Files.writeString(file, text.substring(0, text.length() / 2));
    try (CudaDevice device = open(1, Fault.NONE)) {
      assertEquals(List.of(), device.kernelChoices());
      assertTrue(warnings.get(0).contains("is not used"), warnings.get(0));
      run(device, DType.F16);
      // Not which is faster: the model counts the turns of blocks that wait, and some are close.
      assertEquals(shapes(measured), shapes(device.kernelChoices()));
    }
    assertEquals(text.lines().count(), Files.readString(file).lines().count());
  }

  private static List<String> shapes(List<KernelChoice> choices) {
    return choices.stream().map(KernelChoice::shape).toList();
  }

  @Test
  void samplingRunsForeignKernelsInItsGraph() {
    Path digits = BundledModels.load().resolve("digits-32");
    GenerationRequest request = GenerationRequest.builder().labels(3).seed(11).steps(2).build();
    byte[] expected;
    try (CudaDevice device = open(1, Fault.NONE);
        Model model = Model.load(device, digits, DType.F16, w -> fail(w));
        Sampler sampler = model.sampler(SamplerOptions.of(8, 8))) {
      expected = sampler.generate(request).images().get(0).pixels();
    }
    preferForeign();
    try (CudaDevice device = open(1, Fault.NONE);
        Model model = Model.load(device, digits, DType.F16, w -> fail(w));
        Sampler sampler = model.sampler(SamplerOptions.of(8, 8))) {
      gpu.driver().clearLaunches();
      gpu.driver().clearCalls();
      byte[] actual = sampler.generate(request).images().get(0).pixels();
      for (int i = 0; i < actual.length; i++) {
        assertTrue(Math.abs((actual[i] & 255) - (expected[i] & 255)) <= 2, "pixel " + i);
      }
      // Each step is one graph, and runs each foreign op once.
      assertEquals(
          2L * library().enqueued,
          gpu.driver().launches().stream().filter(l -> l.kernel().startsWith("stand_in_")).count());
      assertEquals(2, gpu.driver().calls().get("cuGraphLaunch").calls());
    }
  }
}
