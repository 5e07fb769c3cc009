package io.diffuse4j.core.cuda;

import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.natives.CudaOps;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUfunc_st;

/** A list of launches that the native side has made ({@code d4j_cuda.h}). */
final class CudaProgram implements AutoCloseable {
  /**
   * One launch.
   *
   * @param threads of a block; gridX, gridY and gridZ blocks
   * @param cooperative all blocks must be resident together: they wait for one another
   * @param params host address of the kernel's only parameter, valid as long as the program
   */
  record Launch(
      CUfunc_st function,
      int gridX,
      int gridY,
      int gridZ,
      int threads,
      int sharedBytes,
      boolean cooperative,
      long params) {}

  private final CudaModules modules;
  private final Map<Integer, List<CapturedGraph>> foreign = new HashMap<>();
  private long program;
  private List<Launch> launches;

  /**
   * An empty program.
   *
   * @param device for the choice of tiles, and of what is launched together
   * @param modules where its kernels are; null for a program that only tells what it needs
   * @param scratch device address of the scratch region
   * @param counters device address of memory that is zero before the first run and that nobody else
   *     writes; 0 for none
   */
  CudaProgram(
      CudaContext.Multiprocessors device,
      CudaModules modules,
      boolean batchInvariant,
      long scratch,
      long counters) {
    this.modules = modules;
    long[] created = new long[1];
    NativeStatus.check(
        "d4j_cuda_program_create",
        CudaOps.d4j_cuda_program_create(
            device.count(),
            device.sharedBytes(),
            batchInvariant ? 1 : 0,
            scratch,
            counters,
            created));
    program = created[0];
  }

  /** The handle, for appending ops. */
  long handle() {
    return program;
  }

  /** Lets foreign work follow the launches so far; owned by the caller, who keeps it open. */
  void insert(CapturedGraph graph) {
    int position = CudaOps.d4j_cuda_program_launches(program);
    foreign.computeIfAbsent(position, p -> new ArrayList<>()).add(graph);
  }

  /** Foreign work between launch {@code index - 1} and launch {@code index}. */
  List<CapturedGraph> foreignBefore(int index) {
    return foreign.getOrDefault(index, List.of());
  }

  long scratchBytes() {
    return CudaOps.d4j_cuda_program_scratch_bytes(program);
  }

  long counterBytes() {
    return CudaOps.d4j_cuda_program_counter_bytes(program);
  }

  /** All launches of ours; nothing is appended afterwards. */
  List<Launch> launches() {
    if (launches == null) {
      List<Launch> resolved = new ArrayList<>();
      int count = CudaOps.d4j_cuda_program_launches(program);
      for (int i = 0; i < count; i++) {
        resolved.add(resolve(i));
      }
      launches = List.copyOf(resolved);
    }
    return launches;
  }

  /** The kernels in order, which need not be loaded. */
  List<String> kernels() {
    List<String> names = new ArrayList<>();
    int count = CudaOps.d4j_cuda_program_launches(program);
    for (int i = 0; i < count; i++) {
      names.add(CudaOps.d4j_cuda_launch_kernel(program, i));
    }
    return names;
  }

  private Launch resolve(int index) {
    int[] shape = new int[7];
    long[] params = new long[1];
    NativeStatus.check("d4j_cuda_launch", CudaOps.d4j_cuda_launch(program, index, shape, params));
    CUfunc_st function =
        modules.function(
            CudaOps.d4j_cuda_launch_image(program, index),
            CudaOps.d4j_cuda_launch_kernel(program, index),
            shape[4]);
    return new Launch(
        function, shape[0], shape[1], shape[2], shape[3], shape[4], shape[6] != 0, params[0]);
  }

  @Override
  public void close() {
    if (program != 0) {
      NativeStatus.check("d4j_cuda_program_destroy", CudaOps.d4j_cuda_program_destroy(program));
      program = 0;
    }
  }
}
