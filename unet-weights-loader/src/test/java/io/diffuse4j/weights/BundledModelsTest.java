package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BundledModelsTest {
  @TempDir Path temporary;

  /** A bundle in memory that counts how often a model's file is read. */
  static final class TestBundle implements ModelBundle {
    final Map<String, byte[]> content = new LinkedHashMap<>();
    final AtomicInteger reads = new AtomicInteger();
    volatile long delayMillis;
    private final StringBuilder index = new StringBuilder();

    TestBundle with(String path, String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      content.put(path, bytes);
      String sha256 = HexFormat.of().formatHex(BundledModel.sha256().digest(bytes));
      index.append(sha256).append(' ').append(bytes.length).append(' ').append(path).append('\n');
      return this;
    }

    @Override
    public InputStream open(String path) {
      if (path.equals(INDEX)) {
        return new ByteArrayInputStream(index.toString().getBytes(StandardCharsets.UTF_8));
      }
      reads.incrementAndGet();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(delayMillis));
      byte[] bytes = content.get(path);
      return bytes == null ? null : new ByteArrayInputStream(bytes);
    }
  }

  static TestBundle bundle() {
    return new TestBundle().with("m/unet/config.json", "{}").with("m/model_index.json", "{ }");
  }

  private Path cache() {
    return temporary.resolve("cache");
  }

  private List<Path> allFiles() throws IOException {
    try (Stream<Path> files = Files.walk(cache())) {
      return files
          .filter(Files::isRegularFile)
          .map(cache()::relativize)
          .filter(file -> !file.endsWith(".lock"))
          .sorted()
          .toList();
    }
  }

  private static String refusal(Callable<?> code) {
    return assertThrows(InvalidModelException.class, code::call).getMessage();
  }

  @Test
  void aModelIsUnpackedOnceAndWhole() throws IOException {
    TestBundle bundle = bundle();
    BundledModels models = new BundledModels(cache(), List.of(bundle));
    assertEquals(Set.of("m"), models.names());
    Path folder = models.find("m").orElseThrow();
    assertEquals("{}", Files.readString(folder.resolve("unet/config.json")));
    assertEquals(2, allFiles().size());
    assertEquals(folder, models.find("m").orElseThrow());
    assertEquals(2, bundle.reads.get());
    assertEquals(Optional.empty(), models.find("none"));
  }

  @Test
  void severalArtifactsContribute() {
    BundledModels models =
        new BundledModels(cache(), List.of(bundle(), new TestBundle().with("b-2.x/a", "1")));
    assertEquals(List.of("b-2.x", "m"), List.copyOf(models.names()));
    assertTrue(models.find("b-2.x").isPresent());
    assertTrue(
        refusal(() -> new BundledModels(cache(), List.of(bundle(), bundle())))
            .contains("two artifacts hold a model named \"m\""));
  }

  @Test
  void damagedFilesAreUnpackedAnew() throws IOException {
    BundledModels models = new BundledModels(cache(), List.of(bundle()));
    Path file = models.find("m").orElseThrow().resolve("unet/config.json");
    Files.writeString(file, "[]"); // same size
    models.find("m");
    assertEquals("{}", Files.readString(file));
    Files.delete(file);
    models.find("m");
    assertEquals("{}", Files.readString(file));
  }

  @Test
  void anotherVersionOfAModelHasAFolderOfItsOwn() {
    Path first = new BundledModels(cache(), List.of(bundle())).find("m").orElseThrow();
    TestBundle changed = bundle().with("m/new", "x");
    Path second = new BundledModels(cache(), List.of(changed)).find("m").orElseThrow();
    assertFalse(first.equals(second));
    assertTrue(Files.exists(first.resolve("model_index.json")));
  }

  @Test
  void whatAnInterruptedRunLeftIsReplaced() throws IOException {
    Path partial = Files.createDirectories(cache().resolve("models/.unpacking/m/deep"));
    Files.writeString(partial.resolve("rest"), "x");
    new BundledModels(cache(), List.of(bundle())).find("m");
    assertEquals(2, allFiles().size());
  }

  @Test
  void contentThatDoesNotFitTheIndexIsNotUsed() throws IOException {
    TestBundle bundle = bundle();
    bundle.content.put("m/unet/config.json", new byte[] {'[', ']'});
    BundledModels models = new BundledModels(cache(), List.of(bundle));
    assertTrue(refusal(() -> models.find("m")).contains("not those that the artifact's index"));
    assertEquals(List.of(), allFiles());
    bundle.content.remove("m/unet/config.json");
    assertTrue(refusal(() -> models.find("m")).contains("m/unet/config.json is missing"));
    assertEquals(List.of(), allFiles());
  }

  @Test
  void indexesThatLeaveTheCacheAreRefused() {
    for (String path : List.of("m", "../x/y", "m/../../x", "/m/x", "m//x", "m/.x", "m/x y", "")) {
      TestBundle bundle = new TestBundle().with(path, "x");
      assertTrue(
          refusal(() -> new BundledModels(cache(), List.of(bundle))).contains("invalid line"));
    }
  }

  /** A file where the cache should be fails for every user, even one who may write anywhere. */
  @Test
  void aCacheThatCannotBeWrittenToIsAnErrorThatNamesTheVariable() throws IOException {
    Files.writeString(cache(), "a file");
    BundledModels models = new BundledModels(cache(), List.of(bundle()));
    String message = refusal(() -> models.find("m"));
    assertTrue(message.contains("\"m\" cannot be unpacked to " + cache()), message);
    assertTrue(message.endsWith("set DIFFUSE4J_CACHE to a folder that can be written to"), message);
  }

  @Test
  void theVariableMovesTheCache() {
    assertEquals(Path.of("/c"), BundledModels.cacheFolder("/c", "/home/u"));
    assertEquals(Path.of("/home/u/.cache/diffuse4j"), BundledModels.cacheFolder(null, "/home/u"));
    assertEquals(Path.of("/home/u/.cache/diffuse4j"), BundledModels.cacheFolder(" ", "/home/u"));
  }

  @Test
  void aFolderWinsOverANameAndAMissOffersTheNames() throws IOException {
    BundledModels models = new BundledModels(cache(), List.of(bundle()));
    Path folder = Files.createDirectory(temporary.resolve("m"));
    assertEquals(folder, models.resolve(folder.toString()));
    assertEquals(models.find("m").orElseThrow(), models.resolve("m"));
    String message = "there is neither a folder nor a bundled model \"none\"; bundled models: m";
    assertEquals(message, refusal(() -> models.resolve("none")));
    assertTrue(refusal(() -> models.resolve("")).contains("neither"));
    assertTrue(refusal(() -> models.resolve("\0")).contains("neither"));
  }

  @Test
  void threadsThatAskAtOnceGetOneCopy() throws Exception {
    TestBundle bundle = bundle();
    bundle.delayMillis = 200; // time for all to find that the model is not there
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<Path>> found = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        BundledModels models = new BundledModels(cache(), List.of(bundle));
        found.add(threads.submit(() -> models.find("m").orElseThrow()));
      }
      for (Future<Path> each : found) {
        assertTrue(Files.exists(each.get(60, TimeUnit.SECONDS).resolve("model_index.json")));
      }
    } finally {
      threads.shutdownNow();
    }
    assertEquals(2, bundle.reads.get());
    assertEquals(2, allFiles().size());
  }

  /** Unpacks the test's model into the cache named by the argument; exit code 0 if it is whole. */
  static final class OtherProcess {
    public static void main(String[] arguments) throws IOException {
      BundledModels models = new BundledModels(Path.of(arguments[0]), List.of(largeBundle()));
      Path folder = models.find("m").orElseThrow();
      System.exit(Files.size(folder.resolve("f0")) == LARGE ? 0 : 1);
    }
  }

  private static final int LARGE = 3 << 20;

  private static TestBundle largeBundle() {
    TestBundle bundle = new TestBundle();
    for (int i = 0; i < 4; i++) {
      bundle.with("m/f" + i, Character.toString('a' + i).repeat(LARGE));
    }
    return bundle;
  }

  @Test
  void processesThatAskAtOnceGetOneCopy() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xshare:auto",
                  "-cp",
                  System.getProperty("java.class.path"),
                  OtherProcess.class.getName(),
                  cache().toString())
              .inheritIO()
              .start());
    }
    for (Process process : processes) {
      assertTrue(process.waitFor(60, TimeUnit.SECONDS));
      assertEquals(0, process.exitValue());
    }
    assertEquals(4, allFiles().size());
  }
}
