package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import io.diffuse4j.junit.isa.WarpBench.Code;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * PTX ISA, "Warp-level matrix load, store and transpose": 8x8 matrices of 16-bit elements, a row a
 * group of four lanes, two elements a lane; rows come from addresses in groups of eight lanes.
 */
@ExtendWith(VirtualGpuExtension.class)
class MatrixMoveOpcodeTest {
  private static final int SIDE = 8;
  private static final int ELEMENT = 2;

  /** Rows lie 48 bytes apart and in no order, so that no address can be guessed from another. */
  private static final int PITCH = 48;

  /** Form, how many matrices, and whether columns become rows. */
  record Move(String space, int count, boolean transposed) {
    String modifiers() {
      return ".sync.aligned.m8n8.x" + count + (transposed ? ".trans" : "") + space + ".b16";
    }

    /** Row r of matrix m. */
    int offset(int row) {
      return row * 5 % (SIDE * count) * PITCH;
    }

    String address() {
      return space.isEmpty() ? "[%shared]" : "[%tile]";
    }
  }

  static List<Move> moves() {
    List<Move> list = new ArrayList<>();
    for (String space : List.of(".shared", ".shared::cta", "")) {
      for (int count : new int[] {1, 2, 4}) {
        list.add(new Move(space, count, false));
        list.add(new Move(space, count, true));
      }
    }
    return list;
  }

  static Stream<Form> forms() {
    return Stream.concat(
        moves().stream().flatMap(m -> Stream.of(load(m), store(m))).flatMap(Code::forms),
        Form.of("  .reg .b32 %o0, %i0;\n", TRANSPOSE));
  }

  private static final String TRANSPOSE = "movmatrix.sync.aligned.m8n8.trans.b16 %o0, %i0";

  @ParameterizedTest
  @MethodSource("moves")
  void loadsGiveEachLaneItsFragment(Move move, VirtualGpu gpu) {
    int[] memory = new Random(move.hashCode()).ints(1024, 0, 1 << 16).toArray();
    long[][] inputs = new long[17][WarpBench.LANES];
    for (int word = 0; word < 16; word++) {
      for (int lane = 0; lane < WarpBench.LANES; lane++) {
        int index = (word * WarpBench.LANES + lane) * 2;
        inputs[word][lane] = ((long) memory[index + 1] << 16) | memory[index];
      }
    }
    inputs[16] = rows(move);
    long[][] outputs = new WarpBench(gpu).run(load(move), inputs);
    for (int m = 0; m < move.count(); m++) {
      for (int lane = 0; lane < WarpBench.LANES; lane++) {
        int low = element(memory, move, m, lane / 4, lane % 4 * 2);
        int high = element(memory, move, m, lane / 4, lane % 4 * 2 + 1);
        assertEquals(
            Integer.toHexString(high << 16 | low),
            Integer.toHexString((int) outputs[m][lane]),
            move + " matrix " + m + " lane " + lane);
      }
    }
  }

  /** Lanes beyond the rows that are needed may hold any address. */
  @ParameterizedTest
  @MethodSource("moves")
  void storesPutEachFragmentInItsPlace(Move move, VirtualGpu gpu) {
    long[][] inputs = new long[move.count() + 1][WarpBench.LANES];
    Random random = new Random(move.hashCode());
    for (int m = 0; m < move.count(); m++) {
      inputs[m] = random.ints(WarpBench.LANES).asLongStream().toArray();
    }
    inputs[move.count()] = rows(move);
    long[][] outputs = new WarpBench(gpu).run(store(move), inputs);
    int[] memory = new int[16 * WarpBench.LANES * 2];
    for (int word = 0; word < outputs.length; word++) {
      for (int lane = 0; lane < WarpBench.LANES; lane++) {
        int index = (word * WarpBench.LANES + lane) * 2;
        memory[index] = (int) outputs[word][lane] & 0xffff;
        memory[index + 1] = (int) outputs[word][lane] >>> 16;
      }
    }
    boolean[] written = new boolean[memory.length];
    for (int m = 0; m < move.count(); m++) {
      for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
          int fragment = (int) inputs[m][i * 4 + j / 2];
          int value = j % 2 == 0 ? fragment & 0xffff : fragment >>> 16;
          assertEquals(value, element(memory, move, m, i, j), move + " " + m + ": " + i + " " + j);
          written[index(move, m, i, j)] = true;
        }
      }
    }
    for (int i = 0; i < memory.length; i++) {
      assertEquals(written[i], memory[i] != UNTOUCHED, move + " element " + i);
    }
  }

  @Test
  void movesTransposeInRegisters(VirtualGpu gpu) {
    long[] fragments = new Random(5).ints(WarpBench.LANES).asLongStream().toArray();
    Code code = Code.warp(List.of("b32"), List.of("b32"), TRANSPOSE);
    long[][] outputs = new WarpBench(gpu).run(code, new long[][] {fragments});
    for (int i = 0; i < SIDE; i++) {
      for (int j = 0; j < SIDE; j++) {
        assertEquals(
            (int) fragments[i * 4 + j / 2] >>> (j % 2 * 16) & 0xffff,
            (int) outputs[0][j * 4 + i / 2] >>> (i % 2 * 16) & 0xffff,
            i + " " + j);
      }
    }
  }

  private static final int UNTOUCHED = 0x7777;

  /** Shared memory holds inputs 0 to 15, 128 bytes each; input 16 is each lane's row. */
  private static Code load(Move move) {
    String fill =
        IntStream.range(0, 16)
            .mapToObj(i -> "add.u32 %x, %x, 128; st.shared.b32 [%x], %i" + i)
            .collect(Collectors.joining(";\n"));
    String text =
        "mad.lo.u32 %x, %lane, 4, %tile; sub.u32 %x, %x, 128;\n"
            + fill
            + ";\nbar.warp.sync -1;\n"
            + "add.u32 %tile, %tile, %i16; cvt.u64.u32 %u, %i16; add.u64 %shared, %shared, %u;\n"
            + "ldmatrix"
            + move.modifiers()
            + " "
            + registers("%o", move.count())
            + ", "
            + move.address();
    return Code.warp(
        Collections.nCopies(17, "b32"), Collections.nCopies(move.count(), "b32"), text);
  }

  private static Code store(Move move) {
    String fill =
        IntStream.range(0, 16)
            .mapToObj(i -> "add.u32 %x, %x, 128; st.shared.b32 [%x], 0x77777777")
            .collect(Collectors.joining(";\n"));
    String read =
        IntStream.range(0, 16)
            .mapToObj(i -> "add.u32 %x, %x, 128; ld.shared.b32 %o" + i + ", [%x]")
            .collect(Collectors.joining(";\n"));
    String start = "mad.lo.u32 %x, %lane, 4, %y; sub.u32 %x, %x, 128;\n";
    String row = "%i" + move.count();
    String text =
        "mov.u32 %y, %tile;\n"
            + start
            + fill
            + ";\nbar.warp.sync -1;\n"
            + "add.u32 %tile, %tile, "
            + row
            + "; cvt.u64.u32 %u, "
            + row
            + "; add.u64 %shared, %shared, %u;\n"
            + "stmatrix"
            + move.modifiers()
            + " "
            + move.address()
            + ", "
            + registers("%i", move.count())
            + ";\nbar.warp.sync -1;\n"
            + start
            + read;
    return Code.warp(
        Collections.nCopies(move.count() + 1, "b32"), Collections.nCopies(16, "b32"), text);
  }

  private static String registers(String prefix, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> prefix + i)
        .collect(Collectors.joining(", ", "{", "}"));
  }

  /** Each lane's row; lanes whose row nobody needs point outside of shared memory. */
  private static long[] rows(Move move) {
    long[] offsets = new long[WarpBench.LANES];
    for (int lane = 0; lane < WarpBench.LANES; lane++) {
      offsets[lane] = lane < SIDE * move.count() ? move.offset(lane) : 1 << 20;
    }
    return offsets;
  }

  private static int index(Move move, int matrix, int row, int column) {
    int line = move.transposed() ? column : row;
    int place = move.transposed() ? row : column;
    return move.offset(matrix * SIDE + line) / ELEMENT + place;
  }

  private static int element(int[] memory, Move move, int matrix, int row, int column) {
    return memory[index(move, matrix, row, column)];
  }
}
