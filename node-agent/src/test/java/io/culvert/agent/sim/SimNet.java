package io.culvert.agent.sim;

import io.culvert.testkit.Gen;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/** Makes connected pairs of sockets, and knows which are still open. */
public final class SimNet {
    final SimLoop loop;
    final Gen gen;
    private final int delayNanosMax;
    private final int bufferBytesMin;
    boolean splices;
    private final List<SimSocket> sockets = new ArrayList<>();

    /** A network whose delays are up to {@code delayNanosMax}, drawn from the generator. */
    public SimNet(SimLoop loop, Gen gen, int delayNanosMax) {
        this(loop, gen, delayNanosMax, 0);
    }

    /** One whose buffers hold at least so many bytes. */
    public SimNet(SimLoop loop, Gen gen, int delayNanosMax, int bufferBytesMin) {
        this.bufferBytesMin = bufferBytesMin;
        this.splices = gen.oneIn(2);
        this.loop = loop;
        this.gen = gen;
        this.delayNanosMax = delayNanosMax;
    }

    /** Has everything go by buffers, where chance would have decided. */
    public void neverSplices() {
        splices = false;
    }

    /** Has bytes go by pipes where they can, where chance would have decided. */
    public void splices() {
        splices = true;
    }

    /** A connected pair; the first is the one that dialled. */
    public SimSocket[] connect(InetSocketAddress dialler, InetSocketAddress acceptor) {
        SimSocket near = new SimSocket(this, dialler, acceptor, bufferBytes(), bufferBytes());
        SimSocket far = new SimSocket(this, acceptor, dialler, bufferBytes(), bufferBytes());
        near.tie(far);
        far.tie(near);
        sockets.add(near);
        sockets.add(far);
        return new SimSocket[] {near, far};
    }

    private int bufferBytes() {
        return bufferBytesMin + gen.pick(1, 100, 4_096, 65_536, 300_000) + gen.intBetween(0, 1_000);
    }

    long delay() {
        return gen.oneIn(4) ? 0 : gen.intBetween(0, delayNanosMax);
    }

    /** Sockets that their owner has not closed. */
    public List<SimSocket> open() {
        return sockets.stream().filter(socket -> !socket.isClosed()).toList();
    }
}
