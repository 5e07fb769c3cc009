package io.diffuse4j.benchmarks;

import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import io.diffuse4j.core.device.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A time is worth comparing only if both engines compute the same thing. */
class PeersAgreeTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 8})
  void bothEnginesGiveTheSamePrediction(int batch) throws OrtException {
    DigitsInputs inputs = new DigitsInputs(batch);
    try (OurNetwork ours = new OurNetwork(inputs, DType.F32, 2);
        OnnxNetwork onnx = new OnnxNetwork(inputs, 2)) {
      float[] a = ours.call();
      float[] b = onnx.call();
      double difference = 0;
      double norm = 0;
      for (int i = 0; i < b.length; i++) {
        difference += Math.pow((double) a[i] - b[i], 2);
        norm += (double) b[i] * b[i];
      }
      // Two f32 engines, each within 1e-5 of the true value.
      assertTrue(Math.sqrt(difference / norm) <= 2e-5, "error " + Math.sqrt(difference / norm));
    }
  }
}
