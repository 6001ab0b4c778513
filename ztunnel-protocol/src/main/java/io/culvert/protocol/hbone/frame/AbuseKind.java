package io.culvert.protocol.hbone.frame;

/**
 * The ways in which a peer can make work for us that buys it nothing, each with the allowance after which the connection
 * is closed with ENHANCE_YOUR_CALM, if it does not say otherwise.
 *
 * <p>Bounds: {@link #burst} units at once, {@link #perSecond} more as time passes; useful work adds to some of them, up
 * to {@link #saved}.
 */
public enum AbuseKind {
    /** A header block with too many octets or too many CONTINUATION frames. */
    HEADER_BLOCK(0, 0, 0),
    /** Control frames queue up because the peer provokes answers and does not read them. */
    OUTPUT_BACKLOG(0, 0, 0),
    /** DATA frames without data that end nothing. */
    EMPTY_DATA(100, 10, 10_000),
    /** PING frames, and acknowledgements of PINGs that were never sent. */
    PING(200, 20, 10_000),
    /** SETTINGS frames, and acknowledgements of SETTINGS that were never sent. */
    SETTINGS(50, 2, 50),
    /** WINDOW_UPDATE frames out of proportion to the data sent. */
    WINDOW_UPDATE(2_000, 200, 1 << 24),
    /** PRIORITY frames. */
    PRIORITY(1_000, 50, 1_000),
    /** Frames of a type that RFC 9113 does not know. */
    UNKNOWN_FRAME(200, 20, 200),
    /** GOAWAY frames. */
    GOAWAY(20, 1, 20),
    /** Interim (1xx) responses. */
    INTERIM_RESPONSE(100, 10, 100),
    /**
     * Streams reset by the peer before they carried anything, as applications cause that connect and close at once, or
     * although we had refused them. Spent, it ends nothing: new streams are refused unseen until some has come back.
     *
     * <p>As a client we keep to a part of it: {@link io.culvert.protocol.hbone.ResetBudget}.
     */
    UNUSED_RESET(1_000, 2_500, 1_000),
    /**
     * Streams opened while they are refused because of {@link #UNUSED_RESET} (rapid reset, CVE-2023-44487).
     *
     * <p>What such a stream costs is the beginning and the end of a connection, as for an honest short one, and no more of
     * them are begun than {@link #UNUSED_RESET} allows. A stream refused unseen costs the decoding of its headers and 13
     * octets.
     */
    RAPID_RESET(2_000, 500, 2_000),
    /** Streams that we reset because of what the peer sent on them (MadeYouReset, CVE-2025-8671). */
    PROVOKED_RESET(50, 5, 50),
    /** Streams opened past the limit. */
    STREAM_EXCESS(500, 50, 500),
    /** Requests that are not a valid CONNECT. */
    MALFORMED_REQUEST(100, 20, 100),
    /** Frames on streams that are over, more of them than can have been on their way when we reset streams. */
    CLOSED_STREAM(1_000, 100, 1 << 20);

    private final int burst;
    private final int perSecond;
    private final int saved;

    AbuseKind(int burst, int perSecond, int saved) {
        this.burst = burst;
        this.perSecond = perSecond;
        this.saved = saved;
    }

    /** Returns the units that are free at once. */
    public int burst() {
        return burst;
    }

    /** Returns the units that come back each second, up to {@link #burst}. */
    public int perSecond() {
        return perSecond;
    }

    /** Returns the most units that useful work can save up. */
    public int saved() {
        return saved;
    }
}
