package io.culvert.agent.xds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Value;
import io.culvert.agent.config.NodeConfig;
import io.culvert.agent.config.NodeMetadata;
import io.culvert.agent.config.Role;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.wire.discovery.Node;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NodeDescriptionTest {
    private static final NodeConfig NODE =
            new NodeConfig(Role.ALL, "node-1", "c", "", TrustDomain.CLUSTER_LOCAL, Path.of("unused"));

    @Test
    void namesItselfAsTheControlPlaneExpects_evenWithNothingKnown() {
        Node node = NodeDescription.of(NODE, new NodeMetadata("", "", "", Map.of(), Map.of()));
        assertEquals("ztunnel~1.1.1.1~.~.svc.cluster.local", node.getId());
        assertEquals("", node.getMetadata().getFieldsOrThrow("INSTANCE_IPS").getStringValue());
        assertEquals("node-1", node.getMetadata().getFieldsOrThrow("NODE_NAME").getStringValue());
    }

    @Test
    void addsTextsAndJson_andLeavesOutWhatIsNone() {
        Node node = NodeDescription.of(
                NODE,
                new NodeMetadata(
                        "p", "n", "10.0.0.1", Map.of("A", "[1]"), Map.of("B", "{\"x\":[1,true,null]}", "C", "{")));
        assertEquals("[1]", node.getMetadata().getFieldsOrThrow("A").getStringValue());
        Value list = node.getMetadata().getFieldsOrThrow("B").getStructValue().getFieldsOrThrow("x");
        assertEquals(1.0, list.getListValue().getValues(0).getNumberValue());
        assertEquals(true, list.getListValue().getValues(1).getBoolValue());
        assertEquals(Value.KindCase.NULL_VALUE, list.getListValue().getValues(2).getKindCase());
        assertFalse(node.getMetadata().containsFields("C"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "1 2", "{\"a\":}", "[", "nope"})
    void takesExactlyOneJsonValue(String text) {
        assertThrows(IOException.class, () -> JsonValues.parse(text));
    }

    @Test
    void boundsTheDepthOfJson() {
        assertThrows(IOException.class, () -> JsonValues.parse("[".repeat(100) + "]".repeat(100)));
    }
}
