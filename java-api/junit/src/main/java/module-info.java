/** Tests of CUDA kernels on the virtual GPU; only the extension needs JUnit 5. */
module io.diffuse4j.junit {
  requires transitive io.diffuse4j.natives;
  requires transitive org.bytedeco.cuda;
  requires static org.junit.jupiter.api;

  exports io.diffuse4j.junit;
}
