package io.diffuse4j.junit;

/**
 * Blocks in the grid, threads in a block, and dynamic shared memory in bytes.
 *
 * @param gridX blocks, at least 1
 * @param gridY blocks, 1 to 65535
 * @param gridZ blocks, 1 to 65535
 * @param blockX threads, 1 to 1024
 * @param blockY threads, 1 to 1024
 * @param blockZ threads, 1 to 64; 1024 in all three
 * @param sharedBytes dynamic shared memory of a block
 */
public record LaunchShape(
    int gridX, int gridY, int gridZ, int blockX, int blockY, int blockZ, int sharedBytes) {

  /** A one-dimensional launch without dynamic shared memory. */
  public static LaunchShape of(int grid, int block) {
    return new LaunchShape(grid, 1, 1, block, 1, 1, 0);
  }

  /** The smallest one-dimensional launch with a thread for each of {@code elements}. */
  public static LaunchShape covering(int elements, int block) {
    return of((elements + block - 1) / block, block);
  }

  /** The same with another grid. */
  public LaunchShape withGrid(int x, int y, int z) {
    return new LaunchShape(x, y, z, blockX, blockY, blockZ, sharedBytes);
  }

  /** The same with other blocks. */
  public LaunchShape withBlock(int x, int y, int z) {
    return new LaunchShape(gridX, gridY, gridZ, x, y, z, sharedBytes);
  }

  /** The same with dynamic shared memory. */
  public LaunchShape withShared(int bytes) {
    return new LaunchShape(gridX, gridY, gridZ, blockX, blockY, blockZ, bytes);
  }
}
