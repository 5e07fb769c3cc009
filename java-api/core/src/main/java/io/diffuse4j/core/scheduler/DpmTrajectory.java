package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The points that a solver of DPM-Solver's kind visits: a node for every network call and one more,
 * where the run ends.
 *
 * @param timesteps what the network is told at each but the last node
 * @param nodes one more than timesteps
 */
record DpmTrajectory(List<Double> timesteps, List<Node> nodes) {

  int steps() {
    return timesteps.size();
  }

  Node node(int i) {
    return nodes.get(i);
  }

  /**
   * The order up to {@code wanted} for which the nodes i, i-1, ... are there (not before {@code
   * begin}) and apart: timesteps that repeat carry no information on a derivative. A step to a node
   * without noise, infinitely far in lambda, is of the first order.
   */
  int order(int i, int begin, int wanted) {
    if (node(i + 1).isClean() || node(i).isClean()) {
      return 1;
    }
    return pointsApart(i, begin, wanted);
  }

  /** How many of the nodes i, i-1, ..., at most {@code wanted}, are there and apart. */
  int pointsApart(int i, int begin, int wanted) {
    int order = 1;
    while (order < wanted
        && i - order >= begin
        && node(i - order).lambda() < node(i - order + 1).lambda()) {
      order++;
    }
    return order;
  }

  /** A table of {@code rows} that starts at node {@code begin}. */
  CoefficientTable table(List<Row> rows, int begin) {
    return new CoefficientTable(rows, 1, node(begin).alpha(), node(begin).sigma());
  }

  /** How the points are chosen; what DPM-Solver, UniPC and DEIS have in common. */
  record Choice(
      NoiseSchedule schedule,
      Spacing spacing,
      int offset,
      SigmaSchedule levels,
      Final end,
      double leastLambda,
      boolean roundTimesteps,
      OptionalDouble leastSigma,
      OptionalDouble largestSigma) {

    /** Where the run ends. */
    enum Final {
      ZERO,
      /** The first training timestep. */
      SIGMA_MIN,
      /** The last level that was visited, where levels are not those of timesteps. */
      LAST_LEVEL
    }

    static Final end(SchedulerFields fields) {
      String name = fields.oneOf("final_sigmas_type", "zero", "zero", "sigma_min");
      return name.equals("zero") ? Final.ZERO : Final.SIGMA_MIN;
    }

    DpmTrajectory trajectory(int steps) {
      float[] sigmas = schedule.sigmas();
      int trained = schedule.size();
      double[] timesteps;
      double[] visited;
      if (levels == SigmaSchedule.OF_TIMESTEPS) {
        int end = Math.max(1, trained - schedule.countBelow(leastLambda));
        timesteps = spacing.beforeTheEnd(steps, end, trained, offset);
        visited = SigmaSchedule.at(timesteps, sigmas);
      } else {
        visited = levels.between(sigmas, leastSigma, largestSigma, steps);
        timesteps = SigmaSchedule.timestepsOf(visited, sigmas);
        for (int i = 0; i < steps; i++) {
          timesteps[i] = roundTimesteps ? Math.rint(timesteps[i]) : Math.floor(timesteps[i]);
        }
      }
      double last =
          switch (end) {
            case ZERO -> 0;
            case SIGMA_MIN -> sigmas[0];
            case LAST_LEVEL ->
                levels == SigmaSchedule.OF_TIMESTEPS ? sigmas[0] : visited[steps - 1];
          };
      List<Node> nodes = new ArrayList<>();
      List<Double> told = new ArrayList<>();
      for (int i = 0; i < steps; i++) {
        told.add(timesteps[i]);
        nodes.add(Node.ofRatio((float) visited[i]));
      }
      nodes.add(Node.ofRatio((float) last));
      return new DpmTrajectory(List.copyOf(told), List.copyOf(nodes));
    }
  }
}
