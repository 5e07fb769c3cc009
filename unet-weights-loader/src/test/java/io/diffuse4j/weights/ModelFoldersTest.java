package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelFoldersTest {
  private static final String FIRST = "diffusion_pytorch_model.safetensors";
  private static final String SECOND = "model.safetensors";

  @TempDir Path folder;

  private void config(String json) {
    TestFiles.write(folder, "config.json", json);
  }

  private void weights(String name, float value) throws IOException {
    SafetensorsWriter.write(
        folder.resolve(name), List.of(HostTensor.of("w", new float[] {value}, 1)));
  }

  private float openedValue() {
    try (TensorSource source = ModuleFolder.open(folder).openWeights()) {
      return source.get("w").toFloats()[0];
    }
  }

  private static String refusal(Executable code) {
    return assertThrows(InvalidModelException.class, code).getMessage();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"_class_name\": \"UNet2DModel\", \"architectures\": [\"X\"]} | DIFFUSERS | UNet2DModel",
        "{\"architectures\": [\"CLIPTextModel\", \"X\"]} | TRANSFORMERS | CLIPTextModel",
        "{\"format\": \"guided-diffusion\", \"model_class\": \"UNetModel\"} | GUIDED_DIFFUSION |"
            + " UNetModel",
      })
  void theKindIsReadFromTheConfiguration(String json, ModuleKind.Format format, String name) {
    config(json);
    assertEquals(new ModuleKind(format, name), ModuleFolder.open(folder).kind());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{} | does not say what the module is",
        "{\"architectures\": []} | does not say what the module is",
        "{\"format\": \"guided-diffusion\"} | \"format\" and \"model_class\"",
        "{\"format\": \"onnx\", \"model_class\": \"X\"} | \"onnx\" is not known",
        "{\"_class_name\": 1} | \"_class_name\": expected a string",
      })
  void aConfigurationThatNamesNoKindIsRefused(String json, String message) {
    config(json);
    String found = refusal(() -> ModuleFolder.open(folder));
    assertTrue(found.contains(message), found);
  }

  @Test
  void foldersWithoutConfigurationAreRefused() {
    assertTrue(refusal(() -> ModuleFolder.open(folder)).contains("there is no config.json in it"));
    Path none = folder.resolve("none");
    assertEquals(none + ": no such folder", refusal(() -> ModuleFolder.open(none)));
    assertEquals(none + ": no such folder", refusal(() -> PipelineFolder.open(none)));
    assertTrue(refusal(() -> PipelineFolder.open(folder)).contains("no model_index.json in it"));
  }

  /** From the last choice to the first: each new file must win over those before. */
  @Test
  void weightsAreLookedUpInTheDocumentedOrder() throws IOException {
    config("{\"_class_name\": \"X\"}");
    weights("second.safetensors", 1);
    TestFiles.write(
        folder, SECOND + ".index.json", "{\"weight_map\": {\"w\": \"second.safetensors\"}}");
    assertEquals(1, openedValue());
    weights("first.safetensors", 2);
    TestFiles.write(
        folder, FIRST + ".index.json", "{\"weight_map\": {\"w\": \"first.safetensors\"}}");
    assertEquals(2, openedValue());
    weights(SECOND, 3);
    assertEquals(3, openedValue());
    weights(FIRST, 4);
    assertEquals(4, openedValue());
  }

  @Test
  void aFolderWithoutReadableWeightsSaysWhatItHolds() {
    config("{\"_class_name\": \"X\"}");
    ModuleFolder module = ModuleFolder.open(folder);
    assertTrue(refusal(module::openWeights).contains("no weights: expected " + FIRST));
    TestFiles.write(folder, "x.fp16.safetensors", "");
    assertTrue(refusal(module::openWeights).endsWith("found x.fp16.safetensors"));
    TestFiles.write(folder, "model.pt", "");
    String message = refusal(module::openWeights);
    assertTrue(message.contains("model.pt"), message);
    assertTrue(message.contains("PyTorch's own format is not supported"), message);
  }

  @Test
  void pipelinesListTheirComponents() throws IOException {
    TestFiles.write(
        folder,
        "model_index.json",
        """
        {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.40.0",
         "unet": ["diffusers", "UNet2DConditionModel"],
         "scheduler": ["diffusers", "DDIMScheduler"],
         "safety_checker": [null, null], "requires_safety_checker": false,
         "feature_extractor": null, "null_label": 10}
        """);
    Files.createDirectory(folder.resolve("unet"));
    Files.createDirectory(folder.resolve("scheduler"));
    TestFiles.write(folder.resolve("scheduler"), "scheduler_config.json", "{\"beta_end\": 0.5}");
    PipelineFolder pipeline = PipelineFolder.open(folder);
    assertEquals("StableDiffusionPipeline", pipeline.className());
    assertEquals(List.of("unet", "scheduler"), List.copyOf(pipeline.components().keySet()));
    assertEquals(folder.resolve("unet"), pipeline.component("unet").path());
    assertEquals("DDIMScheduler", pipeline.component("scheduler").className());
    assertEquals(OptionalInt.of(10), pipeline.nullLabel());
    assertFalse(pipeline.has("safety_checker"));
    assertEquals(0.5, pipeline.schedulerConfig().number("beta_end", 0));
    String message = refusal(() -> pipeline.component("vae"));
    assertTrue(message.endsWith("no component \"vae\"; there are unet, scheduler"), message);
    TestFiles.write(folder.resolve("unet"), "config.json", "{\"_class_name\": \"U\"}");
    assertEquals("U", pipeline.module("unet").kind().className());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{} | \"_class_name\": the pipeline's class is missing",
        "{\"_class_name\": \"P\", \"unet\": [\"diffusers\", \"X\"]} | folder",
        "{\"_class_name\": \"P\", \"../x\": [\"diffusers\", \"X\"]} | not a name for",
        "{\"_class_name\": \"P\", \"..\": [\"diffusers\", \"X\"]} | not a name for",
        "{\"_class_name\": \"P\", \"unet\": [\"diffusers\"]} | expected a component",
        "{\"_class_name\": \"P\", \"unet\": [null, \"X\"]} | expected a component",
        "{\"_class_name\": \"P\", \"null_label\": -1} | \"null_label\": expected a whole number",
      })
  void wrongPipelinesAreRefused(String json, String message) {
    TestFiles.write(folder, "model_index.json", json);
    String found = refusal(() -> PipelineFolder.open(folder));
    assertTrue(found.contains(message), found);
  }

  @Test
  void eachReadingOfTheConfigurationStartsAnew() {
    config("{\"_class_name\": \"X\", \"a\": 1}");
    ModuleFolder module = ModuleFolder.open(folder);
    module.config().ignore("a");
    assertArrayEquals(new Object[] {"a"}, module.config().unknownFields().toArray());
  }
}
