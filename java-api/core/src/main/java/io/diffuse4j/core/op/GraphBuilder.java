package io.diffuse4j.core.op;

import io.diffuse4j.core.op.Op.Padding;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Appends ops to a graph and infers their output shapes. Not thread-safe. */
public final class GraphBuilder {
  private final ElementType type;
  private final List<Op> ops = new ArrayList<>();
  private final List<Value> buffers = new ArrayList<>();
  private final Map<String, Value> inputs = new LinkedHashMap<>();
  private final Map<String, Value> outputs = new LinkedHashMap<>();

  /**
   * An empty graph.
   *
   * @param type how activations are stored, unless an op says otherwise
   */
  public GraphBuilder(ElementType type) {
    this.type = type;
  }

  public ElementType type() {
    return type;
  }

  public Graph build() {
    return new Graph(ops, buffers, inputs, outputs);
  }

  private Value buffer(int n, int h, int w, int c, ElementType elementType) {
    Value value = new Value(buffers.size(), n, h, w, c, 0, c, elementType);
    buffers.add(value);
    return value;
  }

  private Value add(Op op) {
    ops.add(op);
    return op.output();
  }

  public Value input(String name, int n, int h, int w, int c, ElementType elementType) {
    Value value = buffer(n, h, w, c, elementType);
    inputs.put(name, value);
    return value;
  }

  public void output(String name, Value value) {
    outputs.put(name, value);
  }

  /** The fused operands of a convolution; start from {@link #PLAIN}. */
  public record ConvOptions(
      Value skip,
      int stride,
      Padding padding,
      int upsample,
      Value embedding,
      Value residual,
      float outputScale,
      Activation activation,
      ElementType outputType) {
    public static final ConvOptions PLAIN =
        new ConvOptions(null, 1, null, 1, null, null, 1f, Activation.NONE, null);

    public ConvOptions skip(Value value) {
      return new ConvOptions(
          value,
          stride,
          padding,
          upsample,
          embedding,
          residual,
          outputScale,
          activation,
          outputType);
    }

    public ConvOptions stride(int value, Padding pad) {
      return new ConvOptions(
          skip, value, pad, upsample, embedding, residual, outputScale, activation, outputType);
    }

    public ConvOptions upsample(int value) {
      return new ConvOptions(
          skip, stride, padding, value, embedding, residual, outputScale, activation, outputType);
    }

    public ConvOptions embedding(Value value) {
      return new ConvOptions(
          skip, stride, padding, upsample, value, residual, outputScale, activation, outputType);
    }

    public ConvOptions residual(Value value, float scale) {
      return new ConvOptions(
          skip, stride, padding, upsample, embedding, value, scale, activation, outputType);
    }

    public ConvOptions activation(Activation value) {
      return new ConvOptions(
          skip, stride, padding, upsample, embedding, residual, outputScale, value, outputType);
    }

    public ConvOptions outputType(ElementType value) {
      return new ConvOptions(
          skip, stride, padding, upsample, embedding, residual, outputScale, activation, value);
    }
  }

  /** A square convolution with bias, named {@code prefix.weight} and {@code prefix.bias}. */
  public Value conv2d(String prefix, Value source, int outputs, int kernel, ConvOptions options) {
    int channels = source.c() + (options.skip == null ? 0 : options.skip.c());
    Padding padding = options.padding == null ? Padding.same(kernel) : options.padding;
    int h =
        (source.h() * options.upsample + padding.top() + padding.bottom() - kernel) / options.stride
            + 1;
    int w =
        (source.w() * options.upsample + padding.left() + padding.right() - kernel) / options.stride
            + 1;
    ElementType out = options.outputType == null ? type : options.outputType;
    return add(
        new Op.Conv2d(
            source,
            options.skip,
            Weight.conv(prefix + ".weight", outputs, channels, kernel, kernel),
            Weight.vector(prefix + ".bias", outputs),
            options.stride,
            padding,
            options.upsample,
            options.embedding,
            options.residual,
            options.outputScale,
            options.activation,
            null,
            buffer(source.n(), h, w, outputs, out)));
  }

  /** The fused operands of a linear layer; start from {@link #PLAIN}. */
  public record LinearOptions(
      Value source2, Value residual, float outputScale, Activation activation) {
    public static final LinearOptions PLAIN = new LinearOptions(null, null, 1f, Activation.NONE);

    public LinearOptions source2(Value value) {
      return new LinearOptions(value, residual, outputScale, activation);
    }

    public LinearOptions residual(Value value, float scale) {
      return new LinearOptions(source2, value, scale, activation);
    }

    public LinearOptions activation(Activation value) {
      return new LinearOptions(source2, residual, outputScale, value);
    }
  }

  /**
   * A linear layer over the channels; {@code bias} may be null. The output has the source's type.
   */
  public Value linear(Value source, Weight weight, Weight bias, LinearOptions options) {
    return add(
        new Op.Linear(
            source,
            options.source2,
            weight,
            bias,
            options.residual,
            options.outputScale,
            options.activation,
            buffer(source.n(), source.h(), source.w(), weight.totalOutputs(), source.type())));
  }

  /** A linear layer named {@code prefix.weight} and {@code prefix.bias}. */
  public Value linear(String prefix, Value source, int outputs, LinearOptions options) {
    int channels = source.c() + (options.source2 == null ? 0 : options.source2.c());
    return linear(
        source,
        Weight.linear(prefix + ".weight", outputs, channels),
        Weight.vector(prefix + ".bias", outputs),
        options);
  }

  public Value geglu(Value source) {
    return add(
        new Op.Geglu(
            source, buffer(source.n(), source.h(), source.w(), source.c() / 2, source.type())));
  }

  /**
   * Group normalisation named {@code prefix.weight} and {@code prefix.bias}, over [source, skip].
   */
  public Value groupNorm(
      String prefix,
      Value source,
      Value skip,
      int groups,
      float epsilon,
      Value scaleShift,
      boolean silu) {
    int channels = source.c() + (skip == null ? 0 : skip.c());
    return add(
        new Op.GroupNorm(
            source,
            skip,
            Weight.vector(prefix + ".weight", channels),
            Weight.vector(prefix + ".bias", channels),
            groups,
            epsilon,
            scaleShift,
            silu,
            buffer(source.n(), source.h(), source.w(), channels, type)));
  }

  public Value layerNorm(String prefix, Value source, float epsilon) {
    return add(
        new Op.LayerNorm(
            source,
            Weight.vector(prefix + ".weight", source.c()),
            Weight.vector(prefix + ".bias", source.c()),
            epsilon,
            buffer(source.n(), source.h(), source.w(), source.c(), source.type())));
  }

  public Value attention(
      Value query, Value key, Value value, int heads, float scale, boolean causal) {
    return add(
        new Op.Attention(
            query,
            key,
            value,
            heads,
            scale,
            causal,
            buffer(query.n(), query.h(), query.w(), query.c(), query.type())));
  }

  public Value silu(Value source) {
    return map(Op.Map.Function.SILU, source, null, source.h(), source.w(), source.type());
  }

  public Value add(Value a, Value b) {
    return map(Op.Map.Function.ADD, a, b, a.h(), a.w(), a.type());
  }

  public Value upsampleNearest(Value source) {
    return map(
        Op.Map.Function.UPSAMPLE_NEAREST_2X,
        source,
        null,
        source.h() * 2,
        source.w() * 2,
        source.type());
  }

  public Value averagePool(Value source) {
    return map(
        Op.Map.Function.AVERAGE_POOL_2X2,
        source,
        null,
        source.h() / 2,
        source.w() / 2,
        source.type());
  }

  public Value copy(Value source, ElementType elementType) {
    return map(Op.Map.Function.COPY, source, null, source.h(), source.w(), elementType);
  }

  private Value map(
      Op.Map.Function function, Value a, Value b, int h, int w, ElementType elementType) {
    return add(new Op.Map(function, a, b, buffer(a.n(), h, w, a.c(), elementType)));
  }

  /** Both sources side by side along the channels, copied. */
  public Value concat(Value a, Value b) {
    Value both = buffer(a.n(), a.h(), a.w(), a.c() + b.c(), a.type());
    ops.add(new Op.Map(Op.Map.Function.COPY, a, null, both.slice(0, a.c())));
    ops.add(new Op.Map(Op.Map.Function.COPY, b, null, both.slice(a.c(), b.c())));
    return both;
  }

  /** [n] int32 to [n, width] f32. */
  public Value embeddingLookup(String name, Value indices, int rows, int width) {
    return add(
        new Op.EmbeddingLookup(
            indices,
            Weight.table(name, rows, width),
            buffer(indices.n(), 1, 1, width, ElementType.F32)));
  }

  /** {@code dim} features of each channel of the source, f32. */
  public Value timestepEmbedding(
      Value source, int dim, boolean flipSinToCos, float frequencyShift) {
    return add(
        new Op.TimestepEmbedding(
            source,
            dim,
            flipSinToCos,
            frequencyShift,
            buffer(source.n(), 1, 1, source.c() * dim, ElementType.F32)));
  }

  public Value fourierEmbedding(
      String name, Value source, int frequencies, boolean flipSinToCos, boolean log) {
    return add(
        new Op.FourierEmbedding(
            source,
            Weight.vector(name, frequencies),
            flipSinToCos,
            log,
            buffer(source.n(), 1, 1, 2 * frequencies, ElementType.F32)));
  }
}
