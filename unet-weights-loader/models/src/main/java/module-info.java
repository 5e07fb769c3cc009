/** The small trained models that ship with Diffuse4J; resources only. */
module io.diffuse4j.models {
  // Resources of an encapsulated package are found by other modules only when the package is open.
  opens io.diffuse4j.models;
}
