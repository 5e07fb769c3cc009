package io.diffuse4j.models;

import io.diffuse4j.weights.ModelBundle;
import java.io.InputStream;

/** The models that the project trained; they lie beside this class. */
public final class TrainedModels implements ModelBundle {
  /** For {@link java.util.ServiceLoader}. */
  public TrainedModels() {}

  @Override
  public InputStream open(String path) {
    return TrainedModels.class.getResourceAsStream(path);
  }
}
