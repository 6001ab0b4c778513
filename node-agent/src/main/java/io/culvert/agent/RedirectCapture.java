package io.culvert.agent;

import io.culvert.agent.config.AgentConfig;
import io.culvert.agent.config.CaptureConfig;
import io.culvert.agent.config.MeshConfig;
import io.culvert.agent.pods.Capture;
import io.culvert.cni.redirect.NamespaceLock;
import io.culvert.cni.redirect.RedirectApplier;
import io.culvert.cni.redirect.RedirectException;
import io.culvert.cni.redirect.RedirectOutcome;
import io.culvert.cni.redirect.RedirectSpec;
import io.culvert.cni.redirect.RedirectStatus;
import io.culvert.cni.redirect.RedirectWatch;
import io.culvert.shim.PodNetns;
import io.culvert.shim.ShimException;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Capture by iptables redirect rules in the pod's network namespace. */
final class RedirectCapture implements Capture {
    private static final System.Logger LOG = System.getLogger(RedirectCapture.class.getName());

    /** All pods wait meanwhile, and what fails is tried again. */
    private static final Duration LOCK_TIME_MAX = Duration.ofSeconds(5);

    private final RedirectApplier applier;
    private final RedirectSpec spec;
    private final CaptureLedger ledger;

    private RedirectCapture(RedirectApplier applier, RedirectSpec spec, CaptureLedger ledger) {
        this.applier = applier;
        this.spec = spec;
        this.ledger = ledger;
    }

    /** Looks for the iptables to use, and whether what is captured can be noted. */
    static RedirectCapture detect(AgentConfig config) throws RedirectException, IOException {
        CaptureLedger ledger = ledger(config);
        RedirectApplier applier = RedirectApplier.detect();
        LOG.log(System.Logger.Level.INFO, () -> "redirect rules are written by " + applier);
        return new RedirectCapture(applier, spec(CaptureConfig.of(config)), ledger);
    }

    private static CaptureLedger ledger(AgentConfig config) throws IOException {
        Path state = config.process().stateDirectory();
        // A machine may be several nodes, as in a laboratory.
        String node = "node-" + URLEncoder.encode(config.node().name(), StandardCharsets.UTF_8);
        CaptureLedger ledger = new CaptureLedger(CaptureLedger.folder(state).resolve(node), source(config));
        try {
            ledger.prepare();
            return ledger;
        } catch (IOException e) {
            throw new IOException(
                    "the state directory " + state
                            + " cannot be used, so it could not be noted which pods are captured: " + reason(e)
                            + "; name a folder that can be written with --state-dir",
                    e);
        }
    }

    private static String reason(IOException e) {
        return switch (e) {
            case AccessDeniedException denied -> denied.getFile() + ": permission denied";
            case FileAlreadyExistsException exists -> exists.getFile() + " is no folder";
            case NoSuchFileException absent -> absent.getFile() + " cannot be made";
            default -> String.valueOf(e.getMessage());
        };
    }

    private static String source(AgentConfig config) {
        return config.mesh().source() instanceof MeshConfig.MeshFile(Path file)
                ? file.toAbsolutePath().normalize().toString()
                : "";
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
                config.tcp()
                        ? RedirectSpec.Options.STANDARD.withDns(config.dns().isOn(false))
                        : RedirectSpec.Options.DNS_ALONE,
                config.ipv6());
    }

    @Override
    public void begin(PodNetns netns, Path name) throws CaptureException {
        Path path = pathOf(netns);
        refuseOwn(netns);
        try (NamespaceLock _ = applier.lock(path, LOCK_TIME_MAX)) {
            if (!ledger.claim()) {
                LOG.log(System.Logger.Level.DEBUG, "another agent of this node runs");
            }
            // Noted first: rules that nobody knows of would stay for ever.
            ledger.add(netns, name);
            write(path);
        } catch (RedirectException e) {
            throw new CaptureException(String.valueOf(e.getMessage()), e);
        } catch (IOException e) {
            throw new CaptureException("it cannot be noted that the pod is captured: " + e, e);
        }
    }

    private void write(Path netns) throws RedirectException {
        RedirectOutcome outcome = applier.apply(netns, spec);
        for (String finding : outcome.findings()) {
            LOG.log(System.Logger.Level.WARNING, () -> "redirect rules: " + finding);
        }
    }

    @Override
    public boolean isForgotten(PodNetns netns) {
        try {
            return !ledger.has(netns) && ledger.holder(netns) == CaptureLedger.Holder.NOBODY;
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "what is captured cannot be read", e);
            return false;
        }
    }

    @Override
    public void mend(PodNetns netns, Path name, Consumer<List<String>> onDamage) throws CaptureException {
        Path path = pathOf(netns);
        try (NamespaceLock _ = applier.lock(path, LOCK_TIME_MAX)) {
            CaptureLedger.Holder holder = ledger.holder(netns);
            if (holder == CaptureLedger.Holder.ANOTHER) {
                // It is being moved; its rules are the other's matter.
                return;
            }
            if (holder != CaptureLedger.Holder.OURS) {
                ledger.add(netns, name);
            }
            List<String> missing = missing(applier.check(path, spec));
            if (!missing.isEmpty()) {
                onDamage.accept(missing);
                write(path);
            }
        } catch (RedirectException e) {
            throw new CaptureException(String.valueOf(e.getMessage()), e);
        } catch (IOException e) {
            throw new CaptureException("it cannot be noted that the pod is captured: " + e, e);
        }
    }

    @Override
    public Watch watch(PodNetns netns) throws CaptureException {
        try {
            return new RulesWatch(applier.watch(netns, spec));
        } catch (RedirectException e) {
            throw new CaptureException(String.valueOf(e.getMessage()), e);
        }
    }

    private record RulesWatch(RedirectWatch rules) implements Watch {
        @Override
        public boolean isTold() {
            return rules.isTold();
        }

        @Override
        public boolean noticed() throws CaptureException {
            try {
                return rules.noticed();
            } catch (RedirectException e) {
                throw new CaptureException(String.valueOf(e.getMessage()), e);
            }
        }

        @Override
        public boolean compared() throws CaptureException {
            try {
                return rules.compared();
            } catch (RedirectException e) {
                throw new CaptureException(String.valueOf(e.getMessage()), e);
            }
        }

        @Override
        public void close() {
            rules.close();
        }
    }

    private static List<String> missing(RedirectStatus status) {
        return switch (status) {
            case RedirectStatus.Captured captured -> List.of();
            case RedirectStatus.Partial partial -> partial.reasons();
            case RedirectStatus.NotCaptured not -> List.of("all of them are missing");
        };
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
    public boolean end(PodNetns netns) throws CaptureException {
        return release(netns, CaptureLedger.Holder.ABANDONED);
    }

    @Override
    public boolean endAbandoned(PodNetns netns) throws CaptureException {
        return release(netns, CaptureLedger.Holder.OURS);
    }

    /** Releases it unless it is somebody's who serves it, or this one's. */
    private boolean release(PodNetns netns, CaptureLedger.Holder but) throws CaptureException {
        Path path = pathOf(netns);
        try (NamespaceLock _ = applier.lock(path, LOCK_TIME_MAX)) {
            CaptureLedger.Holder holder = ledger.holder(netns);
            boolean released = holder != CaptureLedger.Holder.ANOTHER && holder != but;
            if (released) {
                applier.remove(path, spec);
                ledger.removeFromAll(netns);
            } else if (holder != CaptureLedger.Holder.OURS) {
                ledger.remove(netns);
            }
            return released;
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

    @Override
    public List<Path> abandoned() throws CaptureException {
        try {
            return ledger.abandoned();
        } catch (IOException e) {
            throw new CaptureException("what other nodes captured before cannot be read: " + e, e);
        }
    }

    /** The very namespace that is open, whatever its name points to by now. */
    private static Path pathOf(PodNetns netns) {
        return Path.of("/proc/" + ProcessHandle.current().pid() + "/fd/" + netns.fd());
    }
}
