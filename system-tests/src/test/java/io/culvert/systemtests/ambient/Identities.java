package io.culvert.systemtests.ambient;

import io.culvert.agent.certs.TestCa;
import io.culvert.systemtests.badinput.TestCa.Identity;
import io.culvert.systemtests.badinput.TlsSession;
import io.culvert.systemtests.lab.MeshYaml;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;

/** Certificates for peers that the test plays itself. */
final class Identities {
    private Identities() {}

    /** How a pod of the lab's namespace presents itself that the lab's authority has certified. */
    static TlsSession.Look look(AmbientLab lab, String pod) {
        return TlsSession.Look.of(certify(lab, MeshYaml.idOf(pod)));
    }

    /** A certificate of the mesh's own root. */
    static Identity certify(AmbientLab lab, String uri) {
        KeyPair keys = TestCa.newKeys();
        Instant now = Instant.now();
        return new Identity(
                keys.getPrivate(),
                lab.authority()
                        .root()
                        .sign(
                                keys.getPublic(),
                                new TestCa.Leaf()
                                        .uri(uri)
                                        .valid(now.minus(Duration.ofMinutes(5)), now.plus(Duration.ofHours(1)))));
    }
}
