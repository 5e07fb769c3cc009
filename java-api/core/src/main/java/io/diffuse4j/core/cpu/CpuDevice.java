package io.diffuse4j.core.cpu;

import io.diffuse4j.core.device.CpuOptions;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.DeviceKind;
import io.diffuse4j.core.device.PlannedMemory;
import io.diffuse4j.core.engine.ComputeThread;
import io.diffuse4j.core.op.DeviceBuffer;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.MemoryView;
import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.core.op.OpProvider;
import io.diffuse4j.core.op.PackedWeights;
import io.diffuse4j.core.op.Plan;
import io.diffuse4j.core.op.SamplingLoop;
import io.diffuse4j.core.sampler.CpuSamplerStep;
import io.diffuse4j.core.sampler.SamplerShape;
import io.diffuse4j.core.sampler.SamplerStep;
import io.diffuse4j.natives.CpuOps;
import io.diffuse4j.weights.TensorSource;
import org.bytedeco.javacpp.Pointer;

/** The cpu: oneDNN and our own C++, on one compute thread with one OpenMP team. */
public final class CpuDevice extends Device implements OpProvider {
  private final int threads;
  private final CpuMemory memory;
  private final ComputeThread compute;
  private final long engine;

  public CpuDevice(CpuOptions options) {
    threads = options.threads();
    memory = new CpuMemory(options.memoryLimit());
    long[] created = new long[1];
    NativeStatus.check("d4j_engine_create", CpuOps.d4j_engine_create(threads, created));
    engine = created[0];
    compute = new ComputeThread("diffuse4j-cpu");
  }

  @Override
  public DeviceKind kind() {
    return DeviceKind.CPU;
  }

  @Override
  public String description() {
    return "cpu, "
        + threads
        + (threads == 1 ? " thread, " : " threads, ")
        + CpuOps.d4j_cpu_isa()
        + ", oneDNN "
        + CpuOps.d4j_onednn_isa();
  }

  @Override
  public boolean supports(DType dtype) {
    return dtype == DType.F32 || dtype == DType.BF16;
  }

  @Override
  public PackedWeights load(Graph graph, DType dtype, TensorSource source) {
    return new CpuWeights(engine, memory, graph, source);
  }

  @Override
  public Plan compile(Graph graph, PackedWeights weights, boolean batchInvariant) {
    Plan[] plan = new Plan[1];
    // Primitives are made where they will run: oneDNN asks OpenMP how many threads there are.
    compute.run(
        () -> plan[0] = new CpuPlan(engine, memory, graph, (CpuWeights) weights, batchInvariant));
    return plan[0];
  }

  @Override
  public PlannedMemory plan(Graph graph, DType dtype, boolean batchInvariant) {
    PlannedMemory[] planned = new PlannedMemory[1];
    compute.run(
        () -> {
          try (CpuWeights declared = CpuWeights.declared(engine, graph)) {
            long plan = CpuPlan.plannedBytes(engine, graph, declared, batchInvariant);
            // The ops have chosen the layouts by now.
            planned[0] = new PlannedMemory(declared.bytes(), plan);
          }
        });
    return planned[0];
  }

  @Override
  public SamplerStep samplerStep(SamplerShape shape) {
    return new CpuSamplerStep(shape);
  }

  @Override
  public SamplingLoop samplingLoop(Plan plan, SamplerStep step) {
    return new CpuSamplingLoop(compute, (CpuPlan) plan, (CpuSamplerStep) step);
  }

  @Override
  public void copy(long from, long to, long bytes) {
    Pointer.memcpy(new MemoryView(to), new MemoryView(from), bytes);
  }

  @Override
  public DeviceBuffer allocate(String what, long bytes) {
    return memory.allocate(what, bytes);
  }

  @Override
  public void run(Plan plan) {
    compute.run(((CpuPlan) plan).runnable());
  }

  /** The thread that runs plans, for measurements. */
  public Thread computeThread() {
    return compute.thread();
  }

  @Override
  protected String describe() {
    return "Device cpu";
  }

  @Override
  protected void release() {
    compute.close();
    NativeStatus.check("d4j_engine_destroy", CpuOps.d4j_engine_destroy(engine));
  }
}
