package io.diffuse4j.natives;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One finding of the virtual GPU's checkers.
 *
 * @param kind which checker found it
 * @param message what is wrong, in one line
 * @param kernel the kernel's name; empty for findings outside a kernel, such as leaks
 * @param file the CUDA source if the PTX has line information, else empty
 * @param line the line in it, 0 if unknown
 * @param ptxLine the line in the PTX text
 * @param instruction the PTX opcode
 * @param block the block's index
 * @param thread the thread's index in the block
 * @param otherBlock the other party of a race
 * @param otherThread the other party of a race
 * @param otherLine the source line of the other party's access, 0 if unknown
 * @param address the address: generic, or the offset within shared or local memory
 * @param size bytes accessed
 * @param allocation the allocation that holds the address or is next to it, with its origin
 * @param count how often this happened at this instruction
 * @param text the whole report in a few lines
 */
public record VirtualGpuDiagnostic(
    Kind kind,
    String message,
    String kernel,
    String file,
    int line,
    int ptxLine,
    String instruction,
    Dim3 block,
    Dim3 thread,
    Optional<Dim3> otherBlock,
    Optional<Dim3> otherThread,
    int otherLine,
    long address,
    long size,
    String allocation,
    long count,
    String text) {

  /** The checkers, after compute-sanitizer's. */
  public enum Kind {
    /** Out of bounds, use after free, misalignment, bad free. */
    MEMCHECK,
    /** Two accesses of which one writes, without an order between them. */
    RACECHECK,
    /** Use of memory that nothing wrote. */
    INITCHECK,
    /** Barriers that not all threads reach. */
    SYNCCHECK,
    /** Memory that was not freed. */
    LEAKCHECK,
    /** Threads that wait for each other for ever. */
    DEADLOCK,
    /** A trap, a failed assertion, or an undefined instruction. */
    TRAP
  }

  /** A size or an index in three dimensions. */
  public record Dim3(int x, int y, int z) {
    static Dim3 parse(String text) {
      String[] parts = text.split(",", -1);
      return new Dim3(
          Integer.parseUnsignedInt(parts[0]),
          Integer.parseUnsignedInt(parts[1]),
          Integer.parseUnsignedInt(parts[2]));
    }
  }

  static VirtualGpuDiagnostic of(Map<String, String> r) {
    return new VirtualGpuDiagnostic(
        Kind.valueOf(r.get("kind").toUpperCase(Locale.ROOT)),
        r.get("message"),
        r.get("kernel"),
        r.get("file"),
        Integer.parseInt(r.get("line")),
        Integer.parseInt(r.get("ptxLine")),
        r.get("instruction"),
        Dim3.parse(r.get("block")),
        Dim3.parse(r.get("thread")),
        Optional.ofNullable(r.get("otherBlock")).map(Dim3::parse),
        Optional.ofNullable(r.get("otherThread")).map(Dim3::parse),
        Integer.parseInt(r.get("otherLine")),
        Long.parseUnsignedLong(r.get("address")),
        Long.parseUnsignedLong(r.get("size")),
        r.get("allocation"),
        Long.parseUnsignedLong(r.get("count")),
        r.get("text"));
  }

  /** The whole report. */
  @Override
  public String toString() {
    return text;
  }
}
