package io.diffuse4j.natives;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * One kernel launch that has run on the virtual GPU, with its exact counters and the time that the
 * model predicts for the profile's device.
 *
 * @param kernel the kernel's name
 * @param grid blocks in the grid
 * @param block threads in a block
 * @param sharedBytes shared memory of a block, static and dynamic
 * @param registers registers of a thread, as the virtual GPU allots them
 * @param counters all counters by name, such as {@code globalLoad.sectors}, {@code mmaFlops} and
 *     {@code mix.fp32}; the README of the virtual GPU lists them
 * @param nanoseconds the modelled time by resource ({@code tensor}, {@code issue}, {@code fp32},
 *     {@code shared}, {@code l2}, {@code dram}) and in all ({@code total})
 * @param bound the resource that takes longest, or {@code launch} if the fixed cost does
 * @param waves how many times the SMs are filled with blocks
 * @param blocksPerSm blocks of this launch that an SM holds together
 * @param occupancyLimit what keeps it from holding more: blocks, threads, registers or shared
 */
public record VirtualGpuLaunch(
    String kernel,
    VirtualGpuDiagnostic.Dim3 grid,
    VirtualGpuDiagnostic.Dim3 block,
    long sharedBytes,
    int registers,
    Map<String, Long> counters,
    Map<String, Double> nanoseconds,
    String bound,
    long waves,
    int blocksPerSm,
    String occupancyLimit) {

  /**
   * A counter by name; 0 for one of an open-ended group ({@code mix.}, {@code mmaFlops.}) that did
   * not occur.
   *
   * @throws IllegalArgumentException for a name that is no counter
   */
  public long counter(String name) {
    Long value = counters.get(name);
    if (value != null) {
      return value;
    }
    if (name.startsWith("mix.") || name.startsWith("mmaFlops.")) {
      return 0;
    }
    throw new IllegalArgumentException("no counter '" + name + "'; there are " + counters.keySet());
  }

  static VirtualGpuLaunch of(Map<String, String> r) {
    Map<String, Long> counters = new TreeMap<>();
    Map<String, Double> nanoseconds = new TreeMap<>();
    for (Map.Entry<String, String> entry : r.entrySet()) {
      String key = entry.getKey();
      switch (key) {
        case "kernel", "grid", "block", "sharedBytes", "registers" -> {}
        case "time.bound", "time.waves", "time.blocksPerSm", "time.occupancyLimit" -> {}
        case "time.balance" -> {}
        default -> {
          if (key.startsWith("time.")) {
            nanoseconds.put(key.substring(5), Double.valueOf(entry.getValue()));
          } else {
            counters.put(key, Long.parseUnsignedLong(entry.getValue()));
          }
        }
      }
    }
    return new VirtualGpuLaunch(
        r.get("kernel"),
        VirtualGpuDiagnostic.Dim3.parse(r.get("grid")),
        VirtualGpuDiagnostic.Dim3.parse(r.get("block")),
        Long.parseLong(r.get("sharedBytes")),
        Integer.parseInt(r.get("registers")),
        Collections.unmodifiableMap(counters),
        Collections.unmodifiableMap(nanoseconds),
        r.get("time.bound"),
        Long.parseLong(r.get("time.waves")),
        Integer.parseInt(r.get("time.blocksPerSm")),
        r.get("time.occupancyLimit"));
  }
}
