package io.culvert.agent.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.culvert.control.local.LocalConfig;
import io.culvert.control.local.LocalConfigParser;
import io.culvert.protocol.identity.TrustDomain;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class StaticConfigTest {
    @Test
    void whatADumpShowsCanBeGivenToAnAgent() throws IOException {
        MeshView shown = new SampleDump().staticMesh();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(out)) {
            json.useDefaultPrettyPrinter();
            json.writeStartObject();
            MeshDump.writeStatic(shown, json);
            json.writeEndObject();
        }
        LocalConfigParser.Result result = LocalConfigParser.parse("dump", out.toByteArray(), TrustDomain.CLUSTER_LOCAL);
        LocalConfig read = assertInstanceOf(LocalConfigParser.Result.Accepted.class, result, result::toString)
                .config();
        assertEquals(shown, new MeshView(read.workloads(), read.services(), read.policies()));
    }
}
