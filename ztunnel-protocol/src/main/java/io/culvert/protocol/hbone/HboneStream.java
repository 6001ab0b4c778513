package io.culvert.protocol.hbone;

import org.jspecify.annotations.Nullable;

/**
 * One CONNECT stream: the carried connection's two directions and their flow-control state.
 *
 * <p>Runs on: the session's loop. Owns: nothing; the attachment is the caller's.
 */
public final class HboneStream {
    private final int id;
    private @Nullable Object attachment;

    /** A 200 was sent or received. */
    boolean connected;
    /** Client: the final response came. Server: the answer was given. */
    boolean answered;

    boolean localEnded;
    boolean remoteEnded;
    boolean closed;
    /** Payload went either way. */
    boolean carried;

    @Nullable
    RequestFault fault;

    int sendWindow;
    /** The caller found no credit and wants to hear of it. */
    boolean waiting;

    @Nullable
    HboneStream waitsBefore;

    @Nullable
    HboneStream waitsAfter;

    boolean queued;

    /** What the peer may still send; below nothing when its window was lowered meanwhile. */
    int receiveWindow;
    /** What the window has grown by, and how much of that is being withheld. */
    int grown;

    int shrinking;
    /** What was consumed since the window last grew. */
    int sinceGrowth;
    /** Octets handed to the application and not consumed. */
    int outstanding;
    /** Octets consumed and not announced to the peer. */
    int toReturn;

    HboneStream(int id, int sendWindow, int receiveWindow) {
        this.id = id;
        this.sendWindow = sendWindow;
        this.receiveWindow = receiveWindow;
    }

    /** Returns the stream id. */
    public int id() {
        return id;
    }

    /** Returns what the caller attached. */
    public @Nullable Object attachment() {
        return attachment;
    }

    /** Attaches the caller's own state. */
    public void attach(@Nullable Object state) {
        attachment = state;
    }

    /** Says whether a 200 was sent or received. */
    public boolean isConnected() {
        return connected;
    }

    /** Says whether we have ended our direction. */
    public boolean isLocalEnded() {
        return localEnded;
    }

    /** Says whether the peer has ended its direction. */
    public boolean isRemoteEnded() {
        return remoteEnded;
    }

    /** Says whether the stream is over: both directions ended, or reset. */
    public boolean isClosed() {
        return closed;
    }

    /** Returns the octets that were delivered and not yet reported as consumed. */
    public int outstanding() {
        return outstanding;
    }

    @Override
    public String toString() {
        return "stream " + id;
    }
}
