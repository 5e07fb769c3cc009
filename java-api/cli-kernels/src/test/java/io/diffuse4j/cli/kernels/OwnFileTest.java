package io.diffuse4j.cli.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.SafetensorsFile;
import io.diffuse4j.weights.SafetensorsWriter;
import io.diffuse4j.weights.TensorDType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code kernels check} and {@code kernels profile} of a kernel in a file. */
class OwnFileTest {
  private static final int N = 100;
  private static final String AXPY =
      "kernels.cu --kernel axpy --grid 4 --block 32 --arg f32:2 --arg in:in.safetensors#x"
          + " --arg in:in.safetensors#y --arg out:f32[10,10] --arg i32:";

  @TempDir Path folder;

  @BeforeEach
  void writeFiles() throws IOException {
    try (InputStream source = OwnFileTest.class.getResourceAsStream("kernels.cu")) {
      Files.copy(source, folder.resolve("kernels.cu"));
    }
    Files.writeString(folder.resolve("scale.h"), "#define SCALE 3.0f\n");
    float[] x = new float[N];
    float[] y = new float[N];
    for (int i = 0; i < N; i++) {
      x[i] = i;
      y[i] = 0.5f;
    }
    byte[] halves = {0x00, 0x3c, 0x00, 0x40}; // 1 and 2 in binary16
    byte[] bfloats = {(byte) 0x80, 0x3f, 0x00, 0x40}; // 1 and 2 in bfloat16
    SafetensorsWriter.write(
        folder.resolve("in.safetensors"),
        List.of(
            HostTensor.of("x", x, N),
            HostTensor.of("y", y, N),
            HostTensor.of("long", new long[] {0}, 1),
            HostTensor.ofBytes("f16", TensorDType.F16, halves, 2),
            HostTensor.ofBytes("bf16", TensorDType.BF16, bfloats, 2)));
  }

  private HostTensor output(String name) {
    return SafetensorsFile.open(folder.resolve("out.safetensors")).get(name);
  }

  private CliRun run(String command) {
    return CliRun.of(folder, "kernels " + command);
  }

  private void assertClean(String command) {
    CliRun run = run("check " + command);
    assertEquals("", run.err());
    assertTrue(run.out().endsWith(": nothing found\n"), run.out());
    assertEquals(0, run.exitCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"forward", "reverse", "random:7"})
  void cleanKernelWritesItsOutputs(String schedule) {
    assertClean(AXPY + N + " --outputs out.safetensors --schedule " + schedule);
    HostTensor result = output("arg.3");
    assertEquals(TensorDType.F32, result.dtype());
    assertArrayEquals(new long[] {10, 10}, result.shape());
    float[] values = result.toFloats();
    for (int i = 0; i < N; i++) {
      assertEquals(2 * i + 0.5f, values[i]);
    }
  }

  @ParameterizedTest
  @CsvSource({"f16, F16", "bf16, BF16"})
  void tensorThatIsInputAndOutputKeepsItsType(String name, TensorDType dtype) {
    assertClean(
        "kernels.cu --grid 1 --block 2 --outputs out.safetensors --kernel scale_"
            + name
            + " --arg inout:in.safetensors#"
            + name);
    assertEquals(dtype, output("arg.0").dtype());
    assertArrayEquals(new float[] {3, 6}, output("arg.0").toFloats());
  }

  @Test
  void scalarsAndOutputsOfEveryWidth() {
    assertClean(
        "kernels.cu --kernel widths --grid 1 --block 1 --arg i8:-5 --arg i16:65535"
            + " --arg i32:-2147483648 --arg i64:-9223372036854775808 --arg f32:0.25 --arg f64:1e-300"
            + " --arg out:i8[1] --arg out:u8[1] --arg out:i32[] --arg out:i64[1,1] --arg out:f64[1]"
            + " --outputs out.safetensors");
    assertArrayEquals(new long[] {-5}, output("arg.6").toLongs());
    assertArrayEquals(new long[] {255}, output("arg.7").toLongs());
    assertArrayEquals(new long[] {Integer.MIN_VALUE}, output("arg.8").toLongs());
    assertArrayEquals(new long[0], output("arg.8").shape());
    assertArrayEquals(new long[] {Long.MIN_VALUE}, output("arg.9").toLongs());
    assertEquals(0.25, output("arg.10").toFloats()[0]);
    assertEquals(TensorDType.F64, output("arg.10").dtype());
  }

  @Test
  void dynamicSharedMemoryAndCompilerOptions() {
    String reverse =
        "kernels.cu --kernel reverse --grid 1 --block 100 --arg inout:in.safetensors#x";
    assertClean(reverse + " --shared 400 --outputs out.safetensors");
    assertEquals(99, output("arg.0").toFloats()[0]);
    CliRun race = run("check " + reverse + " --shared 400 --nvrtc-option=-DFAULTY");
    assertTrue(race.out().startsWith("racecheck: shared memory"), race.out());
    assertEquals(1, race.exitCode());
  }

  @Test
  void changedHeaderIsCompiledAgain() throws IOException {
    String scale =
        "kernels.cu --kernel scale_f32 --grid 1 --block 1 --outputs out.safetensors"
            + " --arg inout:in.safetensors#y";
    assertClean(scale);
    assertEquals(1.5f, output("arg.0").toFloats()[0]);
    Files.writeString(folder.resolve("scale.h"), "#define SCALE 5.0f\n");
    assertClean(scale);
    assertEquals(2.5f, output("arg.0").toFloats()[0]);
  }

  @Test
  void findingNamesTheSourceLineAndTheArgument() {
    CliRun run = run("check " + AXPY + (N + 1) + " --outputs out.safetensors");
    assertEquals(1, run.exitCode());
    assertEquals("", run.err());
    assertTrue(run.out().contains("kernels.cu:9 (ld.global.f32"), run.out());
    assertTrue(run.out().contains("4 bytes"), run.out());
    assertTrue(run.out().contains("at --arg in:in.safetensors#x\n"), run.out());
    assertTrue(run.out().contains("at --arg out:f32[10,10]\n"), run.out());
    assertTrue(run.out().endsWith("axpy: 3 findings\n"), run.out());
    assertFalse(Files.exists(folder.resolve("out.safetensors")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "initcheck|uninitialised --grid 1 --block 1 --arg out:f32[1] --arg out:f32[1]",
        "racecheck|count --grid 2 --block 1 --arg inout:in.safetensors#long",
        "trap|trap --grid 1 --block 1",
      })
  void everyCheckerIsOn(String kind, String launch) {
    CliRun run = run("check kernels.cu --kernel " + launch);
    assertTrue(run.out().startsWith(kind + ": "), run.out() + run.err());
    assertEquals(1, run.exitCode());
  }

  @Test
  void jsonIsOneObjectWithEveryFinding() throws IOException {
    CliRun run = run("check " + AXPY + (N + 1) + " --json");
    assertEquals(1, run.exitCode());
    assertEquals(1, run.out().lines().count());
    Map<String, List<String>> fields = fields(run.out());
    assertEquals(List.of("kernels.cu"), fields.get(".file"));
    assertEquals(List.of("memcheck", "memcheck", "memcheck"), fields.get(".diagnostics.kind"));
    assertEquals(List.of("9", "9", "9"), fields.get(".diagnostics.line"));
    assertEquals(
        List.of("4", "0", "0", "4", "0", "0", "4", "0", "0"), fields.get(".diagnostics.thread"));
    Map<String, List<String>> clean = fields(run("check " + AXPY + N + " --json").out());
    assertEquals(List.of("arg.3"), clean.get(".outputs.name"));
    assertFalse(clean.containsKey(".diagnostics.kind"));
  }

  @Test
  void profileHasExactCountersAndTheModelledTime() throws IOException {
    CliRun text = run("profile " + AXPY + N + " --profile rtx4090");
    assertEquals("", text.err());
    assertEquals(0, text.exitCode());
    assertTrue(text.out().contains("rtx4090 by model: "), text.out());
    assertTrue(text.out().matches("(?s).*globalStore\\.bytes +400\n.*"), text.out());
    Map<String, List<String>> a100 = fields(run("profile " + AXPY + N + " --json").out());
    Map<String, List<String>> h100 =
        fields(run("profile " + AXPY + N + " --json --profile h100").out());
    assertEquals(List.of("800"), a100.get(".counters.globalLoad.bytes"));
    assertEquals(a100.get(".counters.warpInstructions"), h100.get(".counters.warpInstructions"));
    // The same bytes over a faster memory.
    double slow = Double.parseDouble(a100.get(".nanoseconds.dram").get(0));
    double fast = Double.parseDouble(h100.get(".nanoseconds.dram").get(0));
    assertTrue(slow > fast && fast > 0, slow + " and " + fast);
  }

  @Test
  void ptxRunsAsItsSourceDoes() throws IOException {
    String ptx =
        """
        .version 8.0
        .target sm_80
        .address_size 64
        .visible .entry twice(.param .u64 p)
        {
          .reg .b64 %a; .reg .f32 %f;
          ld.param.u64 %a, [p];
          ld.global.f32 %f, [%a];
          add.f32 %f, %f, %f;
          st.global.f32 [%a], %f;
          ret;
        }
        """;
    Files.writeString(folder.resolve("twice.ptx"), ptx);
    assertClean(
        "twice.ptx --kernel twice --grid 1 --block 1 --arg inout:in.safetensors#y"
            + " --outputs out.safetensors");
    assertEquals(1f, output("arg.0").toFloats()[0]);
    Files.writeString(folder.resolve("bad.ptx"), ptx.replace("add.f32", "frobnicate.f32"));
    CliRun bad = run("check bad.ptx --kernel twice --grid 1 --block 1 --arg i64:0");
    assertTrue(bad.err().contains("ptx line 9: 'frobnicate.f32'"), bad.err());
    assertEquals(1, bad.exitCode());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "there is no kernel 'no'; --kernel can be _Z4axpyfPKfS0_Pfi, |no --grid 1 --block 1",
        "kernel axpy has 5 parameters (of 4, 8, 8, 8, 4 bytes), but 1 --arg are given|axpy --grid 1 --block 1 --arg i32:1",
        "kernel trap has 0 parameters, but 1 --arg are given|trap --grid 1 --block 1 --arg i32:1",
        "--arg i32:1 has 4 bytes, but parameter 0 of kernel count has 8; give in:|count --grid 1 --block 1 --arg i32:1",
        "--arg i64:1 has 8 bytes, but parameter 0 of kernel takes_struct has 12; parameters that are structs|takes_struct --grid 1 --block 1 --arg i64:1",
        "bytes of dynamic shared memory, not 999999|reverse --grid 1 --block 1 --shared 999999 --arg inout:in.safetensors#x",
        "kernel endless may loop for ever near PTX line|endless --grid 1 --block 1 --limit 10000 --arg inout:in.safetensors#long",
        "--limit N allows more|endless --grid 2147483647,65535,65535 --block 1024 --limit 10000 --arg inout:in.safetensors#long",
      })
  void launchThatCannotBeIsAnErrorOfOneLine(String message, String launch) {
    for (String command : List.of("check", "profile")) {
      CliRun run = run(command + " kernels.cu --kernel " + launch);
      assertTrue(run.err().contains(message), run.err());
      assertEquals(1, run.err().lines().count(), run.err());
      assertEquals(1, run.exitCode());
      assertEquals("", run.out());
    }
  }

  @Test
  void failedCommandLeavesAnOlderOutputAlone() throws IOException {
    Path old = Files.writeString(folder.resolve("out.safetensors"), "old");
    String endless = "kernels.cu --kernel endless --grid 1 --block 1 --limit 1000";
    String arguments = " --arg inout:in.safetensors#long --outputs out.safetensors";
    assertEquals(1, run("check " + endless + arguments).exitCode());
    assertEquals(1, run("check " + AXPY + (N + 1) + " --outputs out.safetensors").exitCode());
    // A race, unlike the others, lets the launch end.
    String race = "check kernels.cu --kernel count --grid 2 --block 1";
    assertEquals(1, run(race + arguments).exitCode());
    assertEquals("old", Files.readString(old));
    try (Stream<Path> files = Files.list(folder)) {
      assertTrue(files.noneMatch(file -> file.getFileName().toString().startsWith(".")));
    }
  }

  @Test
  void compilersMessagesAreShown() throws IOException {
    Files.writeString(folder.resolve("bad.cu"), "__global__ void k() { nonsense; }\n");
    CliRun run = run("check bad.cu --kernel k --grid 1 --block 1");
    assertEquals(1, run.exitCode());
    List<String> lines = run.err().lines().toList();
    assertTrue(lines.get(0).endsWith("bad.cu(1): error: identifier \"nonsense\" is undefined"));
    assertTrue(lines.get(lines.size() - 1).contains("bad.cu does not compile"), run.err());
    assertTrue(run.err().indexOf('\0') < 0);
    CliRun option = run("check " + AXPY + N + " --nvrtc-option=--nonsense");
    assertTrue(option.err().contains("unrecognized option --nonsense"), option.err());
    assertEquals(1, option.exitCode());
  }

  /** The values of a JSON object by the path of their names, arrays one after another. */
  private static Map<String, List<String>> fields(String json) throws IOException {
    Map<String, List<String>> fields = new TreeMap<>();
    List<String> path = new ArrayList<>();
    try (JsonParser parser = new JsonFactory().createParser(json)) {
      for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
        switch (token) {
          case START_OBJECT, START_ARRAY -> {
            String name = parser.getParsingContext().getParent().getCurrentName();
            path.add(name == null ? "" : name);
          }
          case END_OBJECT, END_ARRAY -> path.remove(path.size() - 1);
          case FIELD_NAME -> {}
          default -> {
            List<String> names = new ArrayList<>(path);
            if (parser.getParsingContext().inObject()) {
              names.add(parser.currentName());
            }
            names.removeIf(String::isEmpty);
            fields
                .computeIfAbsent("." + String.join(".", names), name -> new ArrayList<>())
                .add(parser.getText());
          }
        }
      }
    }
    return fields;
  }
}
