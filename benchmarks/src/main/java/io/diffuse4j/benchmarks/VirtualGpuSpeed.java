package io.diffuse4j.benchmarks;

import static org.bytedeco.cuda.global.cudart.cuCtxSetCurrent;
import static org.bytedeco.cuda.global.cudart.cuCtxSynchronize;
import static org.bytedeco.cuda.global.cudart.cuDevicePrimaryCtxRetain;
import static org.bytedeco.cuda.global.cudart.cuInit;
import static org.bytedeco.cuda.global.cudart.cuLaunchKernel;
import static org.bytedeco.cuda.global.cudart.cuMemAlloc;
import static org.bytedeco.cuda.global.cudart.cuMemsetD16;
import static org.bytedeco.cuda.global.cudart.cuModuleGetFunction;
import static org.bytedeco.cuda.global.cudart.cuModuleLoadData;

import io.diffuse4j.natives.CudaRuntimeLibrary;
import io.diffuse4j.natives.VirtualGpuDriver;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * How fast the virtual GPU executes the two GEMMs of its tests on this CPU: thread instructions and
 * FLOPs a second, what each checker costs, and what a second thread brings. Each figure is the
 * least of several turns that alternate; all but the last are CPU time of the one thread that
 * computes. The native module's tests assert the ratios; this prints the figures.
 */
public final class VirtualGpuSpeed {
  private static final int SIZE = 512;
  private static final int TURNS = 10;

  private enum Kernel {
    SGEMM("sgemm", 256, "tiled SGEMM"),
    HGEMM("hgemm", 128, "mma.sync GEMM");

    private final String entry;
    private final int threads;
    private final String title;

    Kernel(String entry, int threads, String title) {
      this.entry = entry;
      this.threads = threads;
      this.title = title;
    }
  }

  private enum Mode {
    PLAIN("nothing", "check=none,counters=off"),
    COUNTERS("counters", "check=none,counters=on"),
    MEMORY("memcheck", "check=memory,counters=off"),
    RACE("racecheck", "check=race,counters=off"),
    INIT("initcheck", "check=init,counters=off"),
    SYNC("synccheck", "check=sync,counters=off"),
    ALL("all checkers", "check=all,counters=off"),
    EVERYTHING("all checkers and counters", "check=all,counters=on");

    private final String title;
    private final String settings;

    Mode(String title, String settings) {
      this.title = title;
      this.settings = settings;
    }
  }

  private final VirtualGpuDriver driver = new VirtualGpuDriver();
  private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
  private final CUmod_st module = new CUmod_st();
  private final long[] matrices = new long[3];

  private VirtualGpuSpeed() throws IOException {
    CudaRuntimeLibrary.load();
    driver.configure("profile=a100,memory=1G");
    check(cuInit(0));
    CUctx_st context = new CUctx_st();
    check(cuDevicePrimaryCtxRetain(context, 0));
    check(cuCtxSetCurrent(context));
    try (InputStream in = VirtualGpuSpeed.class.getResourceAsStream("/gemm.ptx");
        BytePointer ptx = new BytePointer(new String(in.readAllBytes(), StandardCharsets.UTF_8))) {
      check(cuModuleLoadData(module, ptx));
    }
    for (int i = 0; i < matrices.length; i++) {
      try (LongPointer address = new LongPointer(1)) {
        check(cuMemAlloc(address, 4L * SIZE * SIZE));
        matrices[i] = address.get();
      }
      check(cuMemsetD16(matrices[i], (short) 0x3c00, 2L * SIZE * SIZE));
    }
  }

  public static void main(String[] args) throws IOException {
    new VirtualGpuSpeed().run();
  }

  private void run() {
    System.out.println(
        "CPU: "
            + CpuName.read()
            + ", "
            + Runtime.getRuntime().availableProcessors()
            + " cores; matrices of "
            + SIZE
            + "x"
            + SIZE);
    double flops = 2.0 * SIZE * SIZE * SIZE;
    for (Kernel kernel : Kernel.values()) {
      long instructions = instructions(kernel);
      Map<Mode, Double> seconds = new EnumMap<>(Mode.class);
      double one = Double.MAX_VALUE;
      double two = Double.MAX_VALUE;
      for (int turn = 0; turn < TURNS; turn++) {
        for (Mode mode : Mode.values()) {
          driver.configure("threads=1," + mode.settings);
          seconds.merge(mode, seconds(kernel, threads::getCurrentThreadCpuTime), Math::min);
        }
        driver.configure("threads=1," + Mode.PLAIN.settings);
        one = Math.min(one, seconds(kernel, System::nanoTime));
        driver.configure("threads=2," + Mode.PLAIN.settings);
        two = Math.min(two, seconds(kernel, System::nanoTime));
      }
      double plain = seconds.get(Mode.PLAIN);
      System.out.printf(
          Locale.ROOT,
          "%n%s: %.2f G thread instructions/s, %.1f GFLOP/s on one thread; two threads %.2f times one%n",
          kernel.title,
          instructions / plain * 1e-9,
          flops / plain * 1e-9,
          one / two);
      System.out.println("| with | ms | times plain |");
      System.out.println("|---|---|---|");
      seconds.forEach(
          (mode, time) ->
              System.out.printf(
                  Locale.ROOT, "| %s | %.1f | %.2f |%n", mode.title, 1e3 * time, time / plain));
    }
  }

  private long instructions(Kernel kernel) {
    driver.clearLaunches();
    driver.configure("threads=1,check=none,counters=on");
    launch(kernel);
    return driver.launches().get(0).counter("threadInstructions");
  }

  private double seconds(Kernel kernel, LongSupplier clock) {
    long begin = clock.getAsLong();
    launch(kernel);
    return (clock.getAsLong() - begin) * 1e-9;
  }

  /** With one host thread the work runs on the thread that waits for it. */
  private void launch(Kernel kernel) {
    CUfunc_st function = new CUfunc_st();
    check(cuModuleGetFunction(function, module, kernel.entry));
    Pointer[] arguments = {
      new LongPointer(new long[] {matrices[0]}),
      new LongPointer(new long[] {matrices[1]}),
      new LongPointer(new long[] {matrices[2]}),
      new IntPointer(new int[] {SIZE}),
      new IntPointer(new int[] {SIZE}),
      new IntPointer(new int[] {SIZE})
    };
    try (PointerPointer<Pointer> pointers = new PointerPointer<>(arguments)) {
      int blocks = SIZE / 64;
      check(
          cuLaunchKernel(
              function,
              blocks,
              blocks,
              1,
              kernel.threads,
              1,
              1,
              0,
              (CUstream_st) null,
              pointers,
              null));
      check(cuCtxSynchronize());
    }
    for (Pointer argument : arguments) {
      argument.close();
    }
  }

  private void check(int result) {
    if (result != 0) {
      throw new IllegalStateException("CUresult " + result + ": " + driver.lastMessage());
    }
  }
}
