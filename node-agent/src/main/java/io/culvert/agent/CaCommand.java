package io.culvert.agent;

import io.culvert.control.ca.CaDirectory;
import io.culvert.control.ca.CaException;
import io.culvert.control.ca.CaRotation;
import io.culvert.protocol.identity.TrustDomain;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
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
        init.addPositional(directory("An empty directory, or one that does not exist yet."));
        init.addOption(OptionSpec.builder("--trust-domain")
                .paramLabel("<name>")
                .type(String.class)
                .defaultValue(TrustDomain.CLUSTER_LOCAL.name())
                .description("The trust domain of every identity. Default: " + TrustDomain.CLUSTER_LOCAL.name())
                .build());
        CommandSpec rotate = CommandSpec.create();
        rotate.usageMessage()
                .description(
                        "Replaces the root without interruption: prepare, let every agent renew, activate, finish.");
        rotate.mixinStandardHelpOptions(true);
        rotate.addSubcommand(
                "prepare",
                onDirectory(
                        "Makes the next root in DIR and trusts it beside the one that signs.",
                        "is trusted from now on; activate it once every agent has renewed its certificates",
                        dir -> rotation(dir, clock).prepare(CaDirectory.ROOT_VALIDITY_DEFAULT)));
        rotate.addSubcommand(
                "activate",
                onDirectory(
                        "Lets the next root of DIR sign; the old one stays trusted.",
                        "signs from now on; finish once the last certificate of the old one has ended",
                        dir -> rotation(dir, clock).activate()));
        rotate.addSubcommand(
                "finish",
                onDirectory(
                        "Ends the trust in every root of DIR but the one that signs.",
                        "is the only root from now on",
                        dir -> rotation(dir, clock).finish()));
        CommandSpec ca = CommandSpec.create();
        ca.usageMessage().description("The embedded certificate authority.");
        ca.mixinStandardHelpOptions(true);
        ca.addSubcommand("init", init);
        ca.addSubcommand("rotate", rotate);
        return ca;
    }

    private static PositionalParamSpec directory(String description) {
        return PositionalParamSpec.builder()
                .paramLabel("DIR")
                .type(Path.class)
                .required(true)
                .description(description)
                .build();
    }

    private static CaRotation rotation(Path dir, InstantSource clock) {
        return new CaRotation(dir, clock, new SecureRandom());
    }

    /** One step of a rotation. */
    private interface Step {
        X509Certificate on(Path dir) throws CaException;
    }

    private static CommandSpec onDirectory(String description, String outcome, Step step) {
        CommandSpec spec = Subcommand.of(description, (parsed, out) -> {
            try {
                X509Certificate root = step.on(parsed.matchedPositionalValue(0, Path.of("")));
                out.println("root " + root.getSubjectX500Principal() + " " + outcome);
                return 0;
            } catch (CaException e) {
                parsed.commandSpec().commandLine().getErr().println("culvert-agent: " + e.getMessage());
                return CulvertAgent.FAILED;
            }
        });
        return spec.addPositional(directory("The authority's directory."));
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
