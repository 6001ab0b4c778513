package io.culvert.agent.admin;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.culvert.agent.base.BuildVersion;
import io.culvert.agent.config.Knob;
import io.culvert.agent.config.Setting;
import io.culvert.testkit.Golden;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConfigDumpTest {
    private static final ConfigDump DUMP = new ConfigDump(
            new SampleDump(),
            List.of(
                    new Setting(Knob.ADMIN_PORT, "15000", "default"),
                    new Setting(Knob.BUILD_TAG, "1.30.1", "ISTIO_META_ISTIO_VERSION")),
            new BuildVersion("0.1", "abc"));

    private static String text() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        DUMP.writeTo(out);
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void showsOneOfEverything() throws IOException {
        String runtime = "\"javaVersion\" : \"" + Runtime.version() + "\"";
        Golden.assertMatches("config_dump.json", text().replace(runtime, "\"javaVersion\" : \"25\"") + "\n");
    }

    @Test
    void neverShowsAKey() throws IOException {
        assertFalse(text().contains("PRIVATE"));
    }
}
