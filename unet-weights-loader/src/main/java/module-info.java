/** Published weights and configurations, as named host tensors in their published layout. */
module io.diffuse4j.weights {
  requires com.fasterxml.jackson.core;

  exports io.diffuse4j.weights;

  uses io.diffuse4j.weights.ModelBundle;
}
