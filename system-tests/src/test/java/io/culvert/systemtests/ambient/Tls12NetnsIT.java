package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.tls.Hello;
import io.culvert.agent.tls.TestProfiles;
import io.culvert.systemtests.badinput.HostilePeer;
import io.culvert.systemtests.badinput.TlsSession;
import io.culvert.systemtests.lab.MeshYaml;
import io.culvert.testkit.LabProcess;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Agents that permit TLS 1.2, under a control plane that knows nothing newer: without it, they have neither mesh nor certificates. */
class Tls12NetnsIT {
    private static final int BYTES = 50_000;

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder()
            .pod("client", "one")
            .pod("server", "two")
            .legacyPod("legacy-one", "one")
            .legacyPod("legacy-two", "two")
            .environment("TLS12_ENABLED", "true")
            .control(TestProfiles.TLS12_ONLY));

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    private TlsSession.Look knowsTls12Alone(String pod) {
        return new TlsSession.Look(Identities.certify(lab, MeshYaml.idOf(pod)), "TLSv1.2", List.of("h2"));
    }

    @Test
    void agents_stillSpeakTls13WithEachOther() {
        lab.mesh();
        Set<HelloCapture.Choice> chosen = HelloCapture.during(lab.net(), () -> talk.once("client", "server"));
        assertEquals(Set.of(new HelloCapture.Choice(List.of(Hello.TLS13), List.of(Hello.X25519))), chosen);
    }

    @Test
    void serverThatKnowsTls12Alone_isReached() {
        lab.mesh(lab.captured("legacy-two").build());
        Set<HelloCapture.Choice> chosen = HelloCapture.during(lab.net(), () -> {
            try (HboneEnd server = HboneEnd.echo(lab.ns("legacy-two"), knowsTls12Alone("legacy-two"))) {
                talk.both("client", lab.ip("legacy-two"), PORT, BYTES).expectOk();
                assertEquals(
                        MeshYaml.idOf("client"), server.requests().getFirst().peer());
            }
        });
        assertEquals(Set.of(new HelloCapture.Choice(List.of(Hello.TLS12), List.of())), chosen);
    }

    @Test
    void clientThatKnowsTls12Alone_isServed() throws IOException {
        lab.mesh();
        try (LabProcess serving = talk.echo("server", PORT);
                HostilePeer peer = HostilePeer.dial(
                        lab.ns("legacy-one"), lab.ns("server").ipv4(), knowsTls12Alone("legacy-one"))) {
            assertEquals(200, peer.greet().connect(lab.ip("server") + ":" + PORT));
            assertEquals(MeshYaml.idOf("server"), peer.tls().peerUri());
            serving.stop();
        }
    }
}
