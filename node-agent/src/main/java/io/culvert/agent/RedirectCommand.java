package io.culvert.agent;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.culvert.agent.config.AgentConfigLoader;
import io.culvert.agent.config.AgentOptions;
import io.culvert.agent.config.CaptureConfig;
import io.culvert.agent.config.ConfigException;
import io.culvert.agent.config.ConfigInputs;
import io.culvert.cni.redirect.NamespaceLock;
import io.culvert.cni.redirect.RedirectApplier;
import io.culvert.cni.redirect.RedirectException;
import io.culvert.cni.redirect.RedirectSpec;
import io.culvert.cni.redirect.RedirectStatus;
import io.culvert.shim.Errno;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;

/**
 * {@code culvert-agent redirect}: the redirect rules of one namespace by hand, for when no agent runs, judged by the same
 * settings as the agent's.
 */
final class RedirectCommand {
    private static final String JSON = "--json";

    private RedirectCommand() {}

    static CommandSpec spec() {
        CommandSpec redirect = CommandSpec.create();
        redirect.usageMessage().description("The redirect rules in a pod's network namespace.");
        redirect.mixinStandardHelpOptions(true);
        redirect.addSubcommand(
                "check",
                withNetns(Subcommand.of(
                        "Says whether the namespace's traffic is captured; exit code 1 when it is not, or only partly.",
                        (parsed, out) -> attempt(parsed, out, RedirectCommand::check))));
        redirect.addSubcommand(
                "remove",
                withNetns(Subcommand.of(
                        "Takes the rules out: traffic leaves in plaintext from then on. An agent that serves the pod writes them anew.",
                        (parsed, out) -> attempt(parsed, out, RedirectCommand::remove))));
        return redirect;
    }

    private static CommandSpec withNetns(CommandSpec spec) {
        spec.addPositional(PositionalParamSpec.builder()
                .paramLabel("NETNS")
                .type(Path.class)
                .required(true)
                .description("Path of the network namespace, such as /run/netns/NAME.")
                .build());
        spec.addOption(OptionSpec.builder(JSON)
                .type(boolean.class)
                .description("Answers with a JSON object.")
                .build());
        AgentOptions.addTo(spec, CaptureConfig.KNOBS);
        return spec;
    }

    /**
     * A namespace and what its rules should be.
     *
     * @param name as it was given
     * @param netns the same, open
     */
    private record Subject(Path name, PodNetns netns, RedirectApplier applier, CaptureConfig config) {
        RedirectSpec rules() {
            return RedirectCapture.spec(config);
        }
    }

    /** What is done with it; the answer is what the rules are like afterwards. */
    private interface Work {
        RedirectStatus on(Subject subject) throws RedirectException, IOException;
    }

    private static int attempt(ParseResult parsed, PrintWriter out, Work work) {
        PrintWriter err = parsed.commandSpec().commandLine().getErr();
        Path name = parsed.matchedPositionalValue(0, Path.of(""));
        try (PodNetns netns = PodNetns.open(name)) {
            CaptureConfig config = AgentConfigLoader.loadCapture(
                    ConfigInputs.ofProcess(AgentOptions.flags(parsed), AgentOptions.file(parsed)));
            RedirectStatus status = work.on(new Subject(name, netns, RedirectApplier.detect(), config));
            out.println(parsed.hasMatchedOption(JSON) ? json(name, status) : text(status));
            boolean asked = parsed.commandSpec().name().equals("remove")
                    ? status instanceof RedirectStatus.NotCaptured
                    : status instanceof RedirectStatus.Captured;
            return asked ? 0 : CulvertAgent.FAILED;
        } catch (ShimException e) {
            err.println("culvert-agent: " + unfit(name, e));
            return CulvertAgent.MISUSED;
        } catch (ConfigException e) {
            err.println(e.getMessage());
            return CulvertAgent.MISUSED;
        } catch (RedirectException e) {
            err.println("culvert-agent: " + e.getMessage());
            return e.code() == RedirectException.Code.NETNS_OWN ? CulvertAgent.MISUSED : CulvertAgent.FAILED;
        } catch (IOException e) {
            err.println("culvert-agent: it cannot be noted that the pod is released: " + e);
            return CulvertAgent.FAILED;
        }
    }

    private static String unfit(Path name, ShimException e) {
        if (e.is(Errno.ENOENT) || e.is(Errno.ENOTDIR)) {
            return name + " does not exist; name a network namespace, such as /run/netns/NAME";
        }
        return e.is(Errno.EINVAL) || e.is(Errno.ENOTTY)
                ? name + " is no network namespace; name one, such as /run/netns/NAME"
                : String.valueOf(e.getMessage());
    }

    private static RedirectStatus check(Subject subject) throws RedirectException {
        return subject.applier().check(subject.name(), subject.rules());
    }

    private static RedirectStatus remove(Subject subject) throws RedirectException, IOException {
        try (NamespaceLock _ = subject.applier().lock(subject.name())) {
            subject.applier().remove(subject.name(), subject.rules());
            CaptureLedger.removeFromAll(subject.config().stateDirectory(), subject.netns());
            return check(subject);
        }
    }

    private static String word(RedirectStatus status) {
        return switch (status) {
            case RedirectStatus.Captured captured -> "captured";
            case RedirectStatus.NotCaptured not -> "not captured";
            case RedirectStatus.Partial partial -> "partly captured";
        };
    }

    private static List<String> reasons(RedirectStatus status) {
        return status instanceof RedirectStatus.Partial partial ? partial.reasons() : List.of();
    }

    static String text(RedirectStatus status) {
        List<String> reasons = reasons(status);
        return word(status) + (reasons.isEmpty() ? "" : ": " + String.join("; ", reasons));
    }

    static String json(Path netns, RedirectStatus status) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField("netns", netns.toString());
            json.writeStringField("status", word(status));
            json.writeArrayFieldStart("reasons");
            for (String reason : reasons(status)) {
                json.writeString(reason);
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        return text.toString();
    }
}
