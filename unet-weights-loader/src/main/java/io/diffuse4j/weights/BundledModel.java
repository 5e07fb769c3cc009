package io.diffuse4j.weights;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model in an artifact.
 *
 * @param files what it consists of, in the order of the index
 */
record BundledModel(String name, List<Item> files, ModelBundle bundle) {
  /**
   * One file.
   *
   * @param path relative to the model's folder, with slashes
   * @param sha256 in hexadecimal
   */
  record Item(String path, long bytes, String sha256) {}

  /** Elements that start with a letter or digit: none of them is ".." or empty. */
  private static final Pattern LINE =
      Pattern.compile(
          "([0-9a-f]{64}) ([0-9]{1,18}) ([A-Za-z0-9][\\w.-]*)/((?:[A-Za-z0-9][\\w.-]*/)*[A-Za-z0-9][\\w.-]*)");

  /** The models that {@code bundle} lists. */
  static Collection<BundledModel> readIndex(ModelBundle bundle) {
    String origin = bundle.getClass().getName() + ": " + ModelBundle.INDEX;
    Map<String, BundledModel> models = new TreeMap<>();
    try (InputStream in = bundle.open(ModelBundle.INDEX)) {
      if (in == null) {
        throw new InvalidModelException(origin + " is missing");
      }
      BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher matcher = LINE.matcher(line);
        if (!matcher.matches()) {
          throw new InvalidModelException(origin + ": invalid line " + Quote.quote(line));
        }
        models
            .computeIfAbsent(
                matcher.group(3), name -> new BundledModel(name, new ArrayList<>(), bundle))
            .files
            .add(new Item(matcher.group(4), Long.parseLong(matcher.group(2)), matcher.group(1)));
      }
    } catch (IOException e) {
      throw new InvalidModelException(origin + ": cannot be read: " + StrictJson.reason(e), e);
    }
    return models.values();
  }

  /** Opens a file as the artifact holds it. */
  InputStream open(Item item) throws IOException {
    String path = name + "/" + item.path();
    InputStream in = bundle.open(path);
    if (in == null) {
      throw new IOException(path + " is missing in the artifact");
    }
    return in;
  }

  /** Sixteen hexadecimal digits that change with any file: a new release unpacks beside the old. */
  String version() {
    MessageDigest digest = sha256();
    for (Item item : files) {
      digest.update((item.sha256() + item.path()).getBytes(StandardCharsets.UTF_8));
    }
    return HexFormat.of().formatHex(digest.digest(), 0, 8);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
