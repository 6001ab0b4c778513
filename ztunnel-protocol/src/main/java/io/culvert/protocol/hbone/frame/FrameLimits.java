package io.culvert.protocol.hbone.frame;

/**
 * How much of a peer's frames is taken.
 *
 * @param frameBytesMax our SETTINGS_MAX_FRAME_SIZE
 * @param headerBlockBytesMax the most octets of one encoded header block
 * @param continuationsMax the most CONTINUATION frames of one header block
 */
public record FrameLimits(int frameBytesMax, int headerBlockBytesMax, int continuationsMax) {}
