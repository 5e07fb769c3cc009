/** Tests of CUDA kernels with JUnit 5 on the virtual GPU. */
module io.diffuse4j.junit {
  requires transitive io.diffuse4j.natives;
  requires transitive org.bytedeco.cuda;
  requires transitive org.junit.jupiter.api;

  exports io.diffuse4j.junit;
}
