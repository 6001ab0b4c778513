package io.culvert.protocol.hbone;

import io.culvert.protocol.hbone.frame.AbuseKind;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What happens on a session, told in the order in which the peer made it happen.
 *
 * <p>Called only from within {@link HboneSession#receive} and {@link HboneSession#passed}. Every method of the session may be called from here, except
 * these two. Methods that belong to one role only do nothing by default.
 *
 * <p>Runs on: the session's loop.
 */
public interface HboneListener {
    /** Server: a valid CONNECT; answer with {@link HboneSession#accept} or {@link HboneSession#refuse}, now or later. */
    default void onConnect(HboneStream s, ConnectRequest r) {}

    /** Server: a request that is no valid CONNECT; answer with {@code refuse(s, f.status())}. */
    default void onMalformedRequest(HboneStream s, RequestFault f) {}

    /** Client: the final answer. Data may be sent only after a 200. */
    default void onResponse(HboneStream s, ConnectResponse r) {}

    /**
     * Payload arrived: {@code length} octets from the buffer's position. The session advances the position afterwards;
     * take a slice or a copy, and report them by {@link HboneSession#consumed} once the application has taken them.
     */
    void onData(HboneStream s, ByteBuffer in, int length);

    /** Payload that the caller moved itself was taken note of by {@link HboneSession#passed}; otherwise as {@link #onData}. */
    default void onPassed(HboneStream s, int length) {}

    /** The peer has no more to send on this stream. */
    void onEnd(HboneStream s);

    /**
     * The stream is closed both ways: the peer reset it, its GOAWAY excluded it, or it broke a rule on it and was reset
     * by us. Octets delivered before stay charged until {@link HboneSession#consumed} or {@link HboneSession#reset}.
     */
    void onReset(HboneStream s, int code);

    /**
     * The peer broke a rule on a stream, which was reset with this code; {@link #onReset} follows, unless the stream was over
     * already and is not given.
     */
    default void onFault(@Nullable HboneStream s, int code) {}

    /** Whether applications leave so much standing, here and on other connections, that windows should be narrow. */
    default boolean isShortOfMemory() {
        return false;
    }

    /** Credit is there for a stream whose {@link HboneSession#sendable} was 0; streams take turns. */
    void onSendable(HboneStream s);

    /** The answer to a {@link HboneSession#ping}. */
    default void onPong(long opaque) {}

    /** The peer takes no new streams; for ours above the last id {@link #onReset} with REFUSED_STREAM follows. */
    default void onGoAway(int lastStreamId, int code, String debugText) {}

    /** The peer's SETTINGS took effect. */
    default void onPeerSettings(PeerSettings settings) {}

    /**
     * The session is over: GOAWAY is the last of the output, so drain, flush and close. No other call follows; the
     * streams still open are those of {@link HboneSession#forEachOpen}. {@code kind} is set when a flood was stopped.
     */
    void onConnectionError(int code, String detail, @Nullable AbuseKind kind);
}
