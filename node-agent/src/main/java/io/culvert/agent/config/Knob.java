package io.culvert.agent.config;

import static io.culvert.agent.config.KnobSpec.row;

import java.util.List;
import java.util.Optional;

/**
 * The one table of everything that can be set: what it is called on the command line, in the environment and in the
 * file, what it may be, what it is when nobody says, and what it does.
 *
 * <p>{@code --help}, {@code docs/configuration.md}, validation and {@code /config_dump} all read this table.
 */
public enum Knob {
    ROLE(
            row(KnobType.CHOICE, "--role", "node.role", "CULVERT_ROLE")
                    .choices("node", "proxy", "all")
                    .byDefault("all")
                    .means(
                            "Which half of the agent runs: the traffic of pods alone (`proxy`), where pods are handed over at the pods socket by somebody else, who also writes the redirect rules, or enrolment and traffic in one process (`all`). `node`, enrolment alone, is not there so far and refused.")),
    PROXY_MODE(
            row(KnobType.CHOICE, "--proxy-mode", "node.mode", "PROXY_MODE")
                    .choices("shared", "dedicated")
                    .byDefault("shared")
                    .means(
                            "Whom one agent serves: all pods of its node (`shared`), or the one pod in whose network namespace it runs (`dedicated`), where somebody else writes the redirect rules.")),
    PROXY_WORKLOAD_INFO(
            row(KnobType.TEXT, "--proxy-workload", "node.workload", "PROXY_WORKLOAD_INFO")
                    .means(
                            "The one pod of a dedicated agent, as `namespace/name/serviceAccount`. Required where `node.mode` is `dedicated`, otherwise not looked at.")),
    NODE_NAME(
            row(KnobType.TEXT, "--node-name", "node.name", "NODE_NAME")
                    .means(
                            "The name of the node that this agent serves; only pods of that node are captured. Required beside a mesh file; where there is none, an agent without it takes every workload for one of its node.")),
    CLUSTER_ID(row(KnobType.TEXT, "--cluster-id", "node.clusterId", "ISTIO_META_CLUSTER_ID", "CLUSTER_ID")
            .byDefault("Kubernetes")
            .means("The id of the cluster that this node belongs to.")),
    NETWORK(row(KnobType.TEXT, "--network", "node.network", "NETWORK")
            .byDefault("")
            .means("The id of the network that this node's pods are on; empty is the default network.")),
    TRUST_DOMAIN(row(KnobType.TEXT, "--trust-domain", "node.trustDomain", "TRUST_DOMAIN")
            .byDefault("cluster.local")
            .means("The trust domain of workloads that name none.")),
    INPOD_UDS(
            row(KnobType.PATH, "--pods-socket", "node.podsSocket", "INPOD_UDS")
                    .byDefault("/var/run/ztunnel/ztunnel.sock")
                    .means(
                            "The socket at which the part of the node that sees pods come and go hands them over to the part that serves them.")),
    POD_NAME(row(KnobType.TEXT, "--pod-name", "node.podName", "POD_NAME")
            .byDefault("")
            .means("The name of the agent's own pod, which the control plane is told.")),
    POD_NAMESPACE(row(KnobType.TEXT, "--pod-namespace", "node.podNamespace", "POD_NAMESPACE")
            .byDefault("")
            .means("The namespace of the agent's own pod.")),
    SERVICE_ACCOUNT(
            row(KnobType.TEXT, "--service-account", "node.serviceAccount", "SERVICE_ACCOUNT")
                    .byDefault("")
                    .means(
                            "The service account of the agent's own pod. When it, `node.podName` and `node.podNamespace` are set and pods are handed over, the agent takes tunnels to its own pod too, so that its metrics are reached in the mesh.")),
    INSTANCE_IP(row(KnobType.TEXT, "--instance-ip", "node.instanceIp", "INSTANCE_IP")
            .byDefault("")
            .means("The address of the agent's own pod.")),

    MESH_FILE(
            row(KnobType.PATH, "--mesh-file", "mesh.file", "CULVERT_MESH_FILE")
                    .means(
                            "The file that lists workloads, services and policies; it is read again whenever it changes. When neither this nor `xds.address` is set, there is a control plane.")),
    LOCAL_XDS_PATH(
            row(KnobType.PATH, "--local-xds-file", "mesh.localFile", "LOCAL_XDS_PATH")
                    .means(
                            "A file of workloads, services and policies in the form in which `/config_dump` shows them, beside what the control plane tells; read once, at the start. All there is where `XDS_ADDRESS` is set and empty. Not together with `mesh.file` or `mesh.local`.")),
    LOCAL_XDS(row(KnobType.TEXT, "--local-xds", "mesh.local", "LOCAL_XDS")
            .means("What `mesh.localFile` would hold, as YAML or JSON, instead of a file.")),
    CA_DIRECTORY(
            row(KnobType.PATH, "--ca-dir", "mesh.caDirectory", "CULVERT_CA_DIR")
                    .means(
                            "The directory of the certificate authority, made by `culvert-agent ca init`. Beside a mesh file either this or `ca.address` is required.")),
    AUTH_TOKEN(
            row(KnobType.TEXT, "--auth-token", "mesh.authToken", "AUTH_TOKEN")
                    .means(
                            "What the agent proves itself with to control plane and authority: a path, read for each call, or the token itself. When not set: `./var/run/secrets/tokens/istio-token` if it exists, else nothing.")),
    CRL_PATH(
            row(KnobType.PATH, "--crl", "mesh.crl", "CRL_PATH")
                    .means(
                            "A file of certificate revocation lists, PEM or DER. Read again when it changes; one that cannot be read, or goes away, changes nothing, and an empty one takes everything back. Who is revoked is refused, and tunnels with them are closed.")),
    SECRET_TTL(
            row(KnobType.DURATION, "--secret-ttl", "mesh.secretTtl", "SECRET_TTL")
                    .byDefault("24h")
                    .within("10s", "365d")
                    .means(
                            "How long a workload's certificate is asked to be valid; it is renewed at half of that. With `mesh.caDirectory` at most 7d.")),

    XDS_ADDRESS(
            row(KnobType.TEXT, "--xds-address", "xds.address", "XDS_ADDRESS")
                    .means(
                            "The control plane that tells of workloads, services and policies, as `host:port` or `https://host:port`; `http://` does without TLS. An empty `XDS_ADDRESS` means that there is none: the mesh is what `mesh.local` or `mesh.localFile` says, or nothing. When neither this nor `mesh.file` is set: the `discoveryAddress` of `PROXY_CONFIG` or of `./etc/istio/config/mesh`, else in a Kubernetes pod `https://istiod.istio-system.svc:15012`, else `https://localhost:15012`.")),
    XDS_ROOT_CA(
            row(KnobType.TEXT, "--xds-root-ca", "xds.rootCa", "XDS_ROOT_CA")
                    .byDefault("./var/run/secrets/istio/root-cert.pem")
                    .means(
                            "Whom the control plane must chain to: a path, `SYSTEM` for the system's roots, or certificates in PEM.")),
    ALT_XDS_HOSTNAME(row(KnobType.TEXT, "--xds-alt-hostname", "xds.altHostname", "ALT_XDS_HOSTNAME")
            .byDefault("")
            .means("A further name that the control plane's certificate may carry.")),
    XDS_ON_DEMAND(row(KnobType.BOOLEAN, "--xds-on-demand", "xds.onDemand", "XDS_ON_DEMAND")
            .byDefault("false")
            .means("Whether workloads and services are asked for one by one, when somebody wants to reach them.")),

    CA_ADDRESS(
            row(KnobType.TEXT, "--ca-address", "ca.address", "CA_ADDRESS")
                    .means(
                            "The certificate authority, written like `xds.address`. When neither this nor `mesh.caDirectory` is set, the same as of `xds.address`.")),
    CA_ROOT_CA(row(KnobType.TEXT, "--ca-root-ca", "ca.rootCa", "CA_ROOT_CA")
            .byDefault("./var/run/secrets/istio/root-cert.pem")
            .means("Whom the authority must chain to, written like `xds.rootCa`.")),
    ALT_CA_HOSTNAME(row(KnobType.TEXT, "--ca-alt-hostname", "ca.altHostname", "ALT_CA_HOSTNAME")
            .byDefault("")
            .means("A further name that the authority's certificate may carry.")),
    FAKE_CA(row(KnobType.BOOLEAN, "--fake-ca", "ca.fake", "FAKE_CA")
            .byDefault("false")
            .means("`true` is refused: nothing here signs with a key that everybody knows; use `mesh.caDirectory`.")),

    OUTBOUND_PORT(row(KnobType.INTEGER, "--outbound-port", "ports.outbound", "CULVERT_OUTBOUND_PORT")
            .byDefault("15001")
            .within("1", "65535")
            .experimental()
            .means("Where connections that pods open are redirected to, in each pod.")),
    PASSTHROUGH_PORT(row(KnobType.INTEGER, "--passthrough-port", "ports.passthrough", "CULVERT_PASSTHROUGH_PORT")
            .byDefault("15006")
            .within("1", "65535")
            .experimental()
            .means("Where plaintext that arrives for a pod is redirected to, in each pod.")),
    INBOUND_PORT(row(KnobType.INTEGER, "--inbound-port", "ports.inbound", "CULVERT_INBOUND_PORT")
            .byDefault("15008")
            .within("1", "65535")
            .experimental()
            .means("Where HBONE tunnels arrive, in each pod, and where peers are dialled.")),
    SOCKS5_PORT(row(KnobType.INTEGER, "--socks5-port", "ports.socks5", "CULVERT_SOCKS5_PORT")
            .byDefault("15080")
            .within("1", "65535")
            .experimental()
            .means("Where SOCKS5 clients connect to, at 127.0.0.1 of each pod, if they are served.")),
    ADMIN_PORT(
            row(KnobType.INTEGER, "--admin-port", "ports.admin", "CULVERT_ADMIN_PORT")
                    .byDefault("15000")
                    .within("0", "65535")
                    .means(
                            "The admin interface, on the loopback addresses of the agent's own network namespace; `0` picks a free port.")),
    STATS_PORT(row(KnobType.INTEGER, "--stats-port", "ports.stats", "CULVERT_STATS_PORT")
            .byDefault("15020")
            .within("0", "65535")
            .means("Metrics, on every address of the agent's own network namespace; `0` picks a free port.")),
    READINESS_PORT(row(KnobType.INTEGER, "--readiness-port", "ports.readiness", "CULVERT_READINESS_PORT")
            .byDefault("15021")
            .within("0", "65535")
            .means("Readiness, on every address of the agent's own network namespace; `0` picks a free port.")),

    ENABLE_PROXY(
            row(KnobType.BOOLEAN, "--enable-proxy", "proxy.enabled", "ENABLE_PROXY")
                    .byDefault("true")
                    .means(
                            "Whether connections are carried. With `false` pods' DNS queries are answered and nothing else is done: nothing listens for connections, the redirect rules that the agent writes leave TCP alone but for DNS, and rules of others must do so too. Refused where DNS queries are not answered either.")),
    ENABLE_SOCKS5(
            row(KnobType.BOOLEAN, "--socks5", "proxy.socks5", "UNSTABLE_ENABLE_SOCKS5")
                    .byDefault("false")
                    .experimental()
                    .means(
                            "Whether clients in each pod may say by SOCKS5 where they are going, at 127.0.0.1: CONNECT without authentication, to an address or to a name that the pod's DNS proxy resolves. They are told that they are connected before they are, and go the way of captured connections from there.")),
    TLS12_ENABLED(
            row(KnobType.BOOLEAN, "--tls12", "tls.tls12", "TLS12_ENABLED")
                    .byDefault("false")
                    .means(
                            "Whether TLS 1.2 is permitted beside 1.3, in tunnels and towards control plane and authority, with ECDHE and AES-GCM alone. Whoever can do 1.3 still gets 1.3.")),
    COMPLIANCE_POLICY(
            row(KnobType.CHOICE, "--compliance-policy", "tls.compliancePolicy", "COMPLIANCE_POLICY")
                    .choices("none", "pqc")
                    .byDefault("none")
                    .means(
                            "A rule that TLS has to follow, in tunnels and towards control plane and authority: with `pqc` keys are agreed on with X25519MLKEM768 alone, and peers that cannot do that are refused. Without it that group is the last of those offered. Not together with `tls.tls12`.")),

    KERNEL_TLS(
            row(KnobType.BOOLEAN, "--kernel-tls", "tls.kernel", "CULVERT_KERNEL_TLS")
                    .byDefault("true")
                    .means(
                            "Whether the kernel makes and reads the records of tunnels where it can (Linux 6.0 with its module `tls`), so that long transfers are spliced and never copied into the agent. Nothing changes on the wire.")),

    PACKET_MARK(
            row(KnobType.INTEGER, "--packet-mark", "sockets.packetMark", "PACKET_MARK")
                    .within("1", "4095")
                    .means(
                            "The mark on every socket that the agent opens in a pod; the redirect rules let it pass. Not 273, which marks connections. When not set: `1337`, or none where `node.mode` is `dedicated`.")),
    ENABLE_ORIG_SRC(
            row(KnobType.CHOICE, "--original-source", "sockets.originalSource", "ENABLE_ORIG_SRC")
                    .choices("auto", "true", "false")
                    .byDefault("auto")
                    .means(
                            "Whether the application sees the client's own address as the source: where the kernel allows it (`auto`), always or the pod is not served (`true`), never (`false`).")),
    IPV6_ENABLED(row(KnobType.BOOLEAN, "--ipv6", "sockets.ipv6", "IPV6_ENABLED")
            .byDefault("true")
            .means("Whether listeners and redirect rules cover IPv6.")),
    INPOD_PORT_REUSE(
            row(KnobType.BOOLEAN, "--port-reuse", "sockets.portReuse", "INPOD_PORT_REUSE")
                    .byDefault("true")
                    .means(
                            "Whether listeners in pods set SO_REUSEPORT, so that the agent that replaces this one can listen before this one stops. Never where `node.mode` is `dedicated`.")),
    KEEPALIVE_ENABLED(row(KnobType.BOOLEAN, "--keepalive", "sockets.keepalive.enabled", "KEEPALIVE_ENABLED")
            .byDefault("true")
            .means("Whether TCP keepalive runs on connections.")),
    KEEPALIVE_TIME(row(KnobType.DURATION, "--keepalive-time", "sockets.keepalive.time", "KEEPALIVE_TIME")
            .byDefault("180s")
            .within("1s", "9h")
            .means("How long a connection is idle before the first keepalive probe.")),
    KEEPALIVE_INTERVAL(
            row(KnobType.DURATION, "--keepalive-interval", "sockets.keepalive.interval", "KEEPALIVE_INTERVAL")
                    .byDefault("180s")
                    .within("1s", "9h")
                    .means("The time between keepalive probes.")),
    KEEPALIVE_RETRIES(row(KnobType.INTEGER, "--keepalive-retries", "sockets.keepalive.retries", "KEEPALIVE_RETRIES")
            .byDefault("9")
            .within("1", "127")
            .means("How many keepalive probes may go unanswered.")),
    USER_TIMEOUT_ENABLED(
            row(KnobType.BOOLEAN, "--user-timeout", "sockets.userTimeout", "USER_TIMEOUT_ENABLED")
                    .byDefault("false")
                    .means(
                            "Whether unacknowledged data closes a connection after as long as keepalive would take (TCP_USER_TIMEOUT).")),

    HTTP2_STREAM_WINDOW_SIZE(
            row(KnobType.SIZE, "--http2-stream-window-size", "hbone.streamWindow", "HTTP2_STREAM_WINDOW_SIZE")
                    .byDefault("4MiB")
                    .within("65535", "2147483647")
                    .means(
                            "How many bytes a peer may send on one stream before the application has taken them. While applications leave more than three eighths of the connection window standing, it is 64 KiB for streams whose application does not keep up, so that they do not block the others of their tunnel.")),
    HTTP2_CONNECTION_WINDOW_SIZE(
            row(
                            KnobType.SIZE,
                            "--http2-connection-window-size",
                            "hbone.connectionWindow",
                            "HTTP2_CONNECTION_WINDOW_SIZE")
                    .byDefault("16MiB")
                    .within("65535", "2147483647")
                    .means(
                            "How many bytes a peer may send on all streams of a tunnel together. A stream's window is no larger; where the stream window alone is set, and larger, this one grows with it. Bytes that stand on slow streams do not count against the others: beyond this window applications may leave 64 KiB per stream and a quarter of this window standing.")),
    HTTP2_FRAME_SIZE(row(KnobType.SIZE, "--http2-frame-size", "hbone.frameSize", "HTTP2_FRAME_SIZE")
            .byDefault("1MiB")
            .within("16384", "16777215")
            .means("The largest frame that is accepted from a peer.")),
    POOL_MAX_STREAMS(
            row(KnobType.INTEGER, "--pool-max-streams", "hbone.poolMaxStreams", "POOL_MAX_STREAMS_PER_CONNECTION")
                    .byDefault("100")
                    .within("1", "65535")
                    .means("How many connections share one outgoing tunnel before another is opened.")),
    POOL_UNUSED_RELEASE_TIMEOUT(row(
                    KnobType.DURATION,
                    "--pool-unused-release-timeout",
                    "hbone.poolIdleTimeout",
                    "POOL_UNUSED_RELEASE_TIMEOUT")
            .byDefault("5m")
            .within("1s", "1d")
            .means("How long an outgoing tunnel without connections stays open.")),
    PING_INTERVAL(
            row(KnobType.DURATION, "--ping-interval", "hbone.pingInterval", "CULVERT_PING_INTERVAL")
                    .byDefault("10s")
                    .within("100ms", "1h")
                    .means(
                            "How long after its last sign of life the peer of a tunnel is asked for another, by an HTTP/2 PING.")),
    PING_TIMEOUT(
            row(KnobType.DURATION, "--ping-timeout", "hbone.pingTimeout", "CULVERT_PING_TIMEOUT")
                    .byDefault("20s")
                    .within("100ms", "1h")
                    .means(
                            "How long a peer may take to answer a PING before its tunnel and all connections in it are given up.")),
    RESPONSE_BAGGAGE(row(KnobType.BOOLEAN, "--response-baggage", "hbone.responseBaggage", "ENABLE_RESPONSE_BAGGAGE")
            .byDefault("true")
            .means("Whether the answer to a peer's CONNECT tells who serves it.")),
    LOCALHOST_APP_TUNNEL(
            row(KnobType.BOOLEAN, "--localhost-app-tunnel", "hbone.localhostAppTunnel", "LOCALHOST_APP_TUNNEL")
                    .byDefault("true")
                    .means("Whether an application that takes the PROXY protocol is reached on its loopback address.")),

    CONNECT_TIMEOUT(row(KnobType.DURATION, "--connect-timeout", "timeouts.connect", "CULVERT_CONNECT_TIMEOUT")
            .byDefault("10s")
            .within("100ms", "5m")
            .means("How long a TCP connection to a peer or an application may take.")),
    HANDSHAKE_TIMEOUT(row(KnobType.DURATION, "--handshake-timeout", "timeouts.handshake", "CULVERT_HANDSHAKE_TIMEOUT")
            .byDefault("10s")
            .within("100ms", "5m")
            .means("How long the TLS handshake and the HTTP/2 preface may take, on either side.")),
    CONNECT_RESPONSE_TIMEOUT(row(
                    KnobType.DURATION,
                    "--connect-response-timeout",
                    "timeouts.connectResponse",
                    "CULVERT_CONNECT_RESPONSE_TIMEOUT")
            .byDefault("15s")
            .within("100ms", "5m")
            .means("How long a peer may take to answer a CONNECT.")),
    FIRST_CERTIFICATE_TIMEOUT(row(
                    KnobType.DURATION,
                    "--first-certificate-timeout",
                    "timeouts.firstCertificate",
                    "CULVERT_FIRST_CERTIFICATE_TIMEOUT")
            .byDefault("10s")
            .within("100ms", "5m")
            .means("How long a connection waits for its workload's first certificate.")),

    DNS_CAPTURE(
            row(KnobType.TEXT, "--dns-capture", "dns.capture", "ISTIO_META_DNS_CAPTURE")
                    .byDefault("auto")
                    .means(
                            "Whether pods' DNS queries are answered by the agent: `true`, or `auto` for everywhere but where a mesh file names the pods; anything else is `false`. Where the agent writes the redirect rules itself, they redirect queries accordingly.")),
    DNS_PROXY_ADDRESS(
            row(KnobType.TEXT, "--dns-proxy-address", "dns.proxyAddress", "ISTIO_META_DNS_PROXY_ADDR")
                    .means(
                            "Where the DNS proxy listens in each pod, as `127.0.0.1:15053`. When not set: port 15053 of the loopback addresses of both families.")),
    CLUSTER_DOMAIN(row(KnobType.TEXT, "--cluster-domain", "dns.clusterDomain", "CLUSTER_DOMAIN")
            .byDefault("cluster.local")
            .means("The domain that the cluster's services have their names in.")),
    PREFERRED_SERVICE_NAMESPACE(
            row(KnobType.TEXT, "--preferred-service-namespace", "dns.preferredNamespace", "PREFERED_SERVICE_NAMESPACE")
                    .byDefault("")
                    .means(
                            "Of several services with one hostname, none of them in the pod's own namespace nor canonical, that of this namespace is answered.")),
    RESOLV_CONF(
            row(KnobType.PATH, "--resolv-conf", "dns.resolvConf", "CULVERT_RESOLV_CONF")
                    .byDefault("/etc/resolv.conf")
                    .means(
                            "The file that names the DNS servers which are asked for what the mesh does not know, and where `node.mode` is `dedicated` the search domains that the pod's resolver tries; it is read again when it changes. Answers are remembered for each pod as long as they say, a day at most, and that there is none for an hour at most.")),

    CONNECTIONS_MAX(
            row(KnobType.INTEGER, "--max-connections", "limits.connectionsPerPod", "CULVERT_MAX_CONNECTIONS_PER_POD")
                    .byDefault("16384")
                    .within("1", "1000000")
                    .means(
                            "How many connections of one pod may be open, counted apart: those it opens, those in tunnels to it, and those in plaintext to it; further ones of that kind are refused.")),
    TUNNELS_MAX(
            row(KnobType.INTEGER, "--max-tunnels", "limits.tunnelsPerPod", "CULVERT_MAX_TUNNELS_PER_POD")
                    .byDefault("8192")
                    .within("1", "1000000")
                    .means(
                            "How many tunnels from peers that carry no connection, not yet or not any more, one pod keeps, of any one identity at one address a quarter of them; the ones that have idled longest make room. Tunnels that carry connections are bounded by these: a peer may need one on each of its event loops for every hundred connections, and one of another network needs one for each. It is also how many tunnels to others a pod may have on each event loop: there the one that has idled longest makes room, and where none is idle further destinations are refused.")),
    STREAMS_MAX(row(KnobType.INTEGER, "--max-streams", "limits.streamsPerTunnel", "CULVERT_MAX_STREAMS_PER_TUNNEL")
            .byDefault("200")
            .within("1", "65535")
            .means("How many connections a peer may have open in one tunnel.")),
    HEADER_BYTES_MAX(row(KnobType.SIZE, "--max-header-bytes", "limits.headerBytes", "CULVERT_MAX_HEADER_BYTES")
            .byDefault("64KiB")
            .within("4096", "1048576")
            .means("How large a peer's headers may be, decoded.")),

    TERMINATION_DEADLINE(
            row(KnobType.DURATION, "--termination-deadline", "drain.deadline", "CONNECTION_TERMINATION_DEADLINE")
                    .within("0s", "1d")
                    .means(
                            "How long open connections may go on once the agent is told to stop. When not set it follows from the grace period: 5 s less than it when it is above 10 s, otherwise 1 s less and at least 1 s; 5 s when that is not set either.")),
    TERMINATION_GRACE_PERIOD(row(
                    KnobType.INTEGER,
                    "--termination-grace-period",
                    "drain.gracePeriodSeconds",
                    "TERMINATION_GRACE_PERIOD_SECONDS")
            .within("0", "86400")
            .means("The grace period of the agent's pod, in seconds.")),

    WORKER_THREADS(
            row(KnobType.THREADS, "--worker-threads", "workers.threads", "ZTUNNEL_WORKER_THREADS")
                    .means(
                            "How many event loops carry traffic. When not set: as many as the CPU limit, or, without one, a quarter of the CPUs and at least two; never fewer than the CPU request.")),
    CPU_LIMIT(row(KnobType.CPUS, "--cpu-limit", "workers.cpuLimit", "ZTUNNEL_RESOURCE_CPU_LIMIT")
            .within("0", "4096")
            .means("The CPU limit of the agent's container; 0 is none.")),
    CPU_REQUEST(row(KnobType.CPUS, "--cpu-request", "workers.cpuRequest", "ZTUNNEL_RESOURCE_CPU_REQUEST")
            .within("0", "4096")
            .means("The CPU request of the agent's container; 0 is none.")),
    CPU_COUNT(
            row(KnobType.CPUS, "--cpu-count", "workers.cpuCount", "ZTUNNEL_CPU_LIMIT")
                    .within("0", "4096")
                    .means(
                            "How many CPUs a share counts from where there is no CPU limit; the CPUs of the machine when not set.")),

    LOG_FILTER(
            row(KnobType.LOG_FILTER, "--log", "log.filter", "RUST_LOG")
                    .byDefault("info")
                    .means(
                            "What is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`, for everything or per target, as `info,access=debug`.")),
    AUTHZ_POLICY_INFO_LOGGING(
            row(KnobType.BOOLEAN, "--log-policy-decisions", "log.policyDecisions", "AUTHZ_POLICY_INFO_LOGGING")
                    .byDefault("false")
                    .means(
                            "Whether each decision of a policy about an inbound connection is logged at `info` rather than `debug`, under the target `policy`.")),
    LOG_FORMAT(row(KnobType.CHOICE, "--log-format", "log.format", "LOG_FORMAT")
            .choices("plain", "json")
            .byDefault("plain")
            .means("One line of text or one JSON object for each entry.")),
    STATE_DIRECTORY(
            row(KnobType.PATH, "--state-dir", "process.stateDirectory", "CULVERT_STATE_DIR")
                    .byDefault("/run/culvert")
                    .means(
                            "Where the agent notes which pods it has captured, so that it can release those that leave the mesh while it is away. To be on a file system that a reboot empties.")),
    BUILD_TAG(
            row(KnobType.TEXT, "--build-tag", "process.buildTag", "ISTIO_META_ISTIO_VERSION")
                    .byDefault("unknown")
                    .means(
                            "The version that the `istio_build` metric and `/config_dump` report, so that fleet tools can tell rollouts apart."));

    // Error Prone cannot see that the record holds unmodifiable lists only.
    @SuppressWarnings("ImmutableEnumChecker")
    private final KnobSpec spec;

    Knob(KnobSpec spec) {
        this.spec = spec;
    }

    public KnobType type() {
        return spec.type();
    }

    /** The flag, with its dashes. */
    public String flag() {
        return spec.flag();
    }

    /** The dotted key in the file. */
    public String fileKey() {
        return spec.fileKey();
    }

    /** The environment variables; the first that is set wins. */
    public List<String> environment() {
        return spec.environment();
    }

    /** The words that a choice may be; empty for other types. */
    public List<String> choices() {
        return spec.choices();
    }

    /** What holds when nobody says; empty where it is required or follows from other knobs. */
    public Optional<String> defaultText() {
        return Optional.ofNullable(spec.defaultText());
    }

    /** The smallest value, as a user would write it. */
    public Optional<String> minimum() {
        return Optional.ofNullable(spec.minimum());
    }

    /** The largest value, as a user would write it. */
    public Optional<String> maximum() {
        return Optional.ofNullable(spec.maximum());
    }

    public Stability stability() {
        return spec.stability();
    }

    /** What it does, in Markdown. */
    public String doc() {
        return spec.doc();
    }
}
