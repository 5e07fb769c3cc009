package io.diffuse4j.core.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Choices of kernels on disk: a file for each GPU, driver, foreign library and version of our
 * kernels. Written to a temporary file that takes the old one's place, so that no reader sees half
 * of it. A file that makes no sense is ignored with a warning, and replaced by the next one.
 */
final class KernelChoiceFile {
  private static final String FORMAT = "diffuse4j kernel choices 1";

  /** Far more than the shapes of all models that one GPU sees. */
  private static final long MAX_BYTES = 16 << 20;

  private static final int FIELDS = 4;

  private final Path file;
  private final String identity;
  private final Consumer<String> warnings;

  /**
   * The file of an identity; it need not exist.
   *
   * @param folder made when something is written
   * @param identity what choices depend on beside the op's shape
   * @param warnings gets a line when a file cannot be used
   */
  KernelChoiceFile(Path folder, String identity, Consumer<String> warnings) {
    this.identity = identity.replaceAll("\\s+", " ");
    this.warnings = warnings;
    file = folder.resolve("kernel-choices-" + hash(this.identity).substring(0, 16) + ".txt");
  }

  private static String hash(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  Path path() {
    return file;
  }

  /** The choices by shape; empty if there are none that can be used. */
  Map<String, KernelChoice> read() {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new IllegalArgumentException("it is too large");
      }
      return parse(Files.readAllLines(file));
    } catch (NoSuchFileException e) {
      return new TreeMap<>();
    } catch (IOException | IllegalArgumentException e) {
      warnings.accept(file + " is not used, and measured anew: " + e.getMessage());
      return new TreeMap<>();
    }
  }

  private Map<String, KernelChoice> parse(List<String> lines) {
    if (lines.size() < 3 || !lines.get(0).equals(FORMAT) || !lines.get(1).equals(identity)) {
      throw new IllegalArgumentException("it does not begin as such a file does");
    }
    if (!lines.get(lines.size() - 1).equals("end " + (lines.size() - 3))) {
      throw new IllegalArgumentException("it does not end as such a file does");
    }
    Map<String, KernelChoice> choices = new TreeMap<>();
    for (String line : lines.subList(2, lines.size() - 1)) {
      KernelChoice choice = parse(line);
      choices.put(choice.shape(), choice);
    }
    return choices;
  }

  private static KernelChoice parse(String line) {
    String[] fields = line.split("\t", -1);
    if (fields.length != FIELDS) {
      throw new IllegalArgumentException("'" + line + "' has not " + FIELDS + " fields");
    }
    double ours = Double.parseDouble(fields[0]);
    double foreign = Double.parseDouble(fields[1]);
    long workspace = Long.parseLong(fields[2]);
    if (ours < 0 || foreign < 0 || workspace < 0 || Double.isNaN(ours) != Double.isNaN(foreign)) {
      throw new IllegalArgumentException("'" + line + "' cannot have been measured");
    }
    return new KernelChoice(fields[3], ours, foreign, workspace);
  }

  /** Adds choices to those on disk; where that is impossible, says so and goes on. */
  void add(Map<String, KernelChoice> choices) {
    // Another process may have measured other shapes meanwhile.
    Map<String, KernelChoice> all = read();
    all.putAll(choices);
    List<String> lines = new ArrayList<>(List.of(FORMAT, identity));
    for (KernelChoice choice : all.values()) {
      lines.add(
          choice.milliseconds()
              + "\t"
              + choice.foreignMilliseconds()
              + "\t"
              + choice.workspaceBytes()
              + "\t"
              + choice.shape());
    }
    lines.add("end " + all.size());
    Path temporary = null;
    try {
      Files.createDirectories(file.getParent());
      temporary = Files.createTempFile(file.getParent(), "kernel-choices-", ".tmp");
      Files.write(temporary, lines);
      Files.move(
          temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      delete(temporary);
      warnings.accept(
          file + " cannot be written, and the next process measures again: " + e.getMessage());
    }
  }

  private static void delete(Path temporary) {
    if (temporary != null) {
      try {
        Files.deleteIfExists(temporary);
      } catch (IOException e) {
        // What could not be written cannot be removed either; the warning names the folder.
        return;
      }
    }
  }
}
