package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuException;
import io.diffuse4j.junit.VirtualGpuExtension;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * What the decoder accepts is tested: its opcodes and its words are read from its sources, and
 * every form that differs from a tested one in one modifier is either tested or refused.
 */
@ExtendWith(VirtualGpuExtension.class)
class InventoryTest {
  /** The loader reports up to 20 problems of a module. */
  private static final int BATCH = 20;

  /** Forms of an opcode whose neighbours are tried: a new modifier shows next to any of them. */
  private static final int STARTS = 24;

  /**
   * Accesses to memory have independent modifiers and far too many combinations: here every
   * modifier has to be tested with every type, elsewhere every combination.
   */
  private static final Set<String> BY_TYPE = Set.of("ld", "ldu", "st", "atom", "red", "cp");

  private static final List<String> TYPES =
      List.of(
          "pred", "b8", "b16", "b32", "b64", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64",
          "f16", "f16x2", "bf16", "bf16x2", "tf32", "f32", "f64");

  static List<Form> tested() {
    return Stream.of(
            OpcodeRowTest.forms(FloatOpcodeTest.class),
            OpcodeRowTest.forms(IntegerOpcodeTest.class),
            OpcodeRowTest.forms(LogicOpcodeTest.class),
            OpcodeRowTest.forms(CompareOpcodeTest.class),
            OpcodeRowTest.forms(ConversionOpcodeTest.class),
            OpcodeRowTest.forms(ApproximateOpcodeTest.class),
            OpcodeRowTest.forms(MoveOpcodeTest.class),
            MoveOpcodeTest.spaceForms(),
            WarpOpcodeTest.forms(),
            MmaOpcodeTest.forms(),
            MatrixMoveOpcodeTest.forms(),
            MemoryOpcodeTest.forms(),
            ConstantOpcodeTest.forms(),
            AtomicOpcodeTest.forms(),
            AsyncCopyOpcodeTest.forms(),
            BarrierOpcodeTest.forms(),
            ControlOpcodeTest.forms())
        .flatMap(s -> s)
        .toList();
  }

  @Test
  void everyOpcodeOfTheDecoderIsTested() {
    Set<String> opcodes = tested().stream().map(Form::opcode).collect(Collectors.toSet());
    Set<String> untested = new TreeSet<>(DecoderSources.opcodes().keySet());
    untested.removeAll(opcodes);
    assertEquals(Set.of(), untested);
  }

  /** A word that no test uses is either refused, and then a test says so, or dead code. */
  @Test
  void everyWordOfTheDecoderIsTestedOrRefused() {
    Map<String, Set<String>> used = new TreeMap<>();
    tested()
        .forEach(f -> used.computeIfAbsent(f.opcode(), k -> new TreeSet<>()).addAll(f.modifiers()));
    Map<String, Set<String>> refused = new TreeMap<>();
    StrictnessTest.refused()
        .forEach(
            i -> {
              Form f = new Form("", i);
              refused.computeIfAbsent(f.opcode(), k -> new TreeSet<>()).addAll(f.modifiers());
            });
    Map<String, Set<String>> missing = new TreeMap<>();
    DecoderSources.words()
        .forEach(
            (function, words) -> {
              Set<String> known = new TreeSet<>();
              for (String opcode : DecoderSources.opcodesOf(function)) {
                known.addAll(used.getOrDefault(opcode, Set.of()));
                known.addAll(refused.getOrDefault(opcode, Set.of()));
              }
              Set<String> unknown = new TreeSet<>(words);
              unknown.removeIf(w -> known.stream().anyMatch(k -> k.startsWith(w)));
              if (!unknown.isEmpty()) {
                missing.put(function, unknown);
              }
            });
    assertEquals(Map.of(), missing);
  }

  @Test
  void everyAcceptedFormNextToATestedOneIsTested(VirtualGpu gpu) {
    Map<String, Form> tested = new LinkedHashMap<>();
    tested().forEach(f -> tested.putIfAbsent(f.canonical(), f));
    Set<String> pairs = new TreeSet<>();
    tested.values().forEach(f -> pairs.addAll(pairs(f.opcode(), f.modifiers())));
    Map<String, Form> candidates = new LinkedHashMap<>();
    for (Form form : starts(tested.values())) {
      neighbours(form, words(form.opcode()))
          .filter(n -> !isTested(n, tested.keySet(), pairs))
          .forEach(n -> candidates.putIfAbsent(n.canonical() + " " + n.shape(), n));
    }
    List<Form> list = new ArrayList<>(candidates.values());
    Set<String> accepted = new TreeSet<>();
    for (int i = 0; i < list.size(); i += BATCH) {
      List<Form> batch = list.subList(i, Math.min(i + BATCH, list.size()));
      accepted(gpu, batch)
          .forEach(f -> accepted.add(f.canonical() + "   (" + f.instruction() + ")"));
    }
    assertTrue(
        accepted.isEmpty(),
        () ->
            accepted.size()
                + " of "
                + list.size()
                + " forms next to the "
                + tested.size()
                + " tested ones are accepted and not tested:\n"
                + String.join("\n", accepted));
  }

  private static List<Form> starts(Collection<Form> tested) {
    Map<String, List<Form>> byOpcode = new TreeMap<>();
    tested.forEach(f -> byOpcode.computeIfAbsent(f.opcode(), k -> new ArrayList<>()).add(f));
    List<Form> starts = new ArrayList<>();
    for (List<Form> forms : byOpcode.values()) {
      int step = (forms.size() + STARTS - 1) / STARTS;
      for (int i = 0; i < forms.size(); i += step) {
        starts.add(forms.get(i));
      }
    }
    return starts;
  }

  private static boolean isTested(Form form, Set<String> tested, Set<String> pairs) {
    return BY_TYPE.contains(form.opcode())
        ? pairs.containsAll(pairs(form.opcode(), form.modifiers()))
        : tested.contains(form.canonical());
  }

  /** Each modifier of an instruction with its types. */
  private static Set<String> pairs(String opcode, List<String> modifiers) {
    String types = modifiers.stream().filter(Form::isType).collect(Collectors.joining("."));
    return modifiers.stream()
        .map(m -> opcode + " " + m + " " + types)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> words(String opcode) {
    Set<String> words = new TreeSet<>(DecoderSources.wordsOf(opcode));
    words.removeIf(w -> w.endsWith(":")); // only the beginning of a word
    words.addAll(TYPES);
    return words;
  }

  /** One modifier less, one more, or another one; registers follow a type that changes its size. */
  private static Stream<Form> neighbours(Form form, Set<String> words) {
    List<String> modifiers = form.modifiers();
    List<Form> list = new ArrayList<>();
    for (int i = 0; i < modifiers.size(); i++) {
      List<String> fewer = new ArrayList<>(modifiers);
      fewer.remove(i);
      list.add(form.with(fewer));
      for (String word : words) {
        List<String> other = new ArrayList<>(modifiers);
        String old = other.set(i, word);
        list.add(form.with(other));
        if (Form.isType(old) && Form.isType(word)) {
          list.add(form.with(other).resized(old, word));
        }
      }
    }
    for (String word : words) {
      if (!Form.isType(word)) {
        List<String> more = new ArrayList<>(modifiers);
        more.add(0, word);
        list.add(form.with(more));
      }
    }
    return list.stream();
  }

  /** A problem of the translator names the instruction, one of the parser does not. */
  private static final Pattern PROBLEM = Pattern.compile("ptx line (\\d+): '");

  private static final Pattern STOPPED = Pattern.compile("ptx line \\d+: [^']|\\d+ more\n");

  /** Each form is a kernel of its own in one module; those that no problem names are accepted. */
  private static List<Form> accepted(VirtualGpu gpu, List<Form> batch) {
    StringBuilder ptx = new StringBuilder(".version 8.7\n.target sm_80\n.address_size 64\n");
    int line = 4;
    Map<Integer, Form> byLine = new TreeMap<>();
    for (Form form : batch) {
      String head = ".visible .entry k" + byLine.size() + "() {" + form.oneLine();
      ptx.append(head).append("\n").append(form.instruction()).append(";\nret; }\n");
      byLine.put(line + 1, form);
      line += 3;
    }
    try {
      gpu.load(ptx.toString());
      return batch;
    } catch (VirtualGpuException e) {
      Set<Integer> refused = new TreeSet<>();
      Matcher m = PROBLEM.matcher(e.getMessage());
      while (m.find()) {
        refused.add(Integer.parseInt(m.group(1)));
      }
      if (STOPPED.matcher(e.getMessage()).find() || !byLine.keySet().containsAll(refused)) {
        // The parser stops at its first error, and declarations may not fit: one by one then.
        return batch.size() == 1
            ? List.of()
            : IntStream.range(0, batch.size())
                .boxed()
                .flatMap(i -> accepted(gpu, List.of(batch.get(i))).stream())
                .toList();
      }
      return byLine.entrySet().stream()
          .filter(entry -> !refused.contains(entry.getKey()))
          .map(Map.Entry::getValue)
          .toList();
    }
  }
}
