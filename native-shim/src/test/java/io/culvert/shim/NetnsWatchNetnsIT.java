package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.FdCensus;
import io.culvert.testkit.Netns;
import io.culvert.testkit.NetnsLab;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What real tools do to a real namespace, and what is noticed of it. */
class NetnsWatchNetnsIT {
    private static final int TABLE = 100;
    private static final List<String> TABLES = List.of("nat", "mangle");
    private static NetnsLab lab;
    private static Netns pod;

    @BeforeAll
    static void makeLab() {
        lab = NetnsLab.builder().node("node").pod("pod", "node").build();
        pod = lab.ns("pod");
    }

    @AfterAll
    static void removeLab() {
        lab.close();
    }

    private static void run(String command) {
        lab.exec(pod, command.split(" ", -1)).expectOk();
    }

    private static NetnsWatch legacy(PodNetns netns) throws ShimException {
        return NetnsWatch.ofXTables(netns, TABLE, TABLES, TABLES);
    }

    @ParameterizedTest
    @ValueSource(strings = {"iptables-nft", "ip6tables-nft"})
    void noticesWhatBecomesOfNfTables(String iptables) throws ShimException {
        try (PodNetns netns = PodNetns.open(pod.path());
                NetnsWatch watch = NetnsWatch.ofNfTables(netns, TABLE)) {
            assertTrue(watch.isTold());
            for (String change : List.of(
                    "-t nat -N MINE",
                    "-t nat -A MINE -p tcp -j RETURN",
                    "-t nat -R MINE 1 -p udp -j RETURN",
                    "-t nat -F MINE",
                    "-t nat -E MINE OTHER",
                    "-t mangle -A OUTPUT -j MARK --set-mark 7",
                    "-t mangle -F",
                    "-t nat -X")) {
                run(iptables + " " + change);
                assertTrue(watch.drain(), change);
                assertFalse(watch.drain());
                assertEquals(0, watch.digest());
            }
            run(iptables + "-save");
            run(iptables + " -t filter -N MINE");
            run(iptables + " -t filter -X MINE");
            assertFalse(watch.drain(), "only looked at, and another table");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"iptables-legacy", "ip6tables-legacy"})
    void tellsLegacyTablesApart(String iptables) throws ShimException {
        try (PodNetns netns = PodNetns.open(pod.path());
                NetnsWatch watch = legacy(netns)) {
            assertFalse(watch.isTold());
            long before = watch.digest();
            long last = before;
            for (String change : List.of(
                    "-t nat -N MINE",
                    "-t nat -A MINE -p tcp -j RETURN",
                    "-t nat -R MINE 1 -p udp -j RETURN",
                    "-t nat -E MINE OTHER",
                    "-t nat -F OTHER",
                    "-t mangle -A OUTPUT -j MARK --set-mark 7",
                    "-t mangle -R OUTPUT 1 -j MARK --set-mark 8")) {
                run(iptables + " " + change);
                assertNotEquals(last, watch.digest(), change);
                last = watch.digest();
            }
            run(iptables + "-save");
            run(iptables + " -t mangle -Z");
            assertEquals(last, watch.digest(), "only looked at, and counters");
            run(iptables + " -t mangle -F");
            run(iptables + " -t nat -X");
            assertEquals(before, watch.digest(), "as it was before");
            assertFalse(watch.drain(), "it is not told of");
        }
    }

    @Test
    void ofALongLegacyTable_seesHowManyRulesItHas() throws ShimException {
        StringBuilder rules = new StringBuilder("*nat\n:LONG - [0:0]\n");
        for (int i = 1; i <= 400; i++) {
            rules.append("-A LONG -p tcp -m tcp --dport ").append(i).append(" -j RETURN\n");
        }
        try (PodNetns netns = PodNetns.open(pod.path());
                NetnsWatch watch = legacy(netns)) {
            lab.exec(pod, "sh", "-c", "echo '" + rules + "COMMIT' | iptables-legacy-restore --noflush")
                    .expectOk();
            long before = watch.digest();
            run("iptables-legacy -t nat -R LONG 3 -p tcp --dport 1000 -j RETURN");
            assertEquals(before, watch.digest(), "this it does not see");
            run("iptables-legacy -t nat -D LONG 3");
            assertNotEquals(before, watch.digest());
            run("iptables-legacy -t nat -F LONG");
            run("iptables-legacy -t nat -X LONG");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-4", "-6"})
    void noticesWhatBecomesOfRoutes(String family) throws ShimException {
        try (PodNetns netns = PodNetns.open(pod.path());
                NetnsWatch told = NetnsWatch.ofNfTables(netns, TABLE);
                NetnsWatch asking = legacy(netns)) {
            String route =
                    family + " route VERB local " + (family.equals("-4") ? "0.0.0.0/0" : "::/0") + " dev lo table ";
            String rule = family + " rule VERB fwmark 0x111 lookup ";
            for (String kind : List.of(route, rule)) {
                for (String verb : List.of("add", "del")) {
                    run("ip " + kind.replace("VERB", verb) + TABLE);
                    assertTrue(told.drain());
                    assertTrue(asking.drain());
                    run("ip " + kind.replace("VERB", verb) + (TABLE + 1));
                    assertFalse(told.drain(), "another table");
                    assertFalse(asking.drain());
                }
            }
            run("ip link add culvert-dummy type veth");
            run("ip link set culvert-dummy up");
            run("ip link del culvert-dummy");
            assertFalse(told.drain(), "another interface");
        }
    }

    @Test
    void noticesWhatTakesRoutesAlong_untold() throws ShimException {
        String[] routes = {
            "-4 route show table " + TABLE, "-6 route show table " + TABLE,
        };
        run("sysctl -q -w net.ipv6.route.skip_notify_on_dev_down=1");
        run("ip -4 route add local 0.0.0.0/0 dev lo table " + TABLE);
        run("ip -6 route add local ::/0 dev lo table " + TABLE);
        String[] changes = {"addr del 127.0.0.1/8 dev lo", "link set lo down"};
        try (PodNetns netns = PodNetns.open(pod.path());
                NetnsWatch watch = NetnsWatch.ofNfTables(netns, TABLE)) {
            for (int i = 0; i < routes.length; i++) {
                assertNotEquals("", ip(routes[i]));
                run("ip " + changes[i]);
                assertEquals("", ip(routes[i]), changes[i]);
                assertTrue(watch.drain(), changes[i]);
            }
        } finally {
            run("ip link set lo up");
            run("ip addr replace 127.0.0.1/8 dev lo");
        }
    }

    private static String ip(String command) {
        return lab.exec(pod, ("ip " + command).split(" ", -1)).out();
    }

    @Test
    void ownsTwoSockets_andNoneOfAWatchThatCannotBe() throws ShimException {
        FdCensus before = FdCensus.ofSelf();
        PodNetns netns = PodNetns.open(pod.path());
        NetnsWatch told = NetnsWatch.ofNfTables(netns, TABLE);
        NetnsWatch asking = legacy(netns);
        assertEquals(Map.of("net", 1, "socket", 4), FdCensus.ofSelf().since(before));
        netns.close();
        assertThrows(ShimException.class, () -> NetnsWatch.ofNfTables(netns, TABLE));
        assertFalse(told.drain(), "it needs the handle no more");
        told.close();
        told.close();
        asking.close();
        assertTrue(assertThrows(ShimException.class, told::drain).is(Errno.EBADF));
        assertTrue(assertThrows(ShimException.class, asking::digest).is(Errno.EBADF));
        assertEquals(Map.of(), FdCensus.ofSelf().since(before));
    }

    @Test
    void refusesWhatCannotBeWatched() throws ShimException {
        try (PodNetns netns = PodNetns.open(pod.path())) {
            assertThrows(IllegalArgumentException.class, () -> NetnsWatch.ofNfTables(netns, 256));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> NetnsWatch.ofXTables(netns, TABLE, List.of("security"), List.of()));
        }
    }

    @Test
    void costsNextToNothing_whileNothingHappens() throws ShimException {
        List<NetnsWatch> watches = new ArrayList<>();
        try (PodNetns netns = PodNetns.open(pod.path())) {
            for (int i = 0; i < 100; i++) {
                watches.add(NetnsWatch.ofNfTables(netns, TABLE));
            }
            long best = Long.MAX_VALUE;
            for (int round = 0; round < 50; round++) {
                long start = System.nanoTime();
                for (NetnsWatch watch : watches) {
                    assertFalse(watch.drain());
                }
                best = Math.min(best, System.nanoTime() - start);
            }
            assertTrue(best < Duration.ofMillis(2).toNanos(), best + " ns for all hundred");
        } finally {
            watches.forEach(NetnsWatch::close);
        }
    }
}
