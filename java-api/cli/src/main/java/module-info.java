/** The command line of Diffuse4J. */
module io.diffuse4j.cli {
  requires info.picocli;
  requires io.diffuse4j.core;
  requires io.diffuse4j.natives;

  opens io.diffuse4j.cli to
      info.picocli;
}
