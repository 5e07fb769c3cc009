/**
 * The compiled CUDA kernels, what the compiler reported of them, and the driver API to run them.
 */
module io.diffuse4j.kernels {
  requires io.diffuse4j.natives;
  // Not used here: whoever adds this module opens a GPU, and that takes the presets.
  requires transitive org.bytedeco.cuda;

  exports io.diffuse4j.kernels;

  provides io.diffuse4j.natives.KernelBundle with
      io.diffuse4j.kernels.CompiledKernels;
}
