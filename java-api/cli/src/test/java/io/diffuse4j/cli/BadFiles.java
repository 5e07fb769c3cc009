package io.diffuse4j.cli;

import io.diffuse4j.weights.BundledModels;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** The files that {@link BadInputTest} names, and the right commands that it makes wrong. */
final class BadFiles {
  static final String GENERATE = "generate --model digits-32 --label 1 --out x.png";
  static final String MODULE = "module --model digits-32 --outputs o.safetensors";
  static final String REPLAY =
      "replay --scheduler-config s.json --trajectory t.safetensors --outputs o.safetensors";

  private BadFiles() {}

  static void write(Path folder) throws IOException {
    Files.createDirectory(folder.resolve("empty"));
    Files.writeString(folder.resolve("noise.safetensors.d"), "a file");
    noise(folder);
    moduleInputs(folder);
    trajectories(folder);
    configs(folder);
    models(folder);
  }

  private static void noise(Path folder) throws IOException {
    float[] values = new float[2 * 32 * 32];
    tensors(folder, "noise", HostTensor.of("initial_noise", values, 2, 1, 32, 32));
    tensors(folder, "flat", HostTensor.of("initial_noise", values, 2, 1024));
    values[5] = Float.NaN;
    tensors(folder, "nan", HostTensor.of("initial_noise", values, 2, 1, 32, 32));
    byte[] whole = Files.readAllBytes(folder.resolve("noise.safetensors"));
    Files.write(folder.resolve("cut.safetensors"), Arrays.copyOf(whole, whole.length - 4));
    Files.write(folder.resolve("nothing.safetensors"), new byte[0]);
    Files.writeString(folder.resolve("text.safetensors"), "this is no header, but a sentence");
    byte[] header = "{\"\u00e9\":1}".getBytes(StandardCharsets.ISO_8859_1);
    byte[] latin1 = Arrays.copyOf(new byte[] {(byte) header.length}, 8 + header.length);
    System.arraycopy(header, 0, latin1, 8, header.length);
    Files.write(folder.resolve("latin1.safetensors"), latin1);
  }

  private static void moduleInputs(Path folder) throws IOException {
    HostTensor sample = HostTensor.of("in.sample", new float[2048], 2, 1, 32, 32);
    HostTensor time = HostTensor.of("in.timestep", new long[2], 2);
    HostTensor labels = HostTensor.of("in.class_labels", new long[2], 2);
    tensors(folder, "in", sample, time, labels);
    tensors(folder, "label", sample, time, HostTensor.of("in.class_labels", new long[] {1, 12}, 2));
    tensors(folder, "in-time", sample, HostTensor.of("in.timestep", new long[3], 3), labels);
    tensors(
        folder,
        "in-channels",
        HostTensor.of("in.sample", new float[3 * 2048], 2, 3, 32, 32),
        time,
        labels);
    float[] bad = new float[2048];
    bad[7] = Float.NaN;
    tensors(folder, "in-nan", HostTensor.of("in.sample", bad, 2, 1, 32, 32), time, labels);
  }

  private static void trajectories(Path folder) throws IOException {
    HostTensor initial = HostTensor.of("initial", new float[16], 1, 1, 4, 4);
    HostTensor first = HostTensor.of("step.000.model_output", new float[16], 1, 1, 4, 4);
    HostTensor second = HostTensor.of("step.001.model_output", new float[16], 1, 1, 4, 4);
    tensors(folder, "t", initial, first, second);
    tensors(folder, "t-start", first, second);
    float[] bad = new float[16];
    bad[3] = Float.POSITIVE_INFINITY;
    tensors(
        folder, "t-inf", initial, first, HostTensor.of("step.001.model_output", bad, 1, 1, 4, 4));
    tensors(
        folder,
        "t-shape",
        initial,
        first,
        HostTensor.of("step.001.model_output", new float[32], 1, 1, 4, 8));
  }

  private static void configs(Path folder) throws IOException {
    String good = "{\"_class_name\": \"DPMSolverMultistepScheduler\"";
    Files.writeString(folder.resolve("s.json"), good + "}");
    Files.writeString(folder.resolve("cut.json"), good);
    Files.writeString(folder.resolve("no-class.json"), "{}");
    Files.writeString(folder.resolve("bad-order.json"), good + ", \"solver_order\": 9}");
  }

  private static void models(Path folder) throws IOException {
    Path digits = BundledModels.load().resolve("digits-32");
    for (String name : List.of("cut-weights", "no-weights", "other-shape", "text", "no-class")) {
      copy(digits, folder.resolve(name));
    }
    Path cut = folder.resolve("cut-weights/unet/diffusion_pytorch_model.safetensors");
    byte[] weights = Files.readAllBytes(cut);
    Files.write(cut, Arrays.copyOf(weights, weights.length / 2));
    tensors(
        folder.resolve("no-weights/unet"),
        "diffusion_pytorch_model",
        HostTensor.of("conv_in.bias", new float[1], 1));
    replace(
        folder.resolve("other-shape/unet/config.json"), "\"in_channels\": 1", "\"in_channels\": 2");
    replace(folder.resolve("no-class/unet/config.json"), "_class_name", "_name");
    Files.createDirectory(folder.resolve("text/text_encoder"));
    replace(
        folder.resolve("text/model_index.json"),
        "\"unet\":",
        "\"text_encoder\": [\"transformers\", \"CLIPTextModel\"], \"unet\":");
    Path plain = folder.resolve("plain");
    copy(digits, plain);
    copy(Golden.folder("modules/unet2d-unconditional"), plain.resolve("unet"));
  }

  private static void tensors(Path folder, String name, HostTensor... tensors) throws IOException {
    SafetensorsWriter.write(folder.resolve(name + ".safetensors"), List.of(tensors));
  }

  private static void replace(Path file, String old, String with) throws IOException {
    String text = Files.readString(file);
    if (!text.contains(old)) {
      throw new AssertionError(file + " does not hold " + old);
    }
    Files.writeString(file, text.replace(old, with));
  }

  /** Copies files and folders over what is there. */
  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Path target = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.write(target, Files.readAllBytes(path));
        }
      }
    }
  }
}
