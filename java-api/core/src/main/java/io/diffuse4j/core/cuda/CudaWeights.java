package io.diffuse4j.core.cuda;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.OpDescriptors;
import io.diffuse4j.core.op.PackedWeights;
import io.diffuse4j.core.op.PublishedTensors;
import io.diffuse4j.core.op.Weight;
import io.diffuse4j.natives.Conv2dDesc;
import io.diffuse4j.natives.CudaOps;
import io.diffuse4j.natives.CudaWeightDesc;
import io.diffuse4j.natives.LinearDesc;
import io.diffuse4j.weights.TensorSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;

/** A model's parameters in one block of device memory, each packed for the kernel that reads it. */
final class CudaWeights implements PackedWeights {
  /** Where weights that are only planned with seem to lie. */
  private static final long NOWHERE = 1L << 40;

  /**
   * How a parameter is packed, which does not depend on batch or image size.
   *
   * @param layout of {@code d4j_cuda_layout}
   * @param c0 input channels of the first source
   * @param c1 of the second
   * @param interleave outputs of both halves alternate
   */
  private record Packing(
      int layout, DType dtype, int outputs, int taps, int c0, int c1, boolean interleave) {
    CudaWeightDesc desc() {
      CudaWeightDesc desc = new CudaWeightDesc();
      desc.layout(layout).dtype(CudaTypes.of(dtype)).outputs(outputs).taps(taps);
      desc.c0(c0).c1(c1).interleave(interleave ? 1 : 0);
      return desc;
    }

    long bytes() {
      long[] bytes = new long[1];
      try (CudaWeightDesc desc = desc()) {
        NativeStatus.check("d4j_cuda_weight_bytes", CudaOps.d4j_cuda_weight_bytes(desc, bytes));
      }
      return bytes[0];
    }
  }

  private final DType dtype;
  private final Map<Weight, Packing> packings = new LinkedHashMap<>();
  private final Map<Weight, Long> offsets = new LinkedHashMap<>();

  /** Filters of shortcuts, which follow those of their convolutions directly. */
  private final Set<Weight> following = new HashSet<>();

  /** Biases of shortcuts, which are part of those of their convolutions. */
  private final Map<Weight, Weight> addends = new HashMap<>();

  private final long bytes;
  private CudaBuffer memory;

  /** Weights that are not there: ops that read them tell what they need. */
  CudaWeights(Graph graph, DType dtype) {
    this.dtype = dtype;
    decide(graph);
    long end = 0;
    for (Map.Entry<Weight, Packing> entry : packings.entrySet()) {
      long offset = following.contains(entry.getKey()) ? end : CudaLowering.align(end);
      offsets.put(entry.getKey(), offset);
      end = offset + entry.getValue().bytes();
    }
    bytes = CudaLowering.align(end);
  }

  /** Packs and uploads everything that the graph reads. */
  CudaWeights(CudaMemory allocator, Graph graph, DType dtype, TensorSource source) {
    this(graph, dtype);
    memory = allocator.allocate("the weights", Math.max(bytes, 1));
    try {
      packings.forEach((weight, packing) -> upload(weight, packing, source));
    } catch (Throwable t) {
      close();
      throw t;
    }
  }

  private void decide(Graph graph) {
    CudaFusion fusion = new CudaFusion(graph);
    OpDescriptors descriptors =
        new OpDescriptors(weight -> 0, value -> CudaTypes.of(value.type()), false);
    for (Op op : fusion.graph().ops()) {
      if (op instanceof Op.Conv2d conv) {
        put(conv.weight(), filter(conv, descriptors));
        if (conv.shortcut() != null) {
          put(conv.shortcut().weight(), filter(conv.shortcut(), descriptors));
          following.add(conv.shortcut().weight());
          addends.put(conv.bias(), conv.shortcut().bias());
        }
        put(conv.bias(), rows(conv.bias(), false));
      } else if (op instanceof Op.Linear linear) {
        boolean geglu = fusion.appliesGeglu(linear);
        put(linear.weight(), matrix(linear, geglu, descriptors));
        put(linear.bias(), rows(linear.bias(), geglu));
      } else {
        op.weights().forEach(weight -> put(weight, rows(weight, false)));
      }
    }
  }

  private void put(Weight weight, Packing packing) {
    if (weight == null) {
      return;
    }
    Packing other = packings.putIfAbsent(weight, packing);
    if (other != null && !other.equals(packing)) {
      throw new IllegalStateException(weight.names() + " is read as " + other + " and " + packing);
    }
  }

  private Packing filter(Op.Conv2d conv, OpDescriptors descriptors) {
    int c1 = conv.skip() == null ? 0 : conv.skip().c();
    DType multiplied = CudaTypes.multiplied(dtype, conv.source().type());
    try (Conv2dDesc desc = descriptors.conv2d(conv)) {
      desc.src_dtype(CudaTypes.of(multiplied));
      return new Packing(
          CudaOps.d4j_cuda_conv2d_layout(desc),
          multiplied,
          conv.weight().totalOutputs(),
          conv.weight().kernelH() * conv.weight().kernelW(),
          conv.source().c(),
          c1,
          false);
    }
  }

  private Packing matrix(Op.Linear linear, boolean geglu, OpDescriptors descriptors) {
    DType multiplied = CudaTypes.multiplied(dtype, linear.source().type());
    boolean vectors = CudaFusion.isVector(linear.source());
    try (LinearDesc desc = descriptors.linear(linear)) {
      int layout = CudaOps.d4j_cuda_linear_layout(desc, vectors ? 1 : 0);
      int c1 = linear.source2() == null ? 0 : linear.source2().c();
      boolean asRows = layout == CudaOps.LAYOUT_ROWS;
      return new Packing(
          layout,
          asRows ? DType.F32 : multiplied,
          linear.weight().totalOutputs(),
          1,
          asRows ? linear.source().c() + c1 : linear.source().c(),
          asRows ? 0 : c1,
          geglu);
    }
  }

  private static Packing rows(Weight weight, boolean interleave) {
    return weight == null
        ? null
        : new Packing(
            CudaOps.LAYOUT_ROWS,
            DType.F32,
            weight.totalOutputs(),
            1,
            weight.inputs(),
            0,
            interleave);
  }

  private void upload(Weight weight, Packing packing, TensorSource source) {
    try (BytePointer packed = pack(weight, packing, source)) {
      Weight addend = addends.get(weight);
      if (addend != null) {
        try (BytePointer other = pack(addend, packing, source)) {
          add(new FloatPointer(packed), new FloatPointer(other), packing.outputs);
        }
      }
      memory.upload(offsets.get(weight), packed, packing.bytes());
    }
  }

  private static void add(FloatPointer sum, FloatPointer addend, int count) {
    for (int i = 0; i < count; i++) {
      sum.put(i, sum.get(i) + addend.get(i));
    }
  }

  private static BytePointer pack(Weight weight, Packing packing, TensorSource source) {
    BytePointer packed = new BytePointer(packing.bytes());
    try (PublishedTensors tensors = new PublishedTensors(weight, source);
        CudaWeightDesc desc = packing.desc()) {
      NativeStatus.check(
          "d4j_cuda_weight_pack",
          CudaOps.d4j_cuda_weight_pack(
              desc,
              tensors.addresses(),
              tensors.firstDims(),
              tensors.count(),
              tensors.dtype(),
              packed.address()));
      return packed;
    } catch (Throwable t) {
      packed.close();
      throw t;
    }
  }

  DType dtype() {
    return dtype;
  }

  /** Bytes of a filter as others' kernels read it, in the type that it is multiplied in. */
  static long plainBytes(Weight filter, DType multiplied) {
    return filter.elements() * (multiplied == DType.F16 || multiplied == DType.BF16 ? 2 : 4);
  }

  /** Writes a filter to device memory as [outputs, height, width, inputs], dense. */
  void copyPlain(Weight filter, CudaBuffer target, long offset) {
    Packing packing = packings.get(filter);
    long size = packing.bytes();
    long plainSize = plainBytes(filter, packing.dtype);
    try (CudaWeightDesc desc = packing.desc();
        BytePointer packed = new BytePointer(size);
        BytePointer plain = new BytePointer(plainSize)) {
      memory.download(offsets.get(filter), packed, size);
      NativeStatus.check(
          "d4j_cuda_weight_unpack",
          CudaOps.d4j_cuda_weight_unpack(desc, packed.address(), plain.address()));
      target.upload(offset, plain, plainSize);
    }
  }

  /** Device address of a parameter. */
  long address(Weight weight) {
    Long offset = offsets.get(weight);
    if (offset == null) {
      throw new IllegalStateException(weight.names() + " was not loaded");
    }
    return (memory == null ? NOWHERE : memory.address()) + offset;
  }

  /** How the matrix of a linear layer is packed. */
  int layout(Weight weight) {
    return packings.get(weight).layout;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public void close() {
    if (memory != null) {
      memory.close();
    }
  }
}
