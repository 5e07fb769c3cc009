package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuException;
import io.diffuse4j.junit.VirtualGpuExtension;
import io.diffuse4j.junit.VirtualGpuSettings;
import io.diffuse4j.junit.isa.WarpBench.Code;
import java.util.List;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PTX ISA, "Control Flow Instructions": bra, brx.idx, call, ret, exit; and trap and its like. */
@ExtendWith(VirtualGpuExtension.class)
class ControlOpcodeTest {
  private static final int ASSERT = 710;
  private static final int LAUNCH_FAILED = 719;

  private static final List<String> INSTRUCTIONS =
      List.of(
          "bra",
          "bra.uni",
          "brx.idx",
          "brx.idx.uni",
          "call",
          "call.uni",
          "ret",
          "ret.uni",
          "exit",
          "trap",
          "brkpt",
          "nanosleep.u32",
          "pmevent",
          "pmevent.mask");

  /** Control flow has no operands that an inventory could vary: the names are what is tested. */
  static Stream<Form> forms() {
    return INSTRUCTIONS.stream().map(i -> new Form("", i + " "));
  }

  @Test
  void branchesGoWhereTheirGuardHolds(VirtualGpu gpu) {
    String text =
        """
        {
        mov.b32 %o0, 0; setp.lt.u32 %p, %lane, 10; setp.lt.u32 %q, %lane, 20;
        @%p bra LOW;
        @!%q bra HIGH;
        mov.b32 %o0, 2;
        bra.uni DONE;
        LOW:
        mov.b32 %o0, 1;
        bra DONE;
        HIGH:
        mov.b32 %o0, 3;
        DONE:
        add.u32 %o0, %o0, 10;
        }
        """;
    assertLanes(gpu, text, l -> l < 10 ? 11 : l < 20 ? 12 : 13);
  }

  @ParameterizedTest
  @ValueSource(strings = {"brx.idx", "brx.idx.uni"})
  void indexedBranchesPickTheirLabel(String brx, VirtualGpu gpu) {
    String text =
        """
        {
        TABLE: .branchtargets ZERO, ONE, TWO;
        mov.b32 %o0, 9; INDEX
        BRX %y, TABLE;
        ONE:
        mov.b32 %o0, 1; bra END;
        ZERO:
        mov.b32 %o0, 0; bra END;
        TWO:
        mov.b32 %o0, 2;
        END:
        add.u32 %o0, %o0, 100;
        }
        """
            .replace("BRX", brx);
    if (brx.endsWith("uni")) {
      assertLanes(gpu, text.replace("INDEX", "mov.b32 %y, 2;"), l -> 102);
    } else {
      assertLanes(gpu, text.replace("INDEX", "rem.u32 %y, %lane, 3;"), l -> 100 + l % 3);
      assertLanes(
          gpu,
          text.replace("INDEX", "rem.u32 %y, %lane, 3;").replace("BRX", "@%p BRX"),
          l -> 100 + l % 3);
    }
  }

  private static final String FUNCTIONS =
      """
      .visible .func (.param .b32 result) twice(.param .b32 x)
      {
        .reg .b32 %v;
        ld.param.b32 %v, [x];
        shl.b32 %v, %v, 1;
        st.param.b32 [result], %v;
        ret;
      }
      .visible .func (.param .b32 result) square(.param .b32 x)
      {
        .reg .b32 %v; .reg .pred %p;
        ld.param.u32 %v, [x];
        mul.lo.u32 %v, %v, %v;
        st.param.b32 [result], %v;
        setp.gt.u32 %p, %v, 100;
        @%p ret;
        add.u32 %v, %v, 1000;
        st.param.b32 [result], %v;
        ret.uni;
      }
      .visible .func (.param .align 16 .b8 result[16]) swapped(.param .align 16 .b8 x[16], .param .b8 small)
      {
        .reg .b64 %a, %b; .reg .b16 %s; .reg .b64 %t;
        ld.param.b64 %a, [x];
        ld.param.b64 %b, [x+8];
        ld.param.s8 %s, [small];
        cvt.s64.s16 %t, %s;
        add.s64 %a, %a, %t;
        st.param.v2.b64 [result], {%b, %a};
        ret;
      }
      .visible .func (.param .b64 result) factorial(.param .b64 n)
      {
        .reg .b64 %n, %m; .reg .pred %p;
        .param .b64 sub; .param .b64 r;
        ld.param.b64 %n, [n];
        mov.b64 %m, 1;
        setp.le.u64 %p, %n, 1;
        @%p bra BASE;
        sub.u64 %m, %n, 1;
        st.param.b64 [sub], %m;
        call (r), factorial, (sub);
        ld.param.b64 %m, [r];
        mul.lo.u64 %m, %m, %n;
      BASE:
        st.param.b64 [result], %m;
        ret;
      }
      .visible .func leaves()
      {
        .reg .b32 %l; .reg .pred %p;
        mov.u32 %l, %laneid;
        setp.ge.u32 %p, %l, 16;
        @%p exit;
        ret;
      }
      """;

  @ParameterizedTest
  @ValueSource(strings = {"call", "call.uni"})
  void callsPassParametersAndResults(String call, VirtualGpu gpu) {
    String text =
        """
        {
        .param .b32 in; .param .b32 out;
        st.param.b32 [in], %lane;
        CALL (out), twice, (in);
        ld.param.b32 %o0, [out];
        st.param.b32 [in], %o0;
        CALL (out), square, (in);
        ld.param.b32 %o0, [out];
        }
        """
            .replace("CALL", call);
    assertLanes(gpu, text, l -> 4L * l * l > 100 ? 4L * l * l : 4L * l * l + 1000);
  }

  /** A structure and a byte that is sign-extended when it is read. */
  @Test
  void structuresAndBytesArePassedByValue(VirtualGpu gpu) {
    String text =
        """
        {
        .param .align 16 .b8 in[16]; .param .b8 small; .param .align 16 .b8 out[16];
        cvt.u64.u32 %u, %lane;
        st.param.b64 [in], %u;
        st.param.b64 [in+8], 77;
        st.param.b8 [small], 0xfd;
        call (out), swapped, (in, small);
        ld.param.v2.b64 {%v, %w}, [out];
        mad.lo.u64 %w, %v, 1000, %w;
        cvt.u32.u64 %o0, %w;
        }
        """;
    assertLanes(gpu, text, l -> 77000 + l - 3);
  }

  /** Pointers to functions, with a prototype and with a list of targets; lanes differ. */
  @Test
  void indirectCallsGoToEachLanesFunction(VirtualGpu gpu) {
    String text =
        """
        {
        .param .b32 in; .param .b32 out;
        PROTOTYPE: .callprototype (.param .b32 _) _ (.param .b32 _);
        TARGETS: .calltargets twice, square;
        mov.b64 %u, twice; mov.b64 %v, square;
        setp.lt.u32 %p, %lane, 12;
        selp.b64 %w, %u, %v, %p;
        st.param.b32 [in], %lane;
        call (out), %w, (in), PROTOTYPE;
        ld.param.b32 %o0, [out];
        st.param.b32 [in], %o0;
        call (out), %u, (in), TARGETS;
        ld.param.b32 %o0, [out];
        }
        """;
    assertLanes(gpu, text, l -> 2L * (l < 12 ? 2L * l : l * l > 100 ? l * l : l * l + 1000));
  }

  @Test
  void recursionHasAFrameForEachCall(VirtualGpu gpu) {
    String text =
        """
        {
        .param .b64 in; .param .b64 out;
        rem.u32 %y, %lane, 13; cvt.u64.u32 %u, %y;
        st.param.b64 [in], %u;
        call (out), factorial, (in);
        ld.param.b64 %u, [out];
        cvt.u32.u64 %o0, %u;
        }
        """;
    assertLanes(
        gpu, text, l -> IntStream.rangeClosed(1, l % 13).asLongStream().reduce(1, (a, b) -> a * b));
  }

  /** "exit terminates the thread", also from within a function; the others go on. */
  @Test
  void exitInAFunctionEndsTheThread(VirtualGpu gpu) {
    String text = "st.global.b32 [%to], 5; call leaves; mov.b32 %o0, 6";
    assertLanes(gpu, text, l -> l < 16 ? 6 : 5);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"nanosleep.u32 100", "pmevent 7", "pmevent.mask 0xff", "nanosleep.u32 %lane"})
  void instructionsThatOnlyTakeTimeChangeNothing(String instruction, VirtualGpu gpu) {
    assertLanes(gpu, "mov.b32 %o0, %lane; " + instruction, l -> l);
  }

  @ParameterizedTest
  @ValueSource(strings = {"trap", "brkpt"})
  @VirtualGpuSettings(failOnDiagnostics = false)
  void trapsStopTheKernel(String instruction, VirtualGpu gpu) {
    String text = "setp.eq.u32 %p, %lane, 3; @%p " + instruction;
    VirtualGpuException e =
        assertThrows(
            VirtualGpuException.class, () -> run(gpu, Code.warp(List.of(), List.of(), text)));
    assertEquals(LAUNCH_FAILED, e.code(), e::getMessage);
  }

  private static final String SYSTEM_CALLS =
      """
      .extern .func (.param .b32 result) vprintf(.param .b64 format, .param .b64 arguments);
      .extern .func __assertfail(.param .b64 message, .param .b64 file, .param .b32 line,
          .param .b64 function, .param .b64 size);
      .global .align 1 .b8 format[20] = {108, 97, 110, 101, 32, 37, 100, 32, 37, 108, 108, 120, 10, 0};
      .global .align 1 .b8 message[6] = {120, 32, 62, 32, 48, 0};
      .global .align 1 .b8 file[5] = {97, 46, 99, 117, 0};
      .global .align 1 .b8 name[2] = {102, 0};
      """;

  /** "vprintf returns the number of arguments": of the lanes that call it. */
  @Test
  void vprintfReturnsTheNumberOfArguments(VirtualGpu gpu) {
    String text =
        """
        {
        .local .align 8 .b8 arguments[16];
        .param .b64 f; .param .b64 a; .param .b32 r;
        mov.u64 %u, arguments; cvta.local.u64 %v, %u;
        st.local.b32 [%u], %lane; st.local.b64 [%u+8], 255;
        mov.u64 %w, format; cvta.global.u64 %w, %w;
        st.param.b64 [f], %w; st.param.b64 [a], %v;
        mov.b32 %o0, 77;
        setp.eq.u32 %p, %lane, 4;
        @!%p bra DONE;
        call.uni (r), vprintf, (f, a);
        ld.param.b32 %o0, [r];
        DONE:
        }
        """;
    long[][] outputs =
        new WarpBench(gpu)
            .run(Code.warp(List.of(), List.of("b32"), text), new long[0][], SYSTEM_CALLS);
    assertArrayEquals(
        IntStream.range(0, WarpBench.LANES).mapToLong(l -> l == 4 ? 2 : 77).toArray(), outputs[0]);
  }

  @Test
  @VirtualGpuSettings(failOnDiagnostics = false)
  void failedAssertionsNameTheirPlace(VirtualGpu gpu) {
    String text =
        """
        {
        .param .b64 m; .param .b64 f; .param .b32 l; .param .b64 n; .param .b64 s;
        mov.u64 %u, message; cvta.global.u64 %u, %u; st.param.b64 [m], %u;
        mov.u64 %u, file; cvta.global.u64 %u, %u; st.param.b64 [f], %u;
        st.param.b32 [l], 42;
        mov.u64 %u, name; cvta.global.u64 %u, %u; st.param.b64 [n], %u;
        st.param.b64 [s], 1;
        setp.eq.u32 %p, %lane, 9;
        @!%p bra DONE;
        call.uni __assertfail, (m, f, l, n, s);
        DONE:
        }
        """;
    Code code = Code.warp(List.of(), List.of(), text);
    VirtualGpuException e =
        assertThrows(
            VirtualGpuException.class,
            () -> new WarpBench(gpu).run(code, new long[0][], SYSTEM_CALLS));
    assertEquals(ASSERT, e.code(), e::getMessage);
    for (String part : List.of("a.cu:42: f", "x > 0", "thread: [9,0,0]")) {
      assertTrue(e.getMessage().contains(part), e::getMessage);
    }
  }

  private static long[][] run(VirtualGpu gpu, Code code) {
    return new WarpBench(gpu).run(code, new long[0][], FUNCTIONS);
  }

  private static void assertLanes(VirtualGpu gpu, String text, IntToLongFunction expected) {
    long[] actual = run(gpu, Code.warp(List.of(), List.of("b32"), text))[0];
    assertArrayEquals(
        IntStream.range(0, WarpBench.LANES).mapToLong(expected).toArray(), actual, text);
  }
}
