package io.diffuse4j.cli;

import io.diffuse4j.cli.spi.KernelArgument;
import io.diffuse4j.cli.spi.KernelJob;
import io.diffuse4j.cli.spi.KernelJob.Language;
import io.diffuse4j.natives.VirtualGpuDiagnostic.Dim3;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A kernel of the user's own, and how to launch it. */
final class KernelLaunchOptions {
  /** More than any program that people write; a file beyond it is something else. */
  private static final long MAX_SOURCE_BYTES = 64L << 20;

  private static final int MAX_GRID_X = Integer.MAX_VALUE;
  private static final int MAX_GRID_YZ = 65535;
  private static final int MAX_BLOCK_XY = 1024;
  private static final int MAX_BLOCK_Z = 64;
  private static final int MAX_THREADS = 1024;

  private static final Pattern SCHEDULE = Pattern.compile("forward|reverse|random:([0-9]+)");

  @Parameters(
      arity = "0..1",
      paramLabel = "FILE",
      description =
          "CUDA C++ (.cu) or PTX (.ptx). Without it, the command is about the project's own"
              + " kernels.")
  Path file;

  @Option(
      names = "--kernel",
      paramLabel = "NAME",
      description = "The kernel's name in the file, as written or mangled.")
  String kernel;

  @Option(names = "--grid", paramLabel = "X[,Y[,Z]]", description = "Blocks in the grid.")
  String grid;

  @Option(
      names = "--block",
      paramLabel = "X[,Y[,Z]]",
      description = "Threads in a block, 1024 in all at most.")
  String block;

  @Option(
      names = "--shared",
      paramLabel = "BYTES",
      description = "Dynamic shared memory of a block; none by default.")
  String shared;

  @Option(
      names = "--arg",
      paramLabel = "ARG",
      description =
          "An argument, one for each parameter in their order: i8:, i16:, i32:, i64:, f32: or f64:"
              + " and a number; in:FILE#TENSOR for a pointer to a safetensors file's tensor;"
              + " out:DTYPE[SHAPE] for a pointer to new memory that is an output;"
              + " inout:FILE#TENSOR for both.")
  List<String> arguments = List.of();

  @Option(
      names = "--nvrtc-option",
      paramLabel = "OPTION",
      description =
          "An option of the compiler, such as --nvrtc-option=-DTILE=8; may be given several times.")
  List<String> compilerOptions = List.of();

  @Option(
      names = "--outputs",
      paramLabel = "OUT.safetensors",
      description =
          "The file for the outputs: arg.N, where N counts --arg from 0. What a kernel leaves"
              + " unwritten there has no meaning.")
  Path outputs;

  @Option(
      names = "--schedule",
      paramLabel = "ORDER",
      description = "In which order blocks run: forward (the default), reverse or random:SEED.")
  String schedule = "forward";

  @Option(
      names = "--profile",
      paramLabel = "GPU",
      description = "The GPU that is stood for: a100 (the default), h100 or rtx4090.")
  String profile = "a100";

  @Option(
      names = "--limit",
      paramLabel = "N",
      description =
          "Warp instructions after which the launch is stopped, 0 for never; 1000000000 by"
              + " default.")
  String limit = "1000000000";

  @Option(
      names = "--json",
      description = "Print one JSON object in one line, after what the kernel itself prints.")
  boolean json;

  /** The settings of the virtual GPU that these options make. */
  String settings() {
    Matcher matcher = SCHEDULE.matcher(schedule);
    if (!matcher.matches() || isTooLarge(matcher.group(1))) {
      throw Arguments.wrong(
          "--schedule", schedule, "forward, reverse or random:SEED with a whole number from 0");
    }
    if (!List.of("a100", "h100", "rtx4090").contains(profile)) {
      throw Arguments.wrong("--profile", profile, "a100, h100 or rtx4090");
    }
    long instructions = Arguments.integer("--limit", limit, 0, Long.MAX_VALUE);
    return "schedule=" + schedule + ",profile=" + profile + ",limit=" + instructions;
  }

  private static boolean isTooLarge(String seed) {
    if (seed != null) {
      try {
        Long.parseUnsignedLong(seed);
      } catch (NumberFormatException e) {
        return true;
      }
    }
    return false;
  }

  /**
   * Everything that a launch is, read and checked as far as it can be without compiling.
   *
   * @param settings of the virtual GPU besides {@link #settings()}
   */
  KernelJob job(Environment environment, String settings) throws IOException {
    Language language = language();
    require("--kernel", kernel);
    require("--grid", grid);
    require("--block", block);
    Dim3 blocks = size("--grid", grid, MAX_GRID_X, MAX_GRID_YZ, MAX_GRID_YZ);
    Dim3 threads = size("--block", block, MAX_BLOCK_XY, MAX_BLOCK_XY, MAX_BLOCK_Z);
    if ((long) threads.x() * threads.y() * threads.z() > MAX_THREADS) {
      throw Arguments.wrong("--block", block, "of at most " + MAX_THREADS + " threads in all");
    }
    int bytes =
        shared == null ? 0 : Arguments.smallInteger("--shared", shared, 0, Integer.MAX_VALUE);
    if (language == Language.PTX && !compilerOptions.isEmpty()) {
      throw new UsageException("--nvrtc-option is for CUDA C++; " + file + " is PTX");
    }
    String all = settings + "," + settings();
    if (outputs != null) {
      checkOutputs(environment);
    }
    KernelArgumentParser parser = new KernelArgumentParser(environment);
    List<KernelArgument> parsed = arguments.stream().map(parser::parse).toList();
    Path source = environment.resolve(file).normalize();
    return new KernelJob(
        source,
        read(source),
        language,
        compilerOptions,
        kernel,
        blocks,
        threads,
        bytes,
        parsed,
        all);
  }

  /**
   * Refuses what only a launch of a file can use.
   *
   * @param times whether the project's kernels are timed
   */
  void refuseWithoutFile(boolean times) {
    if (!times && !profile.equals("a100")) {
      throw new UsageException(
          "--profile is for a kernel of yours, or for 'profile --times'; the project's are run on"
              + " a100");
    }
    List<String> given =
        Arguments.given(
            "--kernel",
            kernel,
            "--grid",
            grid,
            "--block",
            block,
            "--shared",
            shared,
            "--outputs",
            outputs == null ? null : outputs.toString());
    String first =
        !given.isEmpty()
            ? given.get(0)
            : !arguments.isEmpty() ? "--arg" : !compilerOptions.isEmpty() ? "--nvrtc-option" : null;
    if (first != null) {
      throw new UsageException(first + " is for a kernel of yours; name its FILE.cu or FILE.ptx");
    }
  }

  private void checkOutputs(Environment environment) {
    if (arguments.stream().noneMatch(text -> text.matches("(out|inout):.*"))) {
      throw new UsageException("--outputs needs an --arg out:... or inout:...");
    }
    StagedOutputs.checkFile("--outputs", environment.resolve(outputs));
  }

  private Language language() {
    String name = file.toString();
    if (name.endsWith(".cu")) {
      return Language.CUDA;
    }
    if (name.endsWith(".ptx")) {
      return Language.PTX;
    }
    throw new UsageException(
        "'" + name + "' is neither CUDA C++ nor PTX by its name; it must end in .cu or .ptx");
  }

  private static void require(String option, String value) {
    if (value == null) {
      throw new UsageException(option + " is missing; a kernel in a file needs it");
    }
  }

  private static Dim3 size(String option, String text, int maxX, int maxY, int maxZ) {
    String[] parts = text.split(",", -1);
    int[] max = {maxX, maxY, maxZ};
    int[] size = {1, 1, 1};
    try {
      for (int i = 0; i < parts.length; i++) {
        // A fourth number is as wrong as one out of range.
        size[i] = Arguments.smallInteger(option, parts[i], 1, max[i]);
      }
    } catch (UsageException | ArrayIndexOutOfBoundsException e) {
      throw Arguments.wrong(
          option,
          text,
          "one to three whole numbers with commas, from 1 to "
              + maxX
              + ", "
              + maxY
              + " and "
              + maxZ);
    }
    return new Dim3(size[0], size[1], size[2]);
  }

  private static String read(Path source) throws IOException {
    if (Files.isDirectory(source)) {
      throw new FailureException(source + " is a folder, not a program");
    }
    if (Files.size(source) > MAX_SOURCE_BYTES) {
      throw new FailureException(
          source + " has more than " + (MAX_SOURCE_BYTES >> 20) + " MiB; it is no program");
    }
    String text;
    try {
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(Files.readAllBytes(source)))
              .toString();
    } catch (CharacterCodingException e) {
      throw new FailureException(source + " is not text in UTF-8", e);
    }
    if (text.indexOf('\0') >= 0) {
      throw new FailureException(source + " is not text: it holds a NUL");
    }
    return text;
  }
}
