package io.diffuse4j.weights;

/** The kinds of a U-Net's down and up blocks. */
public enum UNetBlock {
  /** ResNet layers; resampling by a strided convolution or by one after nearest upsampling. */
  PLAIN("DownBlock2D", "UpBlock2D"),
  /** ResNet layers; resampling inside one more ResNet layer. */
  RESNET_RESAMPLE("ResnetDownsampleBlock2D", "ResnetUpsampleBlock2D"),
  /** ResNet layers, each followed by self-attention over the pixels. */
  ATTENTION("AttnDownBlock2D", "AttnUpBlock2D"),
  /** ResNet layers, each followed by a transformer that attends to the encoder's hidden states. */
  CROSS_ATTENTION("CrossAttnDownBlock2D", "CrossAttnUpBlock2D");

  private final String downName;
  private final String upName;

  UNetBlock(String downName, String upName) {
    this.downName = downName;
    this.upName = upName;
  }

  /** diffusers' name of the block on the way down. */
  public String downName() {
    return downName;
  }

  /** diffusers' name of the block on the way up. */
  public String upName() {
    return upName;
  }
}
