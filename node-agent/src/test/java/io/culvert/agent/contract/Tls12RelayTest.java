package io.culvert.agent.contract;

import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.tls.TestProfiles;

/** The contract of a tunnel where one end permits TLS 1.2 and the other knows nothing newer. */
class Tls12RelayTest extends TunnelRelayTest {
    private static final TlsMaterial NEAR = TunnelPath.CA.material(TunnelPath.NEAR, TestProfiles.TLS12_TOO);
    private static final TlsMaterial FAR = TunnelPath.CA.material(TunnelPath.FAR, TestProfiles.TLS12_ONLY);

    @Override
    RelayPath newPath(RealNet on) {
        return new TunnelPath(on, on.loop(0), on.loop(1), NEAR, FAR);
    }
}
