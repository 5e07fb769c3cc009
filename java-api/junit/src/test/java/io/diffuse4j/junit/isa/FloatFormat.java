package io.diffuse4j.junit.isa;

import java.math.BigInteger;

/** A binary interchange format, its values as bits in a long. The arithmetic is IEEE 754's. */
enum FloatFormat {
  F16(5, 10),
  BF16(8, 7),
  TF32(8, 10),
  F32(8, 23),
  F64(11, 52);

  private final int exponentBits;
  private final int fractionBits;

  FloatFormat(int exponentBits, int fractionBits) {
    this.exponentBits = exponentBits;
    this.fractionBits = fractionBits;
  }

  int fractionBits() {
    return fractionBits;
  }

  int bits() {
    return 1 + exponentBits + fractionBits;
  }

  long signBit() {
    return 1L << (bits() - 1);
  }

  long infinity() {
    return ((1L << exponentBits) - 1) << fractionBits;
  }

  long largest() {
    return infinity() - 1;
  }

  /** All bits below the sign: the canonical NaN of the single and half precision instructions. */
  long nan() {
    return signBit() - 1;
  }

  long one() {
    return (long) bias() << fractionBits;
  }

  boolean isNan(long value) {
    return magnitude(value) > infinity();
  }

  boolean isInfinite(long value) {
    return magnitude(value) == infinity();
  }

  boolean isZero(long value) {
    return magnitude(value) == 0;
  }

  boolean isSubnormal(long value) {
    return !isZero(value) && magnitude(value) >>> fractionBits == 0;
  }

  boolean isNegative(long value) {
    return (value & signBit()) != 0;
  }

  long magnitude(long value) {
    return value & (signBit() - 1);
  }

  long negate(long value) {
    return value ^ signBit();
  }

  /** {@code .ftz}: subnormals become zeros of their sign. */
  long flush(long value) {
    return isSubnormal(value) ? value & signBit() : value;
  }

  /** {@code .sat}: clamped to [0, 1], NaN to +0. */
  long saturate(long value) {
    if (isNan(value) || isNegative(value)) {
      return 0;
    }
    return Long.compareUnsigned(value, one()) > 0 ? one() : value;
  }

  /** The value of a finite number. */
  Dyadic exact(long value) {
    long magnitude = magnitude(value);
    int exponent = (int) (magnitude >>> fractionBits);
    long fraction = magnitude & ((1L << fractionBits) - 1);
    long significand = exponent == 0 ? fraction : fraction | 1L << fractionBits;
    BigInteger signed = BigInteger.valueOf(isNegative(value) ? -significand : significand);
    return new Dyadic(signed, Math.max(exponent, 1) - bias() - fractionBits);
  }

  /** Nearest value by the rounding; a zero gets the sign of {@code zeroIsNegative}. */
  long round(Dyadic value, Rounding rounding, boolean zeroIsNegative) {
    if (value.sign() == 0) {
      return zeroIsNegative ? signBit() : 0;
    }
    boolean negative = value.sign() < 0;
    int top = value.mantissa().abs().bitLength() + value.exponent() - 1;
    int unit = Math.max(top, 1 - bias()) - fractionBits;
    BigInteger units =
        new Dyadic(value.mantissa(), value.exponent() - unit).toInteger(rounding).abs();
    if (units.bitLength() > fractionBits + 1) {
      units = units.shiftRight(1);
      unit++;
    }
    long significand = units.longValueExact();
    int exponent = significand >>> fractionBits == 0 ? 0 : unit + fractionBits + bias();
    long magnitude;
    if (exponent >= (1 << exponentBits) - 1) {
      boolean away =
          switch (rounding) {
            case RN, RNA -> true;
            case RZ -> false;
            case RM -> negative;
            case RP -> !negative;
          };
      magnitude = away ? infinity() : largest();
    } else {
      long hidden = exponent == 0 ? 0 : 1L << fractionBits;
      magnitude = (long) exponent << fractionBits | (significand - hidden);
    }
    return negative ? magnitude | signBit() : magnitude;
  }

  long fma(long a, long b, long c, Rounding rounding) {
    if (isNan(a) || isNan(b) || isNan(c)) {
      return nan();
    }
    boolean negative = isNegative(a) != isNegative(b);
    if (isInfinite(a) || isInfinite(b)) {
      boolean undefined = isZero(a) || isZero(b) || (isInfinite(c) && (isNegative(c) != negative));
      return undefined ? nan() : signed(infinity(), negative);
    }
    if (isInfinite(c)) {
      return c;
    }
    boolean productIsZero = isZero(a) || isZero(b);
    boolean negativeZero =
        (productIsZero && isZero(c) && (negative == isNegative(c)))
            ? negative
            : rounding == Rounding.RM;
    return round(exact(a).times(exact(b)).plus(exact(c)), rounding, negativeZero);
  }

  long add(long a, long b, Rounding rounding) {
    return fma(a, one(), b, rounding);
  }

  long multiply(long a, long b, Rounding rounding) {
    boolean negative = isNegative(a) != isNegative(b);
    // Adding the zero of the product's sign changes nothing, not even the sign of a zero.
    return fma(a, b, negative ? signBit() : 0, rounding);
  }

  long divide(long a, long b, Rounding rounding) {
    if (isNan(a) || isNan(b) || (isZero(a) && isZero(b)) || (isInfinite(a) && isInfinite(b))) {
      return nan();
    }
    boolean negative = isNegative(a) != isNegative(b);
    if (isInfinite(a) || isZero(b)) {
      return signed(infinity(), negative);
    }
    if (isInfinite(b) || isZero(a)) {
      return signed(0, negative);
    }
    return round(exact(a).dividedBy(exact(b)), rounding, negative);
  }

  long squareRoot(long a, Rounding rounding) {
    if (isZero(a)) {
      return a;
    }
    if (isNan(a) || isNegative(a)) {
      return nan();
    }
    return isInfinite(a) ? a : round(exact(a).squareRoot(), rounding, false);
  }

  /** Converts between formats; a NaN becomes the target's canonical one. */
  long convertFrom(FloatFormat source, long value, Rounding rounding) {
    if (source.isNan(value)) {
      return nan();
    }
    if (source.isInfinite(value)) {
      return signed(infinity(), source.isNegative(value));
    }
    return round(source.exact(value), rounding, source.isNegative(value));
  }

  /** Negative, 0 or positive; neither may be a NaN. */
  int compare(long a, long b) {
    if (isZero(a) && isZero(b)) {
      return 0;
    }
    long x = isNegative(a) ? -magnitude(a) : magnitude(a);
    long y = isNegative(b) ? -magnitude(b) : magnitude(b);
    return Long.compare(x, y);
  }

  private long signed(long magnitude, boolean negative) {
    return negative ? magnitude | signBit() : magnitude;
  }

  private int bias() {
    return (1 << (exponentBits - 1)) - 1;
  }
}
