package io.diffuse4j.cli.kernels;

import io.diffuse4j.cli.spi.CompiledKernel;
import io.diffuse4j.cli.spi.KernelToolException;
import io.diffuse4j.kernels.KernelImages;
import io.diffuse4j.kernels.KernelReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The project's kernels as its build compiles them. */
final class OwnKernels {
  private OwnKernels() {}

  /** What this build carries. */
  static List<CompiledKernel> images() {
    return CompiledKernel.TARGETS.stream()
        .flatMap(target -> KernelImages.report(target).stream().map(report -> row(target, report)))
        .toList();
  }

  /** Runs the build's own program; its results go to a folder of their own. */
  static List<CompiledKernel> compile(Path checkout, List<String> targets) throws IOException {
    Path kernels = checkout.resolve("cuda-kernels");
    Path output = Files.createTempDirectory("diffuse4j-kernels");
    try {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("-cp", System.getProperty("java.class.path")));
      command.add(kernels.resolve("build/KernelBuild.java").toString());
      command.addAll(List.of(kernels.toString(), output.toString()));
      command.addAll(targets);
      // The root as working directory, as in the build: it is part of what NVRTC writes.
      HostCommand.Outcome outcome = HostCommand.run(command, Path.of("/"));
      if (outcome.status() != 0) {
        throw new KernelToolException(
            "the kernels do not compile; the compiler's messages are above", outcome.output());
      }
      List<CompiledKernel> rows = new ArrayList<>();
      for (String target : targets) {
        String table = Files.readString(output.resolve(target).resolve("kernels.tsv"));
        KernelReport.parseTable(table).forEach(report -> rows.add(row(target, report)));
      }
      return rows;
    } finally {
      delete(output);
    }
  }

  private static CompiledKernel row(String target, KernelReport report) {
    return new CompiledKernel(
        target,
        report.module(),
        report.kernel(),
        report.registers(),
        report.spillStoreBytes() + report.spillLoadBytes(),
        report.staticSharedBytes(),
        report.threads(),
        report.blocksPerMultiprocessor());
  }

  private static void delete(Path folder) throws IOException {
    List<Path> innermostFirst;
    try (Stream<Path> paths = Files.walk(folder)) {
      innermostFirst = paths.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : innermostFirst) {
      Files.deleteIfExists(path);
    }
  }
}
