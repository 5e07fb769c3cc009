package io.diffuse4j.core.engine;

import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The one thread of a device on which native plans run. OpenMP gives every thread that enters a
 * parallel region a team of its own, so that callers must not enter one themselves: with this
 * thread there is one team however many callers there are. Tasks are served in the order of
 * arrival; handing one over allocates nothing.
 */
public final class ComputeThread implements AutoCloseable {
  private final ReentrantLock turn = new ReentrantLock(true);
  private final Thread worker;
  private volatile Runnable task;
  private volatile Thread waiter;
  private volatile boolean stopped;
  private Throwable failure;

  public ComputeThread(String name) {
    worker = new Thread(this::serve, name);
    worker.setDaemon(true);
    worker.start();
  }

  private void serve() {
    while (!stopped) {
      Runnable next = task;
      if (next == null) {
        LockSupport.park(this);
        continue;
      }
      try {
        next.run();
      } catch (Throwable t) {
        failure = t;
      }
      Thread caller = waiter;
      task = null;
      LockSupport.unpark(caller);
    }
  }

  /** Runs the task on the compute thread and waits for it; what it throws is thrown here. */
  public void run(Runnable work) {
    if (Thread.currentThread() == worker) {
      work.run();
      return;
    }
    boolean interrupted = false;
    Throwable thrown;
    turn.lock();
    try {
      if (stopped) {
        throw new IllegalStateException(worker.getName() + " is closed");
      }
      failure = null;
      waiter = Thread.currentThread();
      task = work;
      LockSupport.unpark(worker);
      while (task != null) {
        LockSupport.park(this);
        // A pending interrupt would make park return at once, again and again.
        interrupted |= Thread.interrupted();
      }
      thrown = failure;
    } finally {
      turn.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    if (thrown instanceof RuntimeException e) {
      throw e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
  }

  /** The thread itself, for measurements. */
  public Thread thread() {
    return worker;
  }

  @Override
  public void close() {
    turn.lock();
    try {
      stopped = true;
      LockSupport.unpark(worker);
    } finally {
      turn.unlock();
    }
  }
}
