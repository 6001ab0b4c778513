package io.culvert.agent.telemetry;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.protocol.hbone.Baggage;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrafficLabelsTest {
    @Test
    void tellBothEnds() {
        assertArrayEquals(
                new String[] {
                    "source",
                    "client-deploy",
                    "client",
                    "v1",
                    "shop",
                    "spiffe://cluster.local/ns/shop/sa/client",
                    "client",
                    "v1",
                    "c1",
                    "server.shop.svc.cluster.local",
                    "shop",
                    "server",
                    "server-deploy",
                    "server",
                    "v1",
                    "shop",
                    "spiffe://cluster.local/ns/shop/sa/server",
                    "server",
                    "v1",
                    "c1",
                    "tcp",
                    "DENY",
                    "mutual_tls",
                    "eu",
                    "eu-1",
                    "unknown",
                    "unknown"
                },
                Samples.tunnelled(Direction.OUTBOUND).labels().values(ResponseFlag.DENY));
    }

    @Test
    void leaveOutPlaces_whenNeitherEndIsKnown() {
        TrafficLabels labels = new TrafficLabels(
                Direction.INBOUND, PeerLabels.UNKNOWN, PeerLabels.UNKNOWN, ServiceLabels.UNKNOWN, false);
        String[] values = labels.values(ResponseFlag.NONE);
        for (int i = 0; i < TrafficLabels.NAMES.size(); i++) {
            String expected = switch (TrafficLabels.NAMES.get(i)) {
                case "reporter" -> "destination";
                case "request_protocol" -> "tcp";
                case "response_flags" -> "-";
                case "source_region", "source_zone", "destination_region", "destination_zone" -> "";
                default -> "unknown";
            };
            assertEquals(expected, values[i], TrafficLabels.NAMES.get(i));
        }
    }

    @Test
    void takeTheWorkloadsName_forTheApp_whenAPeerToldIt() {
        PeerLabels labels = PeerLabels.of(
                Baggage.parse(
                        "k8s.cluster.name=c2,k8s.namespace.name=x,k8s.deployment.name=w,service.name=s,service.version=v"),
                null);
        assertEquals(new PeerLabels("w", "s", "v", "x", "", "w", "c2", "", "", true), labels);
        assertEquals(PeerLabels.UNKNOWN, PeerLabels.of(Baggage.EMPTY, null));
    }

    @Test
    void haveOneValueForEachName() {
        List<ConnectionFacts> all = List.of(Samples.plaintext(), Samples.tunnelled(Direction.INBOUND));
        for (ConnectionFacts facts : all) {
            assertEquals(TrafficLabels.NAMES.size(), facts.labels().values(ResponseFlag.NONE).length);
        }
    }
}
