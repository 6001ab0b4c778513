package io.culvert.agent.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads where the agent learns of the mesh: each of a file or a control plane, a directory or an authority's server. */
final class MeshSettings {
    private static final String IN_KUBERNETES = "KUBERNETES_SERVICE_HOST";
    private static final String ISTIOD = "https://istiod.istio-system.svc:15012";
    private static final String LOCAL = "https://localhost:15012";
    private static final Path TOKEN_DEFAULT = Path.of("./var/run/secrets/tokens/istio-token");
    private static final String META = "ISTIO_META_";
    private static final String META_JSON = "ISTIO_METAJSON_";
    private static final Pattern HEADER_NAME = Pattern.compile("[0-9a-z_.-]{1,128}");
    private static final Pattern HEADER_VALUE = Pattern.compile("[\\x20-\\x7e]{0,4096}");
    private static final int HTTPS_PORT = 443;
    private static final int HTTP_PORT = 80;

    private final SettingReader reader;
    private final Map<String, String> environment;
    private final Map<String, String> metadata;
    private final List<ConfigProblem> problems;

    MeshSettings(
            SettingReader reader,
            Map<String, String> environment,
            Map<String, String> metadata,
            List<ConfigProblem> problems) {
        this.metadata = metadata;
        this.reader = reader;
        this.environment = environment;
        this.problems = problems;
    }

    MeshConfig read() {
        return new MeshConfig(source(), given(), authority(), token(), crl(), certificateTtl());
    }

    private Duration certificateTtl() {
        Duration ttl = reader.duration(Knob.SECRET_TTL);
        if (reader.isSet(Knob.CA_DIRECTORY) && ttl.compareTo(MeshConfig.CaDirectory.TTL_MAX) > 0) {
            reader.problem(
                    Knob.SECRET_TTL,
                    "is longer than what is signed from " + Knob.CA_DIRECTORY.fileKey() + "; write at most "
                            + MeshConfig.CaDirectory.TTL_MAX.toDays() + "d");
        }
        return ttl;
    }

    private MeshConfig.Source source() {
        refuseBoth(Knob.MESH_FILE, Knob.XDS_ADDRESS);
        if (!reader.isSet(Knob.MESH_FILE) && isDiscoveryOff()) {
            return new MeshConfig.Alone();
        }
        if (reader.isSet(Knob.MESH_FILE)) {
            return new MeshConfig.MeshFile(reader.requiredPath(Knob.MESH_FILE));
        }
        return new MeshConfig.ControlPlane(
                server(Knob.XDS_ADDRESS, Knob.XDS_ROOT_CA, Knob.ALT_XDS_HOSTNAME, "XDS_HEADER_"),
                reader.bool(Knob.XDS_ON_DEMAND),
                new NodeMetadata(
                        reader.text(Knob.POD_NAME),
                        reader.text(Knob.POD_NAMESPACE),
                        reader.text(Knob.INSTANCE_IP),
                        texts(),
                        withPrefix(META_JSON)));
    }

    private MeshConfig.@Nullable Given given() {
        if (reader.isSet(Knob.LOCAL_XDS) && reader.isSet(Knob.LOCAL_XDS_PATH)) {
            reader.problem(
                    Knob.LOCAL_XDS,
                    "cannot be set together with " + Knob.LOCAL_XDS_PATH.fileKey() + "; remove one of them");
        }
        if (isGiven() && reader.isSet(Knob.MESH_FILE)) {
            reader.problem(
                    reader.isSet(Knob.LOCAL_XDS) ? Knob.LOCAL_XDS : Knob.LOCAL_XDS_PATH,
                    "cannot be set together with " + Knob.MESH_FILE.fileKey()
                            + ", which says all there is; move it there, or remove one of them");
        }
        if (reader.isSet(Knob.LOCAL_XDS_PATH)) {
            return new MeshConfig.InFile(reader.requiredPath(Knob.LOCAL_XDS_PATH));
        }
        return reader.isSet(Knob.LOCAL_XDS)
                ? new MeshConfig.Inline(
                        reader.text(Knob.LOCAL_XDS),
                        reader.setting(Knob.LOCAL_XDS).origin())
                : null;
    }

    private boolean isGiven() {
        return reader.isSet(Knob.LOCAL_XDS) || reader.isSet(Knob.LOCAL_XDS_PATH);
    }

    /** An empty address, unlike none, means that nobody is to be asked. */
    private boolean isDiscoveryOff() {
        String address = environment.get(Knob.XDS_ADDRESS.environment().getFirst());
        boolean flagged = reader.setting(Knob.XDS_ADDRESS).origin().equals(Knob.XDS_ADDRESS.flag());
        return address != null && address.isBlank() && !flagged;
    }

    private MeshConfig.Authority authority() {
        refuseBoth(Knob.CA_DIRECTORY, Knob.CA_ADDRESS);
        if (reader.isSet(Knob.MESH_FILE)
                && !reader.isSet(Knob.CA_DIRECTORY)
                && !reader.isSet(Knob.CA_ADDRESS)
                && !isInKubernetes()) {
            reader.problem(
                    Knob.CA_DIRECTORY,
                    "or " + Knob.CA_ADDRESS.fileKey() + " is required beside a mesh file; give "
                            + Knob.CA_DIRECTORY.flag()
                            + " or " + Knob.CA_ADDRESS.flag() + ", or set "
                            + Knob.CA_DIRECTORY.environment().getFirst() + " or "
                            + Knob.CA_ADDRESS.environment().getFirst());
        }
        return reader.isSet(Knob.CA_DIRECTORY)
                ? new MeshConfig.CaDirectory(reader.requiredPath(Knob.CA_DIRECTORY))
                : new MeshConfig.CaServer(server(Knob.CA_ADDRESS, Knob.CA_ROOT_CA, Knob.ALT_CA_HOSTNAME, "CA_HEADER_"));
    }

    private void refuseBoth(Knob local, Knob remote) {
        if (reader.isSet(local) && reader.isSet(remote)) {
            reader.problem(remote, "cannot be set together with " + local.fileKey() + "; remove one of them");
        }
    }

    private boolean isInKubernetes() {
        return !environment.getOrDefault(IN_KUBERNETES, "").isEmpty();
    }

    private ServerConfig server(Knob address, Knob rootCa, Knob altHostname, String headerPrefix) {
        String text = reader.isSet(address) ? reader.text(address) : isInKubernetes() ? ISTIOD : LOCAL;
        URI uri = reader.read(address, text, MeshSettings::uri, URI.create(ISTIOD));
        boolean plaintext = "http".equals(uri.getScheme());
        int port = uri.getPort() < 0 ? (plaintext ? HTTP_PORT : HTTPS_PORT) : uri.getPort();
        return new ServerConfig(
                uri.getHost().replaceAll("^\\[|\\]$", ""),
                port,
                plaintext,
                reader.text(rootCa),
                reader.text(altHostname),
                headers(headerPrefix));
    }

    private static URI uri(String text) {
        try {
            URI uri = new URI(text.contains("://") ? text : "https://" + text);
            boolean bare = (uri.getRawPath().isEmpty() || uri.getRawPath().equals("/"))
                    && uri.getRawQuery() == null
                    && uri.getRawFragment() == null
                    && uri.getRawUserInfo() == null;
            boolean known = "https".equals(uri.getScheme()) || "http".equals(uri.getScheme());
            if (!bare || !known || uri.getHost() == null || uri.getPort() == 0 || uri.getPort() > 65_535) {
                throw ValueText.wrong(text, "is no address of a server; write host:port or https://host:port");
            }
            return uri;
        } catch (URISyntaxException e) {
            throw ValueText.wrong(text, "is no address of a server; write host:port or https://host:port");
        }
    }

    private Map<String, String> headers(String prefix) {
        Map<String, String> headers = new HashMap<>();
        withPrefix(prefix).forEach((suffix, value) -> {
            String name = suffix.toLowerCase(Locale.ROOT);
            if (!HEADER_NAME.matcher(name).matches() || name.endsWith("-bin") || name.startsWith("grpc-")) {
                problems.add(new ConfigProblem(
                        prefix + suffix, "environment", "is no name of a header; write letters, digits, - and _"));
            } else if (!HEADER_VALUE.matcher(value).matches()) {
                problems.add(
                        new ConfigProblem(prefix + suffix, "environment", "has a value that is no text of a header"));
            } else {
                headers.put(name, value);
            }
        });
        return headers;
    }

    private Map<String, String> texts() {
        Map<String, String> texts = new HashMap<>(metadata);
        texts.putAll(withPrefix(META));
        return texts;
    }

    private Map<String, String> withPrefix(String prefix) {
        Map<String, String> found = new HashMap<>();
        environment.forEach((name, value) -> {
            if (name.startsWith(prefix) && name.length() > prefix.length()) {
                found.put(name.substring(prefix.length()), value);
            }
        });
        return found;
    }

    private Token token() {
        String text = reader.text(Knob.AUTH_TOKEN);
        if (!reader.isSet(Knob.AUTH_TOKEN) || text.isEmpty()) {
            return Files.exists(TOKEN_DEFAULT) ? new Token.InFile(TOKEN_DEFAULT) : new Token.None();
        }
        return isLiteral(text) ? new Token.Literal(text) : new Token.InFile(Path.of(text));
    }

    /** Whether a text is a token rather than where one is: tokens have no slash, and files exist. */
    static boolean isLiteral(String text) {
        try {
            return !text.contains("/") && !Files.exists(Path.of(text));
        } catch (InvalidPathException e) {
            return true;
        }
    }

    private @Nullable Path crl() {
        return reader.isSet(Knob.CRL_PATH) ? reader.requiredPath(Knob.CRL_PATH) : null;
    }
}
