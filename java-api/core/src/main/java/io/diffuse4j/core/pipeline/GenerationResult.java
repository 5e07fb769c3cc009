package io.diffuse4j.core.pipeline;

import java.util.List;

/**
 * What a request gave.
 *
 * @param images in the order of the request
 * @param networkCalls how often the network was asked for each batch
 */
public record GenerationResult(List<Image> images, int networkCalls) {
  public GenerationResult {
    images = List.copyOf(images);
  }
}
