package io.diffuse4j.core.noise;

/** MT19937 (Matsumoto and Nishimura, 1998), 32 bits at a time. */
final class MersenneTwister {
  private static final int N = 624;
  private static final int M = 397;
  private static final int MATRIX = 0x9908b0df;
  private static final int UPPER = 0x80000000;

  private final int[] state = new int[N];
  private int next = N;

  MersenneTwister(int seed) {
    state[0] = seed;
    for (int i = 1; i < N; i++) {
      state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
  }

  int nextInt() {
    if (next == N) {
      for (int i = 0; i < N; i++) {
        int joined = (state[i] & UPPER) | (state[(i + 1) % N] & ~UPPER);
        state[i] = state[(i + M) % N] ^ (joined >>> 1) ^ ((joined & 1) == 0 ? 0 : MATRIX);
      }
      next = 0;
    }
    int y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >>> 18);
  }

  /** The first of two draws is the upper half. */
  long nextLong() {
    long upper = nextInt();
    return (upper << 32) | (nextInt() & 0xffffffffL);
  }
}
