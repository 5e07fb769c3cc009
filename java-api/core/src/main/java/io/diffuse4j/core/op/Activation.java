package io.diffuse4j.core.op;

/** What an epilogue applies last. */
public enum Activation {
  NONE,
  /** x * sigmoid(x). */
  SILU,
  /** x * Phi(x), with the exact error function. */
  GELU,
  /** x * sigmoid(1.702 x), as OpenAI's CLIP has it. */
  QUICK_GELU
}
