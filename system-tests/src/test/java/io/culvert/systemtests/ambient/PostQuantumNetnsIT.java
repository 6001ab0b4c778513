package io.culvert.systemtests.ambient;

import static io.culvert.systemtests.ambient.Talk.PORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.culvert.agent.telemetry.BadPeer;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.tls.Hello;
import io.culvert.agent.tls.TestProfiles;
import io.culvert.systemtests.badinput.HostilePeer;
import io.culvert.systemtests.badinput.PeerGoneException;
import io.culvert.systemtests.lab.Observation;
import io.culvert.testkit.Eventually;
import io.culvert.testkit.NetProbe;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Agents that agree on post-quantum keys alone, under a control plane that does the same. */
class PostQuantumNetnsIT {
    private static final Duration SOON = Duration.ofSeconds(10);

    @RegisterExtension
    static final AmbientExtension LAB = AmbientExtension.own(AmbientLab.builder()
            .pod("client", "one")
            .pod("server", "two")
            .legacyPod("legacy-one", "one")
            .legacyPod("legacy-two", "two")
            .environment("COMPLIANCE_POLICY", "pqc")
            .control(TestProfiles.PQC));

    private final AmbientLab lab = LAB.lab();
    private final Talk talk = new Talk(lab);

    @Test
    void agents_agreeOnTheHybridGroup() {
        lab.mesh();
        Set<HelloCapture.Choice> chosen = HelloCapture.during(lab.net(), () -> talk.once("client", "server"));
        assertEquals(Set.of(new HelloCapture.Choice(List.of(Hello.TLS13), List.of(Hello.X25519MLKEM768))), chosen);
    }

    private double handshakesRefused() {
        return lab.agent("two").metrics().sum("culvert_bad_peer_total", "kind", BadPeer.TLS_HANDSHAKE.label());
    }

    @Test
    void clientWithoutThatGroup_isTurnedAway_andCounted() {
        lab.mesh();
        double before = handshakesRefused();
        PeerGoneException gone = assertThrows(
                PeerGoneException.class,
                () -> HostilePeer.dial(
                                lab.ns("legacy-one"), lab.ns("server").ipv4(), Identities.look(lab, "legacy-one"))
                        .close());
        assertEquals("ALERT handshake_failure", gone.getMessage());
        Eventually.holds("it is counted", SOON, () -> handshakesRefused() == before + 1);
    }

    @Test
    void serverWithoutThatGroup_isNotSpokenTo() {
        lab.mesh(lab.captured("legacy-two").build());
        Observation since = lab.observe();
        try (HboneEnd server = HboneEnd.echo(lab.ns("legacy-two"), Identities.look(lab, "legacy-two"))) {
            NetProbe.connect(lab.net(), lab.ns("client"), lab.ns("legacy-two").ipv4(), PORT, "closed")
                    .expectOk();
            assertEquals(List.of(), server.requests());
        }
        assertEquals(1, since.ended("one", CloseReason.TLS_FAILED.label()));
    }
}
