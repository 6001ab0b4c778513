package io.culvert.agent.dns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.Gen;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResolvConfTest {
    private static List<String> servers(ResolvConf conf) {
        return conf.servers().stream().map(Object::toString).toList();
    }

    @Test
    void readsServersAndOptions() {
        ResolvConf conf = ResolvConf.parse("""
                # made by hand
                search ns.svc.cluster.local
                nameserver 10.96.0.10
                \tnameserver  2001:db8::53 \r
                options ndots:5 timeout:3
                options attempts:4 rotate
                """);
        assertEquals(List.of("10.96.0.10:53", "[2001:db8::53]:53"), servers(conf));
        assertEquals(Duration.ofSeconds(3), conf.timeout());
        assertEquals(4, conf.attempts());
    }

    @Test
    void readsTheSearchDomains_ofTheLastLineThatHasSome() {
        assertEquals(
                List.of("b.example", "svc.cluster.local"),
                ResolvConf.parse("domain a.example\nsearch B.example. svc.cluster.local x..y . b.example\n")
                        .searchDomains()
                        .stream()
                        .map(Object::toString)
                        .toList());
        String many = "search" + " a.example".repeat(5)
                + IntStream.range(0, 50).mapToObj(i -> " d" + i + ".example").collect(Collectors.joining());
        assertEquals(
                ResolvConf.DOMAINS_MAX - 4,
                ResolvConf.parse(many).searchDomains().size());
    }

    @Test
    void leavesOutWhatItCannotRead() {
        ResolvConf conf = ResolvConf.parse("""
                nameserver
                nameserver fe80::1%eth0
                nameserver dns.example
                nameserver 1.1.1.1
                nameserver 1.1.1.1
                options timeout: timeout:x timeout:99999999999 attempts:0 timeout:900
                """);
        assertEquals(List.of("1.1.1.1:53"), servers(conf));
        assertEquals(Duration.ofSeconds(30), conf.timeout());
        assertEquals(1, conf.attempts());
        assertEquals(new ResolvConf(List.of(), Duration.ofSeconds(5), 2, List.of()), ResolvConf.parse(""));
    }

    @Test
    void readsAnything_withinItsBounds() {
        Gen.forAll(5_000, gen -> {
            ResolvConf conf = ResolvConf.parse(
                    gen.bool()
                            ? gen.unicode(200)
                            : new String(
                                    gen.mutate("nameserver 1.2.3.4\noptions timeout:3 attempts:1\n"
                                            .getBytes(StandardCharsets.ISO_8859_1)),
                                    StandardCharsets.ISO_8859_1));
            assertTrue(conf.servers().size() <= ResolvConf.SERVERS_MAX);
            assertTrue(conf.timeout().toSeconds() >= 1 && conf.timeout().toSeconds() <= 30);
            assertTrue(conf.attempts() >= 1 && conf.attempts() <= 5);
        });
    }

    @Test
    void followsTheFile_andKeepsWhatItKnewWhileItIsGone(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("resolv.conf");
        NameServers servers = NameServers.read(file);
        assertEquals(ResolvConf.EMPTY, servers.current());
        Files.writeString(file, "nameserver 1.1.1.1\n");
        servers.reload();
        assertEquals(List.of("1.1.1.1:53"), servers(servers.current()));
        Files.delete(file);
        servers.reload();
        assertEquals(List.of("1.1.1.1:53"), servers(servers.current()));
    }
}
