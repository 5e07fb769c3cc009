package io.diffuse4j.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;

/** A result for programs: one JSON object in one line. */
interface JsonLine {
  /** Writes the fields of the object. */
  void fields(JsonGenerator json) throws IOException;

  /** Prints the object when it is whole. */
  static void print(PrintStream out, JsonLine line) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.writeStartObject();
      line.fields(json);
      json.writeEndObject();
    }
    out.println(text);
  }
}
