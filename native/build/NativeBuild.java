import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/**
 * The project's one native build step, run by Maven as a single-file program: needs a JDK and a
 * C++17 compiler ({@code CXX}, else g++), nothing else. Compiles every file of src/main/cpp that
 * changed (its headers and its command line counted in) and links two libraries next to the binding
 * classes: our kernels with the JavaCPP glue, and the virtual GPU's libcuda.
 */
public final class NativeBuild {
  private static final String BINDINGS = "io/diffuse4j/natives";

  private static final List<String> COMMON =
      List.of(
          "-std=c++17",
          "-O3",
          "-fPIC",
          "-fvisibility=hidden",
          "-fno-math-errno",
          // One rounding per operation as written: results must not depend on what the compiler
          // fuses.
          "-ffp-contract=off",
          "-Wall",
          "-Wextra",
          "-Werror",
          "-pthread");

  private final Path base;
  private final String platform;
  private final Path objects;
  private final Path output;
  private final Path oneDnn;
  private final String compiler;

  private NativeBuild(Path base, String platform) {
    this.base = base;
    this.platform = platform;
    this.objects = base.resolve("target/native-objects");
    this.output = base.resolve("target/classes").resolve(BINDINGS).resolve(platform);
    this.oneDnn = base.resolve("target/onednn/org/bytedeco/dnnl").resolve(platform);
    String cxx = System.getenv("CXX");
    this.compiler = cxx == null || cxx.isBlank() ? "g++" : cxx;
  }

  public static void main(String[] args) throws Exception {
    try {
      new NativeBuild(Path.of(args[0]), args[1]).run(args[2]);
    } catch (BuildFailure e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }

  /**
   * Builds.
   *
   * @param scope {@code cpu} for what the command line's first call needs, {@code libraries} for
   *     also the virtual GPU, else also its tests
   */
  private void run(String scope) throws Exception {
    requireCompiler();
    Files.createDirectories(objects);
    Files.createDirectories(output);
    Path cpp = base.resolve("src/main/cpp");
    List<Path> glue = generateGlue();

    List<Path> sources = sources(cpp.resolve("cpu"));
    sources.addAll(sources(cpp.resolve("cuda")));
    sources.addAll(glue);
    link("libjnidiffuse4j.so", sources, cpuLinkFlags());

    List<Path> virtualGpu = sources(cpp.resolve("vgpu"));
    if (!scope.equals("cpu") && !virtualGpu.isEmpty()) {
      Path script = cpp.resolve("vgpu/exports.map");
      List<String> flags =
          new ArrayList<>(
              List.of(
                  "-Wl,-soname,libcuda.so.1",
                  "-Wl,--no-undefined",
                  "-static-libstdc++",
                  "-static-libgcc",
                  "-ldl"));
      if (Files.exists(script)) {
        flags.add("-Wl,--version-script=" + script);
      }
      link("libcuda.so.1", virtualGpu, flags);
      if (!scope.equals("libraries")) {
        linkTests(virtualGpu);
      }
    }
  }

  /** The C++ tests of the virtual GPU's machine: a program that a JUnit test runs. */
  private void linkTests(List<Path> virtualGpu) throws Exception {
    List<Path> tests = sources(base.resolve("src/test/cpp/vgpu"));
    if (tests.isEmpty()) {
      return;
    }
    List<Path> all = new ArrayList<>(tests);
    all.addAll(virtualGpu);
    Path program = base.resolve("target/native-tests/vgpu-tests");
    Files.createDirectories(program.getParent());
    link(program, all, List.of(compiler, "-pthread"), List.of());
  }

  private void requireCompiler() throws InterruptedException {
    try {
      Process probe = new ProcessBuilder(compiler, "--version").redirectErrorStream(true).start();
      probe.getInputStream().readAllBytes();
      if (probe.waitFor() == 0) {
        return;
      }
    } catch (IOException e) {
      // Falls through to the message: the compiler is not there.
    }
    throw new BuildFailure(
        "no C++17 compiler: '"
            + compiler
            + "' does not run; install g++ 9 or newer, or name another in CXX");
  }

  private List<String> cpuLinkFlags() {
    return List.of(
        oneDnn.resolve("libdnnl.so.3").toString(),
        oneDnn.resolve("libgomp.so.1").toString(),
        "-static-libstdc++",
        "-static-libgcc",
        "-Wl,-rpath,$ORIGIN",
        "-Wl,--no-undefined",
        "-ldl");
  }

  /**
   * The JNI glue that JavaCPP generates for the binding classes; kept when they have not changed.
   */
  private List<Path> generateGlue() throws Exception {
    Path classes = base.resolve("target/classes");
    Path directory = objects.resolve("glue");
    List<Path> glue =
        List.of(directory.resolve("jnijavacpp.cpp"), directory.resolve("jnidiffuse4j.cpp"));
    List<Path> inputs = new ArrayList<>();
    try (Stream<Path> files = Files.list(classes.resolve(BINDINGS))) {
      files.filter(f -> f.toString().endsWith(".class")).sorted().forEach(inputs::add);
    }
    long newest = 0;
    for (Path input : inputs) {
      newest = Math.max(newest, Files.getLastModifiedTime(input).toMillis());
    }
    boolean fresh = true;
    for (Path file : glue) {
      fresh &= Files.exists(file) && Files.getLastModifiedTime(file).toMillis() >= newest;
    }
    if (fresh) {
      return glue;
    }
    Files.createDirectories(directory);
    execute(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            "org.bytedeco.javacpp.tools.Builder",
            "-cp",
            classes.toString(),
            "-nocompile",
            "-properties",
            platform,
            "-d",
            directory.toString(),
            BINDINGS.replace('/', '.') + ".*"));
    return glue;
  }

  private static List<Path> sources(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return new ArrayList<>();
    }
    try (Stream<Path> files = Files.walk(directory)) {
      List<Path> found = new ArrayList<>();
      files.filter(f -> f.toString().endsWith(".cpp")).sorted().forEach(found::add);
      return found;
    }
  }

  private List<String> flags(Path source) {
    List<String> flags = new ArrayList<>(COMMON);
    String name = source.getFileName().toString();
    Path cpp = base.resolve("src/main/cpp");
    flags.add("-I" + cpp.resolve("include"));
    boolean virtualGpu =
        source.startsWith(cpp.resolve("vgpu"))
            || source.startsWith(base.resolve("src/test/cpp/vgpu"));
    if (virtualGpu) {
      flags.add("-I" + cpp.resolve("vgpu"));
    } else {
      flags.add("-fopenmp");
      flags.add("-I" + cpp.resolve("cpu"));
      if (source.startsWith(cpp.resolve("cuda"))) {
        // Parameter structs, tile tables and the functions that choose: the kernels' own headers.
        flags.add("-I" + base.resolveSibling("cuda-kernels"));
      }
      // Not our code: no warnings from these.
      flags.addAll(List.of("-isystem", oneDnn.resolve("include").toString()));
    }
    // Instruction sets are separate files, chosen at run time; everything else stays baseline
    // x86-64.
    if (name.endsWith("_avx2.cpp")) {
      flags.addAll(List.of("-mavx2", "-mfma", "-mf16c"));
    } else if (name.endsWith("_avx512.cpp") || name.endsWith("_avx512bf16.cpp")) {
      flags.addAll(
          List.of("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mf16c"));
      if (name.endsWith("bf16.cpp")) {
        flags.add("-mavx512bf16");
      }
    }
    if (source.startsWith(objects)) {
      // Generated: warnings off, and JNI headers on.
      flags.removeAll(List.of("-Wall", "-Wextra", "-Werror"));
      flags.add("-w");
      Path jdk = Path.of(System.getProperty("java.home"), "include");
      flags.addAll(List.of("-I" + jdk, "-I" + jdk.resolve("linux")));
    }
    return flags;
  }

  private void link(String library, List<Path> sources, List<String> linkFlags) throws Exception {
    link(output.resolve(library), sources, List.of(compiler, "-shared", "-pthread"), linkFlags);
  }

  private void link(Path target, List<Path> sources, List<String> linker, List<String> linkFlags)
      throws Exception {
    List<Path> compiled = compile(sources);
    List<String> command = new ArrayList<>(linker);
    command.add("-o");
    Path partial = target.resolveSibling(target.getFileName() + ".partial");
    command.add(partial.toString());
    compiled.forEach(o -> command.add(o.toString()));
    command.addAll(linkFlags);
    Path record = objects.resolve(target.getFileName() + ".cmd");
    boolean fresh = Files.exists(target) && sameCommand(record, command);
    for (Path object : compiled) {
      fresh = fresh && !newer(object, target);
    }
    if (fresh) {
      return;
    }
    execute(command);
    Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
    Files.writeString(record, String.join("\n", command));
  }

  private List<Path> compile(List<Path> sources) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    try {
      List<Path> results = new ArrayList<>();
      List<Callable<Void>> work = new ArrayList<>();
      for (Path source : sources) {
        Path object = objectOf(source);
        results.add(object);
        work.add(
            () -> {
              compileOne(source, object);
              return null;
            });
      }
      for (Future<Void> done : pool.invokeAll(work)) {
        done.get();
      }
      return results;
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } finally {
      pool.shutdownNow();
    }
  }

  private Path objectOf(Path source) {
    Path relative =
        source.startsWith(objects)
            ? objects.relativize(source)
            : source.startsWith(base.resolve("src/test"))
                ? base.resolve("src").relativize(source)
                : base.resolve("src/main/cpp").relativize(source);
    return objects.resolve(relative + ".o");
  }

  private void compileOne(Path source, Path object) throws Exception {
    Files.createDirectories(object.getParent());
    Path dependencies = Path.of(object + ".d");
    Path record = Path.of(object + ".cmd");
    List<String> command = new ArrayList<>(List.of(compiler));
    command.addAll(flags(source));
    command.addAll(
        List.of(
            "-MMD",
            "-MF",
            dependencies.toString(),
            "-c",
            source.toString(),
            "-o",
            object.toString()));
    if (upToDate(object, dependencies) && sameCommand(record, command)) {
      return;
    }
    execute(command);
    Files.writeString(record, String.join("\n", command));
  }

  private static boolean upToDate(Path object, Path dependencies) throws IOException {
    if (!Files.exists(object) || !Files.exists(dependencies)) {
      return false;
    }
    String rule = Files.readString(dependencies).replace("\\\n", " ");
    String[] files = rule.substring(rule.indexOf(": ") + 2).trim().split("(?<!\\\\)\\s+");
    for (String file : files) {
      Path path = Path.of(file.replace("\\ ", " "));
      if (!Files.exists(path) || newer(path, object)) {
        return false;
      }
    }
    return true;
  }

  private static boolean sameCommand(Path record, List<String> command) throws IOException {
    return Files.exists(record) && Files.readString(record).equals(String.join("\n", command));
  }

  private static boolean newer(Path a, Path b) {
    try {
      return Files.getLastModifiedTime(a).compareTo(Files.getLastModifiedTime(b)) > 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void execute(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new BuildFailure(String.join(" ", Collections.unmodifiableList(command)) + "\n" + log);
    }
  }

  private static final class BuildFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    BuildFailure(String message) {
      super(message);
    }
  }
}
