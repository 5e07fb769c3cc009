package io.diffuse4j.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** Whether a source holds the tensors that a model needs, and messages that say what differs. */
public final class TensorNames {
  /** Names listed in a message before it says how many more there are. */
  private static final int LISTED = 10;

  /** Candidates and lengths beyond which nobody looks for a typing error. */
  private static final int MAX_CANDIDATES = 4096;

  private static final int MAX_LENGTH = 256;

  /** Buffers that PyTorch saves with a module although they follow from its configuration. */
  private static final Predicate<String> HARMLESS =
      name -> name.equals("position_ids") || name.endsWith(".position_ids");

  private TensorNames() {}

  /**
   * Checks that {@code source} holds exactly the expected tensors, in those shapes. Saved index
   * buffers ({@code *.position_ids}) may be there in addition.
   *
   * @throws InvalidModelException listing the tensors that are missing, not expected or of another
   *     shape
   */
  public static void check(TensorSource source, Map<String, long[]> expected) {
    List<String> missing = new ArrayList<>();
    List<String> shapes = new ArrayList<>();
    expected.forEach(
        (name, shape) -> {
          if (!source.has(name)) {
            missing.add(name);
          } else if (!Arrays.equals(source.get(name).shape(), shape)) {
            shapes.add(
                name
                    + " "
                    + Arrays.toString(source.get(name).shape())
                    + " instead of "
                    + Arrays.toString(shape));
          }
        });
    List<String> extra =
        source.names().stream()
            .filter(name -> !expected.containsKey(name))
            .filter(HARMLESS.negate())
            .map(Quote::quote)
            .collect(Collectors.toList());
    List<String> problems = new ArrayList<>();
    describe(problems, "missing", missing);
    describe(problems, "not expected", extra);
    describe(problems, "of another shape", shapes);
    if (!problems.isEmpty()) {
      throw new InvalidModelException(
          source.origin()
              + ": tensors do not fit the configuration: "
              + String.join("; ", problems));
    }
  }

  private static void describe(List<String> problems, String what, List<String> names) {
    if (!names.isEmpty()) {
      problems.add(
          names.size()
              + " "
              + what
              + ": "
              + names.stream().sorted().limit(LISTED).collect(Collectors.joining(", "))
              + (names.size() > LISTED ? " and " + (names.size() - LISTED) + " more" : ""));
    }
  }

  /** The error for a tensor that {@code source} does not have. */
  static InvalidModelException missing(TensorSource source, String name) {
    List<String> close =
        source.names().stream()
            .limit(MAX_CANDIDATES)
            .filter(candidate -> distance(name, candidate) <= Math.max(2, name.length() / 4))
            .sorted(
                Comparator.<String>comparingInt(candidate -> distance(name, candidate))
                    .thenComparing(Comparator.naturalOrder()))
            .limit(3)
            .map(Quote::quote)
            .collect(Collectors.toList());
    return new InvalidModelException(
        source.origin()
            + ": no tensor "
            + Quote.quote(name)
            + (close.isEmpty() ? "" : "; the closest: " + String.join(", ", close)));
  }

  /** The Levenshtein distance, or a large number for names too long to compare. */
  private static int distance(String a, String b) {
    if (a.length() > MAX_LENGTH || b.length() > MAX_LENGTH) {
      return Integer.MAX_VALUE;
    }
    int[] row = new int[b.length() + 1];
    Arrays.setAll(row, j -> j);
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int above = row[j];
        int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replace, 1 + Math.min(above, row[j - 1]));
        diagonal = above;
      }
    }
    return row[b.length()];
  }
}
