package io.diffuse4j.kernels;

import java.util.List;

/**
 * What the compiler reported of one kernel for one target.
 *
 * @param kernel its name in the module
 * @param module the image that holds it, such as {@code conv_fprop}
 * @param registers 32-bit registers per thread
 * @param spillStoreBytes bytes of spilled registers stored, per thread
 * @param spillLoadBytes bytes of spilled registers loaded, per thread
 * @param stackBytes local memory per thread
 * @param staticSharedBytes shared memory per block, without the dynamic part
 * @param threads the largest block it was compiled for, 0 if it does not say
 * @param blocksPerMultiprocessor how many blocks are planned to be resident together
 */
public record KernelReport(
    String kernel,
    String module,
    int registers,
    int spillStoreBytes,
    int spillLoadBytes,
    int stackBytes,
    int staticSharedBytes,
    int threads,
    int blocksPerMultiprocessor) {

  /**
   * Parses a table as the build writes it: a line of titles, then a line for each kernel.
   *
   * @param table the text of a {@code kernels.tsv}
   */
  public static List<KernelReport> parseTable(String table) {
    return table.lines().skip(1).map(KernelReport::parse).toList();
  }

  private static KernelReport parse(String line) {
    String[] f = line.split("\t", -1);
    return new KernelReport(
        f[0],
        f[1],
        Integer.parseInt(f[2]),
        Integer.parseInt(f[3]),
        Integer.parseInt(f[4]),
        Integer.parseInt(f[5]),
        Integer.parseInt(f[6]),
        Integer.parseInt(f[7]),
        Integer.parseInt(f[8]));
  }
}
