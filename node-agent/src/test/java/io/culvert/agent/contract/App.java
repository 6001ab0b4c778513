package io.culvert.agent.contract;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/** An ordinary program at one end of a relayed connection: blocking, and knowing nothing of it. */
final class App implements AutoCloseable {
    private static final int CHUNK_BYTES = 64 * 1024;
    private static final int READ_TIMEOUT_MILLIS = 30_000;

    /** What was sent, or read to the end. */
    record Content(long bytes, String hash) {}

    private final Socket socket;
    private final AtomicLong sent = new AtomicLong();

    App(Socket socket) {
        this.socket = socket;
        try {
            socket.setSoTimeout(READ_TIMEOUT_MILLIS);
        } catch (SocketException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs beside the test. */
    static <T> CompletableFuture<T> beside(Callable<T> task) {
        CompletableFuture<T> done = new CompletableFuture<>();
        Thread _ = Thread.ofPlatform().daemon().name("app").start(() -> {
            try {
                done.complete(task.call());
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    void send(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    }

    void sendUrgent(char letter) throws IOException {
        socket.sendUrgentData(letter);
    }

    /** Reads exactly as many bytes as the text has. */
    String read(int count) throws IOException {
        byte[] bytes = socket.getInputStream().readNBytes(count);
        if (bytes.length < count) {
            throw new EOFException("the end after " + bytes.length + " of " + count + " bytes");
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** Sends so many bytes that nobody could guess. */
    Content sendMuch(long seed, long bytes) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        byte[] chunk = new byte[CHUNK_BYTES];
        MessageDigest digest = sha256();
        for (long left = bytes; left > 0; ) {
            random.nextBytes(chunk);
            int count = (int) Math.min(left, chunk.length);
            digest.update(chunk, 0, count);
            socket.getOutputStream().write(chunk, 0, count);
            left -= count;
            sent.addAndGet(count);
        }
        return new Content(bytes, HexFormat.of().formatHex(digest.digest()));
    }

    /** What {@link #sendMuch} has got rid of so far. */
    long sent() {
        return sent.get();
    }

    Content readToEnd() throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        MessageDigest digest = sha256();
        long bytes = 0;
        for (int count = readSome(chunk); count > 0; count = readSome(chunk)) {
            digest.update(chunk, 0, count);
            bytes += count;
        }
        return new Content(bytes, HexFormat.of().formatHex(digest.digest()));
    }

    private int readSome(byte[] into) throws IOException {
        return socket.getInputStream().read(into);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Sends so many bytes without looking at them. */
    boolean pour(long bytes) throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        for (long left = bytes; left > 0; left -= chunk.length) {
            socket.getOutputStream().write(chunk);
        }
        return true;
    }

    /** Reads so many bytes without looking at them; false when they end before. */
    boolean skip(long bytes) throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        long left = bytes;
        while (left > 0) {
            int count = readSome(chunk);
            if (count < 0) {
                return false;
            }
            left -= count;
        }
        return true;
    }

    /** The other end's bytes so far end in good order here. */
    boolean seesEnd() throws IOException {
        return socket.getInputStream().read() < 0;
    }

    /** Reads on until the connection is reset; false when it ends in good order. */
    boolean seesReset() throws IOException {
        try {
            Content _ = readToEnd();
            return false;
        } catch (SocketException e) {
            return String.valueOf(e.getMessage()).contains("reset");
        }
    }

    /** Sends until that fails, as it does soon once the other end has reset the connection. */
    boolean cannotSend() throws IOException {
        try {
            for (int i = 0; i < 10_000; i++) {
                socket.getOutputStream().write(new byte[CHUNK_BYTES]);
            }
            return false;
        } catch (SocketException e) {
            return true;
        }
    }

    /** Says that it has no more to send. */
    void end() throws IOException {
        socket.shutdownOutput();
    }

    /** Breaks the connection off. */
    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
