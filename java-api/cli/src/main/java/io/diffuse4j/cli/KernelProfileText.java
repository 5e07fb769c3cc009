package io.diffuse4j.cli;

import io.diffuse4j.natives.VirtualGpuDiagnostic.Dim3;
import io.diffuse4j.natives.VirtualGpuLaunch;
import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;

/** Counters and modelled time of a launch, for people. */
final class KernelProfileText {
  private static final double NANOSECONDS = 1000; // in a microsecond

  private KernelProfileText() {}

  static void print(PrintStream out, String profile, VirtualGpuLaunch launch) {
    out.printf(
        Locale.ROOT,
        "%s: grid %s, block %s, %d bytes of shared memory, %d registers%n",
        launch.kernel(),
        inWords(launch.grid()),
        inWords(launch.block()),
        launch.sharedBytes(),
        launch.registers());
    out.printf(
        Locale.ROOT,
        "%s by model: %.3f us, bound by %s; %s, %s an SM, limited by %s%n",
        profile,
        launch.nanoseconds().get("total") / NANOSECONDS,
        launch.bound(),
        KernelRunner.counted(launch.waves(), "wave"),
        KernelRunner.counted(launch.blocksPerSm(), "block"),
        launch.occupancyLimit());
    out.println("microseconds each resource alone would take:");
    for (Map.Entry<String, Double> entry : launch.nanoseconds().entrySet()) {
      if (!entry.getKey().equals("total")) {
        out.printf(Locale.ROOT, "  %-34s %16.3f%n", entry.getKey(), entry.getValue() / NANOSECONDS);
      }
    }
    out.println("counters:");
    for (Map.Entry<String, Long> entry : launch.counters().entrySet()) {
      out.printf(Locale.ROOT, "  %-34s %16d%n", entry.getKey(), entry.getValue());
    }
  }

  private static String inWords(Dim3 size) {
    return size.x() + "x" + size.y() + "x" + size.z();
  }
}
