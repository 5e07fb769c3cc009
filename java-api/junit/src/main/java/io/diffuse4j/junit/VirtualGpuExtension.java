package io.diffuse4j.junit;

import io.diffuse4j.natives.VirtualGpuDiagnostic;
import java.lang.reflect.AnnotatedElement;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives test methods a {@link VirtualGpu} parameter: a fresh device under all checkers. After the
 * test the device is closed, and findings of the checkers, leaks among them, fail the test unless
 * {@link VirtualGpuSettings} says otherwise. A process has one CUDA driver, so tests with a virtual
 * GPU run one at a time even where JUnit runs tests in parallel.
 */
public final class VirtualGpuExtension implements ParameterResolver, AfterEachCallback {
  private static final Namespace NAMESPACE = Namespace.create(VirtualGpuExtension.class);

  /** The driver is one for the process, whatever the number of extensions. */
  private static final Semaphore DRIVER = new Semaphore(1);

  /** For JUnit. */
  public VirtualGpuExtension() {}

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == VirtualGpu.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return context
        .getStore(NAMESPACE)
        .getOrComputeIfAbsent(
            VirtualGpu.class, key -> open(settings(context).value()), VirtualGpu.class);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    VirtualGpu gpu = context.getStore(NAMESPACE).remove(VirtualGpu.class, VirtualGpu.class);
    if (gpu == null) {
      return;
    }
    try {
      closeAndCheck(gpu, settings(context).failOnDiagnostics());
    } catch (RuntimeException | AssertionError e) {
      // What the test itself says comes first.
      context.getExecutionException().ifPresent(e::addSuppressed);
      throw e;
    } finally {
      DRIVER.release();
    }
  }

  private static VirtualGpu open(String settings) {
    DRIVER.acquireUninterruptibly();
    try {
      return new VirtualGpu(settings);
    } catch (RuntimeException | Error e) {
      DRIVER.release();
      throw e;
    }
  }

  private static void closeAndCheck(VirtualGpu gpu, boolean failOnDiagnostics) {
    try {
      gpu.close();
    } catch (VirtualGpuException e) {
      if (failOnDiagnostics) {
        throw e;
      }
    }
    List<VirtualGpuDiagnostic> found = gpu.diagnostics();
    if (failOnDiagnostics && !found.isEmpty()) {
      throw new AssertionError(
          found.size()
              + " finding(s) of the virtual GPU's checkers:\n"
              + found.stream().map(VirtualGpuDiagnostic::text).collect(Collectors.joining("\n")));
    }
  }

  private static VirtualGpuSettings settings(ExtensionContext context) {
    Optional<VirtualGpuSettings> found = context.getElement().flatMap(VirtualGpuExtension::find);
    return found
        .or(() -> context.getTestClass().flatMap(VirtualGpuExtension::find))
        .orElseGet(() -> Defaults.class.getAnnotation(VirtualGpuSettings.class));
  }

  private static Optional<VirtualGpuSettings> find(AnnotatedElement element) {
    return Optional.ofNullable(element.getAnnotation(VirtualGpuSettings.class));
  }

  /** Carries the annotation's defaults. */
  @VirtualGpuSettings
  private static final class Defaults {}
}
