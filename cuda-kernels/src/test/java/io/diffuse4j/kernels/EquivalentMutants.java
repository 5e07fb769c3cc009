package io.diffuse4j.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Mutants that change nothing, from a file of entries with a blank line between them:
 *
 * <pre>
 * kernel: NAME, or a pattern with *
 * change: CHANGE OPCODE
 * at:     FILE: TEXT OF THE SOURCE LINE
 * which:  all, or 1,3 of 4: which of the kernel's instructions of that opcode from that place
 * proof:  why nothing changes, over as many lines as needed
 * </pre>
 *
 * Lines that begin with # are comments.
 */
record EquivalentMutants(List<Entry> entries) {
  /** One entry of the file. */
  record Entry(String kernel, String change, String at, String which, String proof) {
    private boolean describes(Mutant m) {
      return m.instruction().kernel().matches(kernel.replace("*", "\\w*"))
          && (m.change() + " " + m.instruction().opcode()).equals(change)
          && m.instruction().site().toString().equals(at);
    }

    private List<Mutant> chosen(List<Mutant> ofKernel) {
      if (which.equals("all")) {
        return ofKernel;
      }
      String[] parts = which.split(" of ", -1);
      if (parts.length != 2 || Integer.parseInt(parts[1]) != ofKernel.size()) {
        return List.of();
      }
      return Arrays.stream(parts[0].split(",", -1))
          .map(number -> ofKernel.get(Integer.parseInt(number.strip()) - 1))
          .toList();
    }
  }

  EquivalentMutants {
    entries = List.copyOf(entries);
  }

  static EquivalentMutants read(Path file) throws IOException {
    List<Entry> entries = new ArrayList<>();
    Map<String, String> fields = new HashMap<>();
    String field = "";
    List<String> lines = new ArrayList<>(Files.readAllLines(file));
    lines.add("");
    for (String line : lines) {
      if (line.isBlank() && !fields.isEmpty()) {
        entries.add(
            new Entry(
                required(fields, "kernel"),
                required(fields, "change"),
                required(fields, "at"),
                required(fields, "which"),
                required(fields, "proof")));
        fields.clear();
      } else if (!line.isBlank() && !line.startsWith("#")) {
        int colon = line.indexOf(':');
        if (!line.startsWith(" ") && colon > 0) {
          field = line.substring(0, colon);
          fields.put(field, line.substring(colon + 1).strip());
        } else {
          fields.merge(field, line.strip(), (a, b) -> (a + " " + b).strip());
        }
      }
    }
    return new EquivalentMutants(entries);
  }

  private static String required(Map<String, String> fields, String name) {
    String value = fields.getOrDefault(name, "");
    if (value.isBlank()) {
      throw new IllegalArgumentException("an entry has no " + name + ": " + fields);
    }
    return value;
  }

  /** The mutants that each entry means; empty for an entry that is out of date. */
  Map<Entry, Set<Mutant>> resolve(List<Mutant> mutants) {
    Map<Entry, Set<Mutant>> resolved = new LinkedHashMap<>();
    for (Entry entry : entries) {
      Map<String, List<Mutant>> byKernel = new TreeMap<>();
      for (Mutant m : mutants) {
        if (entry.describes(m)) {
          byKernel.computeIfAbsent(m.instruction().kernel(), k -> new ArrayList<>()).add(m);
        }
      }
      Set<Mutant> meant = new LinkedHashSet<>();
      byKernel.values().forEach(ofKernel -> meant.addAll(entry.chosen(ofKernel)));
      resolved.put(entry, meant);
    }
    return resolved;
  }
}
