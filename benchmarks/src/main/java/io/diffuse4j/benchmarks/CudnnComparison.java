package io.diffuse4j.benchmarks;

import io.diffuse4j.core.cuda.KernelChoice;
import java.util.List;
import java.util.Locale;

/** The report's part about a library beside our kernels. */
final class CudnnComparison {
  private CudnnComparison() {}

  /**
   * As Markdown.
   *
   * @param library its name and version
   * @param ours milliseconds of the U-Net with our kernels alone
   * @param mixed milliseconds with the library's wherever they measured faster
   * @param choices what was measured of single ops
   */
  static String text(String library, double ours, double mixed, List<KernelChoice> choices) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "The U-Net takes %.3f ms with our kernels alone, and %.3f ms with %s for the ops where"
                + " it measured faster. An op that feeds a group norm was measured with the norm:"
                + " ours then leaves the norm's statistics. A library that computes an op in another"
                + " way than ours, or wrongly, shows in the warnings of this run.\n\n",
            ours,
            mixed,
            library));
    text.append("| op | ours, ms | ").append(library).append(", ms | taken |\n|---|---|---|---|\n");
    for (KernelChoice choice : choices) {
      text.append(
          choice.isMeasured()
              ? String.format(
                  Locale.ROOT,
                  "| %s | %.4f | %.4f | %s |\n",
                  choice.shape(),
                  choice.milliseconds(),
                  choice.foreignMilliseconds(),
                  choice.isForeign() ? library : "ours")
              : "| " + choice.shape() + " | | not computed, or not rightly | ours |\n");
    }
    return text.toString();
  }
}
