package io.diffuse4j.core.engine;

/** Told after each network call, on the thread that asked for the images. */
@FunctionalInterface
public interface ProgressListener {
  ProgressListener NONE = (done, total) -> {};

  /**
   * Called with how far the request is.
   *
   * @param done network calls finished
   * @param total network calls of the whole request; -1 where the sampler decides as it goes
   */
  void onProgress(int done, int total);
}
