package io.diffuse4j.core.device;

/**
 * Whether cuDNN can be used on this machine. It is optional.
 *
 * @param found whether it is there
 * @param text its name and version, or why it cannot be used
 */
public record CudnnFinding(boolean found, String text) {}
