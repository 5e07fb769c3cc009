package io.diffuse4j.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The instructions of a compiled image, each with the source that it comes from. */
record PtxImage(String name, List<Instruction> instructions) {
  private static final Pattern ENTRY = Pattern.compile("\\.entry (\\w+)\\(");
  private static final Pattern FUNCTION = Pattern.compile("\\.func (\\w+)\\(");
  private static final Pattern CALLED = Pattern.compile("\\s*(_Z\\w+), *");
  private static final Pattern FILE = Pattern.compile("\\s*\\.file\\s+(\\d+) \"/(.*)\"");
  private static final Pattern LOCATION =
      Pattern.compile(
          "\\s*\\.loc\\s+(\\d+ \\d+ \\d+)(?:, function_name \\S+, inlined_at (\\d+ \\d+ \\d+))?");
  private static final Pattern INSTRUCTION =
      Pattern.compile("\\s*(@!?%p\\d+\\s+)?([a-z][\\w.:]*)(?:\\s+(.*))?;");

  /**
   * One instruction.
   *
   * @param kernel that it is part of; of a function that is no kernel, the last kernel that calls
   *     it
   * @param called whether it is in such a function
   * @param parameter whether it accesses the kernel's parameters; the functions of the project's
   *     kernels are given nothing but the addresses of such
   * @param line in the image, from 1
   * @param guard with its trailing space, or empty
   * @param operands split at commas outside of brackets
   * @param site where it comes from: {@code FILE: TEXT OF THE LINE} of the innermost inlined
   *     function that is not one of the PTX wrappers in {@code arch}
   */
  record Instruction(
      String kernel,
      boolean called,
      boolean parameter,
      int line,
      String guard,
      String opcode,
      List<String> operands,
      Site site) {
    String text() {
      return guard + opcode + (operands.isEmpty() ? "" : " " + String.join(", ", operands)) + ";";
    }
  }

  /** A line of the project's sources. */
  record Site(String file, int line, String text) {
    @Override
    public String toString() {
      return file + ": " + text;
    }
  }

  static PtxImage read(Path file, Path sources) throws IOException {
    String name = file.getFileName().toString().replace(".ptx", "");
    List<String> lines = Files.readAllLines(file);
    Map<String, List<String>> texts = new HashMap<>();
    Map<String, String> files = new HashMap<>();
    for (String line : lines) {
      Matcher m = FILE.matcher(line);
      if (m.matches()) {
        Path source = sources.resolve(m.group(2));
        if (Files.isRegularFile(source)) {
          files.put(m.group(1), m.group(2));
          texts.put(m.group(1), Files.readAllLines(source));
        }
      }
    }
    List<Instruction> instructions = new ArrayList<>();
    Map<String, String> callers = new HashMap<>();
    Map<String, String> lastCaller = new HashMap<>();
    String location = "";
    String kernel = "";
    boolean called = false;
    Set<String> addresses = new HashSet<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      Matcher entry = ENTRY.matcher(line);
      Matcher function = FUNCTION.matcher(line);
      Matcher call = CALLED.matcher(line);
      Matcher m = LOCATION.matcher(line);
      if (entry.find()) {
        kernel = entry.group(1);
        called = false;
      } else if (function.find()) {
        // NVRTC puts functions behind all kernels.
        kernel = lastCaller.getOrDefault(function.group(1), "");
        called = true;
        addresses.clear();
      } else if (call.matches()) {
        lastCaller.put(call.group(1), kernel);
      } else if (m.lookingAt()) {
        location = m.group(1);
        callers.put(location, m.group(2) == null ? "" : m.group(2));
      } else if (!kernel.isEmpty()) {
        m = INSTRUCTION.matcher(line);
        if (m.matches()) {
          String guard = m.group(1) == null ? "" : m.group(1);
          Site site = site(location, callers, files, texts);
          List<String> operands = split(m.group(3));
          boolean parameter =
              m.group(2).matches("(ld|st)\\.param\\b.*")
                  || (m.group(2).startsWith("ld") && addresses.contains(base(operands.get(1))));
          if (called && isAddress(m.group(2), operands, addresses)) {
            addresses.add(operands.get(0));
          }
          instructions.add(
              new Instruction(kernel, called, parameter, i + 1, guard, m.group(2), operands, site));
        }
      }
    }
    return new PtxImage(name, instructions);
  }

  /**
   * Whether an instruction gives a function's argument, or what lies at a fixed distance from it.
   */
  private static boolean isAddress(String opcode, List<String> operands, Set<String> addresses) {
    return opcode.equals("ld.param.u64")
        || (opcode.equals("add.s64")
            && addresses.contains(operands.get(1))
            && operands.get(2).matches("-?\\d+"));
  }

  private static String base(String operand) {
    return operand.replaceAll("\\[|\\]|\\+.*", "");
  }

  private static Site site(
      String location,
      Map<String, String> callers,
      Map<String, String> files,
      Map<String, List<String>> texts) {
    Site site = new Site("?", 0, "?");
    for (String at = location; !at.isEmpty(); at = callers.getOrDefault(at, "")) {
      String[] numbers = at.split(" ", -1);
      int line = Integer.parseInt(numbers[1]);
      if (line == 0 || !files.containsKey(numbers[0])) {
        continue;
      }
      String file = files.get(numbers[0]);
      List<String> text = texts.get(numbers[0]);
      site = new Site(file, line, line <= text.size() ? text.get(line - 1).strip() : "");
      if (!file.startsWith("arch/")) {
        break;
      }
    }
    return site;
  }

  private static List<String> split(String operands) {
    List<String> parts = new ArrayList<>();
    if (operands == null) {
      return parts;
    }
    int depth = 0;
    int start = 0;
    for (int i = 0; i <= operands.length(); i++) {
      char c = i < operands.length() ? operands.charAt(i) : ',';
      if (c == '{' || c == '[') {
        depth++;
      } else if (c == '}' || c == ']') {
        depth--;
      } else if (c == ',' && (depth == 0 || i == operands.length())) {
        parts.add(operands.substring(start, i).strip());
        start = i + 1;
      }
    }
    return parts;
  }
}
