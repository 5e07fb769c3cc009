package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import io.diffuse4j.junit.isa.WarpBench.Code;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** PTX ISA, "ld", "ld.global.nc", "ldu" and "st": each lane has 64 bytes in each state space. */
@ExtendWith(VirtualGpuExtension.class)
class MemoryOpcodeTest {
  private static final int BYTES = 64;
  private static final int WORDS = BYTES / 4;
  private static final long UNTOUCHED = 0xc3;

  /** A state space: its modifier, the register that holds a lane's address, how it is set up. */
  enum Space {
    GLOBAL(".global", ".global", "%u", ""),
    SHARED(".shared", ".shared", "%x", ""),
    SHARED_CTA(".shared::cta", ".shared", "%x", ""),
    LOCAL(".local", ".local", "%v", ""),
    PARAM(".param", ".param", "area", ""),
    PARAM_FUNC(".param::func", ".param", "area", ""),
    GENERIC_GLOBAL("", ".global", "%u", ""),
    GENERIC_SHARED("", ".shared", "%x", "mad.wide.u32 %w, %lane, 64, %shared;\n"),
    GENERIC_LOCAL("", ".local", "%v", "cvta.local.u64 %w, %v;\n");

    final String modifier;
    final String plain;
    final String base;
    final String setup;

    Space(String modifier, String plain, String base, String setup) {
      this.modifier = modifier;
      this.plain = plain;
      this.base = base;
      this.setup = setup;
    }

    /** The address register of the instruction under test. */
    String address() {
      return setup.isEmpty() ? base : "%w";
    }
  }

  private static final String BASES =
      """
      .local .align 16 .b8 own[64];
      .param .align 16 .b8 area[64];
      mad.wide.u32 %u, %lane, 64, %mem; mad.lo.u32 %x, %lane, 64, %tile; mov.u64 %v, own;
      """;

  /** Loads of global memory with each hint and each order, for some of the types. */
  private static List<MemoryAccess> loadVariants() {
    List<String> modifiers = new ArrayList<>();
    for (String space : List.of(".global", "")) {
      modifiers.add(".weak" + space);
      for (String cache : List.of(".ca", ".cg", ".cs", ".lu", ".cv")) {
        modifiers.add(space + cache);
        modifiers.add(".weak" + space + cache);
        modifiers.add(space + cache + ".L2::128B");
      }
      for (String order : orders("acquire")) {
        modifiers.add(order + space);
        for (String hint : HINTS) {
          if (!order.equals(".volatile") || hint.endsWith("B")) {
            modifiers.add(order + space + hint);
          }
        }
      }
    }
    for (String order : orders("acquire")) {
      modifiers.add(order + ".global.L2::64B");
    }
    for (String cache : List.of("", ".ca", ".cg", ".cs")) {
      modifiers.add(".global" + cache + ".nc");
    }
    for (String hint : HINTS) {
      modifiers.add(".global.nc" + hint);
    }
    return variants(modifiers);
  }

  private static List<MemoryAccess> storeVariants() {
    List<String> modifiers = new ArrayList<>();
    for (String space : List.of(".global", "")) {
      modifiers.add(".weak" + space);
      for (String cache : List.of(".wb", ".cg", ".cs", ".wt")) {
        modifiers.add(space + cache);
        modifiers.add(".weak" + space + cache);
      }
      for (String order : orders("release")) {
        modifiers.add(order + space);
        for (String hint : HINTS) {
          if (!order.equals(".volatile") && !hint.endsWith("B")) {
            modifiers.add(order + space + hint);
          }
        }
      }
    }
    return variants(modifiers);
  }

  private static final List<String> HINTS =
      List.of(
          ".L1::evict_normal",
          ".L1::evict_unchanged",
          ".L1::evict_first",
          ".L1::evict_last",
          ".L1::no_allocate",
          ".L2::64B",
          ".L2::128B",
          ".L2::256B");

  private static List<String> orders(String strongest) {
    List<String> list = new ArrayList<>(List.of("", ".volatile"));
    for (String scope : List.of(".cta", ".gpu", ".sys")) {
      list.add(".relaxed" + scope);
      list.add("." + strongest + scope);
    }
    return list;
  }

  /** Every type, each in its own register and one of them as a vector. */
  private static List<MemoryAccess> variants(List<String> modifiers) {
    List<MemoryAccess> list = new ArrayList<>();
    for (String m : modifiers) {
      for (String type : MemoryAccess.TYPES) {
        list.add(new MemoryAccess(m, 1, type, Math.max(16, Integer.parseInt(type.substring(1)))));
      }
      list.add(new MemoryAccess(m, 4, "f32", 32));
    }
    return list;
  }

  static Stream<Form> forms() {
    Stream<Code> loads =
        Stream.of(Space.values())
            .map(s -> load(s, MemoryAccess.accesses(s.modifier)))
            .flatMap(List::stream);
    Stream<Code> stores =
        Stream.of(Space.values())
            .flatMap(s -> MemoryAccess.accesses(s.modifier).stream().map(a -> store(s, a)));
    Stream<Code> others =
        Stream.of(
                load(Space.GLOBAL, loadVariants()),
                load(Space.GLOBAL, policyVariants()),
                load(Space.SHARED, ordered(".shared", "acquire")),
                storesAndLoads(Space.GLOBAL, storeVariants()),
                storesAndLoads(Space.GLOBAL, policyVariants()),
                storesAndLoads(Space.SHARED, ordered(".shared", "release")))
            .flatMap(List::stream);
    return Stream.of(loads, stores, others, uniform().stream())
        .flatMap(s -> s)
        .flatMap(Code::forms);
  }

  private static List<MemoryAccess> ordered(String space, String strongest) {
    return variants(
        orders(strongest).stream().filter(o -> !o.isEmpty()).map(o -> o + space).toList());
  }

  private static List<MemoryAccess> policyVariants() {
    return variants(List.of(".global.L2::cache_hint", ".L2::cache_hint"));
  }

  @ParameterizedTest
  @EnumSource(Space.class)
  void loadsExtendWhatTheyFindInEverySpace(Space space, VirtualGpu gpu) {
    checkLoads(
        gpu,
        load(space, MemoryAccess.accesses(space.modifier)),
        MemoryAccess.accesses(space.modifier));
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("variantsOfLoads")
  void hintsAndOrdersLoadTheSame(List<Code> codes, List<MemoryAccess> accesses, VirtualGpu gpu) {
    checkLoads(gpu, codes, accesses);
  }

  static Stream<Arguments> variantsOfLoads() {
    return Stream.of(
        Arguments.of(load(Space.GLOBAL, loadVariants()), loadVariants()),
        Arguments.of(load(Space.GLOBAL, policyVariants()), policyVariants()),
        Arguments.of(
            load(Space.SHARED, ordered(".shared", "acquire")), ordered(".shared", "acquire")),
        Arguments.of(uniform(), UNIFORM));
  }

  private static final int LOADS_A_KERNEL = 24;

  private static List<Code> uniform() {
    return load(Space.GLOBAL, UNIFORM).stream()
        .map(
            c ->
                new Code(
                    c.threads(), c.inputs(), c.outputs(), c.text().replaceAll("\\bld\\.", "ldu.")))
        .toList();
  }

  private static final List<MemoryAccess> UNIFORM =
      Stream.of(".global", "").flatMap(s -> MemoryAccess.accesses(s).stream()).toList();

  /** Kernels that fill the space with inputs 0 to 15 and load from it. */
  private static List<Code> load(Space space, List<MemoryAccess> accesses) {
    List<Code> codes = new ArrayList<>();
    for (int first = 0; first < accesses.size(); first += LOADS_A_KERNEL) {
      StringBuilder text = new StringBuilder(BASES).append(space.setup);
      for (int i = 0; i < WORDS; i++) {
        text.append("st").append(space.plain).append(".b32 [").append(space.base).append("+");
        text.append(4 * i).append("], %i").append(i).append(";\n");
      }
      List<String> outputs = new ArrayList<>();
      for (int i = first; i < Math.min(first + LOADS_A_KERNEL, accesses.size()); i++) {
        MemoryAccess a = accesses.get(i);
        text.append(a.text("ld")).append(" ").append(a.list("%o", outputs.size())).append(", [");
        text.append(space.address()).append("+").append(offset(a, i)).append("]");
        text.append(a.modifiers().contains("cache_hint") ? ", 0;\n" : ";\n");
        outputs.addAll(Collections.nCopies(a.count(), a.registerKind()));
      }
      text.setLength(text.length() - 2);
      codes.add(Code.warp(Collections.nCopies(WORDS, "b32"), outputs, text.toString()));
    }
    return codes;
  }

  private static int offset(MemoryAccess a, int index) {
    int bytes = a.bytes() * a.count();
    return index * 3 % (BYTES / bytes) * bytes;
  }

  private static void checkLoads(VirtualGpu gpu, List<Code> codes, List<MemoryAccess> accesses) {
    long[][] inputs = words();
    List<String> wrong = new ArrayList<>();
    int index = 0;
    for (Code code : codes) {
      long[][] outputs = new WarpBench(gpu).run(code, inputs);
      for (int slot = 0; slot < outputs.length; index++) {
        MemoryAccess a = accesses.get(index);
        for (int e = 0; e < a.count(); e++, slot++) {
          for (int lane = 0; lane < WarpBench.LANES; lane++) {
            long element = bytes(inputs, lane, offset(a, index) + e * a.bytes(), a.bytes());
            if (outputs[slot][lane] != a.extended(element)) {
              wrong.add(a.text("ld") + " to " + a.registerKind() + " element " + e);
              break;
            }
          }
        }
      }
    }
    assertEquals(accesses.size(), index);
    assertTrue(wrong.isEmpty(), () -> String.join("\n", wrong));
  }

  @ParameterizedTest
  @EnumSource(Space.class)
  void storesWriteTheirBytesAndNoOthers(Space space, VirtualGpu gpu) {
    checkStores(gpu, space, MemoryAccess.accesses(space.modifier));
  }

  @Test
  void hintsAndOrdersStoreTheSame(VirtualGpu gpu) {
    checkStoresAndLoads(gpu, Space.GLOBAL, storeVariants());
    checkStoresAndLoads(gpu, Space.GLOBAL, policyVariants());
    checkStoresAndLoads(gpu, Space.SHARED, ordered(".shared", "release"));
  }

  private static void checkStoresAndLoads(
      VirtualGpu gpu, Space space, List<MemoryAccess> accesses) {
    long[][] inputs =
        new Random(9).ints(12).mapToObj(MemoryOpcodeTest::lanes).toArray(long[][]::new);
    List<String> wrong = new ArrayList<>();
    int index = 0;
    for (Code code : storesAndLoads(space, accesses)) {
      long[][] outputs = new WarpBench(gpu).run(code, inputs);
      for (int slot = 0; slot < outputs.length; index++) {
        MemoryAccess a = accesses.get(index);
        for (int e = 0; e < a.count(); e++, slot++) {
          long value = inputs[source(a, index) + e][5];
          long expected = a.bytes() == 8 ? value : value & ((1L << (8 * a.bytes())) - 1);
          if (outputs[slot][5] != expected) {
            wrong.add(a.text("st") + " element " + e);
          }
        }
      }
    }
    assertEquals(accesses.size(), index);
    assertTrue(wrong.isEmpty(), () -> String.join("\n", wrong));
  }

  /** Inputs of 16, 32 and 64 bits, four each; the first one that an access stores. */
  private static int source(MemoryAccess a, int index) {
    int first = a.bytes() <= 2 ? 0 : a.bytes() == 4 ? 4 : 8;
    return first + (a.count() == 1 ? index % 4 : 0);
  }

  /** Stores of inputs, each followed by a plain load of the same bytes. */
  private static List<Code> storesAndLoads(Space space, List<MemoryAccess> accesses) {
    List<String> inputs = new ArrayList<>();
    List.of("b16", "b32", "b64").forEach(k -> inputs.addAll(Collections.nCopies(4, k)));
    List<Code> codes = new ArrayList<>();
    for (int first = 0; first < accesses.size(); first += LOADS_A_KERNEL) {
      StringBuilder text = new StringBuilder(BASES);
      List<String> outputs = new ArrayList<>();
      for (int i = first; i < Math.min(first + LOADS_A_KERNEL, accesses.size()); i++) {
        MemoryAccess a = accesses.get(i);
        String address = " [" + space.base + "+" + offset(a, i) + "]";
        text.append(a.text("st")).append(address).append(", ").append(a.list("%i", source(a, i)));
        text.append(a.modifiers().contains("cache_hint") ? ", 0;\n" : ";\n");
        MemoryAccess back = new MemoryAccess(space.plain, a.count(), "b" + 8 * a.bytes(), 0);
        text.append(back.text("ld")).append(" ").append(a.list("%o", outputs.size()));
        text.append(",").append(address).append(";\n");
        outputs.addAll(Collections.nCopies(a.count(), "b" + Math.max(16, 8 * a.bytes())));
      }
      text.setLength(text.length() - 2);
      codes.add(Code.warp(inputs, outputs, text.toString()));
    }
    return codes;
  }

  private static long[] lanes(int seed) {
    return new Random(seed).longs(WarpBench.LANES).toArray();
  }

  private static void checkStores(VirtualGpu gpu, Space space, List<MemoryAccess> accesses) {
    List<String> wrong = new ArrayList<>();
    Random random = new Random(9);
    for (MemoryAccess a : accesses) {
      long[][] values = new long[a.count()][];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.longs(WarpBench.LANES).toArray();
      }
      long[][] outputs = new WarpBench(gpu).run(store(space, a), values);
      for (int lane = 0; lane < WarpBench.LANES; lane++) {
        for (int i = 0; i < BYTES; i++) {
          int within = i - offset(a, 1);
          boolean stored = within >= 0 && within < a.bytes() * a.count();
          long expected =
              stored
                  ? values[within / a.bytes()][lane] >>> (within % a.bytes() * 8) & 0xff
                  : UNTOUCHED;
          if (expected != bytes(outputs, lane, i, 1)) {
            wrong.add(a.text("st") + " from " + a.registerKind() + " byte " + i);
            lane = WarpBench.LANES;
            break;
          }
        }
      }
    }
    assertTrue(wrong.isEmpty(), () -> String.join("\n", wrong));
  }

  private static Code store(Space space, MemoryAccess a) {
    StringBuilder text = new StringBuilder(BASES).append(space.setup);
    for (int i = 0; i < WORDS; i++) {
      text.append("st").append(space.plain).append(".b32 [").append(space.base).append("+");
      text.append(4 * i).append("], 0xc3c3c3c3;\n");
    }
    text.append(a.text("st")).append(" [").append(space.address()).append("+").append(offset(a, 1));
    text.append("], ").append(a.list("%i", 0));
    for (int i = 0; i < WORDS; i++) {
      text.append(";\nld").append(space.plain).append(".b32 %o").append(i).append(", [");
      text.append(space.base).append("+").append(4 * i).append("]");
    }
    return Code.warp(
        Collections.nCopies(a.count(), a.registerKind()),
        Collections.nCopies(WORDS, "b32"),
        text.toString());
  }

  private static long[][] words() {
    Random random = new Random(8);
    long[][] words = new long[WORDS][];
    for (int i = 0; i < WORDS; i++) {
      words[i] = random.ints(WarpBench.LANES).asLongStream().map(v -> v & 0xffffffffL).toArray();
    }
    return words;
  }

  /** Bytes of a lane's 64 that lie in words. */
  private static long bytes(long[][] words, int lane, int offset, int count) {
    long value = 0;
    for (int i = 0; i < count; i++) {
      int at = offset + i;
      value |= (words[at / 4][lane] >>> (at % 4 * 8) & 0xff) << (8 * i);
    }
    return value;
  }
}
