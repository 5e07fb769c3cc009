/** What the verb {@code kernels} of the command line needs: CUDA's compiler and the virtual GPU. */
module io.diffuse4j.cli.kernels {
  requires io.diffuse4j.cli;
  requires io.diffuse4j.junit;
  requires io.diffuse4j.kernels;

  provides io.diffuse4j.cli.spi.KernelTools with
      io.diffuse4j.cli.kernels.VirtualGpuTools;
}
