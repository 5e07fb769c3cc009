package io.diffuse4j.benchmarks;

import io.diffuse4j.core.device.CpuOptions;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.pipeline.UNetModule;
import io.diffuse4j.core.pipeline.UNetSession;
import io.diffuse4j.weights.BundledModels;
import io.diffuse4j.weights.HostTensor;
import java.nio.file.Path;

/** digits-32 on our cpu device. */
final class OurNetwork implements AutoCloseable {
  private final Device device;
  private final UNetSession session;
  private final HostTensor sample;

  OurNetwork(DigitsInputs inputs, DType dtype, int threads) {
    device = Device.cpu(CpuOptions.defaults().withThreads(threads));
    Path folder = BundledModels.load().resolve("digits-32").resolve("unet");
    UNetModule module =
        UNetModule.load(
            device,
            folder,
            dtype,
            warning -> {
              throw new IllegalStateException(warning);
            });
    session =
        module.session(
            new UNet.Shape(inputs.batch, DigitsInputs.SIZE, DigitsInputs.SIZE, 1), false);
    sample = inputs.sampleTensor();
    session.input("timestep", inputs.timestepTensor());
    session.input("class_labels", inputs.labelTensor());
  }

  /** Copies the sample in, runs, copies the prediction out: all that the peer's call does. */
  float[] call() {
    session.input("sample", sample);
    session.run();
    return session.output().toFloats();
  }

  @Override
  public void close() {
    device.close();
  }
}
