package io.culvert.systemtests.badinput;

import io.culvert.testkit.Netns;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * An honest application beside the hostile ones: one connection that never stops and checks every byte that comes back, and a
 * new connection again and again.
 *
 * <p>Owns: two threads and their connections.
 */
final class Bystander implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    /** A machine that others use too may be slow; a connection that waits for a timeout of the agent is slower still. */
    private static final long OPENING_NANOS_MAX = Duration.ofMillis(2_500).toNanos();

    private static final long STEADY_PAUSE_NANOS = Duration.ofMillis(15).toNanos();
    private static final long FRESH_PAUSE_NANOS = Duration.ofMillis(100).toNanos();
    private static final int CHUNK_BYTES = 4_000;

    private final String name;
    private final Netns from;
    private final InetAddress to;
    private final int port;
    private final Thread steady;
    private final Thread fresh;
    private final List<String> harm = new ArrayList<>();
    private long chunks;
    private long connections;
    private long slowestNanos;
    private boolean resting;
    private boolean stopped;

    private Bystander(String name, Netns from, InetAddress to, int port) {
        this.name = name;
        this.from = from;
        this.to = to;
        this.port = port;
        this.steady = Thread.ofPlatform().daemon().name("steady-" + name).unstarted(this::steady);
        this.fresh = Thread.ofPlatform().daemon().name("fresh-" + name).unstarted(this::fresh);
    }

    /** Starts talking to an echo server. */
    static Bystander start(String name, Netns from, InetAddress to, int port) {
        Bystander started = new Bystander(name, from, to, port);
        started.steady.start();
        started.fresh.start();
        return started;
    }

    private void steady() {
        try (PeerSocket socket = PeerSocket.connect(from, to, port)) {
            SplittableRandom random = new SplittableRandom(port);
            while (goesOn()) {
                exchange(socket, random);
                add(1, 0, 0);
                LockSupport.parkNanos(STEADY_PAUSE_NANOS);
            }
        } catch (IOException | AssertionError e) {
            harmed("the connection that was open all the time: " + e);
        }
    }

    private void fresh() {
        SplittableRandom random = new SplittableRandom(port + 1);
        while (goesOn()) {
            long began = System.nanoTime();
            try (PeerSocket socket = PeerSocket.connect(from, to, port)) {
                exchange(socket, random);
                add(0, 1, System.nanoTime() - began);
                socket.shutdownWrite();
                PeerGoneException.How end = socket.awaitEnd(PATIENCE);
                if (end != PeerGoneException.How.FIN) {
                    harmed("a new connection ended with " + end);
                }
            } catch (IOException | AssertionError e) {
                harmed("a new connection: " + e);
            }
            LockSupport.parkNanos(FRESH_PAUSE_NANOS);
        }
    }

    private static void exchange(PeerSocket socket, SplittableRandom random) throws IOException {
        byte[] sent = new byte[CHUNK_BYTES];
        random.nextBytes(sent);
        socket.write(sent);
        if (!Arrays.equals(sent, socket.readFully(CHUNK_BYTES, PATIENCE))) {
            throw new AssertionError("other bytes came back than were sent");
        }
    }

    /** Waits while it rests; false once it is stopped. */
    private synchronized boolean goesOn() {
        try {
            while (resting && !stopped) {
                wait();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        return !stopped;
    }

    /** Keeps its lasting connection open, and does nothing; or goes on. */
    synchronized void rest(boolean now) {
        resting = now;
        notifyAll();
    }

    private synchronized void add(int moreChunks, int moreConnections, long nanos) {
        chunks += moreChunks;
        connections += moreConnections;
        slowestNanos = Math.max(slowestNanos, nanos);
    }

    private synchronized void harmed(String how) {
        if (!stopped) {
            harm.add(name + ": " + how);
        }
    }

    /** How much was done: exchanges on the steady connection, and new connections. */
    synchronized long[] progress() {
        return new long[] {chunks, connections};
    }

    /** What went wrong so far, and since this was last asked what took too long. */
    synchronized List<String> harm() {
        if (slowestNanos > OPENING_NANOS_MAX) {
            harm.add(name + ": a new connection took " + slowestNanos / 1_000_000 + " ms");
        }
        slowestNanos = 0;
        return List.copyOf(harm);
    }

    @Override
    public void close() {
        synchronized (this) {
            stopped = true;
            notifyAll();
        }
        try {
            steady.join(PATIENCE);
            fresh.join(PATIENCE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
