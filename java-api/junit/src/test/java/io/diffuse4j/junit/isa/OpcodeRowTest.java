package io.diffuse4j.junit.isa;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;

/** A class of rows: each of its {@link OpcodeRows} methods is a test. */
@ExtendWith(VirtualGpuExtension.class)
abstract class OpcodeRowTest {
  @TestFactory
  List<DynamicTest> rows(VirtualGpu gpu) {
    OpcodeBench bench = new OpcodeBench(gpu);
    return groups(getClass())
        .map(m -> DynamicTest.dynamicTest(m.getName(), () -> bench.check(rowsOf(m))))
        .toList();
  }

  /** The instructions that a class of rows tests. */
  static Stream<Form> forms(Class<? extends OpcodeRowTest> type) {
    return groups(type).flatMap(m -> rowsOf(m).stream()).flatMap(OpcodeBench::forms);
  }

  private static Stream<Method> groups(Class<?> type) {
    return Arrays.stream(type.getDeclaredMethods())
        .filter(m -> m.isAnnotationPresent(OpcodeRows.class))
        .sorted(Comparator.comparing(Method::getName));
  }

  @SuppressWarnings("unchecked")
  private static List<OpcodeRow> rowsOf(Method group) {
    try {
      return (List<OpcodeRow>) group.invoke(null);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(group.toString(), e);
    }
  }
}
