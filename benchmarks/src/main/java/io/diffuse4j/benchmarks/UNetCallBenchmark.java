package io.diffuse4j.benchmarks;

import ai.onnxruntime.OrtException;
import io.diffuse4j.core.device.DType;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One call of digits-32's U-Net, host arrays in and out, beside ONNX Runtime. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 2)
@Fork(2)
public class UNetCallBenchmark {

  /** Ours, by dtype. */
  @State(Scope.Benchmark)
  public static class Ours {
    @Param({"1", "8"})
    int batch;

    @Param({"F32", "BF16"})
    DType dtype;

    private OurNetwork network;

    @Setup
    public void open() {
      network =
          new OurNetwork(
              new DigitsInputs(batch), dtype, Runtime.getRuntime().availableProcessors());
    }

    @TearDown
    public void close() {
      network.close();
    }
  }

  /** ONNX Runtime, in float32. */
  @State(Scope.Benchmark)
  public static class Onnx {
    @Param({"1", "8"})
    int batch;

    private OnnxNetwork network;

    @Setup
    public void open() throws OrtException {
      network =
          new OnnxNetwork(new DigitsInputs(batch), Runtime.getRuntime().availableProcessors());
    }

    @TearDown
    public void close() throws OrtException {
      network.close();
    }
  }

  @Benchmark
  public float[] diffuse4j(Ours state) {
    return state.network.call();
  }

  @Benchmark
  public float[] onnxRuntime(Onnx state) throws OrtException {
    return state.network.call();
  }
}
