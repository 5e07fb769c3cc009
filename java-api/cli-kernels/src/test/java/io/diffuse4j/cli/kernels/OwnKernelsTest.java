package io.diffuse4j.cli.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.kernels.KernelImages;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code kernels} does with the project's own kernels. */
class OwnKernelsTest {
  @TempDir Path folder;

  private CliRun run(String command) {
    CliRun run = CliRun.of(folder, "kernels " + command);
    assertEquals("", run.err());
    assertEquals(0, run.exitCode(), run.out());
    return run;
  }

  @Test
  void listHasEveryKernelOfEveryTargetOfTheBuild() {
    List<String> lines = run("list").out().lines().toList();
    int kernels = KernelImages.report("sm_80").size();
    assertTrue(kernels > 0);
    // The everyday build has the first and the fourth.
    int all =
        Stream.of("sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120a")
            .mapToInt(target -> KernelImages.report(target).size())
            .sum();
    assertEquals(1 + all, lines.size());
    assertEquals(
        1, lines.stream().filter(l -> l.matches("conv_fprop_f16_128x128x32 +sm_90a .*")).count());
    assertEquals(1 + kernels, run("list --target sm_80").out().lines().count());
    assertTrue(run("list --target sm_80 --json").out().startsWith("{\"kernels\":[{\"kernel\":\""));
  }

  @Test
  void targetThatTheBuildDoesNotHaveIsAnErrorThatSaysHowToGetIt() {
    CliRun run = CliRun.of(folder, "kernels list --target sm_120a");
    if (KernelImages.report("sm_120a").isEmpty()) {
      assertEquals(1, run.exitCode());
      assertTrue(run.err().contains("'diffuse4j kernels compile --target sm_120a'"), run.err());
    } else {
      assertEquals(0, run.exitCode());
    }
  }

  /** The build has just compiled the same, so this reads its cache. */
  @Test
  void compileReportsWhatTheBuildReports() {
    String compiled = run("compile --target sm_80").out();
    assertTrue(
        compiled.startsWith(run("list --target sm_80").out()),
        "the table differs from that of the build");
    assertTrue(compiled.lines().toList().get(0).startsWith("kernel"));
    assertTrue(compiled.matches("(?s).*\n[0-9]+ kernels for sm_80 in [0-9.]+ s\n"), compiled);
  }

  @Test
  void checkRunsTheDeviceTestsWithTheSameBitsInEveryOrder() {
    String forward = run("check --family linear_small").out();
    assertTrue(forward.matches("linear_small: [1-9][0-9]* cases, 0 failures, bits .*\n"), forward);
    String bits = forward.strip().replaceAll(".*, ", "");
    String reverse = run("check --family linear_small --schedule reverse --json").out();
    assertTrue(reverse.contains("\"family\":\"linear_small\",\"passed\":true"), reverse);
    assertTrue(reverse.contains(bits), reverse);
  }

  @Test
  void profileComparesCountersWithTheirIdeals() {
    List<String> lines = run("profile --family matrix,attention").out().lines().toList();
    assertTrue(
        lines.stream()
            .anyMatch(l -> l.matches("conv_fprop_f16_\\S+ 64 320\\+0 sectors +1, limit 1\\.05")),
        String.join("\n", lines));
    assertTrue(lines.get(lines.size() - 1).contains(" 0 failures"));
    assertFalse(String.join("\n", lines).contains("by model"));
  }

  @Test
  void profileWithTimesSaysHowLongALaunchTakesAndWhatBoundsIt() {
    String copy = "copy_f32_f32 64x64x320 +([0-9.]+) us by model, bound by dram";
    double h100 = number(run("profile --family memory --times --profile h100").out(), copy);
    double a100 = number(run("profile --family memory --times").out(), copy);
    // 10.49 MB in all at 2.039 and 3.35 TB/s, and 2 us for a launch.
    assertEquals(2 + 10.49 / 2.039, a100, 0.1);
    assertEquals(2 + 10.49 / 3.35, h100, 0.1);
  }

  private static double number(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertTrue(matcher.find(), text);
    return Double.parseDouble(matcher.group(1));
  }
}
