/** The compiled CUDA kernels and what the compiler reported of them. */
module io.diffuse4j.kernels {
  exports io.diffuse4j.kernels;
}
