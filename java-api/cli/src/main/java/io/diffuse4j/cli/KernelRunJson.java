package io.diffuse4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.diffuse4j.natives.VirtualGpuDiagnostic;
import io.diffuse4j.natives.VirtualGpuDiagnostic.Dim3;
import io.diffuse4j.natives.VirtualGpuLaunch;
import io.diffuse4j.weights.HostTensor;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What came of a launch, for programs. Names are those of the virtual GPU's records. */
final class KernelRunJson {
  private KernelRunJson() {}

  static void writeOutputs(JsonGenerator json, List<HostTensor> outputs) throws IOException {
    json.writeArrayFieldStart("outputs");
    for (HostTensor output : outputs) {
      json.writeStartObject();
      json.writeStringField("name", output.name());
      json.writeStringField("dtype", output.dtype().name());
      json.writeFieldName("shape");
      json.writeArray(output.shape(), 0, output.shape().length);
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  static void writeDiagnostics(JsonGenerator json, List<VirtualGpuDiagnostic> diagnostics)
      throws IOException {
    json.writeArrayFieldStart("diagnostics");
    for (VirtualGpuDiagnostic diagnostic : diagnostics) {
      json.writeStartObject();
      json.writeStringField("kind", diagnostic.kind().name().toLowerCase(Locale.ROOT));
      json.writeStringField("message", diagnostic.message());
      json.writeStringField("kernel", diagnostic.kernel());
      json.writeStringField("file", diagnostic.file());
      json.writeNumberField("line", diagnostic.line());
      json.writeNumberField("ptxLine", diagnostic.ptxLine());
      json.writeStringField("instruction", diagnostic.instruction());
      write(json, "block", Optional.of(diagnostic.block()));
      write(json, "thread", Optional.of(diagnostic.thread()));
      write(json, "otherBlock", diagnostic.otherBlock());
      write(json, "otherThread", diagnostic.otherThread());
      json.writeNumberField("otherLine", diagnostic.otherLine());
      // As text: programs read numbers as doubles, which hold 53 bits of an address.
      json.writeStringField("address", "0x" + Long.toHexString(diagnostic.address()));
      json.writeNumberField("size", diagnostic.size());
      json.writeStringField("allocation", diagnostic.allocation());
      json.writeNumberField("count", diagnostic.count());
      json.writeStringField("text", diagnostic.text());
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  static void writeCounters(JsonGenerator json, VirtualGpuLaunch launch) throws IOException {
    write(json, "grid", Optional.of(launch.grid()));
    write(json, "block", Optional.of(launch.block()));
    json.writeNumberField("sharedBytes", launch.sharedBytes());
    json.writeNumberField("registers", launch.registers());
    json.writeStringField("bound", launch.bound());
    json.writeNumberField("waves", launch.waves());
    json.writeNumberField("blocksPerSm", launch.blocksPerSm());
    json.writeStringField("occupancyLimit", launch.occupancyLimit());
    json.writeObjectFieldStart("nanoseconds");
    for (Map.Entry<String, Double> entry : launch.nanoseconds().entrySet()) {
      json.writeNumberField(entry.getKey(), entry.getValue());
    }
    json.writeEndObject();
    json.writeObjectFieldStart("counters");
    for (Map.Entry<String, Long> entry : launch.counters().entrySet()) {
      json.writeNumberField(entry.getKey(), entry.getValue());
    }
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, String name, Optional<Dim3> size)
      throws IOException {
    if (size.isPresent()) {
      json.writeFieldName(name);
      Dim3 three = size.get();
      json.writeArray(new int[] {three.x(), three.y(), three.z()}, 0, 3);
    }
  }
}
