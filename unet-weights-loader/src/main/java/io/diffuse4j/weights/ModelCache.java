package io.diffuse4j.weights;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Unpacks bundled models to {@code CACHE/models/NAME-VERSION}. A model appears there in one move,
 * whole; a lock keeps processes from unpacking the same one twice. What is found there is used only
 * if every checksum fits, else unpacked anew.
 */
final class ModelCache {
  private static final long LOCK_RETRY_MILLIS = 20;

  private final Path root;

  ModelCache(Path root) {
    this.root = root;
  }

  /** The folder of {@code model}, which is there and whole when this returns. */
  Path folderOf(BundledModel model) {
    Path models = root.resolve("models");
    Path folder = models.resolve(model.name() + "-" + model.version());
    // First without the lock: a cache that is read-only but filled serves.
    if (isWhole(folder, model)) {
      return folder;
    }
    try {
      Files.createDirectories(models);
      try (FileChannel channel =
              FileChannel.open(
                  models.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock lock = lock(channel)) {
        if (lock.isValid() && !isWhole(folder, model)) {
          unpack(model, models, folder);
        }
      }
    } catch (IOException e) {
      throw new InvalidModelException(
          "bundled model "
              + Quote.quote(model.name())
              + " cannot be unpacked to "
              + folder
              + ": "
              + StrictJson.reason(e)
              + "; set "
              + BundledModels.CACHE_VARIABLE
              + " to a folder that can be written to",
          e);
    }
    return folder;
  }

  private static void unpack(BundledModel model, Path models, Path folder) throws IOException {
    // The lock is ours, so whatever an interrupted run left under this name is nobody's.
    Path partial = models.resolve(".unpacking");
    delete(partial);
    try {
      for (BundledModel.Item item : model.files()) {
        Path file = partial.resolve(item.path());
        Files.createDirectories(file.getParent());
        try (InputStream in = model.open(item);
            OutputStream out = Files.newOutputStream(file)) {
          in.transferTo(out);
        }
      }
      if (!isWhole(partial, model)) {
        throw new IOException("its files are not those that the artifact's index lists");
      }
      delete(folder); // damaged, or it would have been used
      Files.move(partial, folder, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      delete(partial); // gone already if it was moved
    }
  }

  private static boolean isWhole(Path folder, BundledModel model) {
    try {
      for (BundledModel.Item item : model.files()) {
        Path file = folder.resolve(item.path());
        if (Files.notExists(file)
            || Files.size(file) != item.bytes()
            || !sha256(file).equals(item.sha256())) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      return false; // what cannot be read is replaced, and that failing says why
    }
  }

  private static String sha256(Path file) throws IOException {
    try (DigestInputStream in =
        new DigestInputStream(Files.newInputStream(file), BundledModel.sha256())) {
      in.transferTo(OutputStream.nullOutputStream());
      return HexFormat.of().formatHex(in.getMessageDigest().digest());
    }
  }

  /** Waits for the lock, against other processes and against other threads of this one. */
  private static FileLock lock(FileChannel channel) throws IOException {
    while (true) {
      try {
        return channel.lock();
      } catch (OverlappingFileLockException e) {
        // A thread of this JVM holds it: the operating system's lock is the process's.
        try {
          Thread.sleep(LOCK_RETRY_MILLIS);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw new IOException("interrupted while waiting for another thread", interrupted);
        }
      }
    }
  }

  private static void delete(Path folder) throws IOException {
    if (Files.notExists(folder)) {
      return;
    }
    List<Path> innermostFirst;
    try (Stream<Path> paths = Files.walk(folder)) {
      innermostFirst = paths.sorted(Comparator.reverseOrder()).collect(Collectors.toList());
    }
    for (Path path : innermostFirst) {
      Files.deleteIfExists(path);
    }
  }
}
