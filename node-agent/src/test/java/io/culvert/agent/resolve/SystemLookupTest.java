package io.culvert.agent.resolve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.protocol.net.IpAddress;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SystemLookupTest {
    private final NameServer server = NameServer.start();
    private final SystemLookup lookup = SystemLookup.of(List.of(server.address()));

    @AfterEach
    void stop() throws IOException {
        lookup.close();
        server.close();
    }

    private Lookup.Answer ask(String hostname) throws Exception {
        CompletableFuture<Lookup.Answer> answered = new CompletableFuture<>();
        lookup.execute(() -> lookup.ask(hostname, answered::complete));
        return answered.get(30, TimeUnit.SECONDS);
    }

    private static Set<IpAddress> ips(String... texts) {
        Set<IpAddress> ips = new HashSet<>();
        for (String text : texts) {
            ips.add(IpAddress.parse(text));
        }
        return ips;
    }

    @Test
    void findsAddressesOfBothFamilies_validForTheShortestTime() throws Exception {
        server.put("both.example.", 60, "192.0.2.1", "192.0.2.2");
        server.put("both.example.", 20, "2001:db8::1");
        Lookup.Answer.Found found = assertInstanceOf(Lookup.Answer.Found.class, ask("both.example"));
        assertEquals(ips("192.0.2.1", "192.0.2.2", "2001:db8::1"), new HashSet<>(found.addresses()));
        assertEquals(Duration.ofSeconds(20), found.validFor());
    }

    @Test
    void findsAddressesOfOneFamily() throws Exception {
        server.put("four.example.", 60, "192.0.2.1");
        Lookup.Answer.Found found = assertInstanceOf(Lookup.Answer.Found.class, ask("four.example"));
        assertEquals(ips("192.0.2.1"), new HashSet<>(found.addresses()));
    }

    @Test
    void followsAnAlias() throws Exception {
        server.alias("alias.example.", "real.example.");
        server.put("real.example.", 60, "192.0.2.7");
        Lookup.Answer.Found found = assertInstanceOf(Lookup.Answer.Found.class, ask("alias.example"));
        assertEquals(ips("192.0.2.7"), new HashSet<>(found.addresses()));
    }

    @Test
    void asksOverTcp_whatDoesNotFitIntoADatagram() throws Exception {
        String[] many = new String[200];
        for (int i = 0; i < many.length; i++) {
            many[i] = "198.51.100." + i;
        }
        server.put("many.example.", 60, many);
        Lookup.Answer.Found found = assertInstanceOf(Lookup.Answer.Found.class, ask("many.example"));
        assertEquals(ips(many), new HashSet<>(found.addresses()));
        assertTrue(server.askedOverTcp());
    }

    @Test
    void failsForANameThatIsNotThere_orIsNone() throws Exception {
        assertInstanceOf(Lookup.Answer.Failed.class, ask("gone.example"));
        assertInstanceOf(Lookup.Answer.Failed.class, ask("x".repeat(64) + ".example"));
    }
}
