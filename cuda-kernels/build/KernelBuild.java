import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * Compiles every {@code .cu} file of the op folders with NVRTC, run by Maven as a single-file
 * program: {@code KernelBuild BASEDIR OUTPUT TARGET...} with targets such as {@code sm_80}. Neither
 * a CUDA toolkit nor a GPU is needed.
 *
 * <p>Writes, below OUTPUT, {@code TARGET/MODULE.cubin} and {@code TARGET/kernels.tsv} (registers,
 * spills, stack and shared memory of each kernel), and from the sm_80 compilation also {@code
 * compute_80/MODULE.ptx}. Results are cached by content in {@code DIFFUSE4J_CACHE}: everything that
 * a compilation reads is part of the key.
 */
public final class KernelBuild {
  private static final List<String> FOLDERS =
      List.of("conv", "gemm", "attention", "norm", "elementwise", "sampler");
  private static final Pattern INCLUDE =
      Pattern.compile("^\\s*#\\s*include\\s+[\"<]([^\">]+)[\">]", Pattern.MULTILINE);

  private static final String INTEGERS = "#pragma once\n#include \"common/types.hpp\"\n";

  /** NVRTC has no standard headers; the C ABI headers, which kernels may include, want these. */
  private static final Map<String, String> STANDARD =
      Map.of("cstdint", INTEGERS, "stdint.h", INTEGERS);

  private final Path base;
  private final List<String> targets;
  private final Path output;
  private final Path cache;
  private final Map<String, String> headers = new TreeMap<>();
  private final Set<Path> written = new HashSet<>();
  private final String version;

  private KernelBuild(Path base, Path output, List<String> targets) throws IOException {
    this.base = base;
    this.targets = targets;
    this.output = output;
    String configured = System.getenv("DIFFUSE4J_CACHE");
    Path root =
        configured == null || configured.isBlank()
            ? Path.of(System.getProperty("user.home"), ".cache", "diffuse4j")
            : Path.of(configured);
    this.cache = root.resolve("kernels");
    try {
      Files.createDirectories(cache);
    } catch (IOException e) {
      throw new BuildFailure(
          "cannot write the kernel cache " + cache + "; set DIFFUSE4J_CACHE to a writable folder");
    }
    int[] major = new int[1];
    int[] minor = new int[1];
    check(nvrtc.nvrtcVersion(major, minor), "nvrtcVersion");
    this.version = major[0] + "." + minor[0];
  }

  public static void main(String[] args) throws Exception {
    try {
      loadNvrtc(Path.of(args[0]).resolve("target"));
      List<String> targets = List.of(args).subList(2, args.length);
      new KernelBuild(Path.of(args[0]), Path.of(args[1]), targets).run();
    } catch (BuildFailure e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }

  /**
   * JavaCPP's NVRTC binding also loads the binding of the driver API, whose imports of libcuda bind
   * on first use. Nothing here uses the driver, so an empty library with libcuda's name serves on
   * every machine.
   */
  private static void loadNvrtc(Path target) throws IOException, InterruptedException {
    Path stub = target.resolve("kernel-build/libcuda.so.1").toAbsolutePath();
    if (!Files.exists(stub)) {
      Files.createDirectories(stub.getParent());
      String configured = System.getenv("CXX");
      String compiler = configured == null || configured.isBlank() ? "g++" : configured;
      List<String> command =
          List.of(
              compiler,
              "-shared",
              "-x",
              "c++",
              "/dev/null",
              "-Wl,-soname,libcuda.so.1",
              "-o",
              stub.toString());
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String log = new String(process.getInputStream().readAllBytes(), UTF_8);
      if (process.waitFor() != 0) {
        throw new BuildFailure(String.join(" ", command) + "\n" + log);
      }
    }
    System.load(stub.toString());
    Loader.load(nvrtc.class);
  }

  private void run() throws Exception {
    List<Path> sources = new ArrayList<>();
    for (Path file : files()) {
      String name = base.relativize(file).toString().replace('\\', '/');
      if (name.endsWith(".cu")) {
        sources.add(file);
      } else {
        headers.put(name, Files.readString(file));
      }
    }
    headers.putAll(STANDARD);
    try (Stream<Path> abi = Files.list(base.resolve("../native/src/main/cpp/include"))) {
      for (Path file : abi.toList()) {
        headers.put(file.getFileName().toString(), Files.readString(file));
      }
    }
    List<Callable<Compiled>> work = new ArrayList<>();
    for (String target : targets) {
      for (Path source : sources) {
        work.add(() -> compile(source, target));
      }
    }
    ExecutorService pool = Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    Map<String, Map<String, String>> reports = new LinkedHashMap<>();
    try {
      for (Future<Compiled> done : pool.invokeAll(work)) {
        Compiled module = done.get();
        install(module);
        Map<String, String> report =
            reports.computeIfAbsent(module.target(), target -> new TreeMap<>());
        for (Map.Entry<String, String> kernel : describe(module).entrySet()) {
          if (report.put(kernel.getKey(), kernel.getValue()) != null) {
            throw new BuildFailure("two kernels are named " + kernel.getKey());
          }
        }
      }
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    } finally {
      pool.shutdownNow();
    }
    for (Map.Entry<String, Map<String, String>> report : reports.entrySet()) {
      String table = COLUMNS + "\n" + String.join("\n", report.getValue().values()) + "\n";
      write(output.resolve(report.getKey()).resolve("kernels.tsv"), table.getBytes(UTF_8));
    }
    deleteStale();
  }

  /** An earlier build's files of other targets and sources would be packaged and loaded. */
  private void deleteStale() throws IOException {
    try (Stream<Path> tree = Files.walk(output)) {
      for (Path file : tree.filter(Files::isRegularFile).toList()) {
        // Beside the targets' folders lie this package's classes.
        if (!file.getParent().equals(output) && !written.contains(file)) {
          Files.delete(file);
        }
      }
    }
  }

  private List<Path> files() throws IOException {
    List<Path> found = new ArrayList<>();
    List<String> folders = new ArrayList<>(FOLDERS);
    folders.addAll(List.of("arch", "common"));
    for (String folder : folders) {
      Path directory = base.resolve(folder);
      if (Files.isDirectory(directory)) {
        try (Stream<Path> tree = Files.walk(directory)) {
          tree.filter(Files::isRegularFile).sorted().forEach(found::add);
        }
      }
    }
    return found;
  }

  /** One source for one target. */
  private record Compiled(
      String module, String target, byte[] cubin, byte[] ptx, String log, String key) {}

  private Compiled compile(Path source, String target) throws Exception {
    String name = base.relativize(source).toString().replace('\\', '/');
    String module = source.getFileName().toString().replaceFirst("\\.cu$", "");
    String text = Files.readString(source);
    Set<String> included = new LinkedHashSet<>();
    collectIncludes(text, included);
    List<String> options =
        List.of(
            "--gpu-architecture=" + target,
            "--std=c++17",
            // Source lines for the reports of the virtual GPU and of profilers.
            "--generate-line-info",
            "--ptxas-options=-v",
            "--use-bundled-headers=" + cache.resolve("headers-" + version));
    String key = key(name, text, included, options.subList(0, options.size() - 1));
    Path entry = cache.resolve(key);
    if (!Files.exists(entry.resolve("log"))) {
      Path partial = Files.createTempDirectory(cache, "partial-");
      compileWithNvrtc(name, text, included, options, partial);
      try {
        Files.move(partial, entry, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        // Another build was faster with the same content; its entry is as good as ours.
        deleteFiles(partial);
        if (!Files.exists(entry.resolve("log"))) {
          throw e;
        }
      }
    }
    return new Compiled(
        module,
        target,
        Files.readAllBytes(entry.resolve("cubin")),
        Files.readAllBytes(entry.resolve("ptx")),
        Files.readString(entry.resolve("log")),
        key);
  }

  private void collectIncludes(String text, Set<String> included) {
    Matcher matcher = INCLUDE.matcher(text);
    while (matcher.find()) {
      String header = matcher.group(1);
      // Headers that are not ours come from NVRTC's bundle, which the key holds as its version.
      if (headers.containsKey(header) && included.add(header)) {
        collectIncludes(headers.get(header), included);
      }
    }
  }

  private String key(String name, String text, Set<String> included, List<String> options)
      throws NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    // NVRTC writes the working directory into line information.
    String directory = Path.of("").toAbsolutePath().toString();
    List<String> parts = new ArrayList<>(List.of("2", version, directory, name, text));
    parts.addAll(options);
    for (String header : included) {
      parts.add(header);
      parts.add(headers.get(header));
    }
    for (String part : parts) {
      byte[] bytes = part.getBytes(UTF_8);
      digest.update((bytes.length + ":").getBytes(UTF_8));
      digest.update(bytes);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private void compileWithNvrtc(
      String name, String text, Set<String> included, List<String> options, Path directory)
      throws IOException {
    _nvrtcProgram program = new _nvrtcProgram();
    String[] names = included.toArray(String[]::new);
    String[] texts = included.stream().map(headers::get).toArray(String[]::new);
    try (BytePointer sourceText = new BytePointer(text, "UTF-8");
        BytePointer sourceName = new BytePointer(name, "UTF-8");
        PointerPointer<BytePointer> headerTexts = new PointerPointer<>(texts);
        PointerPointer<BytePointer> headerNames = new PointerPointer<>(names);
        PointerPointer<BytePointer> optionTexts =
            new PointerPointer<>(options.toArray(String[]::new));
        SizeTPointer size = new SizeTPointer(1)) {
      check(
          nvrtc.nvrtcCreateProgram(
              program, sourceText, sourceName, names.length, headerTexts, headerNames),
          "nvrtcCreateProgram");
      try {
        int status = nvrtc.nvrtcCompileProgram(program, options.size(), optionTexts);
        check(nvrtc.nvrtcGetProgramLogSize(program, size), "nvrtcGetProgramLogSize");
        byte[] log = new byte[(int) size.get()];
        check(nvrtc.nvrtcGetProgramLog(program, log), "nvrtcGetProgramLog");
        String messages = new String(log, 0, Math.max(0, log.length - 1), UTF_8);
        if (status != nvrtc.NVRTC_SUCCESS) {
          throw new BuildFailure(name + " does not compile (" + options.get(0) + "):\n" + messages);
        }
        check(nvrtc.nvrtcGetPTXSize(program, size), "nvrtcGetPTXSize");
        byte[] ptx = new byte[(int) size.get()];
        check(nvrtc.nvrtcGetPTX(program, ptx), "nvrtcGetPTX");
        check(nvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
        byte[] cubin = new byte[(int) size.get()];
        check(nvrtc.nvrtcGetCUBIN(program, cubin), "nvrtcGetCUBIN");
        // The text ends before its NUL.
        Files.write(directory.resolve("ptx"), Arrays.copyOf(ptx, ptx.length - 1));
        Files.write(directory.resolve("cubin"), cubin);
        Files.writeString(directory.resolve("log"), messages);
      } finally {
        nvrtc.nvrtcDestroyProgram(program);
      }
    }
  }

  private void install(Compiled module) throws IOException {
    write(output.resolve(module.target()).resolve(module.module() + ".cubin"), module.cubin());
    if (module.target().equals("sm_80")) {
      // The same front end and the same __CUDA_ARCH__: this is the PTX of compute_80.
      write(output.resolve("compute_80").resolve(module.module() + ".ptx"), module.ptx());
    }
  }

  private static final String COLUMNS =
      "kernel\tmodule\tregisters\tspill_store_bytes\tspill_load_bytes\tstack_bytes"
          + "\tstatic_shared_bytes\tthreads\tmin_blocks";
  private static final Pattern ENTRY =
      Pattern.compile("Compiling entry function '([^']+)' for '([^']+)'");
  private static final Pattern SPILLS =
      Pattern.compile("(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill");
  private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");
  private static final Pattern SHARED = Pattern.compile("(\\d+) bytes smem");

  /** One line for each kernel of the module, by name. */
  private static Map<String, String> describe(Compiled module) {
    Map<String, String> kernels = new TreeMap<>();
    String ptx = new String(module.ptx(), UTF_8);
    Matcher entries = ENTRY.matcher(module.log());
    List<Integer> starts = new ArrayList<>();
    List<String> names = new ArrayList<>();
    while (entries.find()) {
      starts.add(entries.end());
      names.add(entries.group(1));
    }
    for (int i = 0; i < names.size(); i++) {
      int end = i + 1 < names.size() ? starts.get(i + 1) : module.log().length();
      String section = module.log().substring(starts.get(i), end);
      Matcher spills = SPILLS.matcher(section);
      Matcher registers = REGISTERS.matcher(section);
      if (!spills.find() || !registers.find()) {
        throw new BuildFailure("cannot read the compiler's log of " + names.get(i) + ":" + section);
      }
      Matcher shared = SHARED.matcher(section);
      int declaration = ptx.indexOf(".entry " + names.get(i) + "(");
      int body = ptx.indexOf("\n{", declaration);
      String directives = ptx.substring(declaration, body);
      kernels.put(
          names.get(i),
          String.join(
              "\t",
              names.get(i),
              module.module(),
              registers.group(1),
              spills.group(2),
              spills.group(3),
              spills.group(1),
              shared.find() ? shared.group(1) : "0",
              directive(directives, "maxntid", "0"),
              directive(directives, "minnctapersm", "1")));
    }
    return kernels;
  }

  private static String directive(String text, String name, String otherwise) {
    Matcher matcher = Pattern.compile("\\." + name + "\\s+(\\d+)").matcher(text);
    return matcher.find() ? matcher.group(1) : otherwise;
  }

  /** Replaces the file only if it changed, so that incremental builds stay incremental. */
  private void write(Path file, byte[] content) throws IOException {
    written.add(file);
    if (Files.exists(file) && Arrays.equals(Files.readAllBytes(file), content)) {
      return;
    }
    Files.createDirectories(file.getParent());
    Files.write(file, content);
  }

  private static void deleteFiles(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  private static void check(int status, String call) {
    if (status != nvrtc.NVRTC_SUCCESS) {
      throw new BuildFailure(call + ": " + nvrtc.nvrtcGetErrorString(status).getString());
    }
  }

  private static final class BuildFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    BuildFailure(String message) {
      super(message);
    }
  }
}
