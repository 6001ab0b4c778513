package io.culvert.protocol.hbone;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.hbone.frame.FrameHeader;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The client of a server under test: it sends all that it may, by its own sums of RFC 9113, and acts on what the server
 * said only when it is told to read.
 */
final class GreedyPeer {
    private static final int FRAME_BYTES = 16_384;

    final End end;
    private final ArrayDeque<Wire.Frame> unread = new ArrayDeque<>();
    private final Map<Integer, Long> windows = new TreeMap<>();
    private final List<Integer> announced = new ArrayList<>();
    private long initialWindow = 65_535;
    private long connectionWindow = 65_535;
    private int nextId = 1;

    GreedyPeer(HboneSettings settings) {
        end = End.server(settings);
        end.consumeAtOnce = false;
        end.take(Wire.concat(Wire.PREFACE, Wire.settings()));
        read();
    }

    /** The initial windows that the server asked for so far, the first one included. */
    List<Integer> announced() {
        return announced;
    }

    List<Integer> open() {
        return List.copyOf(windows.keySet());
    }

    int connect() {
        int id = nextId;
        nextId += 2;
        windows.put(id, initialWindow);
        end.take(Wire.connect(id));
        return id;
    }

    void reset(int id) {
        windows.remove(id);
        end.take(Wire.reset(id, Http2Code.CANCEL));
    }

    long window(int id) {
        return windows.getOrDefault(id, 0L);
    }

    long connectionWindow() {
        return connectionWindow;
    }

    long standing() {
        return end.streams.values().stream().mapToLong(HboneStream::outstanding).sum();
    }

    /** Sends up to so many octets, as far as the windows go; returns how many. */
    int send(int id, int octetsMax) {
        int sent = 0;
        while (true) {
            int part = (int) Math.min(Math.min(window(id), connectionWindow), Math.min(FRAME_BYTES, octetsMax - sent));
            if (part <= 0) {
                return sent;
            }
            end.take(Wire.data(id, false, part));
            windows.merge(id, (long) -part, Long::sum);
            connectionWindow -= part;
            sent += part;
        }
    }

    /** Sends so many octets, which the application takes as they come; returns how many the windows let pass. */
    int stream(int id, int octets) {
        int sent = 0;
        for (int part = 1; part > 0 && sent < octets; sent += part) {
            part = send(id, Math.min(FRAME_BYTES, octets - sent));
            take(id, part);
            read();
        }
        return sent;
    }

    /** The application takes some of what was delivered. */
    void take(int id, int octets) {
        end.session.consumed(end.stream(id), octets);
    }

    void takeAll(int id) {
        take(id, end.stream(id).outstanding());
    }

    /** Acts on all that the server has said. */
    void read() {
        while (read(Integer.MAX_VALUE) > 0) {}
    }

    /** Acts on so many frames of what the server has said. */
    int read(int framesMax) {
        unread.addAll(Wire.split(end.drain()));
        int n = 0;
        for (; n < framesMax && !unread.isEmpty(); n++) {
            act(unread.removeFirst());
        }
        return n;
    }

    private void act(Wire.Frame frame) {
        switch (frame.type()) {
            case FrameHeader.SETTINGS -> settings(frame);
            case FrameHeader.WINDOW_UPDATE -> credit(frame.stream(), frame.int32(0));
            default ->
                assertTrue(frame.type() == FrameHeader.HEADERS, () -> "unexpected " + frame + " after " + end.events);
        }
    }

    private void settings(Wire.Frame frame) {
        if (frame.toString().equals("SETTINGS ACK")) {
            return;
        }
        ByteBuffer entries = ByteBuffer.wrap(frame.payload());
        while (entries.hasRemaining()) {
            int id = entries.getShort();
            int value = entries.getInt();
            if (id == FrameHeader.SETTING_INITIAL_WINDOW_SIZE) {
                long more = value - initialWindow;
                windows.replaceAll((stream, window) -> checked(window + more));
                initialWindow = value;
                announced.add(value);
            }
        }
        end.take(Wire.settingsAck());
    }

    private void credit(int stream, int increment) {
        assertTrue(increment > 0, "WINDOW_UPDATE of " + increment);
        if (stream == 0) {
            connectionWindow = checked(connectionWindow + increment);
        } else {
            windows.computeIfPresent(stream, (id, window) -> checked(window + increment));
        }
    }

    private static long checked(long window) {
        assertTrue(window <= Integer.MAX_VALUE, "a window of " + window);
        return window;
    }
}
