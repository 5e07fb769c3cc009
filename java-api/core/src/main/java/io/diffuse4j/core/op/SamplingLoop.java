package io.diffuse4j.core.op;

/**
 * The inner loop of sampling on a device: a network call, then one row of each sample's table, over
 * and over. A device may run behind its caller: {@link #enqueue} need not wait. One call at a time;
 * allocates nothing.
 */
public interface SamplingLoop extends AutoCloseable {

  /** Takes over what the samples have been set to, and writes the first network input. */
  void start();

  /** Adds a network call and the row after it. */
  void enqueue();

  /**
   * Waits until at most {@code unfinished} of the calls added since {@link #start} are not done.
   *
   * @return how many are done
   */
  int await(int unfinished);

  @Override
  void close();
}
