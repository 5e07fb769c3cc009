package io.diffuse4j.benchmarks;

import io.diffuse4j.weights.HostTensor;
import java.util.Random;

/** The same inputs for every engine: random samples at random times, of every digit. */
final class DigitsInputs {
  static final int SIZE = 32;
  private static final int LABELS = 10;
  private static final int TIMESTEPS = 1000;

  final int batch;
  final float[] sample;
  final long[] timesteps;
  final long[] labels;

  DigitsInputs(int batch) {
    Random random = new Random(7);
    this.batch = batch;
    sample = new float[batch * SIZE * SIZE];
    for (int i = 0; i < sample.length; i++) {
      sample[i] = (float) random.nextGaussian();
    }
    timesteps = new long[batch];
    labels = new long[batch];
    for (int i = 0; i < batch; i++) {
      timesteps[i] = random.nextInt(TIMESTEPS);
      labels[i] = i % LABELS;
    }
  }

  HostTensor sampleTensor() {
    return HostTensor.of("sample", sample, batch, 1, SIZE, SIZE);
  }

  HostTensor timestepTensor() {
    return HostTensor.of("timestep", timesteps, batch);
  }

  HostTensor labelTensor() {
    return HostTensor.of("class_labels", labels, batch);
  }
}
