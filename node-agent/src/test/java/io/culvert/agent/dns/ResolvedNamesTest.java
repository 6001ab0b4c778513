package io.culvert.agent.dns;

import static io.culvert.agent.mesh.Records.pod;
import static io.culvert.agent.mesh.Records.service;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.mesh.MeshSnapshot;
import io.culvert.agent.mesh.MeshStore;
import io.culvert.agent.proxy.PodIdentity;
import io.culvert.agent.proxy.PodNames;
import io.culvert.agent.sim.SimLoop;
import io.culvert.agent.telemetry.Metrics;
import io.culvert.protocol.dns.DnsName;
import io.culvert.protocol.net.IpAddress;
import io.culvert.testkit.DnsWire;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What SOCKS clients' names are resolved to, with an upstream that does what the test says. */
class ResolvedNamesTest {
    private final SimLoop loop = new SimLoop(false);
    private final MeshStore mesh = new MeshStore(MeshSnapshot.EMPTY);
    private final PodIdentity client = new PodIdentity("uid", "client", "shop", "client");
    private final List<Upstream.Listener> passedOn = new ArrayList<>();
    private final List<DnsProtocol> protocols = new ArrayList<>();
    private final List<byte[]> requests = new ArrayList<>();
    private final List<String> told = new ArrayList<>();
    private final PodResolver resolver = new PodResolver(new PodResolver.Surroundings(
            loop,
            new ClientWait(loop, mesh, client),
            new MeshNames(new MeshNames.Terms(DnsName.parse("cluster.local"), "", true), () -> new Random(1)),
            this::passOn,
            new Metrics("", BuildVersion.current()),
            new DnsPod(client, mesh, new Places(100, null))));
    private final ResolvedNames names = new ResolvedNames(resolver);

    ResolvedNamesTest() {
        mesh.publish(mesh.current().toBuilder()
                .upsert(pod("client", "10.0.0.1").build())
                .upsert(service("web")
                        .hostname("web.shop.svc.cluster.local")
                        .vip("9.9.9.9")
                        .build())
                .build());
    }

    private Runnable passOn(byte[] request, DnsProtocol protocol, Upstream.Listener listener) {
        requests.add(request);
        protocols.add(protocol);
        passedOn.add(listener);
        return () -> {};
    }

    private Runnable resolve(String name, boolean v4) {
        return names.resolve(name, v4, new PodNames.Listener() {
            @Override
            public void onResolved(IpAddress ip) {
                told.add(ip.toString());
            }

            @Override
            public void onUnresolved(String why) {
                told.add(why);
            }
        });
    }

    private void answer(int rcode, int type, byte... data) {
        passedOn.removeFirst().onAnswer(DnsWire.answer(requests.removeFirst(), rcode, type, data));
    }

    @Test
    void tellsWhatTheMeshKnows_andAsksNobody() {
        Runnable _ = resolve("web", true);
        Runnable _ = resolve("WEB.shop.svc.cluster.local.", true);
        Runnable _ = resolve("web", false);
        assertEquals(List.of("9.9.9.9", "9.9.9.9", "it has no IPv6 address"), told);
        assertTrue(passedOn.isEmpty());
    }

    @Test
    void passesOnWhatTheMeshDoesNotKnow() {
        Runnable _ = resolve("www.example.com", true);
        answer(0, DnsWire.A, (byte) 1, (byte) 2, (byte) 3, (byte) 4);
        Runnable _ = resolve("www.example.com", true);
        answer(3, DnsWire.A);
        Runnable _ = resolve("www.example.com", true);
        passedOn.removeFirst().onFailure("nobody is there");
        assertEquals(List.of("1.2.3.4", "the answer is code 3", "the answer is code 2"), told);
    }

    @Test
    void asksOnceMoreByTcp_whatDidNotFit() {
        Runnable _ = resolve("www.example.com", true);
        byte[] cut = DnsWire.answer(requests.removeFirst(), 0, DnsWire.A, new byte[0]);
        cut[2] |= 0x02;
        passedOn.removeFirst().onAnswer(cut);
        assertEquals(List.of(DnsProtocol.UDP, DnsProtocol.TCP), protocols);
        byte[] cutAgain = DnsWire.answer(requests.removeFirst(), 0, DnsWire.A, new byte[0]);
        cutAgain[2] |= 0x02;
        passedOn.removeFirst().onAnswer(cutAgain);
        assertEquals(List.of("it has no IPv4 address"), told);
    }

    @Test
    void saysNothing_toWhomDoesNotWaitAnyMore() {
        resolve("www.example.com", true).run();
        answer(0, DnsWire.A, (byte) 1, (byte) 2, (byte) 3, (byte) 4);
        assertEquals(List.of(), told);
    }

    @Test
    void givesUp_whatIsNoNameAndOnceItIsClosed() {
        Runnable _ = resolve("a..b", true);
        Runnable _ = resolve("x".repeat(64), true);
        resolver.close();
        Runnable _ = resolve("web", true);
        assertEquals(List.of("it is no domain name", "it is no domain name", "the pod's DNS proxy has ended"), told);
    }
}
