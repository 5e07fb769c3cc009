package io.diffuse4j.kernels;

import io.diffuse4j.kernels.PtxImage.Instruction;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A kernel in which one instruction is missing or different.
 *
 * @param change what is different: {@code delete}, {@code shift} or one of the finer words of
 *     {@link #of}
 * @param replacement of the instruction's line, without a line break
 */
record Mutant(String image, Instruction instruction, String change, String replacement) {
  private static final Pattern TYPE = Pattern.compile("[.][a-z]+(\\d+)$");
  private static final Pattern ADDRESS = Pattern.compile("\\[([^\\]+]+)(?:\\+(-?\\d+))?\\]");
  private static final int MATRIX_ROW_BYTES = 16;

  String name() {
    return instruction.kernel() + ":" + instruction.line() + ":" + change;
  }

  /** The kernel with nothing changed, which nothing may notice. */
  static Mutant none(String image, Instruction instruction) {
    return new Mutant(image, instruction, "none", instruction.text());
  }

  /**
   * All mutants of an instruction; none unless it synchronises, accesses memory other than kernel
   * parameters, exchanges values between lanes or multiplies matrices.
   *
   * <p>Deletion leaves what the instruction would have changed: an accumulator for mma, a lane's
   * own value for shuffles and reductions. A shift moves an address by the width of the access, the
   * pending groups of a wait by one, a shuffle's lane operand by one (a butterfly's by one bit),
   * and an mma's A registers by one place. A fence is also narrowed to the block.
   */
  static List<Mutant> of(String image, Instruction i) {
    List<Mutant> mutants = new ArrayList<>();
    List<String> operands = i.operands();
    switch (i.opcode().split("\\.", -1)[0]) {
      case "bar", "barrier", "vote", "fence" -> mutants.add(delete(image, i));
      case "membar" -> {
        mutants.add(delete(image, i));
        if (!i.opcode().equals("membar.cta")) {
          mutants.add(new Mutant(image, i, "narrow", i.guard() + "membar.cta;"));
        }
      }
      case "shfl" -> {
        String result = operands.get(0).split("\\|", -1)[0];
        mutants.add(replace(image, i, "delete", "mov.b32 " + result + ", " + operands.get(1)));
        // A butterfly over 17, 8, 4, 2, 1 still reaches all lanes; over 8, 8, 4, 2, 1 it does not.
        String lane = i.opcode().contains(".bfly.") ? "shr.u32" : "add.s32";
        mutants.add(
            new Mutant(
                image,
                i,
                "shift",
                String.format(
                    "{ .reg .b32 %%shifted; %s %%shifted, %s, 1; %s }",
                    lane, operands.get(2), with(i, 2, "%shifted").text())));
      }
      case "redux" ->
          mutants.add(
              replace(image, i, "delete", "mov.b32 " + operands.get(0) + ", " + operands.get(1)));
      case "ld", "st", "atom", "red" -> {
        if (!i.parameter()) {
          mutants.add(delete(image, i));
          int address = i.opcode().startsWith("st") || i.opcode().startsWith("red") ? 0 : 1;
          mutants.add(shift(image, i, "shift", address, width(i.opcode())));
        }
      }
      case "ldmatrix", "stmatrix" -> {
        mutants.add(delete(image, i));
        int address = i.opcode().startsWith("ld") ? 1 : 0;
        mutants.add(shift(image, i, "shift", address, MATRIX_ROW_BYTES));
      }
      case "cp" -> {
        mutants.add(delete(image, i));
        if (i.opcode().equals("cp.async.wait_group")) {
          int groups = Integer.parseInt(operands.get(0)) + 1;
          mutants.add(replace(image, i, "shift", i.opcode() + " " + groups));
        } else if (!operands.isEmpty()) {
          int bytes = Integer.parseInt(operands.get(2));
          mutants.add(shift(image, i, "shift destination", 0, bytes));
          mutants.add(shift(image, i, "shift source", 1, bytes));
        }
      }
      case "mma" -> {
        List<String> results = registers(operands.get(0));
        List<String> addends = registers(operands.get(3));
        StringBuilder moves = new StringBuilder();
        for (int r = 0; r < results.size(); r++) {
          moves.append(i.guard() + "mov.b32 " + results.get(r) + ", " + addends.get(r) + "; ");
        }
        mutants.add(new Mutant(image, i, "delete", moves.toString()));
        List<String> a = new ArrayList<>(registers(operands.get(1)));
        a.add(a.remove(0));
        Instruction rotated = with(i, 1, "{" + String.join(", ", a) + "}");
        mutants.add(new Mutant(image, i, "shift", rotated.text()));
      }
      default -> {}
    }
    return mutants;
  }

  private static Mutant delete(String image, Instruction i) {
    return new Mutant(image, i, "delete", "");
  }

  private static Mutant replace(String image, Instruction i, String change, String by) {
    return new Mutant(image, i, change, i.guard() + by + ";");
  }

  private static Mutant shift(String image, Instruction i, String change, int operand, int bytes) {
    Matcher m = ADDRESS.matcher(i.operands().get(operand));
    if (!m.matches()) {
      throw new IllegalArgumentException("operand " + operand + " is no address: " + i.text());
    }
    int offset = (m.group(2) == null ? 0 : Integer.parseInt(m.group(2))) + bytes;
    return new Mutant(
        image, i, change, with(i, operand, "[" + m.group(1) + "+" + offset + "]").text());
  }

  private static Instruction with(Instruction i, int operand, String value) {
    List<String> operands = new ArrayList<>(i.operands());
    operands.set(operand, value);
    return new Instruction(
        i.kernel(), i.called(), i.parameter(), i.line(), i.guard(), i.opcode(), operands, i.site());
  }

  private static List<String> registers(String operand) {
    return Arrays.asList(operand.replaceAll("[{} ]", "").split(",", -1));
  }

  /** Bytes that one lane accesses. */
  private static int width(String opcode) {
    Matcher m = TYPE.matcher(opcode);
    if (!m.find()) {
      throw new IllegalArgumentException("no type in " + opcode);
    }
    int elements = opcode.contains(".v4.") ? 4 : opcode.contains(".v2.") ? 2 : 1;
    return elements * Integer.parseInt(m.group(1)) / 8;
  }
}
