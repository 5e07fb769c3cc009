package io.diffuse4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The output files of a command, which appear when all of them are whole, or not at all. Until
 * {@link #commit()} they are in a hidden folder beside their targets, on the same file system, so
 * that each then takes its place in one move.
 *
 * <p>{@link #close()} removes what was not committed; it may be called from a shutdown hook while
 * the command still runs.
 */
final class StagedOutputs implements AutoCloseable {
  private final Map<Path, Path> folders = new LinkedHashMap<>();
  private final List<Move> moves = new ArrayList<>();
  private boolean closed;

  private record Move(Path from, Path to) {}

  /**
   * Fails early where {@code target} cannot become a file.
   *
   * @param option which option named it, for the message
   */
  static void checkFile(String option, Path target) {
    if (Files.isDirectory(target)) {
      throw new FailureException(option + " " + target + " is a folder; name a file");
    }
    // A device or a pipe would be replaced by the move.
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw new FailureException(option + " " + target + " is not a regular file");
    }
    checkParent(option, target);
  }

  /** Fails early where {@code target} is no folder that can be written to and cannot become one. */
  static void checkFolder(String option, Path target) {
    if (Files.isDirectory(target)) {
      checkWritable(option, target, target);
      return;
    }
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new FailureException(
          option + " " + target + " is a file; name a folder, or a file that ends in .png");
    }
    checkParent(option, target);
  }

  private static void checkParent(String option, Path target) {
    Path parent = parent(target);
    if (!Files.isDirectory(parent)) {
      throw new FailureException(
          option + " " + target + ": there is no folder " + parent + "; create it first");
    }
    checkWritable(option, target, parent);
  }

  private static void checkWritable(String option, Path target, Path folder) {
    if (!Files.isWritable(folder)) {
      throw new FailureException(
          option + " " + target + ": the folder " + folder + " cannot be written to");
    }
  }

  private static Path parent(Path target) {
    Path parent = target.toAbsolutePath().getParent();
    return parent == null ? target.toAbsolutePath() : parent;
  }

  /** Where to write, for now, what is to become {@code target}. */
  synchronized Path stage(Path target) throws IOException {
    if (closed) {
      throw new IOException("the command was interrupted");
    }
    Path parent = parent(target);
    Path folder = folders.get(parent);
    if (folder == null) {
      folder = Files.createTempDirectory(parent, ".diffuse4j-");
      folders.put(parent, folder);
    }
    Path staged = folder.resolve(target.getFileName());
    moves.add(new Move(staged, target));
    return staged;
  }

  /** Moves everything to its target. */
  synchronized void commit() throws IOException {
    if (closed) {
      throw new IOException("the command was interrupted");
    }
    for (Move move : moves) {
      Files.move(move.from(), move.to(), StandardCopyOption.ATOMIC_MOVE);
    }
    moves.clear();
  }

  /** Removes everything that was not committed; idempotent. */
  @Override
  public synchronized void close() throws IOException {
    closed = true;
    for (Path folder : folders.values()) {
      delete(folder);
    }
    folders.clear();
  }

  private static void delete(Path folder) throws IOException {
    List<Path> innermostFirst;
    try (Stream<Path> paths = Files.walk(folder)) {
      innermostFirst = paths.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : innermostFirst) {
      Files.deleteIfExists(path);
    }
  }
}
