package io.diffuse4j.core.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.model.UNet2DCondition;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.weights.ModelConfig;
import io.diffuse4j.weights.UNet2DConditionConfig;
import org.junit.jupiter.api.Test;

/** What one call of Stable Diffusion 1.5's U-Net is made of; nothing is run. */
class StableDiffusionPlanTest {
  private static final CudaContext.Multiprocessors A100 =
      new CudaContext.Multiprocessors(108, 164 << 10);

  /** The fields in which the published configuration differs from diffusers' defaults. */
  private static final String SD_1_5 =
      """
      {"_class_name": "UNet2DConditionModel", "sample_size": 64, "cross_attention_dim": 768,
       "attention_head_dim": 8}
      """;

  /** A ratchet; what the project demands is 230. */
  private static final int LAUNCHES = 217;

  @Test
  void aStepIsAtMostSoManyLaunchesAndItsMemoryIsKnown() {
    UNet network =
        new UNet2DCondition(
            UNet2DConditionConfig.from(ModelConfig.parse("config.json", SD_1_5), w -> {}));
    Graph load = network.graph(new UNet.Shape(1, 16, 16, 2), ElementType.F16);
    Graph graph = network.graph(new UNet.Shape(2, 64, 64, 77), ElementType.F16);
    CudaWeights weights = new CudaWeights(load, DType.F16);
    CudaLowering lowering = new CudaLowering(graph, weights, false);
    try (CudaProgram program = new CudaProgram(A100, null, false, 1 << 20, 1 << 20)) {
      lowering.lower(program, 1L << 40, 1L << 41);
      assertTrue(program.kernels().size() <= LAUNCHES, program.kernels().size() + " launches");
      // 860 million parameters in 2 bytes, the time embedding's 37 million in 4.
      assertTrue(weights.bytes() < 1_800_000_000L, weights.bytes() + " bytes of weights");
      assertTrue(lowering.layout().bytes() < 60_000_000L, lowering.layout().bytes() + " bytes");
    }
  }
}
