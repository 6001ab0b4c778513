package io.culvert.agent;

import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.pods.Capture;
import io.culvert.cni.redirect.Iptables;
import io.culvert.cni.redirect.RedirectApplier;
import io.culvert.cni.redirect.RedirectException;
import io.culvert.cni.redirect.RedirectOutcome;
import io.culvert.cni.redirect.RedirectSpec;
import java.nio.file.Path;

/** Capture by iptables redirect rules in the pod's network namespace. */
final class RedirectCapture implements Capture {
    private static final System.Logger LOG = System.getLogger(RedirectCapture.class.getName());
    /** The rules' own port for DNS; not captured yet. */
    private static final int DNS_PORT = 15_053;

    private final RedirectApplier applier;
    private final RedirectSpec spec;

    private RedirectCapture(RedirectApplier applier, RedirectSpec spec) {
        this.applier = applier;
        this.spec = spec;
    }

    /** Looks for the iptables to use. */
    static RedirectCapture detect(AgentConfig config) throws RedirectException {
        Iptables iptables = Iptables.detect(Iptables.Choice.DETECT);
        LOG.log(System.Logger.Level.INFO, () -> "redirect rules are written with " + iptables);
        RedirectApplier applier = new RedirectApplier(iptables, Path.of("/run/culvert/locks"));
        return new RedirectCapture(applier, spec(config));
    }

    static RedirectSpec spec(AgentConfig config) {
        return new RedirectSpec(
                new RedirectSpec.Ports(
                        config.ports().outbound(),
                        config.ports().passthrough(),
                        config.ports().inbound(),
                        DNS_PORT),
                new RedirectSpec.Marks(
                        config.proxy().sockets().packetMark(),
                        RedirectSpec.Marks.STANDARD.connection(),
                        RedirectSpec.Marks.STANDARD.mask()),
                RedirectSpec.Probes.STANDARD,
                RedirectSpec.Options.STANDARD,
                config.proxy().sockets().ipv6());
    }

    @Override
    public void begin(Path netns) throws CaptureException {
        try {
            RedirectOutcome outcome = applier.apply(netns, spec);
            for (String finding : outcome.findings()) {
                LOG.log(System.Logger.Level.WARNING, () -> "redirect rules: " + finding);
            }
        } catch (RedirectException e) {
            throw new CaptureException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void end(Path netns) throws CaptureException {
        try {
            applier.remove(netns, spec);
        } catch (RedirectException e) {
            throw new CaptureException(String.valueOf(e.getMessage()), e);
        }
    }
}
