package io.culvert.systemtests.handover;

import io.culvert.shim.FdChannel;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import io.culvert.testkit.Netns;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;

/**
 * A node agent's end of the socket, written by hand byte by byte, so that it shares no mistake with the agent's own code.
 *
 * <p>Owns: the connection.
 */
final class FakeCni implements AutoCloseable {
    private static final Duration SOON = Duration.ofSeconds(30);
    private static final byte[] HELLO = {0x08, 0x01};
    private static final byte[] DONE = {0x0a, 0x00};

    private final FdChannel listener;
    private FdChannel proxy;

    private FakeCni(FdChannel listener, FdChannel proxy) {
        this.listener = listener;
        this.proxy = proxy;
    }

    /** Listens, for as long as a proxy may take to start. */
    static FdChannel listen(Path socket) {
        try {
            return FdChannel.listen(socket);
        } catch (ShimException e) {
            throw new AssertionError(e);
        }
    }

    /** Takes the next proxy that connects; it says hello first. */
    static FakeCni accept(FdChannel listener) {
        FakeCni cni = new FakeCni(listener, next(listener));
        cni.expectHello();
        return cni;
    }

    private static FdChannel next(FdChannel listener) {
        try {
            return listener.accept(SOON);
        } catch (ShimException e) {
            throw new AssertionError("no proxy connects", e);
        }
    }

    /** Lets go of the proxy; nobody is there until {@link #takeBack}. */
    void lose() {
        proxy.close();
    }

    /** Takes the proxy that connects again. */
    void takeBack() {
        proxy = next(listener);
        expectHello();
    }

    private void expectHello() {
        byte[] said = receive();
        if (!Arrays.equals(said, HELLO)) {
            throw new AssertionError("no hello: " + Arrays.toString(said));
        }
    }

    /** The answer to a pod that is handed over: empty when it is served. */
    String add(Netns pod) {
        byte[] info = join(text(1, pod.name()), text(2, "demo"), text(3, pod.name()));
        byte[] message = field(1, join(text(1, uid(pod)), field(2, info)));
        try (PodNetns netns = PodNetns.open(pod.path())) {
            proxy.send(ByteBuffer.wrap(message), netns.fd(), SOON);
        } catch (ShimException e) {
            throw new AssertionError(e);
        }
        return answer();
    }

    /** The uid that a pod is handed over with. */
    static String uid(Netns pod) {
        return "11111111-2222-3333-4444-" + pod.name();
    }

    String keep(Netns pod) {
        return ask(field(5, text(1, uid(pod))));
    }

    String delete(Netns pod) {
        return ask(field(2, text(2, uid(pod))));
    }

    String snapshotSent() {
        return ask(field(3, new byte[0]));
    }

    private String ask(byte[] message) {
        try {
            proxy.send(message, SOON);
        } catch (ShimException e) {
            throw new AssertionError(e);
        }
        return answer();
    }

    private String answer() {
        byte[] said = receive();
        return Arrays.equals(said, DONE) ? "" : new String(said, 4, said.length - 4, StandardCharsets.UTF_8);
    }

    private byte[] receive() {
        byte[] packet = new byte[1024];
        try {
            int length = proxy.receive(ByteBuffer.wrap(packet), SOON);
            return Arrays.copyOf(packet, Math.max(0, length));
        } catch (ShimException e) {
            throw new AssertionError("the proxy says nothing", e);
        }
    }

    private static byte[] text(int number, String text) {
        return field(number, text.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] field(int number, byte[] content) {
        if (content.length > 127) {
            throw new IllegalArgumentException("too long for one byte");
        }
        return join(new byte[] {(byte) (number << 3 | 2), (byte) content.length}, content);
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream joined = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            joined.writeBytes(part);
        }
        return joined.toByteArray();
    }

    @Override
    public void close() {
        proxy.close();
    }
}
