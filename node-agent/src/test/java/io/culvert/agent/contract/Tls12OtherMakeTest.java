package io.culvert.agent.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.certs.TlsMaterial;
import io.culvert.agent.telemetry.CloseReason;
import io.culvert.agent.tls.TestProfiles;
import java.io.IOException;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;

/** The same of a peer that knows TLS 1.2 alone. */
class Tls12OtherMakeTest extends OtherMakeTest {
    private static final TlsMaterial FAR = TunnelPath.CA.material(TunnelPath.FAR, TestProfiles.TLS12_TOO);

    @Override
    String protocol() {
        return "TLSv1.2";
    }

    @Override
    TlsMaterial material() {
        return FAR;
    }

    /** 1.2 renews keys by another handshake, in which the peer could prove to be somebody else. */
    @Override
    @Test
    void goesOnWhenThePeerRenewsItsKeys() throws IOException {
        Opened opened = openAndSay("half of");
        assertThrows(SSLException.class, () -> {
            peer().updateKeys();
            peer().awaitsGoodBye();
        });
        assertTrue(opened.app().seesReset(), "an end would pass for all of it");
        assertEquals(CloseReason.TLS_FAILED, server().closed());
    }
}
