package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What {@code kernels} refuses before it needs NVRTC or a virtual GPU; the tests with both are in
 * the module that provides them. Here none does.
 */
class KernelsUsageTest {
  @TempDir static Path folder;

  @BeforeAll
  static void writeFiles() throws IOException {
    Files.writeString(folder.resolve("k.cu"), "__global__ void k() {}");
    Files.writeString(folder.resolve("k.ptx"), ".version 8.0");
    Files.write(folder.resolve("nul.ptx"), new byte[] {'a', 0, 'b'});
    Files.write(folder.resolve("latin.cu"), new byte[] {(byte) 0xe9});
    Files.createDirectory(folder.resolve("folder.cu"));
    SafetensorsWriter.write(
        folder.resolve("t.safetensors"),
        List.of(HostTensor.of("a", new float[] {1}, 1), HostTensor.of("none", new float[0], 0)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2|Missing required subcommand|",
        "2|unknown verb 'paint'|paint",
        "2|unknown option '--dtype'|check k.cu --dtype f32",
        "2|unexpected argument 'x.cu'|LAUNCH x.cu",
        "2|'k.cubin' is neither CUDA C++ nor PTX|check k.cubin --kernel k --grid 1 --block 1",
        "2|--kernel is missing|check k.cu --grid 1 --block 1",
        "2|--grid is missing|check k.cu --kernel k --block 1",
        "2|--block is missing|profile k.cu --kernel k --grid 1",
        "2|--grid is '0'; it must be one to three whole numbers|check k.cu --kernel k --block 1 --grid 0",
        "2|--grid is '1,65536'|check k.cu --kernel k --block 1 --grid 1,65536",
        "2|--grid is '1,1,1,1'|check k.cu --kernel k --block 1 --grid 1,1,1,1",
        "2|--grid is '2147483648'|check k.cu --kernel k --block 1 --grid 2147483648",
        "2|--grid is '1,'|check k.cu --kernel k --block 1 --grid 1,",
        "2|--block is '1025'|check k.cu --kernel k --grid 1 --block 1025",
        "2|--block is '1,1,65'|check k.cu --kernel k --grid 1 --block 1,1,65",
        "2|--block is '32,33'; it must be of at most 1024 threads in all|check k.cu --kernel k --grid 1 --block 32,33",
        "2|--shared is '-1'|LAUNCH --shared -1",
        "2|--shared is '48K'|LAUNCH --shared 48K",
        "2|--schedule is 'sideways'|LAUNCH --schedule sideways",
        "2|--schedule is 'random:x'|LAUNCH --schedule random:x",
        "2|--schedule is 'random:18446744073709551616'|LAUNCH --schedule random:18446744073709551616",
        "2|--profile is 'v100'; it must be a100, h100 or rtx4090|LAUNCH --profile v100",
        "2|--limit is '-1'|LAUNCH --limit -1",
        "2|--nvrtc-option is for CUDA C++|check k.ptx --kernel k --grid 1 --block 1 --nvrtc-option=-DX",
        "2|--arg is '5'; it must be i8:, i16:, i32:, i64:, f32: or f64: and a number|LAUNCH --arg 5",
        "2|--arg is 'u32:5'|LAUNCH --arg u32:5",
        "2|--arg is 'i32:4294967296'; it must be a whole number from -2147483648 to 4294967295|LAUNCH --arg i32:4294967296",
        "2|--arg is 'i8:-129'|LAUNCH --arg i8:-129",
        "2|--arg is 'i64:1e3'|LAUNCH --arg i64:1e3",
        "2|--arg is 'f32:half'; it must be a number|LAUNCH --arg f32:half",
        "2|--arg is 'f32:1e39'; it must be a number that f32 can hold|LAUNCH --arg f32:1e39",
        "2|--arg is 'f64:1e309'; it must be a number that f64 can hold|LAUNCH --arg f64:1e309",
        "2|--arg is 'in:t.safetensors'; it must be FILE.safetensors#TENSOR|LAUNCH --arg in:t.safetensors",
        "2|--arg is 'out:f32'; it must be a dtype and a shape such as|LAUNCH --arg out:f32",
        "2|--arg is 'out:float[2]'; it must be of a dtype of whole bytes: bool, u8, i8|LAUNCH --arg out:float[2]",
        "2|--arg is 'out:f4[2]'|LAUNCH --arg out:f4[2]",
        "2|--arg is 'out:f32[0]'; it must be a shape of whole numbers from 1|LAUNCH --arg out:f32[0]",
        "2|--arg is 'out:f32[2,]'|LAUNCH --arg out:f32[2,]",
        "2|--arg is 'out:f32[65536,65536,65536]'; it must be of at most 2147483639 bytes|LAUNCH --arg out:f32[65536,65536,65536]",
        "2|--outputs needs an --arg out:|LAUNCH --outputs o.safetensors",
        "1|there is no folder|LAUNCH --arg out:f32[1] --outputs no/o.safetensors",
        "1|t.safetensors: no tensor \"b\"|LAUNCH --arg in:t.safetensors#b",
        "1|tensor none is empty|LAUNCH --arg in:t.safetensors#none",
        "1|no.safetensors: cannot be read|LAUNCH --arg inout:no.safetensors#a",
        "1|k.cu: |LAUNCH --arg in:k.cu#a",
        "1|no.cu: no such file|check no.cu --kernel k --grid 1 --block 1",
        "1|folder.cu is a folder|check folder.cu --kernel k --grid 1 --block 1",
        "1|nul.ptx is not text: it holds a NUL|check nul.ptx --kernel k --grid 1 --block 1",
        "1|latin.cu is not text in UTF-8|check latin.cu --kernel k --grid 1 --block 1",
        "2|--kernel is for a kernel of yours; name its FILE.cu|check --kernel k",
        "2|--arg is for a kernel of yours|profile --arg i32:1",
        "2|--nvrtc-option is for a kernel of yours|profile --nvrtc-option=-DX",
        "2|--profile is for a kernel of yours|profile --profile h100",
        "2|--family is for the project's kernels|LAUNCH --family conv",
        "2|--family is 'pool'; it must be one of attention, conv|check --family pool",
        "2|--family is 'conv'; it must be one of attention, matrix, memory|profile --family conv",
        "2|--family is for the project's kernels|profile k.cu --kernel k --grid 1 --block 1 --family matrix",
        "2|--times is for the project's kernels|profile k.cu --kernel k --grid 1 --block 1 --times",
        "2|--target is 'sm_70'; it must be one of sm_80|list --target sm_70",
        "2|--target is ''|compile --target sm_80,,sm_89",
        "1|diffuse4j-cli-kernels.jar is not beside the other jars in lib|LAUNCH",
        "1|diffuse4j-cli-kernels.jar is not beside the other jars in lib|list",
        "1|run it as ./diffuse4j of a checkout|check",
      })
  void wrongCommandIsRefusedWithWhatToChange(int exitCode, String message, String arguments)
      throws IOException {
    String launch = "check k.cu --kernel k --grid 1 --block 1";
    String command = arguments == null ? "" : arguments.replace("LAUNCH", launch);
    CliRun run = CliRun.of(folder, CliRun.words("kernels " + command));
    assertTrue(run.err().contains(message), run.err());
    assertEquals(exitCode, run.exitCode());
    assertTrue(run.err().lines().count() <= 2, run.err());
    assertEquals("", run.out());
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(6, files.count());
    }
  }

  @Test
  void helpTellsHowAnyProgramRunsOnTheVirtualGpu() {
    assertTrue(CliRun.of(folder, "kernels", "--help").out().contains("DIFFUSE4J_VGPU"));
    assertTrue(CliRun.of(folder, "kernels", "library", "--help").out().contains("LD_LIBRARY_PATH"));
  }
}
