package io.culvert.perf;

import io.culvert.protocol.hbone.ConnectRefusedException;
import io.culvert.protocol.hbone.ConnectRequest;
import io.culvert.protocol.hbone.ConnectTarget;
import io.culvert.protocol.hbone.HboneListener;
import io.culvert.protocol.hbone.HboneSession;
import io.culvert.protocol.hbone.HboneSettings;
import io.culvert.protocol.hbone.HboneStream;
import io.culvert.protocol.hbone.frame.AbuseKind;
import io.culvert.protocol.hbone.hpack.HpackDecoder;
import io.culvert.protocol.hbone.hpack.HpackEncoder;
import io.culvert.protocol.hbone.hpack.HpackException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What HBONE framing costs: a DATA frame out, a DATA frame in with its credit returned, and the headers of one CONNECT. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class FrameBenchmark {
    private static final int BATCH = 64;

    /** Octets of payload in each DATA frame. */
    @Param({"256", "16384"})
    public int payloadBytes;

    private HboneSession client;
    private HboneSession server;
    private HboneStream stream;
    private ByteBuffer frames;
    private ByteBuffer header;
    private ByteBuffer control;
    private byte[] block;
    private HpackDecoder decoder;
    private HpackEncoder encoder;

    /** Consumes at once, as an application does that keeps up. */
    private static final class Keeper implements HboneListener {
        private @Nullable HboneSession session;
        private long octets;

        @Override
        public void onConnect(HboneStream s, ConnectRequest r) {
            Objects.requireNonNull(session).accept(s, null);
        }

        @Override
        public void onData(HboneStream s, ByteBuffer in, int length) {
            octets += length;
            Objects.requireNonNull(session).consumed(s, length);
        }

        @Override
        public void onEnd(HboneStream s) {}

        @Override
        public void onReset(HboneStream s, int code) {}

        @Override
        public void onSendable(HboneStream s) {}

        @Override
        public void onConnectionError(int code, String detail, @Nullable AbuseKind kind) {
            throw new IllegalStateException(detail + " after " + octets + " octets");
        }
    }

    /** Connects two sessions, records a batch of frames between them and encodes a CONNECT. */
    @Setup
    public void connect() throws ConnectRefusedException {
        Keeper atClient = new Keeper();
        Keeper atServer = new Keeper();
        client = HboneSession.client(HboneSettings.forClient(), atClient);
        server = HboneSession.server(HboneSettings.forServer(), atServer);
        atClient.session = client;
        atServer.session = server;
        control = ByteBuffer.allocateDirect(64 << 10);
        header = ByteBuffer.allocateDirect(9);
        stream = client.connect(ConnectRequest.to(new ConnectTarget.HostTarget("web.default.svc", 80)));
        for (int i = 0; i < 3; i++) {
            deliver(client, server);
            deliver(server, client);
        }
        frames = ByteBuffer.allocateDirect(BATCH * (9 + payloadBytes));
        for (int i = 0; i < BATCH; i++) {
            client.dataHeader(stream, payloadBytes, false, frames);
            frames.position(frames.position() + payloadBytes);
        }
        server.receive(frames.flip(), 0);
        deliver(server, client);
        encoder = new HpackEncoder();
        encodeConnect();
        block = Arrays.copyOf(encoder.block(), encoder.length());
        decoder = new HpackDecoder(65_536);
    }

    private void deliver(HboneSession from, HboneSession to) {
        control.clear();
        from.drainOutput(control);
        to.receive(control.flip(), 0);
    }

    /** Takes a batch of frames, returns their credit and passes it to the other end. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public int receiveData() {
        server.receive(frames.rewind(), 0);
        control.clear();
        return server.drainOutput(control);
    }

    /** Writes the header of a frame; every so often the peer's credit is received, as it must be. */
    @Benchmark
    public ByteBuffer writeDataHeader() {
        if (client.sendable(stream) < payloadBytes) {
            returnCredit();
        }
        client.dataHeader(stream, payloadBytes, false, header.clear());
        return header;
    }

    private void returnCredit() {
        control.clear();
        for (int id = 0; id <= stream.id(); id++) {
            control.putInt(4 << 8 | 8).put((byte) 0).putInt(id).putInt(2 << 20);
        }
        client.receive(control.flip(), 0);
    }

    @Benchmark
    public boolean decodeConnect() throws HpackException {
        return decoder.decode(block, 0, block.length, (name, value) -> {});
    }

    @Benchmark
    public int encodeConnect() {
        encoder.begin();
        encoder.add(":method", "CONNECT");
        encoder.add(":authority", "10.42.0.17:8080");
        encoder.add("baggage", "k8s.cluster.name=Kubernetes,k8s.namespace.name=shop,k8s.pod.name=web,service.name=web");
        encoder.add("forwarded", "for=\"10.42.0.3:40112\";host=web.shop.svc.cluster.local");
        encoder.add("traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00");
        return encoder.length();
    }
}
