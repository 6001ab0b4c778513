package io.culvert.agent.relay;

/**
 * The two directions of a relayed connection, as a pure state machine: each is open, then ending while bytes still wait
 * for the receiver, then ended; a broken connection ends both at once.
 *
 * <p>{@code up} runs from the application to its peer, {@code down} from the peer to the application.
 *
 * <p>Runs on: any, one thread at a time. Source: RFC 9293 section 3.6 (half-close).
 */
public final class RelayState {
    /** One direction. */
    public enum Direction {
        /** Bytes may come. */
        OPEN,
        /** The sender has ended, its last bytes wait for the receiver. */
        ENDING,
        /** The receiver has been told the end, or will never hear anything again. */
        ENDED
    }

    private Direction up = Direction.OPEN;
    private Direction down = Direction.OPEN;
    private boolean peerGone;
    private boolean broken;

    public Direction up() {
        return up;
    }

    public Direction down() {
        return down;
    }

    /** The application ended its direction, and the peer has been told. */
    public void appEnded() {
        up = Direction.ENDED;
    }

    /**
     * The peer ended its direction.
     *
     * @param bytesWaiting whether bytes still wait for the application
     */
    public void peerEnded(boolean bytesWaiting) {
        if (down == Direction.OPEN) {
            down = bytesWaiting ? Direction.ENDING : Direction.ENDED;
        }
    }

    /** The last waiting byte was taken by the application; true when the end may now be told. */
    public boolean drained() {
        if (down != Direction.ENDING) {
            return false;
        }
        down = Direction.ENDED;
        return true;
    }

    /**
     * The peer is gone in good order: it will send no more and takes no more.
     *
     * @param bytesWaiting whether bytes still wait for the application
     */
    public void peerLeft(boolean bytesWaiting) {
        peerGone = true;
        peerEnded(bytesWaiting);
    }

    /** The application takes no more; what it has sent may still be read. */
    public void appDeaf() {
        down = Direction.ENDED;
    }

    /** The connection is over at once, both ways. */
    public void broke() {
        broken = true;
        up = Direction.ENDED;
        down = Direction.ENDED;
    }

    /** Whether bytes of the application would reach nobody. */
    public boolean isPeerGone() {
        return peerGone;
    }

    public boolean isBroken() {
        return broken;
    }

    /** Whether nothing more can happen. */
    public boolean isComplete() {
        return up == Direction.ENDED && down == Direction.ENDED;
    }
}
