package io.culvert.agent;

import io.culvert.agent.ca.IstioCaClient;
import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.ServerConfig;
import io.culvert.agent.grpc.GrpcLoop;
import io.culvert.agent.grpc.ServerLink;
import io.culvert.agent.tls.TlsProfile;
import io.culvert.agent.xds.XdsClient;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The links to the servers of the mesh; nothing is started until the first is asked for.
 *
 * <p>Owns: their event loop and the authority's client.
 */
final class Uplinks implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Uplinks.class.getName());

    private final AgentConfig config;
    private final TlsProfile tls;
    private final List<IstioCaClient> authorities = new ArrayList<>();
    private @Nullable GrpcLoop loop;

    Uplinks(AgentConfig config, TlsProfile tls) {
        this.config = config;
        this.tls = tls;
    }

    IstioCaClient authority(ServerConfig server) {
        IstioCaClient client = new IstioCaClient(
                link(server, IstioCaClient.MESSAGE_BYTES_MAX), config.node().dedicatedTo() == null);
        authorities.add(client);
        return client;
    }

    ServerLink discovery(ServerConfig server) {
        return link(server, XdsClient.MESSAGE_BYTES_MAX);
    }

    private ServerLink link(ServerConfig server, int messageBytesMax) {
        if (server.plaintext()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> server.authority() + " is spoken to without TLS: whoever is on the way can read the agent's"
                            + " token and pose as the server");
        }
        GrpcLoop held = loop;
        if (held == null) {
            held = new GrpcLoop();
            loop = held;
        }
        return new ServerLink(server, tls, config.mesh().token(), config.node().clusterId(), held, messageBytesMax);
    }

    @Override
    public void close() {
        authorities.forEach(IstioCaClient::close);
        if (loop != null) {
            loop.close();
        }
    }
}
