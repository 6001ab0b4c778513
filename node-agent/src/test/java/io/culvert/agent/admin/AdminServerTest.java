package io.culvert.agent.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.config.LogConfig;
import io.culvert.agent.config.LogFilter;
import io.culvert.agent.telemetry.log.Logging;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Isolated("logging belongs to the process")
@Timeout(60)
class AdminServerTest {
    private final AtomicInteger quits = new AtomicInteger();
    private final Logging logging = Logging.install(
            new LogConfig(LogFilter.parse("info,proxy=debug"), LogConfig.Format.PLAIN), new ByteArrayOutputStream());
    private final AdminServer server = start();

    private AdminServer start() {
        ConfigDump dump = new ConfigDump(new SampleDump(), List.of(), new BuildVersion("0", "0"));
        try {
            return new AdminServer(0, dump, logging, quits::incrementAndGet);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @AfterEach
    void stop() {
        server.stop(Duration.ZERO);
        logging.close();
    }

    @Test
    void showsAnIndex() throws IOException {
        RawHttp.Answer answer = RawHttp.get(server.port(), "/");
        assertEquals(200, answer.status());
        assertEquals("text/html; charset=utf-8", answer.header("content-type"));
        assertTrue(answer.text().contains("config_dump"));
    }

    @Test
    void showsEverything_asJson() throws IOException {
        RawHttp.Answer answer = RawHttp.get(server.port(), "/config_dump");
        assertEquals(200, answer.status());
        assertEquals("application/json", answer.header("content-type"));
        assertTrue(answer.text().startsWith("{"));
        assertTrue(answer.text().contains("\"meshFile\""));
    }

    @Test
    void quits_onPostOnly() throws IOException {
        assertEquals(405, RawHttp.get(server.port(), "/quitquitquit").status());
        assertEquals(0, quits.get());
        RawHttp.Answer answer = RawHttp.post(server.port(), "/quitquitquit");
        assertEquals(200, answer.status());
        assertEquals("shutdown now\n", answer.text());
        assertEquals(1, quits.get());
    }

    @Test
    void profiles_withinBounds() throws IOException {
        assertEquals(
                400,
                RawHttp.get(server.port(), "/debug/pprof/profile?seconds=301").status());
        assertEquals(500, RawHttp.get(server.port(), "/debug/pprof/heap").status());
        RawHttp.Answer state = RawHttp.get(server.port(), "/debug/pprof/heap/profiling");
        assertEquals(200, state.status());
        assertEquals("heap profiling is inactive\n", state.text());
        assertEquals(
                500,
                RawHttp.get(server.port(), "/debug/pprof/heap/profiling?activate=true")
                        .status());
        assertEquals(
                400,
                RawHttp.get(server.port(), "/debug/pprof/heap/profiling?activate=yes")
                        .status());
    }

    @Test
    void hasNoPathOfOtherServers() throws IOException {
        for (String path : new String[] {"/drain", "/stats", "/healthz/ready", "/debug/pprof"}) {
            assertEquals(404, RawHttp.get(server.port(), path).status(), path);
        }
    }

    @Test
    void refusesBrowsers() throws IOException {
        int port = server.port();
        assertEquals(
                403,
                RawHttp.send(port, "GET /config_dump", "Host: evil.example").status());
        assertEquals(
                403,
                RawHttp.send(
                                port,
                                "POST /quitquitquit",
                                "Host: localhost",
                                "Origin: https://evil.example",
                                "Content-Length: 0")
                        .status());
        assertEquals(0, quits.get());
    }

    @Test
    void servesClientsThatNameNoHost() throws IOException {
        assertEquals(200, RawHttp.send(server.port(), "GET /config_dump").status());
    }

    @Test
    void changesLogLevels_onPostOnly() throws IOException {
        RawHttp.Answer answer = RawHttp.get(server.port(), "/logging?level=debug");
        assertEquals(405, answer.status());
        assertTrue(answer.text().startsWith("usage: POST /logging"));
        assertEquals("info,proxy=debug", logging.filter().toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/logging|info,proxy=debug",
                "/logging?level=|info,proxy=debug",
                "/logging?level=warn|warn,proxy=debug",
                "/logging?level=access=debug,mesh=trace|info,access=debug,mesh=trace,proxy=debug",
                "/logging?level=access%3Ddebug|info,access=debug,proxy=debug"
            })
    void laysDirectivesOverTheFilter(String path, String filter) throws IOException {
        RawHttp.Answer answer = RawHttp.post(server.port(), path);
        assertEquals(200, answer.status());
        assertEquals("current log level is " + filter + "\n", answer.text());
        assertEquals(filter, logging.filter().toString());
    }

    @Test
    void startsAgainFromTheFirstFilter_onReset() throws IOException {
        RawHttp.post(server.port(), "/logging?level=off,x=trace");
        RawHttp.Answer answer = RawHttp.post(server.port(), "/logging?level=access=warn&reset");
        assertEquals("current log level is info,access=warn,proxy=debug\n", answer.text());
        answer = RawHttp.post(server.port(), "/logging?reset=1");
        assertEquals("current log level is info,proxy=debug\n", answer.text());
    }

    @ParameterizedTest
    @CsvSource({
        "access=loud, loud",
        "invalid_level, invalid_level",
        "'debug,nonsense', nonsense",
    })
    void refusesOtherLevels(String level, String wrong) throws IOException {
        RawHttp.Answer answer = RawHttp.post(server.port(), "/logging?level=" + level);
        assertEquals(400, answer.status());
        assertTrue(answer.text().startsWith("'" + wrong + "' is no level"), answer.text());
        assertTrue(answer.text().contains("usage: POST /logging"), answer.text());
        assertEquals("info,proxy=debug", logging.filter().toString());
    }

    @Test
    void knowsNoOtherPath() throws IOException {
        assertEquals(404, RawHttp.get(server.port(), "/config_dump/x").status());
        assertEquals(404, RawHttp.get(server.port(), "/metrics").status());
    }
}
