package io.culvert.control.ca;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/**
 * Replaces a mesh's root without a moment in which a peer is refused, in three steps that an operator takes:
 *
 * <ol>
 *   <li>{@link #prepare}: a new root is made and trusted beside the old one; wait until every agent renewed once.
 *   <li>{@link #activate}: the new root signs; wait until every certificate of the old one has expired.
 *   <li>{@link #finish}: only the new root is trusted.
 * </ol>
 *
 * <p>Runs on: any control thread. Each step is atomic and may be repeated after a crash.
 *
 * <p>Errors: {@link CaException} with {@code ROTATION_ORDER} for a step out of order.
 */
public final class CaRotation {
    private final CaFiles files;
    private final InstantSource clock;
    private final SecureRandom random;

    public CaRotation(Path dir, InstantSource clock, SecureRandom random) {
        this.files = new CaFiles(dir);
        this.clock = clock;
        this.random = random;
    }

    /** Makes the next root and lets it be trusted. */
    public X509Certificate prepare(Duration validity) throws CaException {
        CaDirectory.State before = CaDirectory.read(files, random);
        return files.exclusively(() -> {
            files.removeTemporaries();
            if (!files.exists(CaFiles.NEXT_SIGNER)) {
                Signer made = RootCertificate.generate(before.trustDomain(), validity, clock.instant(), random);
                files.writeSecret(CaFiles.NEXT_SIGNER, CaPem.text(made.key(), made.certificate()), random);
            }
            X509Certificate next =
                    CaDirectory.readSigner(files, CaFiles.NEXT_SIGNER, random).certificate();
            List<X509Certificate> roots =
                    new ArrayList<>(CaDirectory.read(files, random).roots());
            if (!roots.contains(next)) {
                roots.add(next);
                files.writePublic(CaFiles.ROOTS, CaPem.text(roots), random);
            }
            return next;
        });
    }

    /** Lets the next root sign; it must be trusted already. */
    public X509Certificate activate() throws CaException {
        files.requireSafeDirectory();
        return files.exclusively(() -> {
            if (!files.exists(CaFiles.NEXT_SIGNER)) {
                throw order("no next root was prepared; run 'culvert-agent ca rotate prepare' first");
            }
            Signer next = CaDirectory.readSigner(files, CaFiles.NEXT_SIGNER, random);
            if (!CaDirectory.read(files, random).roots().contains(next.certificate())) {
                throw order("the next root is not trusted yet; run 'culvert-agent ca rotate prepare' again");
            }
            RootCertificate.requireValid(next.certificate(), clock.instant());
            files.rename(CaFiles.NEXT_SIGNER, CaFiles.SIGNER);
            return next.certificate();
        });
    }

    /** Ends the trust in every root but the one that signs. */
    public X509Certificate finish() throws CaException {
        files.requireSafeDirectory();
        return files.exclusively(() -> {
            if (files.exists(CaFiles.NEXT_SIGNER)) {
                throw order("the next root does not sign yet; run 'culvert-agent ca rotate activate' first");
            }
            X509Certificate root = CaDirectory.read(files, random).signer().certificate();
            files.writePublic(CaFiles.ROOTS, CaPem.text(List.of(root)), random);
            return root;
        });
    }

    private static CaException order(String why) {
        return new CaException(CaException.Code.ROTATION_ORDER, why);
    }
}
