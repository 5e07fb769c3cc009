package io.diffuse4j.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Several safetensors files behind an index ({@code *.safetensors.index.json}), whose {@code
 * weight_map} says which file of the same folder holds which tensor.
 */
public final class ShardedSafetensors implements TensorSource {
  /** Room for the longest map that {@link SafetensorsHeader#MAX_TENSORS} would fill. */
  private static final long MAX_INDEX_BYTES = 4L << 20;

  private static final int MAX_SHARDS = 1024;

  private final String origin;
  private final Map<String, SafetensorsFile> shardOfTensor;
  private final Map<String, SafetensorsFile> shards;
  private volatile boolean closed;

  private ShardedSafetensors(
      String origin,
      Map<String, SafetensorsFile> shardOfTensor,
      Map<String, SafetensorsFile> shards) {
    this.origin = origin;
    this.shardOfTensor = shardOfTensor;
    this.shards = shards;
  }

  /**
   * Reads an index and maps all its files.
   *
   * @throws InvalidModelException if the index or a file cannot be read or is invalid, if a file's
   *     name leaves the folder, or if files and index do not hold the same tensors
   */
  public static ShardedSafetensors open(Path index) {
    String origin = index.toString();
    Map<String, String> weightMap = readWeightMap(index);
    Path folder = index.toAbsolutePath().getParent();
    Map<String, SafetensorsFile> shards = new TreeMap<>();
    Map<String, SafetensorsFile> shardOfTensor = new LinkedHashMap<>();
    boolean complete = false;
    try {
      weightMap.forEach(
          (tensor, shard) -> {
            SafetensorsFile file =
                shards.computeIfAbsent(shard, name -> SafetensorsFile.open(folder.resolve(name)));
            if (!file.has(tensor)) {
              throw new InvalidModelException(
                  origin
                      + ": tensor "
                      + Quote.quote(tensor)
                      + " is not in "
                      + Quote.quote(shard)
                      + " as the index says");
            }
            shardOfTensor.put(tensor, file);
          });
      shards.values().forEach(file -> checkListed(origin, file, shardOfTensor));
      complete = true;
    } finally {
      if (!complete) {
        shards.values().forEach(SafetensorsFile::close);
      }
    }
    return new ShardedSafetensors(origin, shardOfTensor, shards);
  }

  private static void checkListed(
      String origin, SafetensorsFile file, Map<String, SafetensorsFile> shardOfTensor) {
    for (String tensor : file.names()) {
      if (shardOfTensor.get(tensor) != file) {
        throw new InvalidModelException(
            origin
                + ": tensor "
                + Quote.quote(tensor)
                + " of "
                + file.origin()
                + " is not listed in the index for that file");
      }
    }
  }

  private static Map<String, String> readWeightMap(Path index) {
    String origin = index.toString();
    try {
      long size = Files.size(index);
      if (size > MAX_INDEX_BYTES) {
        throw new InvalidModelException(
            origin + ": larger than the " + MAX_INDEX_BYTES + " bytes that an index may have");
      }
      try (InputStream in = Files.newInputStream(index);
          JsonParser json = StrictJson.parser(in, true)) {
        return weightMap(origin, json);
      }
    } catch (IOException e) {
      throw StrictJson.invalid(origin, e);
    }
  }

  private static Map<String, String> weightMap(String origin, JsonParser json) throws IOException {
    Map<String, String> map = null;
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw new InvalidModelException(origin + ": not a JSON object");
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      if (field.equals("weight_map")) {
        map = shardNames(origin, json);
      } else {
        json.skipChildren(); // "metadata": sizes that we do not rely on
      }
    }
    if (json.nextToken() != null) {
      throw new InvalidModelException(origin + ": text after the JSON object");
    }
    if (map == null) {
      throw new InvalidModelException(origin + ": field \"weight_map\" is missing");
    }
    return map;
  }

  private static Map<String, String> shardNames(String origin, JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw new InvalidModelException(origin + ": field \"weight_map\": expected an object");
    }
    Map<String, String> map = new LinkedHashMap<>();
    Set<String> shards = new LinkedHashSet<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String tensor = json.currentName();
      if (json.nextToken() != JsonToken.VALUE_STRING) {
        throw new InvalidModelException(
            origin
                + ": field \"weight_map\": expected the name of a file for "
                + Quote.quote(tensor));
      }
      String shard = json.getText();
      if (shards.add(shard)) {
        checkShardName(origin, shard);
      }
      map.put(tensor, shard);
      if (map.size() > SafetensorsHeader.MAX_TENSORS || shards.size() > MAX_SHARDS) {
        throw new InvalidModelException(
            origin
                + ": more than "
                + SafetensorsHeader.MAX_TENSORS
                + " tensors or "
                + MAX_SHARDS
                + " files");
      }
    }
    return map;
  }

  /** A name that stays in the index's folder on every system. */
  private static void checkShardName(String origin, String shard) {
    boolean plain =
        shard.endsWith(".safetensors")
            && shard
                .chars()
                .allMatch(c -> c > ' ' && c < 0x7f && c != '/' && c != '\\' && c != ':');
    if (!plain) {
      throw new InvalidModelException(
          origin
              + ": "
              + Quote.quote(shard)
              + " is not the name of a safetensors file in the index's folder");
    }
  }

  @Override
  public Set<String> names() {
    checkOpen();
    return Collections.unmodifiableSet(shardOfTensor.keySet());
  }

  @Override
  public boolean has(String name) {
    checkOpen();
    return shardOfTensor.containsKey(name);
  }

  @Override
  public HostTensor get(String name) {
    checkOpen();
    SafetensorsFile shard = shardOfTensor.get(name);
    if (shard == null) {
      throw TensorNames.missing(this, name);
    }
    return shard.get(name);
  }

  @Override
  public String origin() {
    return origin;
  }

  @Override
  public void close() {
    closed = true;
    shards.values().forEach(SafetensorsFile::close);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException(origin + " is closed");
    }
  }
}
