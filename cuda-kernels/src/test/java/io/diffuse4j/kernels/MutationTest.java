package io.diffuse4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Whether the cases of {@code test/device} and the virtual GPU's checkers notice a kernel in which
 * one instruction is missing or different. {@code mutation.sample} is how many mutants are tried,
 * or {@code all}; {@code mutation.seed} chooses them, by default the day.
 */
class MutationTest {
  private static final Path EQUIVALENT = Path.of("test/device/equivalent_mutants.txt");
  private static final Path REPORT = Path.of("target/mutation.tsv");
  private static final double MAX_EQUIVALENT = 0.02;
  private static final int MUTANTS_OF_A_PROCESS = 500;

  /**
   * The kernels that are mutated, by family of cases: each template with each kind of arithmetic
   * and each path through it. Their siblings differ in tile sizes and in bf16 for f16.
   */
  private static final Map<String, List<String>> KERNELS =
      Map.of(
          "attention",
              List.of(
                  "attention_f16_d(32|40|256)",
                  "attention_bf16_d64",
                  "attention_fma_(f32_d64|f16_d160)"),
          "conv",
              List.of(
                  "conv_fprop_(f16_64x64x32|tf32_64x64x16|f32_64x64x16)(_any)?",
                  "conv_fprop_bf16_64x32x32"),
          "elementwise", List.of("\\w+_f32", "\\w+_f16", "timestep_embedding"),
          "gemm", List.of("gemm_(f16_64x64x32|tf32_64x64x16|f32_64x64x16)"),
          "linear_small", List.of("linear_small_f(16|32)"),
          "norm", List.of("\\w+_f(16|32)(_scalar)?"),
          "sampler", List.of("sampler_\\w+"));

  /** The tail of its kernels is that of the linear ones, where it is mutated. */
  private static final String WITHOUT_TAIL = "conv";

  /** The images whose kernels a family's cases launch. */
  private static final Map<String, List<String>> IMAGES =
      Map.of(
          "attention", List.of("attention_f16", "attention_bf16", "attention_fma"),
          "conv", List.of("conv_fprop"),
          "elementwise", List.of("elementwise"),
          "gemm", List.of("gemm"),
          "linear_small", List.of("linear_small"),
          "norm", List.of("norm"),
          "sampler", List.of("sampler"));

  @Test
  void everyMutantIsNoticedOrProvenEquivalent() throws Exception {
    Map<String, List<Mutant>> families = new TreeMap<>();
    List<Mutant> unchanged = new ArrayList<>();
    for (String family : KERNELS.keySet()) {
      families.put(family, mutants(family, unchanged));
    }
    List<Mutant> all = families.values().stream().flatMap(List::stream).toList();
    Map<EquivalentMutants.Entry, Set<Mutant>> entries =
        EquivalentMutants.read(EQUIVALENT).resolve(all);
    Set<Mutant> equivalent = new LinkedHashSet<>();
    List<String> problems = new ArrayList<>();
    entries.forEach(
        (entry, meant) -> {
          equivalent.addAll(meant);
          if (meant.isEmpty()) {
            problems.add("the list of equivalent mutants names one that does not exist: " + entry);
          }
        });

    Set<Mutant> chosen = choose(all);
    Map<String, String> verdicts = run(families, unchanged, chosen);
    report(chosen, verdicts, equivalent);
    for (Mutant m : unchanged) {
      if (verdicts.containsKey(m.name()) && !verdicts.get(m.name()).equals("survived")) {
        problems.add("unchanged " + m.instruction().kernel() + ": " + verdicts.get(m.name()));
      }
    }
    for (Mutant m : chosen) {
      String verdict = verdicts.get(m.name());
      boolean survived = verdict.equals("survived");
      if (survived != equivalent.contains(m) || verdict.matches("unreached|crash.*")) {
        problems.add(
            verdict
                + (equivalent.contains(m) ? " though listed as equivalent" : "")
                + ": "
                + describe(m));
      }
    }
    assertTrue(equivalent.size() <= MAX_EQUIVALENT * all.size(), equivalent.size() + " equivalent");
    assertEquals(List.of(), problems, () -> String.join("\n", problems));
  }

  private static String describe(Mutant m) {
    return m.name()
        + " at "
        + m.instruction().site()
        + " (line "
        + m.instruction().site().line()
        + "): "
        + m.instruction().text();
  }

  /**
   * The mutants of a family's kernels; an unchanged one of each is added to the second argument.
   */
  private static List<Mutant> mutants(String family, List<Mutant> unchanged) throws Exception {
    Pattern kernels = Pattern.compile(String.join("|", KERNELS.get(family)));
    String only = System.getProperty("mutation.kernels", "\\w+");
    List<Mutant> mutants = new ArrayList<>();
    for (String name : IMAGES.get(family)) {
      Path file = DeviceProgram.IMAGES.resolve(name + ".ptx");
      Map<String, Mutant> ofKernel = new LinkedHashMap<>();
      for (PtxImage.Instruction i : PtxImage.read(file, Path.of("")).instructions()) {
        if (kernels.matcher(i.kernel()).matches()
            && i.kernel().matches(only)
            && !(i.called() && family.equals(WITHOUT_TAIL))) {
          mutants.addAll(Mutant.of(name, i));
          if (i.opcode().equals("ret") && !i.called()) {
            ofKernel.put(i.kernel(), Mutant.none(name, i));
          }
        }
      }
      unchanged.addAll(ofKernel.values());
    }
    return mutants;
  }

  private static Set<Mutant> choose(List<Mutant> all) {
    String sample = System.getProperty("mutation.sample", "all");
    if (sample.equals("all")) {
      return new LinkedHashSet<>(all);
    }
    long seed = Long.getLong("mutation.seed", LocalDate.now(ZoneOffset.UTC).toEpochDay());
    System.out.println("mutation.seed=" + seed);
    List<Mutant> shuffled = new ArrayList<>(all);
    Collections.shuffle(shuffled, new Random(seed));
    return new LinkedHashSet<>(
        shuffled.subList(0, Math.min(shuffled.size(), Integer.parseInt(sample))));
  }

  private static Map<String, String> run(
      Map<String, List<Mutant>> families, List<Mutant> unchanged, Set<Mutant> chosen)
      throws Exception {
    Map<String, String> verdicts = new ConcurrentHashMap<>();
    ExecutorService workers =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    try {
      List<Future<?>> running = new ArrayList<>();
      for (Map.Entry<String, List<Mutant>> family : families.entrySet()) {
        List<Mutant> tried = new ArrayList<>(family.getValue());
        tried.retainAll(chosen);
        for (int begin = 0; begin < tried.size(); begin += MUTANTS_OF_A_PROCESS) {
          List<Mutant> part =
              new ArrayList<>(
                  tried.subList(begin, Math.min(begin + MUTANTS_OF_A_PROCESS, tried.size())));
          unchanged.stream()
              .filter(m -> IMAGES.get(family.getKey()).contains(m.image()))
              .filter(
                  m ->
                      part.stream()
                          .anyMatch(p -> p.instruction().kernel().equals(m.instruction().kernel())))
              .toList()
              .forEach(part::add);
          running.add(
              workers.submit(
                  () -> {
                    verdicts.putAll(run(family.getKey(), part));
                    return null;
                  }));
        }
      }
      for (Future<?> part : running) {
        part.get();
      }
    } finally {
      workers.shutdownNow();
    }
    return verdicts;
  }

  /** The verdicts of one process, by name. */
  private static Map<String, String> run(String family, List<Mutant> mutants) throws Exception {
    Path file = Files.createTempFile(Path.of("target"), family, ".mutants");
    List<String> lines = new ArrayList<>();
    for (Mutant m : mutants) {
      lines.add(
          String.join(
              "\t",
              m.name(),
              m.image(),
              m.instruction().kernel(),
              Integer.toString(m.instruction().line()),
              m.replacement()));
    }
    Files.write(file, lines);
    HostProgram.Outcome outcome = DeviceProgram.get().run("", family, file.toString());
    assertEquals(0, outcome.status(), outcome.output());
    Files.delete(file);
    Map<String, String> verdicts = new LinkedHashMap<>();
    outcome
        .output()
        .lines()
        .map(line -> line.split("\t", -1))
        .forEach(f -> verdicts.put(f[0], f[1]));
    return verdicts;
  }

  private static void report(
      Set<Mutant> chosen, Map<String, String> verdicts, Set<Mutant> equivalent) throws Exception {
    Map<String, Integer> totals = new TreeMap<>();
    List<String> lines = new ArrayList<>();
    for (Mutant m : chosen) {
      String verdict = verdicts.get(m.name());
      totals.merge(verdict, 1, Integer::sum);
      lines.add(String.join("\t", verdict, equivalent.contains(m) ? "listed" : "", describe(m)));
    }
    Files.write(REPORT, lines);
    System.out.println(chosen.size() + " mutants: " + totals + ", all of them in " + REPORT);
  }
}
