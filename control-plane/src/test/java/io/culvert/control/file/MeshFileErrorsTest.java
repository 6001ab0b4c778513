package io.culvert.control.file;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.identity.TrustDomain;
import io.culvert.testkit.Golden;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a person reads who made a mistake; the golden file shows each mistake with its messages. */
class MeshFileErrorsTest {
    private static final Map<String, String> MISTAKES = new LinkedHashMap<>();

    private static void mistake(String name, String yaml) {
        MISTAKES.put(name, yaml);
    }

    static {
        mistake("an empty file", "");
        mistake("nothing but a list", "- a\n");
        mistake("broken syntax", "workloads:\n- name: a\n  addresses: [10.0.0.1\nservices: []\n");
        mistake("a tab", "workloads:\n\t- name: a\n");
        mistake("a control character", "workloads: \u0001\n");
        mistake("an escape that is no character", "workloads:\n- name: \"\\U99999999\"\n");
        mistake("two documents", "workloads: []\n---\nservices: []\n");
        mistake("an alias", "workloads:\n- &a {name: a, addresses: [10.0.0.1]}\n- *a\n");
        mistake("a tag", "workloads: !!set []\n");
        mistake("duplicate keys", "workloads: []\nworkloads: []\n");
        mistake("a key that is no text", "? [a]\n: b\n");
        mistake("unknown keys", """
                meshs: {}
                workloads:
                - name: a
                  adresses: [10.0.0.1]
                  serviceaccount: x
                  hostname: a.example.com
                  colour: blue
                """);
        mistake("kinds of values", """
                mesh: [a]
                workloads:
                - name: [a]
                  addresses: 10.0.0.1
                  locality: north
                  capacity: {a: b}
                  namespace:
                  hostname: "a\\nb"
                - text
                services: {}
                policies:
                """);
        mistake("names and addresses", """
                workloads:
                - {name: Web_1, namespace: a.b, serviceAccount: "a/b", addresses: [300.0.0.1, '::', 127.0.0.1, example.com]}
                - {name: b, addresses: [10.0.0.1, 10.0.0.1], trustDomain: a@b, hostname: -x, uid: ""}
                - {addresses: [10.0.0.2]}
                """);
        mistake("numbers and words", """
                workloads:
                - {name: a, addresses: [10.0.0.1], capacity: -1, protocol: HTTP, status: healthy, nativeTunnel: yes}
                services:
                - name: s
                  ports: [{port: 0}, {port: 65536}, {targetPort: 1}, {port: 80, targetPort: 0x50}, {port: 81}, {port: 81}]
                  loadBalancing: {mode: FASTEST, routingPreference: [PLANET]}
                """);
        mistake("captured pods", """
                workloads:
                - {name: a, addresses: [10.0.0.1], netns: run/netns/a, node: n}
                - {name: b, addresses: [10.0.0.2], netns: /run/netns/b}
                - {name: c, netns: /run/netns/c, node: n}
                - {name: d, addresses: [10.0.0.4], netns: /run/netns/d, node: n, protocol: TCP}
                - {name: e, addresses: [10.0.0.5], netns: /run/netns/e, node: n, networkMode: HOST_NETWORK}
                - {name: f, addresses: [10.0.0.6], podUid: x}
                - {name: g}
                """);
        mistake("what may be there only once", """
                workloads:
                - {name: a, addresses: [10.0.0.1], netns: /run/netns/a, node: n}
                - {name: b, addresses: [10.0.0.1], netns: /run/netns/../netns/a, node: n}
                - {name: a, addresses: [10.0.0.3]}
                services:
                - {name: s, vips: [10.96.0.1]}
                - {name: t, vips: [10.96.0.1], hostname: s.default.svc.cluster.local}
                """);
        mistake("pods that cannot be told apart", """
                workloads:
                - {name: a, uid: "1", addresses: [10.0.0.1], netns: /run/netns/a, node: n}
                - {name: a, uid: "2", addresses: [10.0.0.2], netns: /run/netns/b, node: n}
                - {name: a, uid: "3", addresses: [10.0.0.3], netns: /run/netns/c, node: n, serviceAccount: own}
                - {name: a, uid: "4", addresses: [10.0.0.4], netns: /run/netns/d, node: m}
                - {name: b, uid: "5", addresses: [10.0.0.5], node: n}
                - {name: b, uid: "6", addresses: [10.0.0.6], node: n}
                - {name: b, uid: "7", addresses: [10.0.0.7], netns: /run/netns/e, node: n}
                - {name: c, uid: "8", addresses: [10.0.0.8], node: n}
                - {name: c, uid: "9", addresses: [10.0.0.9], node: n}
                """);
        mistake("references", """
                workloads:
                - {name: client, namespace: shop, addresses: [10.0.0.1], waypoint: {hostname: nobody.example.com}}
                - {name: web, namespace: shop, addresses: [10.0.0.2], networkGateway: {address: 10.0.0.99}}
                - {name: twin, namespace: shop, uid: "1", addresses: [10.0.0.3], waypoint: {port: 1}}
                - {name: twin, namespace: shop, uid: "2", addresses: [10.0.0.4]}
                services:
                - {name: s, namespace: shop, endpoints: [wbe, twin, elsewhere/web, web, web], selector: {}}
                - {name: t, namespace: shop, vips: [10.96.0.0/33, {network: n}], subjectAltNames: [cluster.local/x]}
                """);
        mistake("policies", """
                policies:
                - {name: a, action: AUDIT}
                - {name: a, namespace: n, action: DENY}
                - {name: a, namespace: n, workloads: [nobody], targetRefs: []}
                - {name: b, namespace: n, selector: {app: web}}
                - {name: c, namespace: n, selector: {matchLabels: {}}, workloads: []}
                - {name: d, namespace: n, selector: {matchLabels: {app: "a b"}}}
                """);
        mistake("rules", """
                policies:
                - name: p
                  namespace: n
                  rules:
                  - from: []
                  - from: [{source: {}}, {principals: [x]}]
                  - from: [{source: {principals: [], requestPrincipals: [x]}}]
                  - from: [{source: {principals: ["spiffe://cluster.local/ns/a/sa/b", "a*b", "*a*", client]}}]
                  - from: [{source: {namespaces: [A, ""], serviceAccounts: ["*"], ipBlocks: [10.0.0.0/40]}}]
                  - to: [{operation: {ports: [0, http], methods: [GET]}}]
                  - when: [{key: request.headers, values: [x]}, {key: source.ip}, {values: [x]}]
                  - {form: []}
                """);
        mistake("peer authentication", """
                workloads:
                - {name: a, namespace: n, addresses: [10.0.0.1], labels: {app: a}}
                peerAuthentication:
                - {name: x, namespace: n, mtls: {mode: DISABLE}}
                - {name: y, namespace: n, portLevelMtls: {http: {mode: STRICT}}}
                - {name: z, namespace: n, mtls: {}, workloads: [a]}
                - {name: z, namespace: n, selector: {matchLabels: {app: a}}}
                - {name: q, namespace: n, selector: {matchLabels: {app: a}}}
                """);
    }

    @Test
    void everyMistakeIsToldWithItsPlaceItsReasonAndItsFix() {
        StringBuilder out = new StringBuilder();
        MISTAKES.forEach((name, yaml) -> {
            out.append("=== ").append(name).append('\n').append(yaml.replace("\u0001", "<U+0001>"));
            out.append(yaml.isEmpty() ? "" : "---\n")
                    .append(MeshFiles.lines(MeshFiles.refused(yaml)))
                    .append("\n\n");
        });
        Golden.assertMatches("mesh-errors.txt", out.toString());
    }

    private static String judged(String yaml, String byDefault, String certified) {
        MeshFile.Settings settings = new MeshFile.Settings(new TrustDomain(byDefault), "", "c", "root");
        return switch (MeshFileParser.parse("mesh.yaml", yaml.getBytes(UTF_8), settings, new TrustDomain(certified))) {
            case MeshFileParser.Result.Accepted accepted -> "";
            case MeshFileParser.Result.Refused refused -> MeshFiles.lines(refused.errors());
        };
    }

    @Test
    void theTrustDomainIsThatOfTheAuthority_whoeverSaysIt() {
        String pods = "workloads: [{name: a, addresses: [10.0.0.1]}]\n";
        assertEquals("", judged(pods, "a.example", "a.example"));
        assertEquals("", judged("mesh: {trustDomain: b.example}\n" + pods, "a.example", "b.example"));
        assertEquals(
                "mesh.yaml:2:16: mesh.trustDomain: the certificate authority certifies only a.example; "
                        + "write a.example, or give the agents another certificate authority",
                judged("mesh:\n  trustDomain: b.example\n" + pods, "a.example", "a.example"));
        for (String undecided : List.of(pods, "mesh: {network: n}\n" + pods)) {
            assertEquals(
                    "mesh.yaml: it names no trust domain and the default is a.example, but the certificate authority certifies "
                            + "only b.example; write 'mesh: {trustDomain: b.example}', or give the agents another "
                            + "certificate authority",
                    judged(undecided, "a.example", "b.example"));
        }
    }

    @Test
    void aCapturedPodIsOfTheAuthoritysTrustDomain_othersMayBeOfAny() {
        String pod = "workloads: [{name: a, addresses: [10.0.0.1], trustDomain: b.example<more>}]\n";
        assertEquals("", judged(pod.replace("<more>", ""), "a.example", "a.example"));
        assertEquals(
                "mesh.yaml:1:59: workloads[0].trustDomain: the certificate authority certifies only a.example; "
                        + "write a.example, or remove 'netns'",
                judged(pod.replace("<more>", ", node: n, netns: /run/netns/a"), "a.example", "a.example"));
    }

    @Test
    void aTrustDomainThatCannotBeReadIsToldOnce() {
        String told = judged("mesh: {trustDomain: a@b}\nworkloads: []\n", "a.example", "b.example");
        assertEquals(1, told.lines().count(), told);
    }

    @Test
    void errorsAreListedUpToABound_andTheRestIsCounted() {
        List<MeshFileError> errors = MeshFiles.refused("workloads:\n" + "- {}\n".repeat(500));
        assertEquals(MeshFileParser.ERRORS_MAX, errors.size());
        assertTrue(errors.getLast().reason().endsWith("further errors are not shown"), errors.getLast()::toString);
    }

    @Test
    void bombsAreDefusedCheaply() {
        String laughs = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\n";
        assertTrue(MeshFiles.refused(laughs).stream().anyMatch(e -> e.reason().contains("alias")));
        for (String deep :
                List.of("[".repeat(1_000_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(50_000))) {
            assertTrue(MeshFiles.refused(deep).getFirst().reason().contains("nested deeper"), deep.substring(0, 4));
        }
        assertTrue(MeshFiles.refused("[" + "a,".repeat(600_000) + "a]")
                .getFirst()
                .reason()
                .contains("values"));
        byte[] large = new byte[MeshFileParser.BYTES_MAX + 1];
        assertTrue(MeshFiles.refused(large).getFirst().reason().contains("bytes"));
        assertTrue(MeshFiles.refused(new byte[] {'a', ':', ' ', (byte) 0xff})
                .getFirst()
                .reason()
                .contains("UTF-8"));
    }

    @Test
    void messagesAreOneLineEach_howeverOddTheText() {
        String yaml = "workloads: [{name: \"a\\nb\\u202e" + "x".repeat(500) + "\", \"key\\r\\n\": 1}]";
        for (MeshFileError error : MeshFiles.refused(yaml)) {
            assertEquals(1, error.toString().lines().count(), error.toString());
            assertTrue(error.toString().length() < 400, error.toString());
            assertTrue(error.toString().chars().noneMatch(Character::isISOControl), error.toString());
        }
    }
}
