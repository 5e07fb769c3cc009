package io.diffuse4j.core.op;

import java.util.ArrayList;
import java.util.List;

/**
 * One call of a plan. An op says what is computed, with everything that can be fused into it; how
 * is each provider's business. Optional operands are null.
 */
public sealed interface Op {

  /** The value this op writes, all of it. */
  Value output();

  /** The values this op reads. */
  List<Value> inputs();

  /** The parameters this op reads. */
  List<Weight> weights();

  /** The operands that are there. */
  @SafeVarargs
  private static <T> List<T> listOf(T... operands) {
    List<T> present = new ArrayList<>();
    for (T operand : operands) {
      if (operand != null) {
        present.add(operand);
      }
    }
    return List.copyOf(present);
  }

  /**
   * y = activation((conv([source, skip]) + bias + embedding + residual) * outputScale). Zero
   * padding; {@code upsample} 2 reads the input through a nearest 2x index map.
   *
   * @param skip second source along the channels, read where it lies
   * @param embedding per sample and channel, [n, 1, 1, k], f32
   * @param shortcut a 1x1 convolution of this output's size, whose sum and bias are part of this
   *     one's; only where a device's own rewriting put it there
   */
  record Conv2d(
      Value source,
      Value skip,
      Weight weight,
      Weight bias,
      int stride,
      Padding padding,
      int upsample,
      Value embedding,
      Value residual,
      float outputScale,
      Activation activation,
      Conv2d shortcut,
      Value output)
      implements Op {
    @Override
    public List<Value> inputs() {
      return shortcut == null
          ? listOf(source, skip, embedding, residual)
          : listOf(source, skip, embedding, residual, shortcut.source, shortcut.skip);
    }

    @Override
    public List<Weight> weights() {
      return shortcut == null
          ? listOf(weight, bias)
          : listOf(weight, bias, shortcut.weight, shortcut.bias);
    }
  }

  /** Zero padding of a convolution, in pixels. */
  record Padding(int top, int left, int bottom, int right) {
    public static final Padding NONE = new Padding(0, 0, 0, 0);

    public static Padding same(int kernel) {
      int p = kernel / 2;
      return new Padding(p, p, p, p);
    }
  }

  /**
   * y = activation([source, source2] W^T + bias + residual) * outputScale, a row per pixel or
   * token.
   */
  record Linear(
      Value source,
      Value source2,
      Weight weight,
      Weight bias,
      Value residual,
      float outputScale,
      Activation activation,
      Value output)
      implements Op {
    @Override
    public List<Value> inputs() {
      return listOf(source, source2, residual);
    }

    @Override
    public List<Weight> weights() {
      return listOf(weight, bias);
    }
  }

  /** y = a * gelu(b), where a and b are the halves of the source's channels. */
  record Geglu(Value source, Value output) implements Op {
    @Override
    public List<Value> inputs() {
      return List.of(source);
    }

    @Override
    public List<Weight> weights() {
      return List.of();
    }
  }

  /**
   * Group normalisation over [source, skip] (Wu and He, 2018), then x * (1 + scale) + shift where
   * {@code scaleShift} = [scale, shift] per sample (FiLM), then SiLU if asked.
   */
  record GroupNorm(
      Value source,
      Value skip,
      Weight gamma,
      Weight beta,
      int groups,
      float epsilon,
      Value scaleShift,
      boolean silu,
      Value output)
      implements Op {
    @Override
    public List<Value> inputs() {
      return listOf(source, skip, scaleShift);
    }

    @Override
    public List<Weight> weights() {
      return listOf(gamma, beta);
    }
  }

  /** Layer normalisation over the channels. */
  record LayerNorm(Value source, Weight gamma, Weight beta, float epsilon, Value output)
      implements Op {
    @Override
    public List<Value> inputs() {
      return List.of(source);
    }

    @Override
    public List<Weight> weights() {
      return listOf(gamma, beta);
    }
  }

  /**
   * softmax(scale * q k^T) v per head, heads side by side along the channels (Vaswani et al.,
   * 2017).
   */
  record Attention(
      Value query, Value key, Value value, int heads, float scale, boolean causal, Value output)
      implements Op {
    @Override
    public List<Value> inputs() {
      return List.of(query, key, value);
    }

    @Override
    public List<Weight> weights() {
      return List.of();
    }

    public int headDim() {
      return query.c() / heads;
    }
  }

  /** An elementwise or resampling op without parameters. */
  record Map(Function function, Value source, Value source2, Value output) implements Op {
    /** What a {@link Map} computes. */
    public enum Function {
      SILU,
      /** source + source2. */
      ADD,
      UPSAMPLE_NEAREST_2X,
      AVERAGE_POOL_2X2,
      /** Element type conversion, and slices to dense rows. */
      COPY
    }

    @Override
    public List<Value> inputs() {
      return listOf(source, source2);
    }

    @Override
    public List<Weight> weights() {
      return List.of();
    }
  }

  /** Rows of a table by index: [n] int32 to [n, c] f32. */
  record EmbeddingLookup(Value indices, Weight table, Value output) implements Op {
    @Override
    public List<Value> inputs() {
      return List.of(indices);
    }

    @Override
    public List<Weight> weights() {
      return List.of(table);
    }
  }

  /**
   * Sinusoidal features of each scalar of the source, side by side (DDPM, section B): half
   * exp(-ln(maxPeriod) i / (half - shift)).
   *
   * @param source f32; each of its channels becomes {@code dim} features
   */
  record TimestepEmbedding(
      Value source, int dim, boolean flipSinToCos, float frequencyShift, Value output)
      implements Op {
    @Override
    public List<Value> inputs() {
      return List.of(source);
    }

    @Override
    public List<Weight> weights() {
      return List.of();
    }
  }

  /** Gaussian Fourier features of log(t): [sin, cos](2 pi w log t) (score SDE, appendix). */
  record FourierEmbedding(
      Value source, Weight frequencies, boolean flipSinToCos, boolean log, Value output)
      implements Op {
    @Override
    public List<Value> inputs() {
      return List.of(source);
    }

    @Override
    public List<Weight> weights() {
      return List.of(frequencies);
    }
  }
}
