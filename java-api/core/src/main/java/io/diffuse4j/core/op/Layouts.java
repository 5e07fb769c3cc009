package io.diffuse4j.core.op;

/** NCHW is the order at the API boundary, NHWC on devices. */
public final class Layouts {
  private Layouts() {}

  public static float[] nchwToNhwc(float[] source, int n, int h, int w, int c) {
    float[] target = new float[source.length];
    int pixels = h * w;
    for (int i = 0; i < n; i++) {
      int base = i * c * pixels;
      for (int channel = 0; channel < c; channel++) {
        for (int p = 0; p < pixels; p++) {
          target[base + p * c + channel] = source[base + channel * pixels + p];
        }
      }
    }
    return target;
  }

  public static float[] nhwcToNchw(float[] source, int n, int h, int w, int c) {
    float[] target = new float[source.length];
    int pixels = h * w;
    for (int i = 0; i < n; i++) {
      int base = i * c * pixels;
      for (int channel = 0; channel < c; channel++) {
        for (int p = 0; p < pixels; p++) {
          target[base + channel * pixels + p] = source[base + p * c + channel];
        }
      }
    }
    return target;
  }
}
