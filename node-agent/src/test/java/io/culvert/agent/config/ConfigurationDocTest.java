package io.culvert.agent.config;

import io.culvert.testkit.Golden;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Keeps docs/configuration.md in step with the table; {@code make docs} writes it. */
class ConfigurationDocTest {
    private static final String HEAD = """
            # Configuration

            <!-- Written by `make docs` from the table of knobs; a test fails when it is out of date. -->

            `culvert-agent` is set by flags, environment variables and a file, in this order of precedence. The file is
            YAML, named by `--config` or `CULVERT_CONFIG`; the keys below are nested by their dots:

            ```yaml
            node:
              name: node-1
            mesh:
              file: /etc/culvert/mesh.yaml
              caDirectory: /var/lib/culvert/ca
            log:
              filter: info,access=debug
            ```

            - An empty environment variable counts as not set. A flag of type true|false may be given without a value.
            - An unknown flag or key is an error, and so is a value out of bounds; everything that is wrong is told at once,
              with where it came from and what to write instead, and the agent does not start.
            - A duration is a number with `ns`, `us`, `ms`, `s`, `m`, `h` or `d`, several of them in a row (`1h30m`), or bare
              seconds. A size is a number of bytes, or one with `KiB`, `MiB` or `GiB`.
            - `/config_dump` on the admin port shows every setting in force and where it came from.
            - A variable `XDS_HEADER_NAME` or `CA_HEADER_NAME` adds a header to every call of the control plane or of the
              authority. `ISTIO_META_NAME` tells the control plane something more about the agent, `ISTIO_METAJSON_NAME` too,
              as JSON.
            - `/config_dump` never shows a token that was given as text; give a path instead and others can renew it.
            - Settings marked experimental are for tests; they may change at any time.
            """;

    private static final String TAIL = """

            ## An agent inside one pod

            With `PROXY_MODE=dedicated` an agent serves the network namespace that it runs in, as the pod that
            `PROXY_WORKLOAD_INFO` names, and nothing else: no pods socket, no other namespace, no listener for a pod of its own.
            It asks the authority for its own identity, under its own token. A port of its own that is taken ends the start. Only
            what `PACKET_MARK` and `ENABLE_ORIG_SRC` ask for needs a privilege (CAP_NET_ADMIN).

            It writes no redirect rules. Whoever runs it does, before the application starts:

            - What the application opens is redirected to port 15001, plaintext that arrives for it to 15006; 15008 is left alone,
              and so are loopback addresses.
            - What the agent opens itself is left alone, its calls of control plane and authority and its DNS queries included,
              which bear no mark: run it as a user of its own and match on that (`-m owner --uid-owner`). With `PACKET_MARK` set,
              its connections to applications and peers can be told by their mark as well.
            - Where applications are to see the client's own address, replies to it are brought back to the agent, as the rules of
              a node's agent do by mark and policy route; otherwise set `ENABLE_ORIG_SRC=false`.

            ## Names alone

            With `ENABLE_PROXY=false` nothing listens at 15001, 15006 and 15008. Where a mesh file names the pods the agent's own
            redirect rules then cover DNS and nothing else, and rules that an agent wrote before are changed to that; traffic
            leaves and arrives in plaintext, past every policy. Where somebody else writes the rules, they must not redirect TCP.
            """;

    @Test
    void isInStepWithTheTable() {
        StringBuilder doc = new StringBuilder(HEAD);
        String group = "";
        for (Knob knob : Knob.values()) {
            String of = knob.fileKey().substring(0, knob.fileKey().indexOf('.'));
            if (!of.equals(group)) {
                group = of;
                doc.append("\n## ").append(group).append("\n\n");
                doc.append("| Key | Flag | Environment | Value | Default | Meaning |\n|---|---|---|---|---|---|\n");
            }
            doc.append(row(knob));
        }
        doc.append(TAIL);
        Golden.assertMatches("../../../../../docs/configuration.md", doc.toString());
    }

    private static String row(Knob knob) {
        String environment =
                knob.environment().stream().map(ConfigurationDocTest::code).collect(Collectors.joining(", "));
        String stability = switch (knob.stability()) {
            case STABLE -> "";
            case EXPERIMENTAL ->
                " *" + knob.stability().name().toLowerCase(Locale.ROOT).replaceFirst("e", "E") + ".*";
        };
        return "| " + code(knob.fileKey()) + " | " + code(knob.flag()) + " | " + environment + " | " + value(knob)
                + " | "
                + knob.defaultText()
                        .filter(text -> !text.isEmpty())
                        .map(ConfigurationDocTest::code)
                        .orElse("")
                + " | " + knob.doc() + stability + " |\n";
    }

    private static String value(Knob knob) {
        if (!knob.choices().isEmpty()) {
            return knob.choices().stream().map(ConfigurationDocTest::code).collect(Collectors.joining(", "));
        }
        Optional<String> bounds = knob.minimum().flatMap(low -> knob.maximum().map(high -> ", " + low + " to " + high));
        return knob.type().label().replace("|", " or ") + bounds.orElse("");
    }

    private static String code(String text) {
        return "`" + text + "`";
    }
}
