package io.diffuse4j.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Map;

/** The same network, exported to ONNX, in ONNX Runtime with all its optimisations on. */
final class OnnxNetwork implements AutoCloseable {
  private final OrtSession.SessionOptions options;
  private final OrtSession session;
  private final Map<String, OnnxTensor> inputs;
  private final float[] prediction;

  OnnxNetwork(DigitsInputs values, int threads) throws OrtException {
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    options = new OrtSession.SessionOptions();
    options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
    options.setIntraOpNumThreads(threads);
    session = environment.createSession(model(), options);
    long[] batch = {values.batch};
    inputs =
        Map.of(
            "sample",
            OnnxTensor.createTensor(
                environment,
                FloatBuffer.wrap(values.sample),
                new long[] {values.batch, 1, DigitsInputs.SIZE, DigitsInputs.SIZE}),
            "timestep",
            OnnxTensor.createTensor(environment, LongBuffer.wrap(values.timesteps), batch),
            "class_labels",
            OnnxTensor.createTensor(environment, LongBuffer.wrap(values.labels), batch));
    prediction = new float[values.sample.length];
  }

  private static byte[] model() {
    try (InputStream in = OnnxNetwork.class.getResourceAsStream("digits-32-unet.onnx")) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  float[] call() throws OrtException {
    try (OrtSession.Result result = session.run(inputs)) {
      ((OnnxTensor) result.get(0)).getFloatBuffer().get(prediction);
    }
    return prediction;
  }

  @Override
  public void close() throws OrtException {
    inputs.values().forEach(OnnxTensor::close);
    session.close();
    options.close();
  }
}
