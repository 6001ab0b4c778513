package io.culvert.protocol.zds;

/**
 * What both ends of a ZDS connection share. {@link ZdsProxySession} is told of pods, {@link ZdsNodeSession} tells.
 *
 * <table>
 * <caption>A connection</caption>
 * <tr><th>proxy</th><th>node</th></tr>
 * <tr><td>hello</td><td></td></tr>
 * <tr><td></td><td>add (with a descriptor) or keep</td></tr>
 * <tr><td>answer</td><td>... and so on for every pod, one at a time</td></tr>
 * <tr><td></td><td>snapshot sent</td></tr>
 * <tr><td>answer</td><td></td></tr>
 * <tr><td></td><td>add or delete, whenever there is one</td></tr>
 * <tr><td>answer</td><td></td></tr>
 * </table>
 */
public sealed interface ZdsSession permits ZdsProxySession, ZdsNodeSession {
    /** One message is one packet of at most so many bytes, in either direction. */
    int PACKET_BYTES_MAX = 1_024;
}
