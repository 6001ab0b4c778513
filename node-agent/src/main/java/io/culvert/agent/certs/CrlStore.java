package io.culvert.agent.certs;

import io.culvert.agent.base.Pem;
import io.culvert.agent.base.WatchedFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.CRLException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The certificate revocation lists of a file, kept in step with it. A file that cannot be read, or that goes away,
 * changes nothing but {@link #problem}; an empty one revokes nothing, and so does one that was never there.
 *
 * <p>Runs on: {@link #current} on any; {@link #look} on one control thread, on which whoever listens is told. Bounds: a file of
 * 32 MiB.
 */
public final class CrlStore {
    private static final System.Logger LOG = System.getLogger(CrlStore.class.getName());
    private static final int BYTES_MAX = 32 << 20;
    private static final String CRL_LABEL = "X509 CRL";

    private final @Nullable WatchedFile file;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private String inForce = WatchedFile.ABSENT;
    private String seen = WatchedFile.ABSENT;
    private volatile Revocations current = Revocations.NONE;
    private volatile @Nullable String problem;

    private CrlStore(@Nullable WatchedFile file) {
        this.file = file;
    }

    /** Revokes nothing, ever. */
    public static CrlStore none() {
        return new CrlStore(null);
    }

    /** Follows a file, which may not exist yet; reads it now. */
    public static CrlStore of(Path path) {
        CrlStore store = new CrlStore(new WatchedFile(path, BYTES_MAX));
        String now = new WatchedFile(path, BYTES_MAX).stamp();
        store.seen = now;
        store.take(now);
        return store;
    }

    public Revocations current() {
        return current;
    }

    /** Why the newest file is not in force, null when it is. */
    public @Nullable String problem() {
        return problem;
    }

    /** Ends what was registered. */
    @FunctionalInterface
    public interface Registration extends AutoCloseable {
        @Override
        void close();
    }

    /** Has an action run after each change. */
    public Registration onChange(Runnable action) {
        // Two that are equal are two.
        Runnable own = new Runnable() {
            @Override
            public void run() {
                action.run();
            }
        };
        listeners.add(own);
        return () -> listeners.remove(own);
    }

    /**
     * Takes a file that changed and then stayed the same from one look to the next, so that one that is being written is not
     * taken; to be called every second or two.
     */
    public void look() {
        WatchedFile watched = file;
        if (watched == null) {
            return;
        }
        String now = watched.stamp();
        boolean settled = now.equals(seen);
        seen = now;
        if (settled && !now.equals(inForce) && take(now)) {
            listeners.forEach(Runnable::run);
        }
    }

    /** Whether something else is in force now. */
    private boolean take(String stamp) {
        WatchedFile watched = file;
        if (watched == null || stamp.equals(inForce)) {
            return false;
        }
        inForce = stamp;
        try {
            if (stamp.equals(WatchedFile.ABSENT)) {
                throw new IOException("it is gone; an empty file takes all back");
            }
            current = new Revocations(parse(watched.read()));
            problem = null;
            LOG.log(
                    System.Logger.Level.INFO,
                    () -> "revocation lists of " + watched.path() + " are in force: " + current.revokedCount()
                            + " certificates are revoked");
            return true;
        } catch (IOException | CRLException | CertificateException | IllegalArgumentException e) {
            String sentence = watched.path() + " cannot be read: " + e.getMessage();
            problem = sentence;
            LOG.log(System.Logger.Level.ERROR, () -> sentence + "; the revocation lists from before stay in force");
            return false;
        }
    }

    /** The lists of a file: PEM with any number of them, other blocks skipped, or one in DER. */
    static List<X509CRL> parse(byte[] content) throws CertificateException, CRLException {
        List<X509CRL> lists = new ArrayList<>();
        String text = new String(content, StandardCharsets.ISO_8859_1);
        if (text.isBlank()) {
            return lists;
        }
        if (!Pem.isPem(text)) {
            lists.add(list(content));
            return lists;
        }
        for (Pem.Block block : Pem.parse(text)) {
            if (block.label().equals(CRL_LABEL)) {
                lists.add(list(block.der()));
            }
        }
        return lists;
    }

    private static X509CRL list(byte[] der) throws CertificateException, CRLException {
        return (X509CRL) CertificateFactory.getInstance("X.509").generateCRL(new ByteArrayInputStream(der));
    }
}
