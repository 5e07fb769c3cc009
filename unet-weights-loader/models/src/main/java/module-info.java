/** The small trained models that ship with Diffuse4J. */
module io.diffuse4j.models {
  requires io.diffuse4j.weights;

  provides io.diffuse4j.weights.ModelBundle with
      io.diffuse4j.models.TrainedModels;
}
