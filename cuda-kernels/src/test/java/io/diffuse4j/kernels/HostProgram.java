package io.diffuse4j.kernels;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A C++ program of the folder {@code test}, compiled by the host's compiler. */
record HostProgram(Path executable) {
  /** What a program that has ended left behind. */
  record Outcome(int status, String output) {}

  /**
   * Compiles sources: one file, or all of a folder.
   *
   * @throws AssertionError with the compiler's messages if they do not compile
   */
  static HostProgram compile(Path sources, Path executable) throws Exception {
    String configured = System.getenv("CXX");
    List<String> command = new ArrayList<>();
    command.add(configured == null || configured.isBlank() ? "g++" : configured);
    command.addAll(List.of("-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-I."));
    command.add("-I../native/src/main/cpp/include");
    try (Stream<Path> files = Files.walk(sources)) {
      files.map(Path::toString).filter(f -> f.endsWith(".cpp")).sorted().forEach(command::add);
    }
    command.addAll(List.of("-o", executable.toString(), "-ldl"));
    Outcome outcome = execute(command, Map.of());
    if (outcome.status() != 0) {
      throw new AssertionError(String.join(" ", command) + "\n" + outcome.output());
    }
    return new HostProgram(executable);
  }

  Outcome run(Map<String, String> environment, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(executable.toString()));
    command.addAll(List.of(arguments));
    return execute(command, environment);
  }

  private static Outcome execute(List<String> command, Map<String, String> environment)
      throws Exception {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), output);
  }
}
