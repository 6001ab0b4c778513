package io.culvert.agent.tls;

import io.culvert.shim.Errno;
import io.culvert.shim.KernelTls;
import io.culvert.shim.ShimException;
import java.util.EnumMap;
import java.util.Map;

/**
 * Whether this kernel can make and read the records of tunnels, asked from it once at start.
 *
 * <p>Runs on: any.
 *
 * @param ciphers those that it knows, and of each whether keys can be changed while a connection lives (Linux 6.14)
 * @param status a sentence for the log and the configuration dump
 */
public record KernelTlsSupport(Map<KernelTls.Cipher, Boolean> ciphers, String status) {
    /** Nobody asked for it. */
    public static final KernelTlsSupport OFF = new KernelTlsSupport(Map.of(), "turned off");

    /** Before this version what is spliced may come out of order behind what was read. */
    private static final int MAJOR_MIN = 6;

    public KernelTlsSupport {
        ciphers = Map.copyOf(ciphers);
    }

    /** Tries each cipher on a connection of its own. */
    public static KernelTlsSupport probe() {
        return probe(System.getProperty("os.version", ""), KernelTls::probe);
    }

    /** Tries one cipher: whether its keys can be changed later. */
    @FunctionalInterface
    interface Trial {
        boolean of(KernelTls.Cipher cipher) throws ShimException;
    }

    static KernelTlsSupport probe(String release, Trial trial) {
        if (majorOf(release) < MAJOR_MIN) {
            return new KernelTlsSupport(Map.of(), "not used: kernel " + release + " is older than " + MAJOR_MIN + ".0");
        }
        Map<KernelTls.Cipher, Boolean> known = new EnumMap<>(KernelTls.Cipher.class);
        String refusal = "";
        for (KernelTls.Cipher cipher : KernelTls.Cipher.values()) {
            try {
                known.put(cipher, trial.of(cipher));
            } catch (ShimException e) {
                refusal = e.is(Errno.ENOENT)
                        ? "the kernel has no TLS; load its module tls to have tunnels' payload spliced"
                        : String.valueOf(e.getMessage());
            }
        }
        if (known.isEmpty()) {
            return new KernelTlsSupport(known, "not there: " + refusal);
        }
        boolean all = known.values().stream().allMatch(changes -> changes);
        return new KernelTlsSupport(
                known,
                "in use for " + known.keySet()
                        + (all
                                ? ""
                                : "; a peer that changes its keys is disconnected, which takes Linux 6.14 to follow"));
    }

    private static int majorOf(String release) {
        int end = release.indexOf('.');
        try {
            return end < 0 ? 0 : Integer.parseInt(release.substring(0, end));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** Whether there is any use for it. */
    public boolean isThere() {
        return !ciphers.isEmpty();
    }
}
