package io.diffuse4j.cli.spi;

/**
 * The tests of one family of kernels.
 *
 * @param passed whether every result is right and no checker has found anything
 * @param output the cases and failures in words; the same results give the same words
 */
public record KernelTestRun(boolean passed, String output) {}
