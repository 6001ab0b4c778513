package io.culvert.agent.telemetry.log;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.culvert.agent.config.LogConfig;
import io.culvert.agent.config.LogFilter;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.logging.LogManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** In a JVM of its own, since only a JVM that exits runs shutdown hooks. */
class LoggingAtExitTest {
    /** Logs in a shutdown hook, once the logging framework's own hook has certainly run. */
    static final class Draining {
        private Draining() {}

        public static void main(String[] arguments) {
            LogConfig config = new LogConfig(LogFilter.parse("info,proxy=debug"), LogConfig.Format.PLAIN);
            Logging logging = Logging.install(config);
            System.Logger log = System.getLogger("io.culvert.agent.proxy.A");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                LogManager.getLogManager().reset();
                log.log(System.Logger.Level.DEBUG, "while it ends");
                logging.close();
            }));
            log.log(System.Logger.Level.INFO, "before");
        }
    }

    @Test
    @Timeout(60)
    void keepsLogging_whileTheProcessEnds() throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process child = new ProcessBuilder(
                        java,
                        "--sun-misc-unsafe-memory-access=allow",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path").replace("\n", File.pathSeparator),
                        Draining.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        List<String> lines = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .map(line -> line.substring(line.indexOf('\t') + 1))
                .toList();
        assertEquals(List.of("info\tproxy.A\tbefore", "debug\tproxy.A\twhile it ends"), lines);
    }
}
