/**
 * What the verb {@code kernels} needs of an artifact that the command line does not bring: CUDA's
 * compiler alone is 344 MB. The artifact provides {@link KernelTools}.
 */
package io.diffuse4j.cli.spi;
