package io.diffuse4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.diffuse4j.cli.spi.CompiledKernel;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/** What the compiler reported of the project's kernels, for people and for programs. */
final class KernelTables {
  private KernelTables() {}

  /** Checks the values of {@code --target}. */
  static void checkTargets(List<String> targets) {
    for (String target : targets) {
      if (!CompiledKernel.TARGETS.contains(target)) {
        throw Arguments.wrong(
            "--target", target, "one of " + String.join(", ", CompiledKernel.TARGETS));
      }
    }
  }

  static void print(PrintStream out, List<CompiledKernel> kernels) {
    int width = kernels.stream().mapToInt(kernel -> kernel.name().length()).max().orElse(0);
    String format = "%-" + Math.max(width, "kernel".length()) + "s %-8s %9s %6s %6s %7s %9s%n";
    out.printf(
        Locale.ROOT,
        format,
        "kernel",
        "target",
        "registers",
        "spills",
        "shared",
        "threads",
        "blocks/SM");
    for (CompiledKernel kernel : kernels) {
      out.printf(
          Locale.ROOT,
          format,
          kernel.name(),
          kernel.target(),
          kernel.registers(),
          kernel.spillBytes(),
          kernel.sharedBytes(),
          kernel.threads(),
          kernel.blocksPerMultiprocessor());
    }
  }

  static void write(JsonGenerator json, List<CompiledKernel> kernels) throws IOException {
    json.writeArrayFieldStart("kernels");
    for (CompiledKernel kernel : kernels) {
      json.writeStartObject();
      json.writeStringField("kernel", kernel.name());
      json.writeStringField("module", kernel.module());
      json.writeStringField("target", kernel.target());
      json.writeNumberField("registers", kernel.registers());
      json.writeNumberField("spillBytes", kernel.spillBytes());
      json.writeNumberField("sharedBytes", kernel.sharedBytes());
      json.writeNumberField("threads", kernel.threads());
      json.writeNumberField("blocksPerMultiprocessor", kernel.blocksPerMultiprocessor());
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
