package io.diffuse4j.junit;

import static org.bytedeco.cuda.global.nvrtc.nvrtcCompileProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcCreateProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcDestroyProgram;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetErrorString;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetPTX;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetPTXSize;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetProgramLog;
import static org.bytedeco.cuda.global.nvrtc.nvrtcGetProgramLogSize;
import static org.bytedeco.cuda.global.nvrtc.nvrtcVersion;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * CUDA C++ to PTX with NVRTC, which needs neither toolkit nor GPU. What was compiled before with
 * the same source, options and compiler comes from {@code ~/.cache/diffuse4j}, or from where {@code
 * DIFFUSE4J_CACHE} points, unless it includes files other than CUDA's.
 */
final class KernelCompiler {
  private static final List<String> ALWAYS =
      List.of("--gpu-architecture=compute_80", "--std=c++17", "--generate-line-info");

  /** An include of what the cache's key does not hold: anything but CUDA's own headers. */
  private static final Pattern OTHER_INCLUDE =
      Pattern.compile("^\\s*#\\s*include\\s*[^\\s<]", Pattern.MULTILINE);

  private final Path cache;

  KernelCompiler() {
    String configured = System.getenv("DIFFUSE4J_CACHE");
    this.cache =
        (configured == null || configured.isBlank()
                ? Path.of(System.getProperty("user.home"), ".cache", "diffuse4j")
                : Path.of(configured))
            .resolve("nvrtc");
  }

  String compile(String name, String source, List<String> options) {
    List<String> all = new ArrayList<>(ALWAYS);
    all.addAll(options);
    Path cached = cache.resolve(key(name, source, all) + ".ptx");
    boolean mayBeCached = mayBeCached(source, options);
    try {
      if (mayBeCached && Files.exists(cached)) {
        return Files.readString(cached);
      }
      Files.createDirectories(cache);
      // CUDA's own headers: NVRTC carries them and unpacks them here once.
      all.add("--use-bundled-headers=" + cache.resolve("headers-" + version()));
      String ptx = run(name, source, all);
      if (!mayBeCached) {
        return ptx;
      }
      Path partial = Files.createTempFile(cache, "ptx", ".partial");
      Files.writeString(partial, ptx);
      Files.move(partial, cached, StandardCopyOption.ATOMIC_MOVE);
      return ptx;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot write to the cache " + cache + "; DIFFUSE4J_CACHE moves it", e);
    }
  }

  private static boolean mayBeCached(String source, List<String> options) {
    return !OTHER_INCLUDE.matcher(source).find()
        && options.stream().noneMatch(option -> option.matches("-I.*|--?(pre-)?include.*"));
  }

  private static String run(String name, String source, List<String> options) {
    _nvrtcProgram program = new _nvrtcProgram();
    try (BytePointer text = new BytePointer(source);
        BytePointer file = new BytePointer(name);
        PointerPointer<BytePointer> arguments =
            new PointerPointer<>(options.toArray(new String[0]));
        SizeTPointer size = new SizeTPointer(1)) {
      check(
          nvrtcCreateProgram(
              program, text, file, 0, (PointerPointer<?>) null, (PointerPointer<?>) null));
      try {
        int result = nvrtcCompileProgram(program, options.size(), arguments);
        if (result != 0) {
          check(nvrtcGetProgramLogSize(program, size));
          try (BytePointer log = new BytePointer(size.get())) {
            check(nvrtcGetProgramLog(program, log));
            String message = text(log).strip();
            throw new KernelCompilationException(
                message.isEmpty() ? nvrtcGetErrorString(result).getString() : message);
          }
        }
        check(nvrtcGetPTXSize(program, size));
        try (BytePointer ptx = new BytePointer(size.get())) {
          check(nvrtcGetPTX(program, ptx));
          return text(ptx);
        }
      } finally {
        nvrtcDestroyProgram(program);
      }
    }
  }

  /** NVRTC's sizes count the NUL at the end. */
  private static String text(BytePointer bytes) {
    String text = bytes.getString(StandardCharsets.UTF_8);
    int end = text.indexOf('\0');
    return end < 0 ? text : text.substring(0, end);
  }

  private static String version() {
    int[] major = new int[1];
    int[] minor = new int[1];
    check(nvrtcVersion(major, minor));
    return major[0] + "." + minor[0];
  }

  private static String key(String name, String source, List<String> options) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String part : List.of(version(), name, String.join("\n", options), source)) {
        digest.update(part.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static void check(int result) {
    if (result != 0) {
      throw new IllegalStateException("NVRTC: " + nvrtcGetErrorString(result).getString());
    }
  }
}
