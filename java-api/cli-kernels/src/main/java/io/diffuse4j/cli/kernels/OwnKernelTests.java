package io.diffuse4j.cli.kernels;

import io.diffuse4j.cli.spi.KernelTestDetail;
import io.diffuse4j.cli.spi.KernelTestRun;
import io.diffuse4j.cli.spi.KernelToolException;
import io.diffuse4j.natives.VirtualGpuLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The tests of the project's kernels: a C++ program, because they fill the kernels' parameter
 * structs. It is compiled when it or a header that it may read has changed.
 *
 * @param checkout the project's root
 * @param program the compiled program
 */
record OwnKernelTests(Path checkout, Path program) {

  static OwnKernelTests of(Path checkout) throws IOException {
    Path kernels = checkout.resolve("cuda-kernels");
    Path abi = checkout.resolve("native/src/main/cpp/include");
    Path program = kernels.resolve("target/kernels-check/device_test");
    List<Path> sources = files(kernels.resolve("test/device"), ".cpp");
    List<Path> inputs = new ArrayList<>(sources);
    inputs.addAll(files(kernels, ".hpp"));
    inputs.addAll(files(abi, ".h"));
    if (isOlder(program, inputs)) {
      Files.createDirectories(program.getParent());
      Path partial = Files.createTempFile(program.getParent(), "device_test", ".partial");
      String configured = System.getenv("CXX");
      List<String> command = new ArrayList<>();
      command.add(configured == null || configured.isBlank() ? "g++" : configured);
      command.addAll(List.of("-std=c++20", "-O2", "-I" + kernels, "-I" + abi));
      sources.forEach(source -> command.add(source.toString()));
      command.addAll(List.of("-o", partial.toString(), "-ldl"));
      HostCommand.Outcome outcome = HostCommand.run(command, kernels);
      if (outcome.status() != 0) {
        Files.delete(partial);
        throw new KernelToolException(
            "the kernels' tests do not compile; the compiler's messages are above",
            outcome.output());
      }
      Files.move(partial, program, StandardCopyOption.ATOMIC_MOVE);
    }
    return new OwnKernelTests(checkout, program);
  }

  KernelTestRun run(String family, String settings, KernelTestDetail detail) throws IOException {
    Path images = checkout.resolve("cuda-kernels/target/classes/io/diffuse4j/kernels/compute_80");
    List<String> command = new ArrayList<>();
    command.addAll(List.of(program.toString(), VirtualGpuLibrary.path().toString()));
    command.addAll(List.of(images.toString(), family));
    if (detail != KernelTestDetail.SUMMARY) {
      command.add(detail.name().toLowerCase(Locale.ROOT));
    }
    HostCommand.Outcome outcome =
        HostCommand.run(command, checkout, Map.of("DIFFUSE4J_VGPU", settings));
    return new KernelTestRun(outcome.status() == 0, outcome.output());
  }

  private static boolean isOlder(Path program, List<Path> inputs) throws IOException {
    if (!Files.exists(program)) {
      return true;
    }
    FileTime built = Files.getLastModifiedTime(program);
    for (Path input : inputs) {
      if (Files.getLastModifiedTime(input).compareTo(built) > 0) {
        return true;
      }
    }
    return false;
  }

  private static List<Path> files(Path folder, String ending) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }
}
