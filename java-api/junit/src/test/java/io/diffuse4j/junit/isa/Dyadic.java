package io.diffuse4j.junit.isa;

import java.math.BigInteger;

/**
 * The real number mantissa · 2^exponent. Sums and products are exact; quotients and roots carry
 * {@value #QUOTIENT_BITS} bits and a last bit that is 1 if anything was cut off, so that rounding
 * them to any format of fewer bits is rounding the true value.
 */
record Dyadic(BigInteger mantissa, int exponent) {
  private static final int QUOTIENT_BITS = 160;

  static final Dyadic ZERO = new Dyadic(BigInteger.ZERO, 0);

  static Dyadic of(BigInteger integer) {
    return new Dyadic(integer, 0);
  }

  int sign() {
    return mantissa.signum();
  }

  Dyadic negate() {
    return new Dyadic(mantissa.negate(), exponent);
  }

  Dyadic plus(Dyadic other) {
    int common = Math.min(exponent, other.exponent);
    return new Dyadic(scaled(common).add(other.scaled(common)), common);
  }

  Dyadic times(Dyadic other) {
    return new Dyadic(mantissa.multiply(other.mantissa), exponent + other.exponent);
  }

  Dyadic dividedBy(Dyadic other) {
    int shift = QUOTIENT_BITS + other.mantissa.bitLength();
    BigInteger[] result = mantissa.abs().shiftLeft(shift).divideAndRemainder(other.mantissa.abs());
    BigInteger magnitude = withSticky(result[0], result[1].signum() != 0);
    return new Dyadic(
        sign() * other.sign() < 0 ? magnitude.negate() : magnitude,
        exponent - other.exponent - shift - 1);
  }

  /** Of a number that is not negative. */
  Dyadic squareRoot() {
    int shift = 2 * QUOTIENT_BITS + (exponent & 1);
    BigInteger[] result = mantissa.shiftLeft(shift).sqrtAndRemainder();
    return new Dyadic(withSticky(result[0], result[1].signum() != 0), (exponent - shift) / 2 - 1);
  }

  int compareTo(Dyadic other) {
    return plus(other.negate()).sign();
  }

  /** Rounded to an integer. */
  BigInteger toInteger(Rounding rounding) {
    if (exponent >= 0) {
      return mantissa.shiftLeft(exponent);
    }
    BigInteger magnitude = mantissa.abs();
    BigInteger whole = magnitude.shiftRight(-exponent);
    BigInteger rest = magnitude.subtract(whole.shiftLeft(-exponent));
    int half = rest.shiftLeft(1).compareTo(BigInteger.ONE.shiftLeft(-exponent));
    boolean negative = sign() < 0;
    boolean up =
        switch (rounding) {
          case RN -> half > 0 || (half == 0 && whole.testBit(0));
          case RNA -> half >= 0;
          case RZ -> false;
          case RM -> negative && rest.signum() != 0;
          case RP -> !negative && rest.signum() != 0;
        };
    BigInteger rounded = up ? whole.add(BigInteger.ONE) : whole;
    return negative ? rounded.negate() : rounded;
  }

  private BigInteger scaled(int common) {
    return mantissa.shiftLeft(exponent - common);
  }

  private static BigInteger withSticky(BigInteger value, boolean sticky) {
    BigInteger shifted = value.shiftLeft(1);
    return sticky ? shifted.setBit(0) : shifted;
  }
}
