package io.diffuse4j.core.sampler;

import java.util.function.BiFunction;

/** Runs a table in double with a network in closed form, for the tests of schedulers. */
public final class TableRun {
  private final RowInterpreter interpreter;

  /** {@code network} is given the row and its input. Noise is zero. */
  public TableRun(
      CoefficientTable table, double[] start, BiFunction<Row, double[], double[]> network) {
    interpreter = new RowInterpreter(start);
    for (Row row : table.rows()) {
      double[] output = network.apply(row, interpreter.input(row));
      interpreter.step(row, output, null, 1, 0, new double[start.length]);
    }
  }

  public double[] latents() {
    return interpreter.latents();
  }

  public double[] saved() {
    return interpreter.saved();
  }
}
