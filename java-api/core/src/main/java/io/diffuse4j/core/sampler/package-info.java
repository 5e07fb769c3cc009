/** The device loop: a table of coefficients, its rows, and the fused step that carries one out. */
package io.diffuse4j.core.sampler;
