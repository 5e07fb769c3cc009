package io.diffuse4j.cli.spi;

/** What the output of the project's kernel tests tells. */
public enum KernelTestDetail {
  /** How many cases there were, and those that failed. */
  SUMMARY,
  /** A line for every case. */
  CASES,
  /** And how long launches would take by the virtual GPU's time model; some minutes. */
  TIMES
}
