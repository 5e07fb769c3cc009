/** Where initial noise and the noise of stochastic samplers come from. */
package io.diffuse4j.core.noise;
