package io.culvert.agent.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.config.SocketConfig.OriginalSource;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AgentConfigLoaderTest {
    private static final Map<Knob, String> REQUIRED =
            Map.of(Knob.NODE_NAME, "n1", Knob.MESH_FILE, "mesh.yaml", Knob.CA_DIRECTORY, "ca");

    @TempDir
    private Path folder;

    private static AgentConfig load(Map<String, String> environment) throws ConfigException {
        return AgentConfigLoader.load(new ConfigInputs(REQUIRED, environment, null, 8))
                .config();
    }

    private Path file(String yaml) throws IOException {
        return Files.writeString(folder.resolve("culvert.yaml"), yaml);
    }

    private static List<String> problems(ConfigInputs inputs) {
        return assertThrows(ConfigException.class, () -> AgentConfigLoader.load(inputs)).problems().stream()
                .map(ConfigProblem::toString)
                .toList();
    }

    private List<String> fileProblems(String yaml) throws IOException {
        Path file = file(yaml);
        return problems(new ConfigInputs(REQUIRED, Map.of(), file, 8)).stream()
                .map(problem -> problem.replace(folder + "/", ""))
                .toList();
    }

    @Test
    void hasTheFieldsDefaults_whenNothingIsSaid() throws ConfigException {
        AgentConfig config = load(Map.of());
        assertEquals(new PortConfig(15001, 15006, 15008, 0, 15000, 15020, 15021), config.ports());
        assertEquals(1337, config.proxy().sockets().packetMark());
        assertEquals(OriginalSource.AUTO, config.proxy().sockets().originalSource());
        assertEquals(
                new Keepalive(true, Duration.ofMinutes(3), Duration.ofMinutes(3), 9),
                config.proxy().sockets().keepalive());
        assertEquals(
                new HboneConfig.Windows(4 << 20, 16 << 20, 1 << 20),
                config.proxy().hbone().windows());
        assertEquals(Duration.ofHours(24), config.mesh().certificateTtl());
        assertEquals("Kubernetes", config.node().clusterId());
        assertEquals(Role.ALL, config.node().role());
        assertEquals("info", config.log().filter().toString());
    }

    @Test
    void prefersFlagsToEnvironmentToFile() throws Exception {
        Path file = file("""
                ports:
                  admin: 1
                  stats: 2
                  readiness: 3
                """);
        Map<Knob, String> flags = new EnumMap<>(REQUIRED);
        flags.put(Knob.ADMIN_PORT, "11");
        Map<String, String> environment = Map.of("CULVERT_ADMIN_PORT", "21", "CULVERT_STATS_PORT", "22");
        AgentConfigLoader.Loaded loaded = AgentConfigLoader.load(new ConfigInputs(flags, environment, file, 8));
        assertEquals(11, loaded.config().ports().admin());
        assertEquals(22, loaded.config().ports().stats());
        assertEquals(3, loaded.config().ports().readiness());
        Map<Knob, String> origins = new EnumMap<>(Knob.class);
        loaded.settings().forEach(setting -> origins.put(setting.knob(), setting.origin()));
        assertEquals("--admin-port", origins.get(Knob.ADMIN_PORT));
        assertEquals("CULVERT_STATS_PORT", origins.get(Knob.STATS_PORT));
        assertEquals(file + ":4", origins.get(Knob.READINESS_PORT));
        assertEquals("default", origins.get(Knob.OUTBOUND_PORT));
        assertEquals("not set", origins.get(Knob.CPU_LIMIT));
    }

    @Test
    void prefersTheFirstVariable_whereThereAreTwo() throws ConfigException {
        assertEquals("b", load(Map.of("CLUSTER_ID", "b")).node().clusterId());
        assertEquals(
                "a",
                load(Map.of("CLUSTER_ID", "b", "ISTIO_META_CLUSTER_ID", "a"))
                        .node()
                        .clusterId());
    }

    private static MeshConfig meshOf(Map<String, String> environment) throws ConfigException {
        Map<Knob, String> flags = Map.of(Knob.NODE_NAME, "n1", Knob.CA_DIRECTORY, "ca");
        return AgentConfigLoader.load(new ConfigInputs(flags, environment, null, 8))
                .config()
                .mesh();
    }

    @Test
    void takesWhatItIsGivenOfTheMesh_withAndWithoutAControlPlane() throws ConfigException {
        MeshConfig alone = meshOf(Map.of("LOCAL_XDS", "  workloads: []\n", "XDS_ADDRESS", ""));
        assertEquals(new MeshConfig.Alone(), alone.source());
        assertEquals(new MeshConfig.Inline("  workloads: []\n", "LOCAL_XDS"), alone.given());
        MeshConfig beside = meshOf(Map.of("LOCAL_XDS_PATH", "l.yaml"));
        assertTrue(beside.source() instanceof MeshConfig.ControlPlane);
        assertEquals(new MeshConfig.InFile(Path.of("l.yaml")), beside.given());
        Map<String, String> fleet = Map.of(
                "LOCAL_XDS_PATH", "l", "XDS_ADDRESS", " ", "PROXY_CONFIG", "discoveryAddress: istiod.example:15012");
        assertEquals(new MeshConfig.Alone(), meshOf(fleet).source());
    }

    @Test
    void asksNobody_whereTheAddressIsEmpty_thoughNothingIsGiven() throws ConfigException {
        MeshConfig alone = meshOf(Map.of("XDS_ADDRESS", "", "KUBERNETES_SERVICE_HOST", "10.96.0.1"));
        assertEquals(new MeshConfig.Alone(), alone.source());
        assertNull(alone.given());
    }

    @Test
    void needsANodesName_besideAMeshFileOnly() throws ConfigException {
        assertEquals(
                "",
                AgentConfigLoader.load(new ConfigInputs(Map.of(), Map.of(), null, 8))
                        .config()
                        .node()
                        .name());
        assertEquals(
                List.of("node.name (not set): is required; give --node-name or set NODE_NAME"),
                problems(new ConfigInputs(
                        Map.of(Knob.MESH_FILE, "mesh.yaml", Knob.CA_DIRECTORY, "ca"), Map.of(), null, 8)));
    }

    @Test
    void takesTheFleetsWordsOnDns_withAndWithoutTheirPrefix() throws ConfigException {
        for (String prefix : List.of("", "ISTIO_META_")) {
            String fleet = "proxyMetadata: {" + prefix + "DNS_CAPTURE: 'false', " + prefix
                    + "DNS_PROXY_ADDR: '127.0.0.1:15999'}";
            DnsConfig dns = load(Map.of("PROXY_CONFIG", fleet)).proxy().dns();
            assertFalse(dns.isOn(true), prefix);
            assertEquals(new IpPort(IpAddress.parse("127.0.0.1"), 15_999), dns.address(), prefix);
        }
        Map<String, String> said =
                Map.of("PROXY_CONFIG", "proxyMetadata: {DNS_CAPTURE: 'false'}", "ISTIO_META_DNS_CAPTURE", "true");
        assertTrue(load(said).proxy().dns().isOn(true));
    }

    @Test
    void refusesTwoPlaces_forWhatItIsGivenOfTheMesh() {
        Map<String, String> both = Map.of("LOCAL_XDS", "x", "LOCAL_XDS_PATH", "y");
        Map<Knob, String> flags = Map.of(Knob.NODE_NAME, "n1", Knob.CA_DIRECTORY, "ca");
        assertEquals(
                List.of("mesh.local (LOCAL_XDS): cannot be set together with mesh.localFile; remove one of them"),
                problems(new ConfigInputs(flags, both, null, 8)));
        assertEquals(
                List.of(
                        "mesh.localFile (LOCAL_XDS_PATH): cannot be set together with mesh.file, which says all there is;"
                                + " move it there, or remove one of them"),
                problems(new ConfigInputs(REQUIRED, Map.of("LOCAL_XDS_PATH", "y"), null, 8)));
    }

    @Test
    void showsHowLongATextIsRatherThanTheText() throws ConfigException {
        Map<Knob, String> flags =
                Map.of(Knob.NODE_NAME, "n1", Knob.CA_DIRECTORY, "ca", Knob.LOCAL_XDS, "workloads: []");
        List<Setting> settings = AgentConfigLoader.load(new ConfigInputs(flags, Map.of(), null, 8))
                .settings();
        assertTrue(settings.contains(new Setting(Knob.LOCAL_XDS, "(13 characters)", "--local-xds")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                "PROXY_MODE|both|'both' is unknown; write shared, dedicated",
                "COMPLIANCE_POLICY|fips-140-2|'fips-140-2' is unknown; write none, pqc",
                "ENABLE_PROXY|false|leaves nothing to be done where names are not answered either; remove it, or set ISTIO_META_DNS_CAPTURE=true",
                "TLS12_ENABLED|yes|'yes' is neither true nor false; write true or false"
            })
    void saysWhatToDo_aboutWhatItCannotDo(String variable, String value, String told) {
        List<String> problems = problems(new ConfigInputs(REQUIRED, Map.of(variable, value), null, 8));
        assertEquals(1, problems.size(), problems.toString());
        assertTrue(problems.getFirst().endsWith("(" + variable + "): " + told), problems.toString());
    }

    @Test
    void speaksTls13Alone_whereNobodySaysOtherwise() throws ConfigException {
        assertEquals(TlsConfig.STANDARD, load(Map.of()).tls());
        assertEquals(
                new TlsConfig(false, false, true),
                load(Map.of("COMPLIANCE_POLICY", "none")).tls());
        assertEquals(
                new TlsConfig(true, false, true),
                load(Map.of("TLS12_ENABLED", "true")).tls());
        assertEquals(
                new TlsConfig(false, true, true),
                load(Map.of("COMPLIANCE_POLICY", "pqc")).tls());
    }

    @Test
    void refusesTls12_whereKeysMustBePostQuantum() {
        Map<String, String> both = Map.of("TLS12_ENABLED", "true", "COMPLIANCE_POLICY", "pqc");
        assertEquals(
                List.of(
                        "tls.tls12 (TLS12_ENABLED): cannot be set together with tls.compliancePolicy=pqc: TLS 1.2 has no"
                                + " post-quantum group; remove one of the two"),
                problems(new ConfigInputs(REQUIRED, both, null, 8)));
        assertThrows(IllegalArgumentException.class, () -> new TlsConfig(true, true, true));
    }

    @Test
    void takesTheUsualValues_ofWhatItCannotChange() throws ConfigException {
        AgentConfig config = load(Map.of(
                "PROXY_MODE",
                "Shared",
                "ENABLE_PROXY",
                "true",
                "UNSTABLE_ENABLE_SOCKS5",
                "false",
                "FAKE_CA",
                "false",
                "AUTHZ_POLICY_INFO_LOGGING",
                "true"));
        assertTrue(config.log().policyDecisions());
        assertFalse(load(Map.of()).log().policyDecisions());
    }

    private static final Map<String, String> DEDICATED =
            Map.of("PROXY_MODE", "dedicated", "PROXY_WORKLOAD_INFO", "shop/web-1/web");

    private static Map<String, String> with(Map<String, String> some, String... more) {
        Map<String, String> all = new HashMap<>(some);
        for (int i = 0; i < more.length; i += 2) {
            all.put(more[i], more[i + 1]);
        }
        return all;
    }

    @Test
    void servesItsOwnNamespace_whenItIsDedicatedToAPod() throws ConfigException {
        AgentConfig config = load(DEDICATED);
        assertEquals(
                new NodeConfig.PodNames("web-1", "shop", "web"), config.node().dedicatedTo());
        assertEquals(PodSource.OWN_NAMESPACE, config.podSource());
        assertTrue(config.answersNames());
        SocketConfig sockets = config.proxy().sockets();
        assertEquals(0, sockets.packetMark());
        assertFalse(sockets.portReuse());
        assertEquals(
                1337,
                load(with(DEDICATED, "PACKET_MARK", "1337")).proxy().sockets().packetMark());
        assertEquals(1337, load(Map.of()).proxy().sockets().packetMark());
        assertTrue(load(Map.of()).proxy().sockets().portReuse());
    }

    @ParameterizedTest
    @ValueSource(strings = {"web", "shop/web-1", "shop/web-1/web/x", "shop//web", "/web-1/web", "shop/web-1/"})
    void demandsTheWholeNameOfThePodThatItIsDedicatedTo(String named) {
        Map<String, String> wrong = with(DEDICATED, "PROXY_WORKLOAD_INFO", named);
        assertEquals(
                List.of("node.workload (PROXY_WORKLOAD_INFO): '" + named
                        + "' does not name a pod; write namespace/name/serviceAccount"),
                problems(new ConfigInputs(REQUIRED, wrong, null, 8)));
        assertEquals(
                List.of("node.workload (not set): is required; give --proxy-workload or set PROXY_WORKLOAD_INFO"),
                problems(new ConfigInputs(REQUIRED, Map.of("PROXY_MODE", "Dedicated"), null, 8)));
    }

    @Test
    void namesNobodyItIsDedicatedTo_whenItServesANode() throws ConfigException {
        assertNull(load(Map.of("PROXY_WORKLOAD_INFO", "anything")).node().dedicatedTo());
    }

    @Test
    void answersNamesAlone_whenItCarriesNothing() throws ConfigException {
        AgentConfig config = load(Map.of("ENABLE_PROXY", "false", "ISTIO_META_DNS_CAPTURE", "true"));
        assertFalse(config.proxy().enabled());
        assertTrue(config.answersNames());
        assertFalse(CaptureConfig.of(config).tcp());
    }

    @Test
    void listensForSocksClients_onlyWhenItIsAsked() throws ConfigException {
        assertEquals(
                15080, load(Map.of("UNSTABLE_ENABLE_SOCKS5", "true")).ports().socks());
        Map<String, String> taken = Map.of("UNSTABLE_ENABLE_SOCKS5", "true", "CULVERT_SOCKS5_PORT", "15001");
        assertEquals(
                List.of(
                        "ports.socks5 (CULVERT_SOCKS5_PORT): is the same port as ports.outbound; give each a port of its own"),
                problems(new ConfigInputs(REQUIRED, taken, null, 8)));
        Map<String, String> useless =
                Map.of("UNSTABLE_ENABLE_SOCKS5", "true", "ENABLE_PROXY", "false", "ISTIO_META_DNS_CAPTURE", "true");
        assertEquals(
                List.of(
                        "proxy.socks5 (UNSTABLE_ENABLE_SOCKS5): needs the proxy that proxy.enabled turns off; remove one of them"),
                problems(new ConfigInputs(REQUIRED, useless, null, 8)));
    }

    @Test
    void takesAnEmptyVariable_forNotSet() throws ConfigException {
        assertEquals(15000, load(Map.of("CULVERT_ADMIN_PORT", " ")).ports().admin());
    }

    @Test
    void answersNames_whereOtherAgentsWould() throws ConfigException {
        DnsConfig byDefault = load(Map.of()).proxy().dns();
        assertEquals(
                new DnsConfig(DnsConfig.Capture.AUTO, null, "cluster.local", "", Path.of("/etc/resolv.conf")),
                byDefault);
        assertTrue(byDefault.isOn(true));
        assertFalse(byDefault.isOn(false));
        DnsConfig on = load(Map.of("ISTIO_META_DNS_CAPTURE", "TRUE")).proxy().dns();
        assertTrue(on.isOn(true) && on.isOn(false));
        DnsConfig off = load(Map.of("ISTIO_META_DNS_CAPTURE", "0")).proxy().dns();
        assertFalse(off.isOn(true) || off.isOn(false));
        DnsConfig chosen = load(Map.of(
                        "ISTIO_META_DNS_PROXY_ADDR",
                        "[::1]:5353",
                        "CLUSTER_DOMAIN",
                        "Cluster.Example.",
                        "PREFERED_SERVICE_NAMESPACE",
                        "shared"))
                .proxy()
                .dns();
        assertEquals(5353, chosen.port());
        assertEquals("[::1]:5353", String.valueOf(chosen.address()));
        assertEquals("cluster.example", chosen.clusterDomain());
        assertEquals("shared", chosen.preferredNamespace());
        assertEquals(15053, byDefault.port());
    }

    @Test
    void refusesNamesAndAddressesOfDns_thatAreNone() {
        Map<String, String> environment = Map.of("CLUSTER_DOMAIN", "a..b", "ISTIO_META_DNS_PROXY_ADDR", "localhost:53");
        assertEquals(
                List.of(
                        "dns.proxyAddress (ISTIO_META_DNS_PROXY_ADDR): 'localhost:53' is no address with a port; write for example 127.0.0.1:15053 or [::1]:15053",
                        "dns.clusterDomain (CLUSTER_DOMAIN): 'a..b' is no domain name; write for example cluster.local"),
                problems(new ConfigInputs(REQUIRED, environment, null, 8)));
        for (String wrong : List.of("127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1:53", "[1.2.3.4:53", "")) {
            assertThrows(IllegalArgumentException.class, () -> ValueText.ipPort(wrong), wrong);
        }
        assertEquals(
                List.of(
                        "dns.proxyAddress (ISTIO_META_DNS_PROXY_ADDR): is the same port as ports.inbound; give each a port of its own"),
                problems(new ConfigInputs(REQUIRED, Map.of("ISTIO_META_DNS_PROXY_ADDR", "127.0.0.1:15008"), null, 8)));
    }

    @Test
    void tellsEverythingThatIsWrong_atOnce() {
        Map<String, String> environment = new HashMap<>();
        environment.put("CULVERT_ADMIN_PORT", "99999");
        environment.put("KEEPALIVE_TIME", "soon");
        environment.put("IPV6_ENABLED", "yes");
        environment.put("LOG_FORMAT", "xml");
        environment.put("TRUST_DOMAIN", "Cluster Local");
        environment.put("RUST_LOG", "access=loud");
        environment.put("ZTUNNEL_WORKER_THREADS", "many");
        assertEquals(
                List.of(
                        "node.name (not set): is required; give --node-name or set NODE_NAME",
                        "node.trustDomain (TRUST_DOMAIN): a trust domain has only letters, digits, '.', '-' and '_'",
                        "mesh.caDirectory (not set): or ca.address is required beside a mesh file; give --ca-dir or --ca-address, or set CULVERT_CA_DIR or CA_ADDRESS",
                        "ports.admin (CULVERT_ADMIN_PORT): '99999' is out of bounds; write 0 to 65535",
                        "sockets.ipv6 (IPV6_ENABLED): 'yes' is neither true nor false; write true or false",
                        "sockets.keepalive.time (KEEPALIVE_TIME): 'soon' is no duration; write for example 500ms, 10s, 5m or 1h30m",
                        "workers.threads (ZTUNNEL_WORKER_THREADS): 'many' is no number of threads; write for example 4, or 50%, or 0 for one per CPU",
                        "log.filter (RUST_LOG): 'loud' is no level; write off, error, warn, info, debug or trace",
                        "log.format (LOG_FORMAT): 'xml' is unknown; write plain, json"),
                problems(new ConfigInputs(Map.of(Knob.MESH_FILE, "mesh.yaml"), environment, null, 8)));
    }

    @Test
    void refusesTwoListeners_onOnePort() {
        List<String> problems = problems(new ConfigInputs(REQUIRED, Map.of("CULVERT_STATS_PORT", "15000"), null, 8));
        assertEquals(
                List.of(
                        "ports.stats (CULVERT_STATS_PORT): is the same port as ports.admin; give each a port of its own"),
                problems);
    }

    @Test
    void refusesTheDnsProxysPort_forAnotherListener_whereThereIsADnsProxy() throws ConfigException {
        Map<String, String> taken = Map.of("CULVERT_OUTBOUND_PORT", "15053", "ISTIO_META_DNS_CAPTURE", "true");
        assertEquals(
                List.of(
                        "ports.outbound (CULVERT_OUTBOUND_PORT): is the same port as dns.proxyAddress; give each a port of its own"),
                problems(new ConfigInputs(REQUIRED, taken, null, 8)));
        Map<String, String> free = Map.of("CULVERT_OUTBOUND_PORT", "15053", "ISTIO_META_DNS_CAPTURE", "false");
        assertEquals(15_053, load(free).ports().outbound());
    }

    @Test
    void refusesCertificates_thatTheMeshsOwnAuthorityWouldNotSign() throws ConfigException {
        Map<Knob, String> byServer =
                Map.of(Knob.NODE_NAME, "n1", Knob.MESH_FILE, "mesh.yaml", Knob.CA_ADDRESS, "ca.example:15012");
        Map<String, String> tooLong = Map.of("SECRET_TTL", "8d");
        assertEquals(
                List.of(
                        "mesh.secretTtl (SECRET_TTL): is longer than what is signed from mesh.caDirectory; write at most 7d"),
                problems(new ConfigInputs(REQUIRED, tooLong, null, 8)));
        assertEquals(
                Duration.ofDays(8),
                AgentConfigLoader.load(new ConfigInputs(byServer, tooLong, null, 8))
                        .config()
                        .mesh()
                        .certificateTtl());
    }

    @Test
    void allowsSeveralFreePorts() throws ConfigException {
        AgentConfig config = load(Map.of("CULVERT_STATS_PORT", "0", "CULVERT_ADMIN_PORT", "0"));
        assertEquals(0, config.ports().stats());
    }

    @Test
    void bringsTheWindowsTogether_whenOneIsSetBeyondTheOther() throws ConfigException {
        assertEquals(
                new HboneConfig.Windows(32 << 20, 32 << 20, 1 << 20),
                load(Map.of("HTTP2_STREAM_WINDOW_SIZE", "32MiB"))
                        .proxy()
                        .hbone()
                        .windows());
        assertEquals(
                new HboneConfig.Windows(1 << 20, 1 << 20, 1 << 20),
                load(Map.of("HTTP2_CONNECTION_WINDOW_SIZE", "1MiB"))
                        .proxy()
                        .hbone()
                        .windows());
        assertEquals(
                new HboneConfig.Windows(8 << 20, 8 << 20, 1 << 20),
                load(Map.of("HTTP2_STREAM_WINDOW_SIZE", "32MiB", "HTTP2_CONNECTION_WINDOW_SIZE", "8MiB"))
                        .proxy()
                        .hbone()
                        .windows());
    }

    @ParameterizedTest
    @CsvSource({
        "'', '', 5",
        "'', 30, 25",
        "'', 11, 6",
        "'', 10, 9",
        "'', 2, 1",
        "'', 1, 1",
        "'', 0, 1",
        "90s, 30, 90",
        "0s, 30, 0"
    })
    void derivesTheDrainDeadline_fromTheGracePeriod(String deadline, String grace, int seconds) throws ConfigException {
        AgentConfig config =
                load(Map.of("CONNECTION_TERMINATION_DEADLINE", deadline, "TERMINATION_GRACE_PERIOD_SECONDS", grace));
        assertEquals(Duration.ofSeconds(seconds), config.process().drainDeadline());
    }

    @ParameterizedTest
    @CsvSource({
        // threads, limit, request, count, workers on 8 CPUs
        "'', '', '', '', 2",
        "'', '', 4, '', 4",
        "'', '', 200m, '', 2",
        "'', '', '', 32, 8",
        "'', 3, '', '', 3",
        "'', 500m, '', '', 1",
        "'', 1.5, '', '', 2",
        "'', 2, 3, '', 3",
        "'', 0, 0, 0, 2",
        "'', 0m, 3, '', 3",
        "50%, 0, '', 16, 8",
        "6, 2, 3, '', 6",
        "0, '', '', '', 8",
        "0, 3, '', 32, 3",
        "50%, '', '', '', 4",
        "50%, '', '', 16, 8",
        "50%, 3, '', 16, 2",
    })
    void derivesTheNumberOfLoops(String threads, String limit, String request, String count, int workers)
            throws ConfigException {
        AgentConfig config = load(Map.of(
                "ZTUNNEL_WORKER_THREADS",
                threads,
                "ZTUNNEL_RESOURCE_CPU_LIMIT",
                limit,
                "ZTUNNEL_RESOURCE_CPU_REQUEST",
                request,
                "ZTUNNEL_CPU_LIMIT",
                count));
        assertEquals(workers, config.process().workerThreads());
    }

    @Test
    void namesTheLine_ofWhatIsWrongInTheFile() throws IOException {
        assertEquals(
                List.of(
                        "ports.admn (culvert.yaml:2): is no setting; did you mean ports.admin?",
                        "ports.stats (culvert.yaml:4): is set twice; remove one of them",
                        "nonsense (culvert.yaml:5): is no setting; remove it, or see docs/configuration.md for the names",
                        "sockets.keepalive (culvert.yaml:7): is no group of settings; write name: value below it",
                        "log.filter (culvert.yaml:9): takes one value, not a list, group or alias; write a level, or `target=level`, separated by commas"),
                fileProblems("""
                        ports:
                          admn: 1
                          stats: 2
                          stats: 3
                        nonsense: 1
                        sockets:
                          keepalive: true
                        log:
                          filter: [a, b]
                        """));
    }

    @Test
    void namesTheLine_whereTheFileIsNoYaml() throws IOException {
        List<String> problems = fileProblems("ports:\n  admin: 1\n bad: [\n");
        assertEquals(1, problems.size());
        assertTrue(
                problems.getFirst().startsWith("configuration file (culvert.yaml:3): is not YAML: "),
                problems::toString);
    }

    @Test
    void namesTheLine_whereTheParserItselfFails() throws IOException {
        List<String> problems = fileProblems("ports:\n  admin: 1\nnode: {name: \"\\U99999999\"}\n");
        assertEquals(1, problems.size());
        assertTrue(
                problems.getFirst().startsWith("configuration file (culvert.yaml:3): is not YAML here or after it: "),
                problems::toString);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "log: {filter: }|log.filter (culvert.yaml:1): has no value; give it one, or remove the key",
                "log: {filter: ''}|log.filter (culvert.yaml:1): has no value; give it one, or remove the key",
                "node: {clusterId: ~}|node.clusterId (culvert.yaml:1): has no value; give it one, or remove the key",
                "ports: {admin: !!int 1}|ports.admin (culvert.yaml:1): has the tag tag:yaml.org,2002:int, which is not supported; remove it",
                "ports: !mine {admin: 1}|ports (culvert.yaml:1): has the tag !mine, which is not supported; remove it",
                "log: {filter: inof}|log.filter (culvert.yaml:1): 'inof' is no level; did you mean info? A target of this name is written inof=trace",
                "{a: {b: [{c: 1}]}}|a (culvert.yaml:1): is no setting; remove it, or see docs/configuration.md for the names",
            })
    void refusesWhatOnlyLooksLikeASetting(String yaml, String told) throws IOException {
        assertEquals(List.of(told), fileProblems(yaml.replace("''", "\"\"") + "\n"));
    }

    @Test
    void takesAnEmptyText_thatIsSaidToBeOne() throws Exception {
        Path file = file("node: {network: \"\"}\n");
        assertEquals(
                "",
                AgentConfigLoader.load(new ConfigInputs(REQUIRED, Map.of("NETWORK", ""), file, 8))
                        .config()
                        .node()
                        .network());
    }

    @Test
    void refusesASecondDocument() throws IOException {
        assertEquals(
                List.of("configuration file (culvert.yaml:2): holds a second document; keep everything in one, "
                        + "without '---' in between"),
                fileProblems("ports: {admin: 1}\n---\nports: {stats: 2}\n"));
    }

    @Test
    void boundsDepthAndSize_withOneProblem() throws IOException {
        for (String deep : List.of("[".repeat(100_000), "{a: ".repeat(20_000), "? ".repeat(50_000))) {
            List<String> problems = fileProblems(deep);
            assertEquals(1, problems.size());
            assertTrue(problems.getFirst().contains("nested deeper than"), problems::toString);
        }
        List<String> endless = problems(new ConfigInputs(REQUIRED, Map.of(), Path.of("/dev/zero"), 8));
        assertEquals(List.of("configuration file (/dev/zero): is larger than 1048576 bytes; write less"), endless);
    }

    @Test
    void loadsWhatDecidesTheRedirectRules_withoutTheRest() throws Exception {
        Map<Knob, String> flags = Map.of(Knob.IPV6_ENABLED, "false");
        Path file = file("sockets: {packetMark: 7}\nports: {inbound: 1}\n");
        CaptureConfig capture = AgentConfigLoader.loadCapture(new ConfigInputs(flags, Map.of(), file, 8));
        assertEquals(7, capture.packetMark());
        assertEquals(1, capture.ports().inbound());
        assertEquals(Path.of("/run/culvert"), capture.stateDirectory());
        assertEquals(false, capture.ipv6());
        Map<Knob, String> required = new EnumMap<>(REQUIRED);
        required.putAll(flags);
        assertEquals(
                capture,
                CaptureConfig.of(AgentConfigLoader.load(new ConfigInputs(required, Map.of(), file, 8))
                        .config()));
        ConfigException wrong = assertThrows(
                ConfigException.class,
                () -> AgentConfigLoader.loadCapture(
                        new ConfigInputs(Map.of(Knob.PACKET_MARK, "273"), Map.of(), null, 8)));
        assertTrue(wrong.problems()
                .getFirst()
                .toString()
                .contains("sockets.packetMark (--packet-mark): is the mark of connections"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"- a\n- b\n", "just text\n", "a: &x [1]\nports: *x\n", "? [1]\n: 2\n", "\"\\ud800\": 1\n"})
    void refusesOtherYaml(String yaml) throws IOException {
        assertTrue(!fileProblems(yaml).isEmpty());
    }

    @Test
    void takesAnEmptyFile_forNothingSet() throws Exception {
        Path file = file("# nothing yet\n");
        assertEquals(
                15000,
                AgentConfigLoader.load(new ConfigInputs(REQUIRED, Map.of(), file, 8))
                        .config()
                        .ports()
                        .admin());
    }

    @Test
    void saysWhy_whenTheFileCannotBeRead() throws IOException {
        Path missing = folder.resolve("missing.yaml");
        assertEquals(
                List.of("configuration file (" + missing
                        + "): does not exist; create it or name another with --config"),
                problems(new ConfigInputs(REQUIRED, Map.of(), missing, 8)));
        Path binary = Files.write(folder.resolve("binary"), new byte[] {(byte) 0xff, (byte) 0xfe, 0});
        assertTrue(problems(new ConfigInputs(REQUIRED, Map.of(), binary, 8))
                .getFirst()
                .contains("not UTF-8"));
        Path huge =
                Files.write(folder.resolve("huge"), "#".repeat((1 << 20) + 1).getBytes(StandardCharsets.UTF_8));
        assertTrue(problems(new ConfigInputs(REQUIRED, Map.of(), huge, 8))
                .getFirst()
                .contains("larger than"));
        assertTrue(problems(new ConfigInputs(REQUIRED, Map.of(), folder, 8))
                .getFirst()
                .contains("cannot be read"));
    }

    @Test
    void bearsEveryDefault_thatTheTableHas() throws ConfigException {
        Map<Knob, String> flags = new EnumMap<>(REQUIRED);
        for (Knob knob : Knob.values()) {
            knob.defaultText().ifPresent(text -> flags.put(knob, text));
        }
        AgentConfig spelledOut = AgentConfigLoader.load(new ConfigInputs(flags, Map.of(), null, 8))
                .config();
        assertEquals(load(Map.of()), spelledOut);
    }

    @Test
    void honoursBothBounds_ofEveryKnob() throws ConfigException {
        for (Knob knob : Knob.values()) {
            if (knob.minimum().isPresent() && knob.type() != KnobType.CPUS) {
                for (String bound : List.of(knob.minimum().get(), knob.maximum().get())) {
                    List<String> about = problemsAbout(knob, bound);
                    assertTrue(about.isEmpty(), about::toString);
                }
                assertEquals(1, problemsAbout(knob, "8000000000").size(), knob.name());
            }
        }
    }

    private static List<String> problemsAbout(Knob knob, String text) {
        Map<Knob, String> flags = new EnumMap<>(REQUIRED);
        flags.put(knob, text);
        try {
            AgentConfigLoader.load(new ConfigInputs(flags, Map.of(), null, 8));
            return List.of();
        } catch (ConfigException e) {
            return e.problems().stream()
                    .map(ConfigProblem::toString)
                    .filter(each -> each.contains("out of bounds"))
                    .toList();
        }
    }

    private static MeshConfig mesh(Map<Knob, String> flags, Map<String, String> environment) throws ConfigException {
        Map<Knob, String> all = new EnumMap<>(Knob.class);
        all.put(Knob.NODE_NAME, "n1");
        all.putAll(flags);
        return AgentConfigLoader.load(new ConfigInputs(all, environment, null, 8))
                .config()
                .mesh();
    }

    @Test
    void takesAControlPlaneInPlaceOfAFile() throws ConfigException {
        MeshConfig config = mesh(
                Map.of(),
                Map.of(
                        "XDS_ADDRESS", "istiod.istio-system.svc:15012",
                        "CA_ADDRESS", "http://[2001:db8::1]:15010",
                        "ALT_XDS_HOSTNAME", "istiod",
                        "XDS_HEADER_Foo", "bar",
                        "CA_HEADER_x-y", "z",
                        "POD_NAME", "p",
                        "POD_NAMESPACE", "ns",
                        "ISTIO_META_CLUSTER_ID", "c1",
                        "ISTIO_METAJSON_LABELS", "{}",
                        "CRL_PATH", "/crl.pem"));
        assertEquals(
                new MeshConfig.ControlPlane(
                        new ServerConfig(
                                "istiod.istio-system.svc",
                                15012,
                                false,
                                "./var/run/secrets/istio/root-cert.pem",
                                "istiod",
                                Map.of("foo", "bar")),
                        false,
                        new NodeMetadata("p", "ns", "", Map.of("CLUSTER_ID", "c1"), Map.of("LABELS", "{}"))),
                config.source());
        assertEquals(
                new MeshConfig.CaServer(new ServerConfig(
                        "2001:db8::1", 15010, true, "./var/run/secrets/istio/root-cert.pem", "", Map.of("x-y", "z"))),
                config.authority());
        assertEquals(new Token.None(), config.token());
        assertEquals(Path.of("/crl.pem"), config.crl());
    }

    @Test
    void refusesToAskOnDemand_whileItAnswersNames() throws ConfigException {
        Map<Knob, String> node = Map.of(Knob.NODE_NAME, "n1");
        Map<String, String> both = Map.of("XDS_ADDRESS", "a:1", "CA_ADDRESS", "a:1", "XDS_ON_DEMAND", "true");
        assertEquals(
                List.of(
                        "xds.onDemand (XDS_ON_DEMAND): cannot be set together with the DNS proxy, which has to know every"
                                + " name; set ISTIO_META_DNS_CAPTURE=false, or leave it out"),
                problems(new ConfigInputs(node, both, null, 8)));
        Map<String, String> alone = new HashMap<>(both);
        alone.put("ISTIO_META_DNS_CAPTURE", "false");
        assertTrue(mesh(Map.of(), alone).source() instanceof MeshConfig.ControlPlane plane && plane.onDemand());
    }

    private static String discovery(MeshConfig config) {
        return config.source() instanceof MeshConfig.ControlPlane plane
                ? plane.server().authority()
                : config.source().toString();
    }

    private static String authority(MeshConfig config) {
        return config.authority() instanceof MeshConfig.CaServer(var server)
                ? server.authority()
                : config.authority().toString();
    }

    @Test
    void findsTheControlPlaneOfThisMachine_whereNothingIsSaid() throws ConfigException {
        MeshConfig config = mesh(Map.of(), Map.of());
        assertEquals("localhost:15012", discovery(config));
        assertEquals("localhost:15012", authority(config));
    }

    @Test
    void findsTheControlPlaneThatTheFleetNames() throws ConfigException {
        Map<String, String> environment = Map.of(
                "KUBERNETES_SERVICE_HOST",
                "10.96.0.1",
                "PROXY_CONFIG",
                "{discoveryAddress: 'istiod-canary.istio-system.svc:15012', proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'false',"
                        + " ISTIO_META_TIER: edge, PLAIN: 1}, concurrency: 3, unknown: {}}",
                "ISTIO_META_TIER",
                "core");
        MeshConfig config = mesh(Map.of(), environment);
        assertEquals("istiod-canary.istio-system.svc:15012", discovery(config));
        assertEquals("istiod-canary.istio-system.svc:15012", authority(config));
        assertTrue(config.source() instanceof MeshConfig.ControlPlane plane
                && plane.about().texts().equals(Map.of("DNS_CAPTURE", "false", "TIER", "core", "PLAIN", "1")));
        AgentConfig whole = AgentConfigLoader.load(new ConfigInputs(Map.of(Knob.NODE_NAME, "n1"), environment, null, 8))
                .config();
        assertFalse(whole.proxy().dns().isOn(true));
        assertEquals(3, whole.process().workerThreads());
        assertEquals("other:1", discovery(mesh(Map.of(Knob.XDS_ADDRESS, "other:1"), environment)));
        assertEquals(
                new MeshConfig.CaDirectory(Path.of("ca")),
                mesh(Map.of(Knob.CA_DIRECTORY, "ca"), environment).authority());
    }

    @Test
    void staysWithAMeshFile_whereNoControlPlaneIsNamed() throws ConfigException {
        MeshConfig config = mesh(Map.of(Knob.MESH_FILE, "mesh.yaml", Knob.CA_ADDRESS, "ca:1"), Map.of());
        assertEquals(new MeshConfig.MeshFile(Path.of("mesh.yaml")), config.source());
        assertEquals("ca:1", authority(config));
    }

    @Test
    void refusesAnAuthorityThatIsNone() throws ConfigException {
        assertEquals(
                List.of("ca.fake (FAKE_CA): asks for certificates that nobody vouches for, which this agent never"
                        + " makes; name an authority with CA_ADDRESS, or make one with `culvert-agent ca init` and give"
                        + " --ca-dir"),
                problems(new ConfigInputs(REQUIRED, Map.of("FAKE_CA", "TRUE"), null, 8)));
        assertEquals(15_000, load(Map.of("FAKE_CA", "false")).ports().admin());
    }

    @Test
    void tellsWhatIsWrongWithTheFleetsDefaults() {
        assertEquals(
                List.of("the fleet's defaults (PROXY_CONFIG): is no mapping of keys to values"),
                problems(new ConfigInputs(REQUIRED, Map.of("PROXY_CONFIG", "[a]"), null, 8)));
        assertTrue(problems(new ConfigInputs(REQUIRED, Map.of("PROXY_CONFIG", "{a: ["), null, 8))
                .getFirst()
                .startsWith("the fleet's defaults (PROXY_CONFIG): is not YAML"));
        for (String unexpected : List.of("a: \"\\U99999999\"", "a: !!int x")) {
            assertTrue(problems(new ConfigInputs(REQUIRED, Map.of("PROXY_CONFIG", unexpected), null, 8))
                    .getFirst()
                    .startsWith("the fleet's defaults (PROXY_CONFIG): is not YAML"));
        }
        assertEquals(
                List.of("the fleet's defaults (PROXY_CONFIG): is nested deeper than 64 levels"),
                problems(new ConfigInputs(REQUIRED, Map.of("PROXY_CONFIG", "{a: ".repeat(100_000)), null, 8)));
        assertEquals(
                List.of("ports.admin (PROXY_CONFIG): 'many' is no whole number; write digits only"),
                problems(new ConfigInputs(REQUIRED, Map.of("PROXY_CONFIG", "proxyAdminPort: many"), null, 8)));
    }

    @Test
    void readsTheMeshsOwnFile_andTheVariableOverIt() throws IOException {
        Path mesh = Files.writeString(
                folder.resolve("mesh"),
                "trustDomain: td1\ndefaultConfig:\n  discoveryAddress: a:1\n  statsPort: 15099\n");
        List<ConfigProblem> problems = new ArrayList<>();
        FleetDefaults defaults = FleetDefaults.read(mesh, Map.of("PROXY_CONFIG", "discoveryAddress: b:2"), problems);
        assertEquals(List.of(), problems);
        assertEquals("b:2", text(defaults, Knob.XDS_ADDRESS));
        assertEquals("b:2", text(defaults, Knob.CA_ADDRESS));
        assertEquals("15099", text(defaults, Knob.STATS_PORT));
        assertEquals(
                Map.of(),
                FleetDefaults.read(folder.resolve("none"), Map.of(), problems).settings());
        assertEquals(List.of(), problems);
    }

    private static String text(FleetDefaults defaults, Knob knob) {
        Setting setting = defaults.settings().get(knob);
        return setting == null ? "" : setting.text();
    }

    @Test
    void findsTheControlPlaneByItself_inKubernetes() throws ConfigException {
        MeshConfig config = mesh(Map.of(), Map.of("KUBERNETES_SERVICE_HOST", "10.96.0.1"));
        assertTrue(config.source() instanceof MeshConfig.ControlPlane plane
                && plane.server().authority().equals("istiod.istio-system.svc:15012"));
        assertTrue(config.authority() instanceof MeshConfig.CaServer);
        MeshConfig local = mesh(
                Map.of(Knob.MESH_FILE, "mesh.yaml", Knob.CA_DIRECTORY, "ca"),
                Map.of("KUBERNETES_SERVICE_HOST", "10.96.0.1"));
        assertEquals(new MeshConfig.MeshFile(Path.of("mesh.yaml")), local.source());
        assertEquals(new MeshConfig.CaDirectory(Path.of("ca")), local.authority());
    }

    @Test
    void refusesBothOfAFileAndAControlPlane_andAddressesThatAreNone() {
        assertEquals(
                List.of(
                        "xds.address (XDS_ADDRESS): cannot be set together with mesh.file; remove one of them",
                        "ca.address (CA_ADDRESS): cannot be set together with mesh.caDirectory; remove one of them"),
                problems(new ConfigInputs(REQUIRED, Map.of("XDS_ADDRESS", "a:1", "CA_ADDRESS", "b:1"), null, 8)));
        for (String wrong : List.of("ftp://a:1", "a:1/path", "a:99999", "https://", "a b", "u@a:1")) {
            assertEquals(
                    1,
                    problems(new ConfigInputs(
                                    Map.of(Knob.NODE_NAME, "n1", Knob.CA_DIRECTORY, "ca"),
                                    Map.of("XDS_ADDRESS", wrong),
                                    null,
                                    8))
                            .size(),
                    wrong);
        }
    }

    @Test
    void refusesHeadersThatAreNone() {
        Map<String, String> environment = Map.of(
                "XDS_ADDRESS", "a:1", "XDS_HEADER_a b", "x", "XDS_HEADER_grpc-status", "x", "XDS_HEADER_v", "\u0001");
        assertEquals(
                3,
                problems(new ConfigInputs(Map.of(Knob.NODE_NAME, "n1", Knob.CA_DIRECTORY, "ca"), environment, null, 8))
                        .size());
    }

    @Test
    void readsATokenOrWhereItIs_andShowsNone() throws Exception {
        assertEquals(
                new Token.InFile(Path.of("/var/token")),
                mesh(Map.of(Knob.MESH_FILE, "m", Knob.CA_DIRECTORY, "ca"), Map.of("AUTH_TOKEN", "/var/token"))
                        .token());
        Map<Knob, String> flags = new EnumMap<>(REQUIRED);
        flags.put(Knob.AUTH_TOKEN, "eyJhbGciOi.secret");
        AgentConfigLoader.Loaded loaded = AgentConfigLoader.load(new ConfigInputs(flags, Map.of(), null, 8));
        assertEquals(
                new Token.Literal("eyJhbGciOi.secret"), loaded.config().mesh().token());
        assertEquals(
                List.of("(a token)"),
                loaded.settings().stream()
                        .filter(each -> each.knob() == Knob.AUTH_TOKEN)
                        .map(Setting::text)
                        .toList());
        assertTrue(!loaded.config().toString().contains("secret"), "nor when the whole is printed");
    }
}
