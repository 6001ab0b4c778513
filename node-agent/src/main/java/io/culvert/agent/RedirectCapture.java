package io.culvert.agent;

import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.CaptureConfig;
import io.culvert.agent.pods.Capture;
import io.culvert.cni.redirect.Iptables;
import io.culvert.cni.redirect.RedirectApplier;
import io.culvert.cni.redirect.RedirectException;
import io.culvert.cni.redirect.RedirectOutcome;
import io.culvert.cni.redirect.RedirectSpec;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Capture by iptables redirect rules in the pod's network namespace. */
final class RedirectCapture implements Capture {
    private static final System.Logger LOG = System.getLogger(RedirectCapture.class.getName());

    /** Where the lock files of iptables are, of all agents and commands of this machine. */
    private static final Path LOCKS = Path.of("/run/culvert/locks");

    private final RedirectApplier applier;
    private final RedirectSpec spec;
    private final CaptureLedger ledger;

    private RedirectCapture(RedirectApplier applier, RedirectSpec spec, CaptureLedger ledger) {
        this.applier = applier;
        this.spec = spec;
        this.ledger = ledger;
    }

    /** Looks for the iptables to use. */
    static RedirectCapture detect(AgentConfig config) throws RedirectException {
        RedirectApplier applier = applier();
        LOG.log(System.Logger.Level.INFO, () -> "redirect rules are written by " + applier);
        // A machine may be several nodes, as in a laboratory.
        String node = "node-" + URLEncoder.encode(config.node().name(), StandardCharsets.UTF_8);
        CaptureConfig capture = CaptureConfig.of(config);
        Path notes = CaptureLedger.folder(capture.stateDirectory()).resolve(node);
        return new RedirectCapture(applier, spec(capture), new CaptureLedger(notes));
    }

    /** Writes rules with the iptables that fits this machine. */
    static RedirectApplier applier() throws RedirectException {
        return new RedirectApplier(Iptables.detect(Iptables.Choice.DETECT), LOCKS);
    }

    static RedirectSpec spec(CaptureConfig config) {
        return new RedirectSpec(
                new RedirectSpec.Ports(
                        config.ports().outbound(),
                        config.ports().passthrough(),
                        config.ports().inbound(),
                        config.dns().port()),
                new RedirectSpec.Marks(
                        config.packetMark(),
                        RedirectSpec.Marks.STANDARD.connection(),
                        RedirectSpec.Marks.STANDARD.mask()),
                RedirectSpec.Probes.STANDARD,
                RedirectSpec.Options.STANDARD.withDns(config.dns().isOn(false)),
                config.ipv6());
    }

    @Override
    public void begin(PodNetns netns, Path name) throws CaptureException {
        try {
            refuseOwn(netns);
            // Noted first: rules that nobody knows of would stay for ever.
            ledger.add(netns, name);
            RedirectOutcome outcome = applier.apply(pathOf(netns), spec);
            for (String finding : outcome.findings()) {
                LOG.log(System.Logger.Level.WARNING, () -> "redirect rules: " + finding);
            }
        } catch (RedirectException e) {
            throw new CaptureException(String.valueOf(e.getMessage()), e);
        } catch (IOException e) {
            throw new CaptureException("it cannot be noted that the pod is captured: " + e, e);
        }
    }

    private static void refuseOwn(PodNetns netns) throws CaptureException {
        try (PodNetns own = PodNetns.current()) {
            if (netns.sameNamespaceAs(own)) {
                throw new CaptureException(
                        "this is the agent's own network namespace; rules here would capture the node and the agent itself",
                        null);
            }
        } catch (ShimException e) {
            throw new CaptureException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void end(PodNetns netns) throws CaptureException {
        try {
            applier.remove(pathOf(netns), spec);
            ledger.remove(netns);
        } catch (RedirectException e) {
            throw new CaptureException(String.valueOf(e.getMessage()), e);
        } catch (IOException e) {
            throw new CaptureException("it cannot be noted that the pod is released: " + e, e);
        }
    }

    @Override
    public Optional<List<Path>> captured() throws CaptureException {
        try {
            return ledger.claim() ? Optional.of(ledger.names()) : Optional.empty();
        } catch (IOException e) {
            throw new CaptureException("what was captured before cannot be read: " + e, e);
        }
    }

    /** The very namespace that is open, whatever its name points to by now. */
    private static Path pathOf(PodNetns netns) {
        return Path.of("/proc/" + ProcessHandle.current().pid() + "/fd/" + netns.fd());
    }
}
