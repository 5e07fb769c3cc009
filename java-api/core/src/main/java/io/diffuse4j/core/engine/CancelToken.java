package io.diffuse4j.core.engine;

/** Cancels a running request from any thread; the request ends before its next network call. */
public final class CancelToken {
  private volatile boolean cancelled;

  /** A token for one request or several. */
  public CancelToken() {}

  public void cancel() {
    cancelled = true;
  }

  public boolean isCancelled() {
    return cancelled;
  }
}
