package io.diffuse4j.natives;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a test asks of the virtual GPU beyond CUDA: settings, findings, counters, the log of calls
 * and injected faults. All of it is state of the process's one driver. Thread-safe; every method
 * throws IllegalStateException while the virtual GPU is not loaded and IllegalArgumentException for
 * an argument that it refuses.
 */
public final class VirtualGpuDriver {
  private static final int UNSUPPORTED = 3;
  private static final int INVALID_ARGUMENT = 1;

  /** One entry of the log of calls: the entry point's name and the bytes it allocated or moved. */
  public record Call(String name, long bytes) {}

  /** How often an entry point was called, and the bytes it allocated or moved in all. */
  public record CallTotal(long calls, long bytes) {}

  /** Memory that is allocated now. */
  public record Allocation(long address, long bytes, String site) {}

  /** Loads the virtual GPU if it is not. */
  public VirtualGpuDriver() {
    VirtualGpuLibrary.load();
  }

  /**
   * Applies settings for work queued from now on.
   *
   * @param settings KEY=VALUE joined by commas, as in {@code DIFFUSE4J_VGPU}; {@code profile} and
   *     {@code memory} can change only while there is no context since the start or {@link #reset}
   */
  public void configure(String settings) {
    check(VirtualGpuControl.d4j_vgpu_configure(settings));
  }

  /** Destroys every context and forgets everything but the settings. */
  public void reset() {
    check(VirtualGpuControl.d4j_vgpu_reset());
  }

  /** Names the place where this thread's next allocations happen; an empty name ends it. */
  public void labelCaller(String label) {
    check(VirtualGpuControl.d4j_vgpu_label_caller(label));
  }

  /**
   * Makes driver calls fail.
   *
   * @param name the exported name, such as {@code cuMemAlloc_v2}, or {@code *} for any
   * @param skip calls of that name that still pass
   * @param times calls that then fail
   * @param result the CUresult that they return, not 0
   */
  public void failCalls(String name, long skip, long times, int result) {
    check(VirtualGpuControl.d4j_vgpu_fail_calls(name, skip, times, result));
  }

  /** Ends all fault injection. */
  public void clearFaults() {
    check(VirtualGpuControl.d4j_vgpu_clear("faults"));
  }

  /** Why the last failed driver call of this thread failed; empty if none did. */
  public String lastMessage() {
    return read("message");
  }

  /** The findings since the last {@link #clearDiagnostics()} or {@link #reset()}. */
  public List<VirtualGpuDiagnostic> diagnostics() {
    return records("diagnostics").stream().map(VirtualGpuDiagnostic::of).toList();
  }

  public void clearDiagnostics() {
    check(VirtualGpuControl.d4j_vgpu_clear("diagnostics"));
  }

  /** The last 4096 launches that have run, oldest first. */
  public List<VirtualGpuLaunch> launches() {
    return records("launches").stream().map(VirtualGpuLaunch::of).toList();
  }

  public void clearLaunches() {
    check(VirtualGpuControl.d4j_vgpu_clear("launches"));
  }

  /** Calls by entry point since the last {@link #clearCalls()} or {@link #reset()}. */
  public Map<String, CallTotal> calls() {
    Map<String, CallTotal> totals = new LinkedHashMap<>();
    for (Map<String, String> r : records("calls")) {
      totals.put(
          r.get("name"),
          new CallTotal(Long.parseLong(r.get("calls")), Long.parseLong(r.get("bytes"))));
    }
    return totals;
  }

  /** The calls in order, at most 2^20 of them. */
  public List<Call> callSequence() {
    return records("sequence").stream()
        .map(r -> new Call(r.get("name"), Long.parseLong(r.get("bytes"))))
        .toList();
  }

  public void clearCalls() {
    check(VirtualGpuControl.d4j_vgpu_clear("calls"));
  }

  /** What is allocated or registered now, by address. */
  public List<Allocation> allocations() {
    return records("allocations").stream()
        .map(
            r ->
                new Allocation(
                    Long.parseUnsignedLong(r.get("address")),
                    Long.parseLong(r.get("bytes")),
                    r.get("site")))
        .toList();
  }

  private static void check(int status) {
    if (status == 0) {
      return;
    }
    String message = NativeLibrary.d4j_last_error();
    if (status == INVALID_ARGUMENT) {
      throw new IllegalArgumentException(message);
    }
    throw new IllegalStateException(
        status == UNSUPPORTED ? "the virtual GPU is not loaded in this process" : message);
  }

  private static String read(String what) {
    byte[] buffer = new byte[4096];
    while (true) {
      long needed = VirtualGpuControl.d4j_vgpu_read(what, buffer, buffer.length);
      if (needed == 0) {
        throw new IllegalStateException(NativeLibrary.d4j_last_error());
      }
      if (needed <= buffer.length) {
        return new String(buffer, 0, (int) needed - 1, StandardCharsets.UTF_8);
      }
      // With room to spare: the record may grow between two calls.
      buffer = new byte[Math.toIntExact(needed + needed / 4)];
    }
  }

  /** Parses lines of KEY=VALUE with a blank line after each record. */
  private static List<Map<String, String>> records(String what) {
    List<Map<String, String>> records = new ArrayList<>();
    Map<String, String> record = new LinkedHashMap<>();
    for (String line : read(what).split("\n", -1)) {
      if (line.isEmpty()) {
        if (!record.isEmpty()) {
          records.add(record);
          record = new LinkedHashMap<>();
        }
        continue;
      }
      int equals = line.indexOf('=');
      record.put(line.substring(0, equals), unescape(line.substring(equals + 1)));
    }
    return records;
  }

  private static String unescape(String value) {
    if (value.indexOf('\\') < 0) {
      return value;
    }
    StringBuilder plain = new StringBuilder(value.length());
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '\\' && i + 1 < value.length()) {
        i++;
        plain.append(value.charAt(i) == 'n' ? '\n' : value.charAt(i));
      } else {
        plain.append(c);
      }
    }
    return plain.toString();
  }
}
