package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * DPM-Solver-12 and -23 with an adaptive step size (arXiv 2206.00927, appendix C.2): every
 * attempted step is taken by two singlestep methods of neighbouring order that share their network
 * calls, and their difference decides on it. From the last training timestep to the first.
 *
 * <p>With delta = max(atol, rtol max(|lower|, |previous lower|)) and E the root mean square of
 * (higher - lower) / delta, a step in lambda is accepted if E is at most 1, and the next is h =
 * min(0.9 h E^(-1/order), what is left).
 *
 * <p>Immutable; each sample of a batch has a {@link Run} of its own, so that its steps do not
 * depend on its neighbours.
 */
public final class DpmAdaptive {
  /** The paper's safety factor theta, and its first step in lambda. */
  private static final double SAFETY = 0.9;

  private static final double FIRST_STEP = 0.05;

  /** The paper's inner points as parts of the step: halfway for -12, thirds for -23. */
  private static final double[] INNER = {1.0 / 2, 1.0 / 3};

  /**
   * The least part of the whole way in lambda that a step may become, which bounds the calls of a
   * run whose network never lets a step be accepted.
   */
  private static final double LEAST_STEP = 1e-5;

  private final NoiseSchedule schedule;
  private final Prediction prediction;
  private final Limit limit;
  private final int order;
  private final double atol;
  private final double rtol;

  DpmAdaptive(SchedulerFields fields) {
    schedule = NoiseSchedule.of(fields, true, true, 0.0001, 0.02, "linear");
    prediction = fields.prediction(Prediction.values());
    limit = fields.threshold();
    order = fields.integer("order", 3, 2, 3);
    atol = fields.number("atol", 0.0078, 1e-12, 1e3);
    rtol = fields.number("rtol", 0.05, 0, 1e3);
  }

  /** 2 for DPM-Solver-12, 3 for -23: the network calls of an attempted step. */
  public int order() {
    return order;
  }

  /** The absolute tolerance. */
  public double atol() {
    return atol;
  }

  /** The relative tolerance. */
  public double rtol() {
    return rtol;
  }

  /** The weight of the initial noise. */
  public double initNoiseSigma() {
    return 1;
  }

  /** A run from pure noise. */
  public Run start() {
    return new Run();
  }

  /**
   * One sample's way through a run: {@link #attempt}, run that table, {@link #finish} with the
   * error that was measured, until {@link #done}. Not for several threads at once.
   */
  public final class Run {
    private final float[] sigmas = schedule.sigmas();
    private final double end;
    private final double leastStep;
    private double lambda;
    private double step;
    private int calls;

    private Run() {
      lambda = -Math.log(sigmas[sigmas.length - 1]);
      end = -Math.log(Math.max(sigmas[0], Float.MIN_NORMAL));
      leastStep = LEAST_STEP * (end - lambda);
      step = Math.min(FIRST_STEP, end - lambda);
    }

    /** Whether the end is reached. */
    public boolean done() {
      return !(end > lambda);
    }

    /** The network calls of all attempts so far. */
    public int calls() {
      return calls;
    }

    /** How much of the way in lambda is behind, from 0 to 1. */
    public double progress() {
      double start = -Math.log(sigmas[sigmas.length - 1]);
      return done() ? 1 : (lambda - start) / (end - start);
    }

    /**
     * The next step to try, as {@link #order} rows: afterwards the latents are the higher method's
     * and the saved sample is the lower's. The caller keeps the latents from before for the case
     * that the step is not accepted.
     *
     * @throws IllegalStateException if the run is done
     */
    public CoefficientTable attempt() {
      if (done()) {
        throw new IllegalStateException("the adaptive run is done");
      }
      Node s = nodes().get(0);
      Node s1 = nodes().get(1);
      Node t = node(lambda + step);
      double r1 = INNER[order - 2];
      Combination x = Combination.ZERO.withX(1);
      Combination saved = Combination.ZERO.withSaved(1);
      List<Row> rows = new ArrayList<>();
      rows.add(row(s, first(s, s1, x, current())).pushing().withSave(x));
      if (order == 2) {
        Combination lower = first(s, t, saved, stored(1));
        DpmAlgorithm.Step whole = DpmAlgorithm.DPM.step(s, t);
        Combination higher = lower.plus(whole.d1Midpoint() / r1, slope(stored(1)));
        rows.add(row(s1, higher).withSave(lower));
      } else {
        double r2 = 2 * r1;
        Node s2 = nodes().get(2);
        DpmAlgorithm.Step inner = DpmAlgorithm.DPM.step(s, s2);
        Combination atS2 =
            first(s, s2, saved, stored(1)).plus(inner.d1() * r2 / r1, slope(stored(1)));
        rows.add(row(s1, atS2).pushing());
        DpmAlgorithm.Step whole = DpmAlgorithm.DPM.step(s, t);
        Combination base = first(s, t, saved, stored(2));
        Combination lower = base.plus(whole.d1Midpoint() / r1, stored(1).plus(-1, stored(2)));
        rows.add(row(s2, base.plus(whole.d1() / r2, slope(stored(2)))).withSave(lower));
      }
      return new CoefficientTable(rows, initNoiseSigma(), s.alpha(), s.sigma());
    }

    /**
     * Takes the attempt's error into account.
     *
     * @return whether the step is accepted; if not, the latents must be set back
     * @throws ArithmeticException if the error is not a number, or steps have become so small that
     *     the end is out of reach
     */
    public boolean finish(double error) {
      calls += order;
      if (!(error >= 0) || Double.isInfinite(error)) {
        throw new ArithmeticException("the network's output is not finite: error " + error);
      }
      boolean accepted = error <= 1;
      if (accepted) {
        // The last step lands on the end exactly.
        lambda = lambda + step >= end - leastStep ? end : lambda + step;
      }
      double next = SAFETY * step * Math.pow(Math.max(error, 1e-10), -1.0 / order);
      step = Math.min(next, end - lambda);
      if (!accepted && step < leastStep) {
        throw new ArithmeticException(
            "the adaptive step shrank to " + step + " in lambda; raise atol or rtol");
      }
      return accepted;
    }

    /** Where the network is called in the next attempt. */
    List<Node> nodes() {
      double r1 = INNER[order - 2];
      return IntStream.range(0, order).mapToObj(i -> node(lambda + i * r1 * step)).toList();
    }

    private Node node(double lambda) {
      return Node.ofRatio(Math.exp(-lambda));
    }

    private Row row(Node at, Combination update) {
      double ratio = at.sigma() / at.alpha();
      double timestep = SigmaSchedule.timestepsOf(new double[] {ratio}, sigmas)[0];
      return Row.of(1, timestep, prediction.toNoise(at.alpha(), at.sigma(), limit), update);
    }
  }

  private static Combination first(Node s, Node t, Combination sample, Combination m) {
    DpmAlgorithm.Step step = DpmAlgorithm.DPM.step(s, t);
    return Combination.ZERO.plus(step.x(), sample).plus(step.d0(), m);
  }

  private static Combination current() {
    return Combination.ZERO.withConversions(1, 0, 0, 0);
  }

  private static Combination stored(int back) {
    return Combination.ZERO.withConversions(0, back == 1 ? 1 : 0, back == 2 ? 1 : 0, 0);
  }

  /** The current conversion less the one at the step's start. */
  private static Combination slope(Combination start) {
    return current().plus(-1, start);
  }
}
