package io.diffuse4j.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;

/** The compiled kernels that this artifact carries. Stateless; safe for all threads. */
public final class KernelImages {
  private KernelImages() {}

  /**
   * The PTX of a module for compute_80, which every GPU from compute capability 8.0 on can take.
   *
   * @param module the source's name without folder and ending, such as {@code conv_fprop}
   * @return the text as bytes, without a terminating NUL
   * @throws NoSuchElementException if there is no such module
   */
  public static byte[] ptx(String module) {
    return read("compute_80/" + module + ".ptx")
        .orElseThrow(() -> new NoSuchElementException("no kernel module " + module));
  }

  /**
   * The machine code of a module.
   *
   * @param target such as {@code sm_90a}
   * @return empty if this build has no such module for the target
   */
  public static Optional<byte[]> cubin(String target, String module) {
    return read(target + "/" + module + ".cubin");
  }

  /**
   * What the compiler said about every kernel, in order of name.
   *
   * @param target such as {@code sm_80}
   * @return empty if nothing was compiled for the target
   */
  public static List<KernelReport> report(String target) {
    return read(target + "/kernels.tsv").stream()
        .flatMap(
            bytes -> KernelReport.parseTable(new String(bytes, StandardCharsets.UTF_8)).stream())
        .toList();
  }

  private static Optional<byte[]> read(String resource) {
    try (InputStream in = KernelImages.class.getResourceAsStream(resource)) {
      return in == null ? Optional.empty() : Optional.of(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + resource + " from the jar", e);
    }
  }
}
