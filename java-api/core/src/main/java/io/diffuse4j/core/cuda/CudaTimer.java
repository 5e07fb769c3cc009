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
   * One launch of a plan, or one op that a foreign library computes.
   *
   * @param kernel its name, or what the library computes
   * @param milliseconds of one run, the mean of several in a row
   */
  public record KernelTime(String kernel, double milliseconds) {}

  /** Milliseconds of one run of the whole plan as a graph, the mean of {@code repeats} in a row. */
  public double graph(Plan plan, int repeats) {
    CudaGraph graph = ((CudaPlan) plan).graph();
    return mean(repeats, () -> stream.launch(graph));
  }

  /** The time of each launch alone, in order. */
  public List<KernelTime> kernels(Plan plan, int repeats) {
    CudaProgram program = ((CudaPlan) plan).program();
    List<String> names = program.kernels();
    List<KernelTime> times = new ArrayList<>();
    for (int i = 0; i <= names.size(); i++) {
      for (CapturedGraph foreign : program.foreignBefore(i)) {
        times.add(new KernelTime(foreign.name(), foreign(foreign, repeats)));
      }
      if (i < names.size()) {
        CudaProgram.Launch launch = program.launches().get(i);
        times.add(new KernelTime(names.get(i), mean(repeats, () -> stream.launch(launch))));
      }
    }
    return times;
  }

  private double foreign(CapturedGraph foreign, int repeats) {
    try (CudaGraph alone = new CudaGraph(context, foreign)) {
      return mean(repeats, () -> stream.launch(alone));
    }
  }

  /** Of several runs in a row, after one that is not timed; a single one is timed at once. */
  private double mean(int repeats, Runnable work) {
    if (repeats > 1) {
      work.run();
    }
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
