package io.culvert.agent;

import io.culvert.control.ca.CaDirectory;
import io.culvert.control.ca.CaException;
import io.culvert.protocol.identity.TrustDomain;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.InstantSource;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/** {@code culvert-agent ca}: the embedded authority's directory. */
final class CaCommand {
    private CaCommand() {}

    static CommandSpec spec(InstantSource clock) {
        CommandSpec init = Subcommand.of(
                "Makes a certificate authority in DIR, which the agents of one mesh share.",
                (parsed, out) -> init(parsed, out, clock));
        init.addPositional(PositionalParamSpec.builder()
                .paramLabel("DIR")
                .type(Path.class)
                .required(true)
                .description("An empty directory, or one that does not exist yet.")
                .build());
        init.addOption(OptionSpec.builder("--trust-domain")
                .paramLabel("<name>")
                .type(String.class)
                .defaultValue(TrustDomain.CLUSTER_LOCAL.name())
                .description("The trust domain of every identity. Default: " + TrustDomain.CLUSTER_LOCAL.name())
                .build());
        CommandSpec ca = CommandSpec.create();
        ca.usageMessage().description("The embedded certificate authority.");
        ca.mixinStandardHelpOptions(true);
        ca.addSubcommand("init", init);
        return ca;
    }

    private static int init(ParseResult parsed, PrintWriter out, InstantSource clock) {
        Path dir = parsed.matchedPositionalValue(0, Path.of(""));
        String trustDomain = parsed.commandSpec().findOption("--trust-domain").getValue();
        try {
            CaDirectory made = CaDirectory.init(
                    dir, new TrustDomain(trustDomain), CaDirectory.ROOT_VALIDITY_DEFAULT, clock, new SecureRandom());
            out.println("made a certificate authority for " + made.trustDomain() + " in " + dir + ", valid until "
                    + made.signingRoot().getNotAfter().toInstant());
            return 0;
        } catch (CaException | IllegalArgumentException e) {
            parsed.commandSpec().commandLine().getErr().println("culvert-agent: " + e.getMessage());
            return CulvertAgent.FAILED;
        }
    }
}
