/** The C ABI of Diffuse4J's native code, bound with JavaCPP; ships the native libraries. */
module io.diffuse4j.natives {
  requires transitive org.bytedeco.javacpp;

  exports io.diffuse4j.natives;

  // JavaCPP's Loader reads the library resources that stand beside these classes.
  opens io.diffuse4j.natives;
}
