/** The command line of Diffuse4J. */
module io.diffuse4j.cli {
  requires io.diffuse4j.core;
  requires info.picocli;
  requires me.tongfei.progressbar;

  opens io.diffuse4j.cli to
      info.picocli;
}
