package io.diffuse4j.weights;

import java.util.List;

/**
 * What a module is: the library whose format its files have, and the class that they belong to.
 *
 * @param className such as {@code UNet2DModel}, {@code CLIPTextModel} or, of guided-diffusion,
 *     {@code UNetModel}
 */
public record ModuleKind(Format format, String className) {
  /** The libraries whose files we read. */
  public enum Format {
    DIFFUSERS,
    TRANSFORMERS,
    GUIDED_DIFFUSION
  }

  /**
   * Reads {@code _class_name}, else the first of {@code architectures}, else {@code format} with
   * {@code model_class}.
   *
   * @throws InvalidModelException if none of them is there
   */
  public static ModuleKind of(ModelConfig config) {
    if (config.has("_class_name")) {
      return new ModuleKind(Format.DIFFUSERS, config.string("_class_name", ""));
    }
    List<String> architectures = config.strings("architectures", List.of());
    if (!architectures.isEmpty()) {
      return new ModuleKind(Format.TRANSFORMERS, architectures.get(0));
    }
    if (config.has("format")) {
      String format = config.string("format", "");
      if (!format.equals("guided-diffusion")) {
        throw config.invalid(
            "format", Quote.quote(format) + " is not known, only \"guided-diffusion\"");
      }
      if (!config.has("model_class")) {
        throw config.contradiction("format", "model_class", "the format needs the class too");
      }
      return new ModuleKind(Format.GUIDED_DIFFUSION, config.string("model_class", ""));
    }
    throw new InvalidModelException(
        config.origin()
            + ": does not say what the module is: no \"_class_name\", \"architectures\" or"
            + " \"format\"");
  }
}
