/** The engine that applications embed: devices, models, samplers. */
module io.diffuse4j.core {
  requires io.diffuse4j.natives;
  // Only cuda and virtual devices need it; the artifact with the compiled kernels brings it.
  requires static org.bytedeco.cuda;
  requires transitive io.diffuse4j.weights;

  uses io.diffuse4j.natives.KernelBundle;

  exports io.diffuse4j.core.device;
  exports io.diffuse4j.core.engine;
  exports io.diffuse4j.core.guidance;
  exports io.diffuse4j.core.model;
  exports io.diffuse4j.core.noise;
  exports io.diffuse4j.core.pipeline;
  exports io.diffuse4j.core.sampler;
  exports io.diffuse4j.core.scheduler;
}
