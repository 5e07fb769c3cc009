package io.diffuse4j.core.cuda;

import io.diffuse4j.core.op.Plan;
import java.util.ArrayList;
import java.util.List;

/** Measures a plan with the device's own clock, for reports. Inputs need not be written. */
public final class CudaTimer {
  private final CudaContext context;
  private final CudaStream stream;

  CudaTimer(CudaContext context, CudaStream stream) {
    this.context = context;
    this.stream = stream;
  }

  /**
   * One launch of a plan.
   *
   * @param kernel its name
   * @param milliseconds of one run, the mean of several in a row
   */
  public record KernelTime(String kernel, double milliseconds) {}

  /** Milliseconds of one run of the whole plan as a graph, the mean of {@code repeats} in a row. */
  public double graph(Plan plan, int repeats) {
    CudaGraph graph = ((CudaPlan) plan).graph();
    return mean(repeats, () -> stream.launch(graph));
  }

  /** The time of each launch alone, in order; each is run once before it is timed. */
  public List<KernelTime> kernels(Plan plan, int repeats) {
    CudaProgram program = ((CudaPlan) plan).program();
    List<String> names = program.kernels();
    List<KernelTime> times = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      CudaProgram.Launch launch = program.launches().get(i);
      times.add(new KernelTime(names.get(i), mean(repeats, () -> stream.launch(launch))));
    }
    return times;
  }

  private double mean(int repeats, Runnable work) {
    work.run();
    try (CudaEvent begin = CudaEvent.timing(context);
        CudaEvent end = CudaEvent.timing(context)) {
      begin.record(stream);
      for (int i = 0; i < repeats; i++) {
        work.run();
      }
      end.record(stream);
      stream.synchronize();
      return end.millisecondsSince(begin) / repeats;
    }
  }
}
