/**
 * Scheduler configurations as diffusers writes them, and the coefficient table that each builds on
 * the host, in double.
 */
package io.diffuse4j.core.scheduler;
