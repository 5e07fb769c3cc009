package io.diffuse4j.core.op;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A module for one batch, size and dtype: ops in execution order over values. Immutable.
 *
 * @param ops in the order they run
 * @param buffers the whole (unsliced) value of each buffer, by its number
 * @param inputs what the caller writes before each run
 * @param outputs what the caller reads after it
 */
public record Graph(
    List<Op> ops, List<Value> buffers, Map<String, Value> inputs, Map<String, Value> outputs) {

  public Graph {
    ops = List.copyOf(ops);
    buffers = List.copyOf(buffers);
    inputs = Map.copyOf(inputs);
    outputs = Map.copyOf(outputs);
  }

  /** Every parameter the ops read, each once, with the type of the activations it meets. */
  public Map<Weight, ElementType> weights() {
    Map<Weight, ElementType> all = new LinkedHashMap<>();
    for (Op op : ops) {
      for (Weight weight : op.weights()) {
        ElementType type = op.inputs().get(0).type();
        ElementType other = all.putIfAbsent(weight, type);
        if (other != null && other != type) {
          throw new IllegalStateException(weight.names() + " is read as " + type + " and " + other);
        }
      }
    }
    return all;
  }

  /** The published shape of every tensor that the ops read, by name. */
  public Map<String, long[]> publishedShapes() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    for (Weight weight : weights().keySet()) {
      for (int i = 0; i < weight.names().size(); i++) {
        shapes.put(weight.names().get(i), weight.publishedShape(i));
      }
    }
    return shapes;
  }

  public Value input(String name) {
    return require(inputs, name);
  }

  public Value output(String name) {
    return require(outputs, name);
  }

  private static Value require(Map<String, Value> values, String name) {
    Value value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no '" + name + "' here, only " + values.keySet());
    }
    return value;
  }
}
