/** The command line of Diffuse4J. */
module io.diffuse4j.cli {
  requires com.fasterxml.jackson.core;
  requires info.picocli;
  requires io.diffuse4j.core;
  requires transitive io.diffuse4j.natives;
  requires transitive io.diffuse4j.weights;

  exports io.diffuse4j.cli.spi;

  opens io.diffuse4j.cli to
      info.picocli;

  uses io.diffuse4j.cli.spi.KernelTools;
}
