package io.diffuse4j.junit.isa;

/** The rounding modifiers of PTX: {@code .rn .rz .rm .rp .rna}. */
enum Rounding {
  RN,
  RZ,
  RM,
  RP,
  RNA;

  /** The modifier as it is written, without the dot. */
  String modifier() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
