package io.culvert.agent.hbone;

import io.culvert.agent.base.Deadline;
import io.culvert.agent.base.Loop;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.protocol.hbone.ConnectRefusedException;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectResponse;
import io.culvert.protocol.hbone.frame.Http2Code;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The tunnels to one destination, and the streams that wait for one of them.
 *
 * <p>Bounds: {@value #APART_MAX} tunnels of which some carry so many bytes that others would wait behind them; while a tunnel with room rests, no other is opened in its stead: streams wait until it goes on.
 */
final class TunnelGroup {
    /** How often a stream that a peer refused unseen is asked for anew. */
    private static final int REFUSALS_MAX = 3;

    /** Those who gave up meanwhile are not served at all, so it is no loss to let some gather. */
    private static final long REST_NANOS_LEAST = 2_000_000;

    /** So many tunnels are opened because others are full of bytes. */
    private static final int APART_MAX = 4;
    /** How long a stream waits for one of these. */
    private static final long APART_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    /** After one could not be opened, or not in time, streams go where there is room for a while. */
    private static final long APART_REST_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final HbonePool pool;
    private final HbonePool.Key key;
    private final Loop loop;
    private final List<PooledTunnel> open = new ArrayList<>(1);
    private final List<PooledTunnel> opening = new ArrayList<>(1);
    private final LinkedHashSet<Waiting> waiting = new LinkedHashSet<>();
    private final Deadline rest = new Deadline();
    private final Deadline patience = new Deadline();
    private boolean serving;
    private long apartFromNanos;

    TunnelGroup(HbonePool pool, HbonePool.Key key) {
        this.pool = pool;
        this.key = key;
        this.loop = pool.surroundings().loop();
        this.apartFromNanos = loop.nanoTime();
    }

    HbonePool pool() {
        return pool;
    }

    HbonePool.Key key() {
        return key;
    }

    boolean isEmpty() {
        return open.isEmpty() && opening.isEmpty() && waiting.isEmpty();
    }

    Runnable open(ConnectRequest request, HbonePool.Listener listener) {
        Waiting wish = new Waiting(request, listener);
        if (waiting.size() >= HbonePool.WAITING_MAX) {
            wish.fail(CloseReason.LIMIT_REACHED, "too many connections wait for a tunnel to " + key.target());
            return wish;
        }
        waiting.add(wish);
        serve();
        wish.boundWait();
        return wish;
    }

    /**
     * Gives waiting streams a tunnel each, as far as there is room, and opens tunnels for the others. Nobody is put behind the
     * bytes that fill a tunnel as long as there may be another one.
     */
    void serve() {
        serveBy(false);
        if (waiting.size() > opening.size() * pool.terms().streamsPerTunnelMax()
                && (roomy(true) == null || mayStandApart())
                && !rests()) {
            openTunnel();
        }
        if (opening.isEmpty() || !mayWaitApart()) {
            serveBy(true);
        } else if (!waiting.isEmpty() && !patience.isSet()) {
            patience.start(loop, this::giveUpWaitingApart, APART_WAIT_NANOS);
        }
    }

    /** Room behind many bytes is better than none for long. */
    private void giveUpWaitingApart() {
        patience.cancel();
        if (!waiting.isEmpty() && roomy(true) != null) {
            apartFromNanos = loop.nanoTime() + APART_REST_NANOS;
            serveBy(true);
        }
    }

    private boolean mayWaitApart() {
        return loop.nanoTime() - apartFromNanos >= 0;
    }

    private void serveBy(boolean heavyToo) {
        if (serving) {
            return;
        }
        serving = true;
        try {
            PooledTunnel roomy = roomy(heavyToo);
            while (roomy != null && !waiting.isEmpty()) {
                waiting.removeFirst().connect(roomy);
                roomy = roomy(heavyToo);
            }
        } finally {
            serving = false;
        }
    }

    private boolean mayStandApart() {
        return open.size() + opening.size() < APART_MAX && mayWaitApart();
    }

    /** Whether a tunnel has room and only rests; if so those that wait are served once it goes on. */
    private boolean rests() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < open.size(); i++) {
            long nanos = open.get(i).restNanos();
            if (nanos > 0) {
                least = Math.min(least, nanos);
            }
        }
        if (least == Long.MAX_VALUE) {
            return false;
        }
        if (!rest.isSet()) {
            rest.start(loop, this::rested, Math.max(least, REST_NANOS_LEAST));
        }
        return true;
    }

    private void rested() {
        rest.cancel();
        serve();
    }

    /** Of those that bytes fill, which are asked only as the last resort, the one with the fewest streams. */
    private @Nullable PooledTunnel roomy(boolean heavyToo) {
        PooledTunnel heavy = null;
        for (int i = 0; i < open.size(); i++) {
            PooledTunnel tunnel = open.get(i);
            if (!tunnel.hasRoom()) {
                continue;
            }
            if (!tunnel.isHeavy()) {
                return tunnel;
            }
            if (heavyToo && (heavy == null || tunnel.streams() < heavy.streams())) {
                heavy = tunnel;
            }
        }
        return heavy;
    }

    private void openTunnel() {
        if (!pool.takeTunnelPlace()) {
            if (opening.isEmpty() && open.isEmpty()) {
                failWaiting(CloseReason.LIMIT_REACHED, "the pod has as many tunnels as it may have");
            }
            return;
        }
        PooledTunnel fresh = new PooledTunnel(this);
        opening.add(fresh);
        fresh.open();
    }

    void onOpen(PooledTunnel tunnel) {
        opening.remove(tunnel);
        open.add(tunnel);
        serve();
    }

    /** A tunnel is gone; those that waited for it alone fail with it, since trying again would meet the same end. */
    void onClosed(PooledTunnel tunnel, CloseReason reason, @Nullable String detail) {
        pool.giveTunnelPlaceBack();
        open.remove(tunnel);
        if (opening.remove(tunnel) && opening.isEmpty()) {
            apartFromNanos = loop.nanoTime() + APART_REST_NANOS;
            patience.cancel();
            serveBy(true);
            failWaiting(reason, detail);
        } else {
            serve();
        }
    }

    private void failWaiting(CloseReason reason, @Nullable String detail) {
        // Whoever is told may wish anew: that is not part of this failure.
        for (Waiting wish : List.copyOf(waiting)) {
            if (waiting.remove(wish)) {
                wish.fail(reason, detail);
            }
        }
    }

    /** The tunnel without streams that has had none for longest; null while somebody waits to use it. */
    @Nullable
    PooledTunnel longestIdle() {
        PooledTunnel longest = null;
        for (int i = 0; i < open.size() && waiting.isEmpty(); i++) {
            PooledTunnel tunnel = open.get(i);
            if (tunnel.isIdle() && (longest == null || tunnel.idleNanos() > longest.idleNanos())) {
                longest = tunnel;
            }
        }
        return longest;
    }

    void retireOld() {
        List.copyOf(open).forEach(PooledTunnel::retireIfOld);
    }

    void close(CloseReason reason) {
        rest.cancel();
        patience.cancel();
        failWaiting(reason, "the pod is gone");
        List.copyOf(opening).forEach(tunnel -> tunnel.close(reason));
        List.copyOf(open).forEach(tunnel -> tunnel.close(reason));
    }

    /** One stream that is wished for, then asked for; running it ends the wish. */
    private final class Waiting implements TunnelStream.Opening, Runnable {
        private final ConnectRequest request;
        private final HbonePool.Listener listener;
        private @Nullable TunnelStream stream;
        private final Deadline deadline = new Deadline();
        private int refusals;
        private boolean over;

        Waiting(ConnectRequest request, HbonePool.Listener listener) {
            this.request = request;
            this.listener = listener;
        }

        /** A tunnel that is being opened ends in time by itself; room on those that are open may never come. */
        void boundWait() {
            if (!over && stream == null) {
                deadline.start(
                        loop,
                        () -> expire(CloseReason.LIMIT_REACHED, "no tunnel to " + key.target() + " had room"),
                        pool.terms().waitNanos());
            }
        }

        void connect(PooledTunnel tunnel) {
            deadline.cancel();
            try {
                stream = tunnel.connect(request, this);
                deadline.start(
                        loop,
                        () -> expire(CloseReason.CONNECT_RESPONSE_TIMEOUT, "no answer to the CONNECT"),
                        pool.terms().responseNanos());
            } catch (ConnectRefusedException e) {
                fail(CloseReason.LIMIT_REACHED, e.getMessage());
            }
        }

        private void expire(CloseReason reason, String detail) {
            if (!over) {
                run();
                listener.onStreamFailed(reason, detail);
            }
        }

        @Override
        public void onResponse(ConnectResponse response) {
            TunnelStream answered = stream;
            if (over || answered == null) {
                return;
            }
            if (response.isConnected()) {
                over = true;
                deadline.cancel();
                listener.onStreamOpen(answered, response);
            } else {
                expire(CloseReason.CONNECT_REFUSED_STATUS, "status " + response.status());
            }
        }

        @Override
        public void onStreamLost(CloseReason reason, @Nullable String detail) {
            fail(reason, detail);
        }

        /** More streams than the peer takes, asked for before it could say so; or it was about to go. */
        @Override
        public void onStreamRefused() {
            if (over) {
                return;
            }
            if (++refusals > REFUSALS_MAX) {
                fail(CloseReason.STREAM_RESET, "the peer refused the stream again and again");
                return;
            }
            deadline.cancel();
            TunnelStream asked = stream;
            if (asked != null) {
                asked.tunnel().refusedUnseen();
            }
            stream = null;
            waiting.add(this);
            boundWait();
            loop.execute(TunnelGroup.this::serve);
        }

        void fail(CloseReason reason, @Nullable String detail) {
            if (!over) {
                over = true;
                deadline.cancel();
                listener.onStreamFailed(reason, detail);
            }
        }

        @Override
        public void run() {
            if (over) {
                return;
            }
            over = true;
            deadline.cancel();
            TunnelStream asked = stream;
            if (asked == null) {
                waiting.remove(this);
            } else {
                // Whoever serves it already must not take it for an orderly end.
                asked.cancel(Http2Code.CONNECT_ERROR);
            }
        }
    }
}
