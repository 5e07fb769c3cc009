package io.diffuse4j.core.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import io.diffuse4j.core.Golden;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.pipeline.UNetModule;
import io.diffuse4j.weights.ModuleFolder;
import io.diffuse4j.weights.TensorNames;
import io.diffuse4j.weights.TensorSource;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class UNetGraphTest {
  @ParameterizedTest
  @MethodSource("io.diffuse4j.core.Golden#unets")
  void graphReadsExactlyThePublishedTensors(String name) {
    ModuleFolder module = ModuleFolder.open(Golden.folder("modules", name));
    UNet network = UNetModule.network(module, w -> fail(w));
    Graph graph = network.graph(new UNet.Shape(2, 16, 24, 7), ElementType.F32);
    try (TensorSource weights = module.openWeights()) {
      TensorNames.check(weights, graph.publishedShapes());
    }
    assertEquals(network.outChannels(), graph.output("sample").c());
    assertEquals(16, graph.output("sample").h());
    assertEquals(24, graph.output("sample").w());
  }

  @ParameterizedTest
  @ValueSource(strings = {"unet2d-unconditional", "unet-sd1"})
  void skipConnectionsAreReadWhereTheyLie(String name) {
    ModuleFolder module = ModuleFolder.open(Golden.folder("modules", name));
    Graph graph =
        UNetModule.network(module, w -> fail(w))
            .graph(new UNet.Shape(1, 16, 16, 7), ElementType.F32);
    long copies =
        graph.ops().stream()
            .filter(op -> op instanceof Op.Map map && map.function() == Op.Map.Function.COPY)
            .count();
    assertEquals(0, copies);
  }
}
