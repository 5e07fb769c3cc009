package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.Layouts;
import io.diffuse4j.core.op.Plan;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.weights.HostTensor;
import java.util.Set;

/**
 * A U-Net compiled for one shape: write its inputs, run it, read its output, as often as needed.
 * One call at a time.
 */
public final class UNetSession extends NativeResource {
  private final UNetModule module;
  private final UNet.Shape shape;
  private final Graph graph;
  private final Plan plan;
  private final Value output;
  private final float[] downloaded;

  UNetSession(UNetModule module, UNet.Shape shape, boolean batchInvariant) {
    super(module);
    this.module = module;
    this.shape = shape;
    try {
      ModuleInputs.checkSize(module.network(), "the sample", shape.height(), shape.width());
      graph = module.graph(shape);
      plan = module.compile(graph, batchInvariant);
    } catch (Throwable t) {
      abandon();
      throw t;
    }
    output = graph.output("sample");
    downloaded = new float[Math.toIntExact(output.elements())];
  }

  /** What the network takes. */
  public Set<String> inputNames() {
    return graph.inputs().keySet();
  }

  /**
   * Writes an input in its published layout.
   *
   * @throws IllegalArgumentException if the network does not take it, or it is misshapen, out of
   *     range or not finite
   */
  public void input(String name, HostTensor tensor) {
    enter();
    try {
      Value value = graph.input(name);
      ModuleInputs.upload(plan, value, ModuleInputs.read(module.network(), name, tensor, value));
    } finally {
      exit();
    }
  }

  /** Runs the network on the inputs written before; allocates nothing. */
  public void run() {
    enter();
    try {
      module.provider().run(plan);
    } finally {
      exit();
    }
  }

  /** The prediction of the last run, [n, c, h, w]. */
  public HostTensor output() {
    enter();
    try {
      plan.arena().download(plan.offset(output), downloaded, 0, downloaded.length);
      return HostTensor.of(
          "sample",
          Layouts.nhwcToNchw(downloaded, output.n(), output.h(), output.w(), output.c()),
          output.n(),
          output.c(),
          output.h(),
          output.w());
    } finally {
      exit();
    }
  }

  /** Device bytes of the plan: activations and scratch. */
  public long planBytes() {
    return plan.bytes();
  }

  @Override
  protected String describe() {
    return "U-Net session " + shape;
  }

  @Override
  protected void release() {
    plan.close();
  }
}
