package io.culvert.agent;

import io.culvert.cni.redirect.Iptables;
import io.culvert.cni.redirect.RedirectApplier;
import io.culvert.cni.redirect.RedirectException;
import io.culvert.cni.redirect.RedirectSpec;
import io.culvert.cni.redirect.RedirectStatus;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/** {@code culvert-agent redirect}: the redirect rules of one namespace by hand, for when no agent runs. */
final class RedirectCommand {
    private RedirectCommand() {}

    static CommandSpec spec() {
        CommandSpec redirect = CommandSpec.create();
        redirect.usageMessage().description("The redirect rules in a pod's network namespace.");
        redirect.mixinStandardHelpOptions(true);
        redirect.addSubcommand(
                "check",
                withNetns(Subcommand.of(
                        "Says whether the namespace's traffic is captured; exit code 1 when it is not.",
                        (parsed, out) -> attempt(parsed, applier -> check(applier, netns(parsed), out)))));
        redirect.addSubcommand(
                "remove",
                withNetns(Subcommand.of(
                        "Takes the rules out: traffic leaves in plaintext from then on.",
                        (parsed, out) -> attempt(parsed, applier -> remove(applier, netns(parsed), out)))));
        return redirect;
    }

    private static CommandSpec withNetns(CommandSpec spec) {
        return spec.addPositional(PositionalParamSpec.builder()
                .paramLabel("NETNS")
                .type(Path.class)
                .required(true)
                .description("Path of the network namespace, such as /run/netns/NAME.")
                .build());
    }

    private static Path netns(ParseResult parsed) {
        return parsed.matchedPositionalValue(0, Path.of(""));
    }

    /** What is done with an applier. */
    private interface Work {
        int on(RedirectApplier applier) throws RedirectException;
    }

    private static int attempt(ParseResult parsed, Work work) {
        try {
            return work.on(new RedirectApplier(Iptables.detect(Iptables.Choice.DETECT), Path.of("/run/culvert/locks")));
        } catch (RedirectException e) {
            parsed.commandSpec().commandLine().getErr().println("culvert-agent: " + e.getMessage());
            return CulvertAgent.FAILED;
        }
    }

    private static int check(RedirectApplier applier, Path netns, PrintWriter out) throws RedirectException {
        RedirectStatus status = applier.check(netns, RedirectSpec.standard());
        out.println(status);
        return status instanceof RedirectStatus.Captured ? 0 : CulvertAgent.FAILED;
    }

    private static int remove(RedirectApplier applier, Path netns, PrintWriter out) throws RedirectException {
        applier.remove(netns, RedirectSpec.standard());
        out.println("removed");
        return 0;
    }
}
