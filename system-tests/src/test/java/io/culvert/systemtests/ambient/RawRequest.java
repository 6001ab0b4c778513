package io.culvert.systemtests.ambient;

import io.culvert.systemtests.badinput.H2;
import io.culvert.systemtests.badinput.HostilePeer;
import java.io.IOException;
import java.util.Map;

/** A CONNECT that the test makes itself, and all of the answer. */
final class RawRequest {
    private RawRequest() {}

    /** Asks for a stream to a pod's port under a pod's identity, with further headers; what the answer's headers are. */
    static Map<String, String> ask(AmbientLab lab, String from, String as, String authority, String... more)
            throws IOException {
        try (HostilePeer peer = HostilePeer.dial(lab.ns(from), lab.ns("server").ipv4(), Identities.look(lab, as))
                .greet()) {
            byte[] block = H2.join(H2.block(":method", "CONNECT", ":authority", authority), H2.block(more));
            int stream = peer.request(block);
            return HboneEnd.headers(peer.await("an answer", frame -> frame.is(H2.HEADERS, stream))
                    .payload());
        }
    }
}
