package io.diffuse4j.core.op;

import java.util.List;

/**
 * A parameter that an op reads, by its published names. Several names mean that the tensors are
 * stacked along the output dimension (a fused q, k, v projection; every block's time_emb_proj).
 *
 * @param kind decides the packing
 * @param names tensors in stacking order
 * @param outputs output channels of each
 * @param inputs input channels, 1 for vectors and the embedding width for tables
 * @param kernelH filter height, 1 but for convolutions
 * @param kernelW filter width
 * @param published how the file shapes it
 */
public record Weight(
    Kind kind,
    List<String> names,
    List<Integer> outputs,
    int inputs,
    int kernelH,
    int kernelW,
    Published published) {

  /** What the parameter is to the op that reads it. */
  public enum Kind {
    CONV,
    LINEAR,
    VECTOR,
    TABLE
  }

  /** The published shape of a tensor. */
  public enum Published {
    /** [out, in, kh, kw]. */
    FILTER,
    /** [out, in]. */
    MATRIX,
    /** [out]. */
    VECTOR
  }

  public Weight {
    names = List.copyOf(names);
    outputs = List.copyOf(outputs);
  }

  public static Weight conv(String name, int outputs, int inputs, int kernelH, int kernelW) {
    return new Weight(
        Kind.CONV, List.of(name), List.of(outputs), inputs, kernelH, kernelW, Published.FILTER);
  }

  public static Weight linear(String name, int outputs, int inputs) {
    return linear(List.of(name), List.of(outputs), inputs);
  }

  public static Weight linear(List<String> names, List<Integer> outputs, int inputs) {
    return new Weight(Kind.LINEAR, names, outputs, inputs, 1, 1, Published.MATRIX);
  }

  /** A linear layer that the file holds as a 1x1 convolution. */
  public static Weight linearFromConv(String name, int outputs, int inputs) {
    return new Weight(Kind.LINEAR, List.of(name), List.of(outputs), inputs, 1, 1, Published.FILTER);
  }

  public static Weight vector(String name, int length) {
    return vector(List.of(name), List.of(length));
  }

  public static Weight vector(List<String> names, List<Integer> lengths) {
    return new Weight(Kind.VECTOR, names, lengths, 1, 1, 1, Published.VECTOR);
  }

  /** A table of {@code rows} embeddings of {@code width} channels. */
  public static Weight table(String name, int rows, int width) {
    return new Weight(Kind.TABLE, List.of(name), List.of(rows), width, 1, 1, Published.MATRIX);
  }

  /** Output channels of the stack. */
  public int totalOutputs() {
    return outputs.stream().mapToInt(Integer::intValue).sum();
  }

  public long elements() {
    return (long) totalOutputs() * inputs * kernelH * kernelW;
  }

  /** The shape that the file must give the tensor {@code names().get(index)}. */
  public long[] publishedShape(int index) {
    return switch (published) {
      case FILTER -> new long[] {outputs.get(index), inputs, kernelH, kernelW};
      case MATRIX -> new long[] {outputs.get(index), inputs};
      case VECTOR -> new long[] {outputs.get(index)};
    };
  }
}
