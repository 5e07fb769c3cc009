package io.diffuse4j.core.engine;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What all that owns native memory has in common: {@link #close()} is idempotent, legal from any
 * thread, closes what was opened from it and waits for the running call; use after close is an
 * {@link IllegalStateException}.
 *
 * <p>A close from inside the running call itself (a progress listener, say) cannot wait for it: the
 * resource is then released when that call returns.
 */
public abstract class NativeResource implements AutoCloseable {
  private static final boolean TRACE = Boolean.getBoolean("io.diffuse4j.trace");

  private final NativeResource parent;
  private final Throwable opened;
  private final Set<NativeResource> children = new LinkedHashSet<>();
  private final List<Thread> callers = new ArrayList<>(2);
  private boolean closed;
  private boolean released;

  /**
   * An open resource.
   *
   * @param parent closes this resource when it is closed; may be null
   */
  protected NativeResource(NativeResource parent) {
    this.parent = parent;
    this.opened = TRACE ? new Throwable("opened here") : null;
    if (parent != null) {
      parent.adopt(this);
    }
  }

  /** How messages name it, such as {@code Model digits-32}. */
  protected abstract String describe();

  /** Frees what it owns; called once, when no call is running. */
  protected abstract void release();

  private void adopt(NativeResource child) {
    synchronized (this) {
      requireOpen();
      children.add(child);
    }
  }

  private void disown(NativeResource child) {
    synchronized (this) {
      children.remove(child);
    }
    releaseIfUnused();
  }

  private void requireOpen() {
    if (closed) {
      IllegalStateException e = new IllegalStateException(describe() + " is closed");
      if (opened != null) {
        e.addSuppressed(opened);
      }
      throw e;
    }
  }

  /** For a constructor that fails after the parent has adopted the half-made resource. */
  protected final void abandon() {
    synchronized (this) {
      closed = true;
      released = true;
    }
    if (parent != null) {
      parent.disown(this);
    }
  }

  /** Starts a call: until {@link #exit()}, a close from another thread waits. */
  protected final synchronized void enter() {
    requireOpen();
    callers.add(Thread.currentThread());
  }

  /** Ends a call that {@link #enter()} started on this thread. */
  protected final void exit() {
    synchronized (this) {
      callers.remove(Thread.currentThread());
      notifyAll();
    }
    releaseIfUnused();
  }

  /**
   * Closes all of them in this order, whatever some of them throw; then throws the first of that.
   *
   * @param resources null for those that are not there
   */
  public static void closeAll(AutoCloseable... resources) {
    RuntimeException thrown = null;
    for (AutoCloseable resource : resources) {
      try {
        if (resource != null) {
          resource.close();
        }
      } catch (Exception e) {
        if (thrown == null) {
          thrown = e instanceof RuntimeException r ? r : new IllegalStateException(e);
        } else {
          thrown.addSuppressed(e);
        }
      }
    }
    if (thrown != null) {
      throw thrown;
    }
  }

  public final synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public final void close() {
    List<NativeResource> open;
    synchronized (this) {
      closed = true;
      open = new ArrayList<>(children);
    }
    // The youngest first: it may use an older sibling.
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
    boolean interrupted = false;
    synchronized (this) {
      if (callers.contains(Thread.currentThread())) {
        return;
      }
      while (!callers.isEmpty()) {
        try {
          wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    releaseIfUnused();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** The last of closer, caller and child to leave releases. */
  private void releaseIfUnused() {
    synchronized (this) {
      if (!closed || released || !callers.isEmpty() || !children.isEmpty()) {
        return;
      }
      released = true;
    }
    try {
      release();
    } finally {
      if (parent != null) {
        parent.disown(this);
      }
    }
  }
}
