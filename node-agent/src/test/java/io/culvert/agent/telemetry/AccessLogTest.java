package io.culvert.agent.telemetry;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.config.LogConfig;
import io.culvert.agent.config.LogFilter;
import io.culvert.agent.telemetry.log.Logging;
import io.culvert.protocol.net.IpAddress;
import io.culvert.protocol.net.IpPort;
import io.culvert.protocol.policy.Decision;
import io.culvert.protocol.policy.Policy;
import io.culvert.protocol.workload.NamespacedName;
import io.culvert.testkit.FakeTicker;
import io.culvert.testkit.Golden;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Every kind of line that connections and queries are told by, as text and as JSON. */
@Isolated("logging belongs to the process")
class AccessLogTest {
    private static final IpPort APPLICATION = new IpPort(IpAddress.parse("10.0.2.3"), 80);

    private static String told(LogConfig.Format format) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (Logging logging = Logging.install(
                new LogConfig(LogFilter.parse("off,access=debug,policy=debug,dns=debug"), format), out)) {
            FakeTicker ticker = new FakeTicker();
            Telemetry telemetry = new Telemetry(new Metrics("unknown", new BuildVersion("0", "0")), ticker::nanoTime);
            connections(telemetry, ticker);
            policies(telemetry);
            queries();
            logging.flush();
        }
        return out.toString(StandardCharsets.UTF_8)
                .replaceAll("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{6}Z", "TIME");
    }

    private static void connections(Telemetry telemetry, FakeTicker ticker) {
        ConnectionRecord well = telemetry.open(Samples.tunnelled(Direction.OUTBOUND));
        well.received(111);
        well.sent(7);
        ticker.advance(Duration.ofMillis(42));
        well.close(CloseReason.NORMAL, null);
        ConnectionRecord denied = telemetry.open(Samples.tunnelled(Direction.INBOUND));
        denied.close(CloseReason.POLICY_DENIED, "no ALLOW policy matches");
        telemetry.open(Samples.plaintext()).close(CloseReason.POD_REMOVED, null);
        telemetry.open(Samples.plaintext()).close(CloseReason.DRAIN_DEADLINE, null);
        telemetry.refused(
                Direction.OUTBOUND, Samples.CLIENT_SOCKET, APPLICATION, CloseReason.NO_UPSTREAM, "no \"port\" 80");
    }

    private static void policies(Telemetry telemetry) {
        NamespacedName key = NamespacedName.parse("shop/clients");
        Policy dry = new Policy(key, Policy.Scope.NAMESPACE, Policy.Action.DENY, List.of(), true);
        telemetry.dryRun(dry, true, Samples.CLIENT_SOCKET, Samples.CLIENT.identity(), APPLICATION);
        telemetry.decided(new Decision.Allow(key), Samples.CLIENT_SOCKET, Samples.CLIENT.identity(), APPLICATION);
        telemetry.decided(new Decision.Allow(null), Samples.CLIENT_SOCKET, null, APPLICATION);
        telemetry.decided(new Decision.Deny(key, "denied"), Samples.CLIENT_SOCKET, null, APPLICATION);
    }

    private static void queries() {
        List<IpAddress> addresses = List.of(IpAddress.parse("10.96.0.1"), IpAddress.parse("10.96.0.2"));
        DnsLog.tell(Samples.CLIENT, "A", "web.shop.svc.cluster.local", DnsLog.Result.ANSWERED, addresses);
        DnsLog.tell(Samples.CLIENT, "AAAA", "example.org", DnsLog.Result.FORWARDED, List.of());
        DnsLog.tell(null, "SRV", null, DnsLog.Result.FAILED, List.of());
    }

    @Test
    void isTextForPeople() {
        Golden.assertMatches("access-log.txt", told(LogConfig.Format.PLAIN));
    }

    @Test
    void isJsonForPrograms() {
        Golden.assertMatches("access-log.json", told(LogConfig.Format.JSON));
    }
}
