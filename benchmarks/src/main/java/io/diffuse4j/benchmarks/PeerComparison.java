package io.diffuse4j.benchmarks;

import java.util.Collection;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs {@link UNetCallBenchmark} and prints the table of the README: times, and ratios to the peer.
 */
public final class PeerComparison {
  private PeerComparison() {}

  public static void main(String[] args) throws RunnerException {
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .include(UNetCallBenchmark.class.getName())
                    .jvmArgsAppend("--enable-native-access=ALL-UNNAMED")
                    .build())
            .run();
    Map<String, Double> micros = new HashMap<>();
    for (RunResult result : results) {
      String batch = result.getParams().getParam("batch");
      String dtype = result.getParams().getParam("dtype");
      String engine = dtype == null ? "ONNX Runtime F32" : "Diffuse4J " + dtype;
      micros.put(engine + " " + batch, result.getPrimaryResult().getScore());
    }
    System.out.println();
    System.out.println(
        "CPU: " + CpuName.read() + ", " + Runtime.getRuntime().availableProcessors() + " cores");
    System.out.println("| batch | engine | µs a call | ratio to ONNX Runtime F32 |");
    System.out.println("|---|---|---|---|");
    for (String batch : new String[] {"1", "8"}) {
      double peer = micros.get("ONNX Runtime F32 " + batch);
      for (String engine : new String[] {"ONNX Runtime F32", "Diffuse4J F32", "Diffuse4J BF16"}) {
        double time = micros.get(engine + " " + batch);
        System.out.printf(
            Locale.ROOT, "| %s | %s | %.0f | %.2f |%n", batch, engine, time, time / peer);
      }
    }
  }
}
