package io.culvert.agent.relay;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.relay.RelayState.Direction;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** All orders of all events, against what each event means by itself. */
class RelayStateTest {
    private static final int LENGTH_MAX = 6;

    private enum Event {
        APP_ENDED,
        PEER_ENDED,
        PEER_ENDED_BYTES_WAITING,
        PEER_LEFT,
        PEER_LEFT_BYTES_WAITING,
        DRAINED,
        APP_DEAF,
        BROKE
    }

    @Test
    void beginsOpen() {
        RelayState state = new RelayState();
        assertEquals(Direction.OPEN, state.up());
        assertEquals(Direction.OPEN, state.down());
        assertFalse(state.isComplete() || state.isBroken() || state.isPeerGone());
    }

    @Test
    void isRight_afterEveryOrderOfEvents() {
        explore(new ArrayList<>());
    }

    private static void explore(List<Event> events) {
        check(events);
        if (events.size() < LENGTH_MAX) {
            for (Event next : Event.values()) {
                events.add(next);
                explore(events);
                events.removeLast();
            }
        }
    }

    private static void check(List<Event> events) {
        RelayState state = new RelayState();
        Direction up = Direction.OPEN;
        Direction down = Direction.OPEN;
        boolean gone = false;
        boolean broken = false;
        for (Event event : events) {
            boolean told = apply(state, event);
            boolean mayTell = event == Event.DRAINED && down == Direction.ENDING;
            assertEquals(mayTell, told, () -> "the end is told when the last byte is drained: " + events);
            switch (event) {
                case APP_ENDED -> up = Direction.ENDED;
                case PEER_ENDED -> down = down == Direction.OPEN ? Direction.ENDED : down;
                case PEER_ENDED_BYTES_WAITING -> down = down == Direction.OPEN ? Direction.ENDING : down;
                case PEER_LEFT -> {
                    gone = true;
                    down = down == Direction.OPEN ? Direction.ENDED : down;
                }
                case PEER_LEFT_BYTES_WAITING -> {
                    gone = true;
                    down = down == Direction.OPEN ? Direction.ENDING : down;
                }
                case DRAINED -> down = down == Direction.ENDING ? Direction.ENDED : down;
                case APP_DEAF -> down = Direction.ENDED;
                case BROKE -> {
                    broken = true;
                    up = Direction.ENDED;
                    down = Direction.ENDED;
                }
            }
        }
        assertEquals(up, state.up(), events::toString);
        assertEquals(down, state.down(), events::toString);
        assertEquals(gone, state.isPeerGone(), events::toString);
        assertEquals(broken, state.isBroken(), events::toString);
        assertEquals(up == Direction.ENDED && down == Direction.ENDED, state.isComplete(), events::toString);
    }

    private static boolean apply(RelayState state, Event event) {
        switch (event) {
            case APP_ENDED -> state.appEnded();
            case PEER_ENDED -> state.peerEnded(false);
            case PEER_ENDED_BYTES_WAITING -> state.peerEnded(true);
            case PEER_LEFT -> state.peerLeft(false);
            case PEER_LEFT_BYTES_WAITING -> state.peerLeft(true);
            case DRAINED -> {
                return state.drained();
            }
            case APP_DEAF -> state.appDeaf();
            case BROKE -> state.broke();
        }
        return false;
    }

    @Test
    void neverReopensADirection() {
        RelayState state = new RelayState();
        state.broke();
        state.peerEnded(true);
        state.peerLeft(true);
        assertTrue(state.isComplete());
    }
}
