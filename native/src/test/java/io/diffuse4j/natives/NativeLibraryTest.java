package io.diffuse4j.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class NativeLibraryTest {
  @Test
  void loadsOneDnnOfThePinnedPreset() {
    assertEquals("3.13", NativeLibrary.d4j_onednn_version().replaceFirst("\\.\\d+$", ""));
  }
}
