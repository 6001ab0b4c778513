package io.culvert.agent.xds;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.culvert.agent.config.NodeConfig;
import io.culvert.agent.config.NodeMetadata;
import io.culvert.protocol.wire.discovery.Node;
import java.io.IOException;

/** How the agent introduces itself to a control plane. */
public final class NodeDescription {
    private static final System.Logger LOG = System.getLogger(NodeDescription.class.getName());
    private static final String NO_IP = "1.1.1.1";

    private NodeDescription() {}

    /** The description; a JSON entry that cannot be read is left out with a warning. */
    public static Node of(NodeConfig node, NodeMetadata about) {
        Struct.Builder metadata = Struct.newBuilder();
        put(metadata, "NAME", about.podName());
        put(metadata, "NAMESPACE", about.podNamespace());
        put(metadata, "INSTANCE_IPS", about.instanceIp());
        put(metadata, "NODE_NAME", node.name());
        about.texts().forEach((name, text) -> put(metadata, name, text));
        about.json().forEach((name, json) -> {
            try {
                metadata.putFields(name, JsonValues.parse(json));
            } catch (IOException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        () -> "node metadata " + name + " is no JSON and is left out: " + e.getMessage());
            }
        });
        return Node.newBuilder().setId(id(about)).setMetadata(metadata).build();
    }

    private static String id(NodeMetadata about) {
        String ip = about.instanceIp().isEmpty() ? NO_IP : about.instanceIp();
        String namespace = about.podNamespace();
        return "ztunnel~" + ip + "~" + about.podName() + "." + namespace + "~" + namespace + ".svc.cluster.local";
    }

    private static void put(Struct.Builder metadata, String name, String text) {
        metadata.putFields(name, Value.newBuilder().setStringValue(text).build());
    }
}
