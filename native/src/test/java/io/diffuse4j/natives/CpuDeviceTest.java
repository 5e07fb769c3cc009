package io.diffuse4j.natives;

import static io.diffuse4j.natives.CpuOpFixture.check;
import static io.diffuse4j.natives.CpuOpFixture.created;
import static io.diffuse4j.natives.CpuOpFixture.gaussian;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class CpuDeviceTest {
  @Tag("isa")
  @Test
  void environmentCapsTheInstructionSet() {
    String cap = System.getenv("DIFFUSE4J_CPU_ISA");
    java.util.List<String> order = java.util.List.of("baseline", "avx2", "avx512", "avx512_bf16");
    int chosen = order.indexOf(CpuOps.d4j_cpu_isa());
    assertTrue(chosen >= 0, CpuOps.d4j_cpu_isa());
    if (cap != null) {
      assertTrue(chosen <= order.indexOf(cap), CpuOps.d4j_cpu_isa() + " above " + cap);
    }
  }

  @Test
  void memoryIsAlignedAndCountedExactly() {
    long before = CpuOps.d4j_memory_in_use();
    long small = created(out -> CpuOps.d4j_memory_alloc(1001, out));
    long large = created(out -> CpuOps.d4j_memory_alloc(5_000_001, out));
    assertEquals(0, small % 64);
    assertEquals(0, large % 64);
    assertEquals(before + 5_001_002, CpuOps.d4j_memory_in_use());
    check(CpuOps.d4j_memory_free(small));
    check(CpuOps.d4j_memory_free(large));
    assertEquals(before, CpuOps.d4j_memory_in_use());
    assertEquals(1, CpuOps.d4j_memory_free(large));
    assertEquals(1, CpuOps.d4j_memory_alloc(0, new long[1]));
    assertEquals(2, CpuOps.d4j_memory_alloc(1L << 60, new long[1]));
    assertEquals(before, CpuOps.d4j_memory_in_use());
  }

  @Test
  void packingAWeightFreesItsPlainCopy() {
    try (CpuOpFixture cpu = new CpuOpFixture(1)) {
      float[] values = gaussian(new Random(1), 64 * 64 * 9, CpuOps.F32);
      long weight = cpu.weight(CpuOps.WEIGHT_CONV, values, CpuOps.F32, 64, 64, 3, 3);
      Conv2dDesc d = new Conv2dDesc().weight(weight).n(1).h(8).w(8).c0(64).k(64).kh(3).kw(3);
      long op = created(out -> CpuOps.d4j_conv2d_create(cpu.engine(), d, out));
      assertEquals(64 * 64 * 9 * 4L, created(out -> CpuOps.d4j_weight_bytes(weight, out)));
      check(CpuOps.d4j_op_destroy(op));
    }
  }

  @Test
  void destructionInAnyOrderReturnsAllMemory() {
    long live = CpuOps.d4j_live_objects();
    long bytes = CpuOps.d4j_memory_in_use();
    long engine = created(out -> CpuOps.d4j_engine_create(2, out));
    long source = created(out -> CpuOps.d4j_memory_alloc(48 * 48 * 4, out));
    long weight =
        created(
            out ->
                CpuOps.d4j_weight_create(
                    engine,
                    CpuOps.WEIGHT_LINEAR,
                    new long[] {source},
                    new long[] {48},
                    1,
                    CpuOps.F32,
                    new long[] {48, 48},
                    2,
                    CpuOps.F32,
                    out));
    LinearDesc d = new LinearDesc().weight(weight).m(5).n(48).k0(48);
    long op = created(out -> CpuOps.d4j_linear_create(engine, d, out));
    assertEquals(live + 3, CpuOps.d4j_live_objects());
    check(CpuOps.d4j_memory_free(source));
    check(CpuOps.d4j_engine_destroy(engine));
    check(CpuOps.d4j_weight_destroy(weight));
    assertNotEquals(bytes, CpuOps.d4j_memory_in_use());
    check(CpuOps.d4j_op_destroy(op));
    assertEquals(live, CpuOps.d4j_live_objects());
    assertEquals(bytes, CpuOps.d4j_memory_in_use());
  }

  @Test
  void wrongDescriptorsAreRefusedWithTheNameAndLeakNothing() {
    try (CpuOpFixture cpu = new CpuOpFixture(1)) {
      long weight = cpu.weight(CpuOps.WEIGHT_LINEAR, new float[12], CpuOps.F32, 4, 3);
      LinearDesc linear = new LinearDesc().weight(weight).m(2).n(4).k0(5);
      refused("weight", CpuOps.d4j_linear_create(cpu.engine(), linear, new long[1]));
      linear.k0(3).dst_stride(2);
      refused("dst_stride", CpuOps.d4j_linear_create(cpu.engine(), linear, new long[1]));
      linear.dst_stride(0).src_dtype(CpuOps.F16);
      refused("dtype", CpuOps.d4j_linear_create(cpu.engine(), linear, new long[1]));
      linear.src_dtype(CpuOps.F32).m(0);
      refused("m", CpuOps.d4j_linear_create(cpu.engine(), linear, new long[1]));
      GroupNormDesc norm = new GroupNormDesc().n(1).hw(4).c0(10).groups(4);
      refused("groups", CpuOps.d4j_group_norm_create(cpu.engine(), norm, new long[1]));
      AttentionDesc attention = new AttentionDesc().batch(1).heads(1).q_tokens(1).k_tokens(1);
      attention.head_dim(0);
      refused("head_dim", CpuOps.d4j_attention_create(cpu.engine(), attention, new long[1]));
      refused("threads", CpuOps.d4j_engine_create(0, new long[1]));
      refused("engine", CpuOps.d4j_linear_create(0, linear, new long[1]));
    }
  }

  private static void refused(String name, int status) {
    assertEquals(1, status);
    assertTrue(NativeLibrary.d4j_last_error().contains(name), NativeLibrary.d4j_last_error());
  }
}
