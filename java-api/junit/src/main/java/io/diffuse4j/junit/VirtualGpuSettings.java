package io.diffuse4j.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** How the virtual GPU of a test is set up; on a method it replaces that of the class. */
@Documented
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
public @interface VirtualGpuSettings {
  /**
   * Changes to the defaults, as in {@code DIFFUSE4J_VGPU}: {@code "profile=h100,schedule=reverse"}.
   * The defaults are {@code profile=a100,check=all,schedule=forward,memory=8G} and a limit of 10^9
   * warp instructions for a launch.
   */
  String value() default "";

  /** Whether findings of the checkers fail the test; a test of a faulty kernel says false. */
  boolean failOnDiagnostics() default true;
}
