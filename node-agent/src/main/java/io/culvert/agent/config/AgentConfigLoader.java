package io.culvert.agent.config;

import io.culvert.agent.config.HboneConfig.Windows;
import io.culvert.agent.config.SocketConfig.OriginalSource;
import io.culvert.protocol.identity.TrustDomain;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes an {@link AgentConfig} from flags, environment, file, the fleet's defaults and its own, in this order of precedence.
 *
 * <p>Errors: {@link ConfigException} with everything that is wrong. An empty environment variable counts as not set.
 */
public final class AgentConfigLoader {
    /** What the redirect rules mark connections with; sockets with the same mark could not be told apart. */
    private static final int CONNECTION_MARK = 0x111;

    /** As rules everywhere expect it. */
    private static final int MARK_DEFAULT = 0x539;

    /** In place of one that is wrong. */
    private static final IpPort NO_ADDRESS = new IpPort(IpAddress.V4_LOOPBACK, DnsConfig.PORT_DEFAULT);

    private static final Duration DRAIN_WITHOUT_GRACE = Duration.ofSeconds(5);

    /**
     * A configuration and where each of its settings came from.
     *
     * @param config the configuration
     * @param settings one for each knob, in the table's order
     */
    public record Loaded(AgentConfig config, List<Setting> settings) {}

    private final ConfigInputs inputs;
    private final List<ConfigProblem> problems = new ArrayList<>();
    private final FleetDefaults fleet;
    private final SettingReader reader;

    private AgentConfigLoader(ConfigInputs inputs) {
        this.inputs = inputs;
        this.fleet = FleetDefaults.read(FleetDefaults.MESH_FILE, inputs.environment(), problems);
        this.reader = new SettingReader(resolve(inputs, fleet, problems), problems);
    }

    /** Loads and validates. */
    public static Loaded load(ConfigInputs inputs) throws ConfigException {
        AgentConfigLoader loader = new AgentConfigLoader(inputs);
        AgentConfig config = new AgentConfig(
                loader.node(),
                loader.mesh(),
                loader.ports(),
                loader.proxy(),
                loader.tls(),
                loader.process(),
                loader.log());
        loader.checkTogether(config);
        new Unsupported(loader.reader).refuse();
        if (!loader.problems.isEmpty()) {
            throw new ConfigException(loader.problems);
        }
        List<Setting> settings = new ArrayList<>();
        for (Knob knob : Knob.values()) {
            settings.add(shown(loader.reader.setting(knob)));
        }
        return new Loaded(config, List.copyOf(settings));
    }

    /** Loads and validates what decides the redirect rules alone; what else an agent needs may be missing. */
    public static CaptureConfig loadCapture(ConfigInputs inputs) throws ConfigException {
        AgentConfigLoader loader = new AgentConfigLoader(inputs);
        CaptureConfig config = new CaptureConfig(
                loader.ports(),
                loader.reader.bool(Knob.ENABLE_PROXY),
                loader.packetMark(MARK_DEFAULT),
                loader.reader.bool(Knob.IPV6_ENABLED),
                loader.dns(),
                loader.reader.requiredPath(Knob.STATE_DIRECTORY));
        loader.checkServed(config.tcp(), config.dns().isOn(false));
        if (!loader.problems.isEmpty()) {
            throw new ConfigException(loader.problems);
        }
        return config;
    }

    private static Map<Knob, Setting> resolve(ConfigInputs inputs, FleetDefaults fleet, List<ConfigProblem> problems) {
        Map<Knob, Setting> settings = new EnumMap<>(Knob.class);
        for (Knob knob : Knob.values()) {
            knob.defaultText().ifPresent(text -> settings.put(knob, new Setting(knob, text, Setting.DEFAULT)));
        }
        settings.putAll(fleet.settings());
        if (inputs.file() != null) {
            settings.putAll(ConfigFile.read(inputs.file(), problems));
        }
        for (Knob knob : Knob.values()) {
            for (String variable : knob.environment().reversed()) {
                String text = inputs.environment().getOrDefault(variable, "");
                if (!text.isBlank()) {
                    // The beginning of a YAML text is part of its form.
                    settings.put(knob, new Setting(knob, knob == Knob.LOCAL_XDS ? text : text.trim(), variable));
                }
            }
        }
        inputs.flags().forEach((knob, text) -> settings.put(knob, new Setting(knob, text, knob.flag())));
        // Who signs for itself needs no authority, wherever discovery is.
        if (settings.containsKey(Knob.CA_DIRECTORY)) {
            settings.remove(Knob.CA_ADDRESS, fleet.settings().get(Knob.CA_ADDRESS));
        }
        return settings;
    }

    private void checkTogether(AgentConfig config) {
        checkServed(config.proxy().enabled(), config.answersNames());
        if (!config.proxy().enabled() && config.ports().socks() != 0) {
            reader.problem(
                    Knob.ENABLE_SOCKS5,
                    "needs the proxy that " + Knob.ENABLE_PROXY.fileKey() + " turns off; remove one of them");
        }
        // A DNS proxy answers for names that nobody has asked the control plane for.
        if (config.mesh().source() instanceof MeshConfig.ControlPlane plane
                && plane.onDemand()
                && config.proxy().dns().isOn(true)) {
            reader.problem(
                    Knob.XDS_ON_DEMAND,
                    "cannot be set together with the DNS proxy, which has to know every name; set "
                            + Knob.DNS_CAPTURE.environment().getFirst() + "=false, or leave it out");
        }
    }

    private void checkServed(boolean proxy, boolean names) {
        if (!proxy && !names) {
            reader.problem(
                    Knob.ENABLE_PROXY,
                    "leaves nothing to be done where names are not answered either; remove it, or set "
                            + Knob.DNS_CAPTURE.environment().getFirst() + "=true");
        }
    }

    private enum Mode {
        SHARED,
        DEDICATED
    }

    /** What {@link #dedicatedTo} finds fault with is not found fault with here too. */
    private boolean isDedicated() {
        return reader.text(Knob.PROXY_MODE).equalsIgnoreCase(Mode.DEDICATED.name());
    }

    /** The one pod of a dedicated agent; null where there are others. */
    private NodeConfig.@Nullable PodNames dedicatedTo() {
        if (reader.choice(Knob.PROXY_MODE, Mode.class) == Mode.SHARED) {
            return null;
        }
        String[] names = reader.requiredText(Knob.PROXY_WORKLOAD_INFO).split("/", -1);
        NodeConfig.PodNames pod = names.length == 3 ? NodeConfig.PodNames.of(names[1], names[0], names[2]) : null;
        if (pod == null && reader.isSet(Knob.PROXY_WORKLOAD_INFO)) {
            reader.problem(
                    Knob.PROXY_WORKLOAD_INFO,
                    "'" + reader.text(Knob.PROXY_WORKLOAD_INFO)
                            + "' does not name a pod; write namespace/name/serviceAccount");
        }
        return pod;
    }

    private NodeConfig node() {
        return new NodeConfig(
                reader.choice(Knob.ROLE, Role.class),
                reader.isSet(Knob.MESH_FILE) ? reader.requiredText(Knob.NODE_NAME) : reader.text(Knob.NODE_NAME),
                reader.text(Knob.CLUSTER_ID),
                reader.text(Knob.NETWORK),
                reader.read(
                        Knob.TRUST_DOMAIN, reader.text(Knob.TRUST_DOMAIN), TrustDomain::new, TrustDomain.CLUSTER_LOCAL),
                reader.requiredPath(Knob.INPOD_UDS),
                NodeConfig.PodNames.of(
                        reader.text(Knob.POD_NAME), reader.text(Knob.POD_NAMESPACE), reader.text(Knob.SERVICE_ACCOUNT)),
                dedicatedTo());
    }

    private MeshConfig mesh() {
        return new MeshSettings(reader, inputs.environment(), fleet.metadata(), problems).read();
    }

    /** Settings are shown to whoever may look at the agent; a token is not. */
    private static Setting shown(Setting setting) {
        String shown = switch (setting.knob()) {
            case AUTH_TOKEN -> setting.isSet() && MeshSettings.isLiteral(setting.text()) ? "(a token)" : setting.text();
            // Its content is in the dump beside.
            case LOCAL_XDS -> setting.isSet() ? "(" + setting.text().length() + " characters)" : setting.text();
            default -> setting.text();
        };
        return new Setting(setting.knob(), shown, setting.origin());
    }

    private PortConfig ports() {
        List<Knob> knobs = new ArrayList<>(List.of(
                Knob.OUTBOUND_PORT,
                Knob.PASSTHROUGH_PORT,
                Knob.INBOUND_PORT,
                Knob.ADMIN_PORT,
                Knob.STATS_PORT,
                Knob.READINESS_PORT));
        boolean socks = reader.bool(Knob.ENABLE_SOCKS5);
        int socksPort = reader.integer(Knob.SOCKS5_PORT);
        if (socks) {
            knobs.add(Knob.SOCKS5_PORT);
        }
        List<Integer> ports = knobs.stream()
                .map(knob -> knob == Knob.SOCKS5_PORT ? socksPort : reader.integer(knob))
                .toList();
        for (int i = 1; i < ports.size(); i++) {
            int first = ports.indexOf(ports.get(i));
            if (first < i && ports.get(i) != 0) {
                reader.problem(
                        knobs.get(i),
                        "is the same port as " + knobs.get(first).fileKey() + "; give each a port of its own");
            }
        }
        return new PortConfig(
                ports.get(0),
                ports.get(1),
                ports.get(2),
                socks ? socksPort : 0,
                ports.get(3),
                ports.get(4),
                ports.get(5));
    }

    private ProxyConfig proxy() {
        return new ProxyConfig(reader.bool(Knob.ENABLE_PROXY), sockets(), hbone(), timeouts(), limits(), dns());
    }

    private TlsConfig tls() {
        boolean tls12 = reader.bool(Knob.TLS12_ENABLED);
        boolean postQuantumOnly =
                reader.choice(Knob.COMPLIANCE_POLICY, TlsConfig.Compliance.class) == TlsConfig.Compliance.PQC;
        if (tls12 && postQuantumOnly) {
            reader.problem(
                    Knob.TLS12_ENABLED,
                    "cannot be set together with " + Knob.COMPLIANCE_POLICY.fileKey()
                            + "=pqc: TLS 1.2 has no post-quantum group; remove one of the two");
        }
        return new TlsConfig(tls12 && !postQuantumOnly, postQuantumOnly, reader.bool(Knob.KERNEL_TLS));
    }

    private SocketConfig sockets() {
        return new SocketConfig(
                packetMark(isDedicated() ? 0 : MARK_DEFAULT),
                reader.choice(Knob.ENABLE_ORIG_SRC, OriginalSource.class),
                reader.bool(Knob.IPV6_ENABLED),
                // In its own namespace a second agent is a mistake, not the one that takes over.
                reader.bool(Knob.INPOD_PORT_REUSE) && !isDedicated(),
                new Keepalive(
                        reader.bool(Knob.KEEPALIVE_ENABLED),
                        reader.duration(Knob.KEEPALIVE_TIME),
                        reader.duration(Knob.KEEPALIVE_INTERVAL),
                        reader.integer(Knob.KEEPALIVE_RETRIES)),
                reader.bool(Knob.USER_TIMEOUT_ENABLED));
    }

    private int packetMark(int otherwise) {
        int mark = reader.isSet(Knob.PACKET_MARK) ? reader.integer(Knob.PACKET_MARK) : otherwise;
        if (mark == CONNECTION_MARK) {
            reader.problem(Knob.PACKET_MARK, "is the mark of connections to applications; write another one");
        }
        return mark;
    }

    private HboneConfig hbone() {
        int stream = reader.size(Knob.HTTP2_STREAM_WINDOW_SIZE);
        int connection = reader.size(Knob.HTTP2_CONNECTION_WINDOW_SIZE);
        if (reader.setting(Knob.HTTP2_CONNECTION_WINDOW_SIZE).isChosen()) {
            stream = Math.min(stream, connection);
        } else {
            connection = Math.max(stream, connection);
        }
        return new HboneConfig(
                new Windows(stream, connection, reader.size(Knob.HTTP2_FRAME_SIZE)),
                new HboneConfig.Ping(reader.duration(Knob.PING_INTERVAL), reader.duration(Knob.PING_TIMEOUT)),
                reader.integer(Knob.POOL_MAX_STREAMS),
                reader.duration(Knob.POOL_UNUSED_RELEASE_TIMEOUT),
                reader.bool(Knob.RESPONSE_BAGGAGE),
                reader.bool(Knob.LOCALHOST_APP_TUNNEL));
    }

    private TimeoutConfig timeouts() {
        return new TimeoutConfig(
                reader.duration(Knob.CONNECT_TIMEOUT),
                reader.duration(Knob.HANDSHAKE_TIMEOUT),
                reader.duration(Knob.CONNECT_RESPONSE_TIMEOUT),
                reader.duration(Knob.FIRST_CERTIFICATE_TIMEOUT));
    }

    private LimitConfig limits() {
        return new LimitConfig(
                reader.integer(Knob.CONNECTIONS_MAX),
                reader.integer(Knob.TUNNELS_MAX),
                reader.integer(Knob.STREAMS_MAX),
                reader.size(Knob.HEADER_BYTES_MAX));
    }

    private DnsConfig dns() {
        String address = reader.text(Knob.DNS_PROXY_ADDRESS);
        String clusterDomain = reader.text(Knob.CLUSTER_DOMAIN);
        DnsConfig dns = new DnsConfig(
                capture(reader.text(Knob.DNS_CAPTURE)),
                address.isEmpty() ? null : reader.read(Knob.DNS_PROXY_ADDRESS, address, ValueText::ipPort, NO_ADDRESS),
                reader.read(Knob.CLUSTER_DOMAIN, clusterDomain, ValueText::domain, clusterDomain),
                reader.text(Knob.PREFERRED_SERVICE_NAMESPACE),
                reader.requiredPath(Knob.RESOLV_CONF));
        if (dns.address() != null || dns.capture() != DnsConfig.Capture.FALSE) {
            checkDnsPort(dns);
        }
        return dns;
    }

    private void checkDnsPort(DnsConfig dns) {
        List<Knob> taken = new ArrayList<>(List.of(Knob.OUTBOUND_PORT, Knob.PASSTHROUGH_PORT, Knob.INBOUND_PORT));
        if (reader.text(Knob.ENABLE_SOCKS5).equalsIgnoreCase("true")) {
            taken.add(Knob.SOCKS5_PORT);
        }
        for (Knob knob : taken) {
            if (reader.text(knob).equals(Integer.toString(dns.port()))) {
                boolean byDefault = dns.address() == null;
                reader.problem(
                        byDefault ? knob : Knob.DNS_PROXY_ADDRESS,
                        "is the same port as " + (byDefault ? Knob.DNS_PROXY_ADDRESS : knob).fileKey()
                                + "; give each a port of its own");
            }
        }
    }

    /** Whatever is not true is false, as other agents have it. */
    private static DnsConfig.Capture capture(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "auto" -> DnsConfig.Capture.AUTO;
            case "true" -> DnsConfig.Capture.TRUE;
            default -> DnsConfig.Capture.FALSE;
        };
    }

    private ProcessConfig process() {
        return new ProcessConfig(
                workerThreads(),
                drainDeadline(),
                reader.requiredPath(Knob.STATE_DIRECTORY),
                reader.text(Knob.BUILD_TAG));
    }

    private Duration drainDeadline() {
        if (reader.isSet(Knob.TERMINATION_DEADLINE)) {
            return reader.duration(Knob.TERMINATION_DEADLINE);
        }
        if (!reader.isSet(Knob.TERMINATION_GRACE_PERIOD)) {
            return DRAIN_WITHOUT_GRACE;
        }
        int grace = reader.integer(Knob.TERMINATION_GRACE_PERIOD);
        return Duration.ofSeconds(grace > 10 ? grace - 5 : Math.max(1, grace - 1));
    }

    private int workerThreads() {
        int limit = cpus(Knob.CPU_LIMIT);
        int request = cpus(Knob.CPU_REQUEST);
        int counted = cpus(Knob.CPU_COUNT);
        int total = limit > 0 ? limit : counted > 0 ? counted : inputs.cpus();
        if (reader.isSet(Knob.WORKER_THREADS)) {
            String text = reader.text(Knob.WORKER_THREADS);
            return reader.read(Knob.WORKER_THREADS, text, each -> ValueText.threads(each, total), 1);
        }
        return Math.max(request, limit > 0 ? limit : Math.max(2, Math.ceilDiv(total, 4)));
    }

    private int cpus(Knob knob) {
        return reader.isSet(knob) ? reader.wholeCpus(knob) : 0;
    }

    private LogConfig log() {
        return new LogConfig(
                Objects.requireNonNull(
                        reader.read(Knob.LOG_FILTER, reader.text(Knob.LOG_FILTER), LogFilter::parse, LogFilter.INFO)),
                reader.choice(Knob.LOG_FORMAT, LogConfig.Format.class),
                reader.bool(Knob.AUTHZ_POLICY_INFO_LOGGING));
    }
}
