package io.diffuse4j.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.core.cuda.KernelChoice;
import java.util.List;
import org.junit.jupiter.api.Test;

class CudnnComparisonTest {
  @Test
  void everyOpIsALineThatSaysWhichIsTaken() {
    List<String> lines =
        CudnnComparison.text(
                "cuDNN 9.25.0",
                25,
                24.5,
                List.of(
                    new KernelChoice("F16 convolution a", 0.5, 0.25, 4096),
                    new KernelChoice("F16 convolution b", 0.25, 0.5, 0),
                    new KernelChoice("F16 attention c", Double.NaN, Double.NaN, 0)))
            .lines()
            .toList();
    assertTrue(lines.get(0).startsWith("The U-Net takes 25.000 ms"), lines.get(0));
    assertTrue(lines.get(0).contains("24.500 ms with cuDNN 9.25.0"), lines.get(0));
    assertEquals(
        List.of(
            "| op | ours, ms | cuDNN 9.25.0, ms | taken |",
            "|---|---|---|---|",
            "| F16 convolution a | 0.5000 | 0.2500 | cuDNN 9.25.0 |",
            "| F16 convolution b | 0.2500 | 0.5000 | ours |",
            "| F16 attention c | | not computed, or not rightly | ours |"),
        lines.subList(2, lines.size()));
  }
}
