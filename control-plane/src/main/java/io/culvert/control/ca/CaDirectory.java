package io.culvert.control.ca;

import io.culvert.protocol.identity.TrustDomain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The directory that is a mesh's certificate authority, shared by all agents of the mesh and kept across restarts.
 *
 * <table>
 * <caption>Its files</caption>
 * <tr><td>directory</td><td>0700</td><td>so that nobody else can exchange a file</td></tr>
 * <tr><td>signer.pem</td><td>0600</td><td>private key and certificate of the root that signs</td></tr>
 * <tr><td>roots.pem</td><td>0644</td><td>every root to trust, the signing one among them</td></tr>
 * <tr><td>next.pem</td><td>0600</td><td>only during a rotation: the root that will sign next</td></tr>
 * </table>
 *
 * <p>Runs on: any control thread; it reads files. {@link #current()} on any thread.
 *
 * <p>Bounds: 64 KiB a file, 16 roots.
 *
 * <p>Errors: {@link CaException}; a failed {@link #reload()} keeps what was read before.
 */
public final class CaDirectory {
    public static final Duration ROOT_VALIDITY_DEFAULT = Duration.ofDays(3650);
    public static final Duration ROOT_VALIDITY_MAX = Duration.ofDays(36_500);

    /** Writers replace roots.pem and signer.pem one after the other, so a reader may see a pair that never was. */
    private static final int READ_ATTEMPTS_MAX = 3;

    private final CaFiles files;
    private final InstantSource clock;
    private final SecureRandom random;
    private volatile State current;

    private CaDirectory(CaFiles files, InstantSource clock, SecureRandom random, State current) {
        this.files = files;
        this.clock = clock;
        this.random = random;
        this.current = current;
    }

    /**
     * What the directory held when it was last read.
     *
     * @param stamp tells versions of the files apart
     * @param signer the root that signs
     * @param roots every root to trust
     * @param trustDomain the trust domain of all its certificates
     */
    record State(String stamp, Signer signer, List<X509Certificate> roots, TrustDomain trustDomain) {}

    /**
     * Makes the directory and a new root in it; the directory may exist if it is empty.
     *
     * <p>Errors: {@link CaException} with {@code WOULD_OVERWRITE} where anything else is in it.
     *
     * @param validity of the root, up to {@link #ROOT_VALIDITY_MAX}
     */
    public static CaDirectory init(
            Path dir, TrustDomain trustDomain, Duration validity, InstantSource clock, SecureRandom random)
            throws CaException {
        if (validity.compareTo(Duration.ofMinutes(1)) < 0 || validity.compareTo(ROOT_VALIDITY_MAX) > 0) {
            throw new CaException(
                    CaException.Code.TTL_OUT_OF_BOUNDS,
                    "a root is valid for a minute to " + ROOT_VALIDITY_MAX.toDays() + " days, not " + validity);
        }
        CaFiles files = new CaFiles(dir);
        files.createDirectory();
        files.exclusively(() -> {
            requireEmpty(dir);
            files.removeTemporaries();
            Signer signer = RootCertificate.generate(trustDomain, validity, clock.instant(), random);
            files.writePublic(CaFiles.ROOTS, CaPem.text(List.of(signer.certificate())), random);
            // Written last: the directory is an authority from here on.
            files.writeSecret(CaFiles.SIGNER, CaPem.text(signer.key(), signer.certificate()), random);
            return signer;
        });
        return open(dir, clock, random);
    }

    private static void requireEmpty(Path dir) throws CaException {
        // What an interrupted init leaves is overwritten: without signer.pem it was never in use.
        Set<String> leftovers = Set.of(CaFiles.LOCK, CaFiles.ROOTS);
        try (var entries = Files.newDirectoryStream(dir)) {
            for (Path entry : entries) {
                String name = String.valueOf(entry.getFileName());
                if (!leftovers.contains(name) && !name.startsWith(CaFiles.TEMPORARY_PREFIX)) {
                    throw new CaException(
                            CaException.Code.WOULD_OVERWRITE,
                            dir + " holds " + name + " already; name a directory that is empty or does not exist");
                }
            }
        } catch (IOException e) {
            throw new CaException(CaException.Code.IO, "cannot list " + dir, e);
        }
    }

    /** Reads and checks the directory: owner, modes, key against certificate, validity. */
    public static CaDirectory open(Path dir, InstantSource clock, SecureRandom random) throws CaException {
        CaFiles files = new CaFiles(dir);
        State state = read(files, random);
        RootCertificate.requireValid(state.signer().certificate(), clock.instant());
        return new CaDirectory(files, clock, random, state);
    }

    /**
     * Reads the directory again if its files changed; to be called every few seconds.
     *
     * @return true when something changed
     */
    public synchronized boolean reload() throws CaException {
        files.requireSafeDirectory();
        if (files.stamp().equals(current.stamp())) {
            return false;
        }
        State state = read(files, random);
        RootCertificate.requireValid(state.signer().certificate(), clock.instant());
        if (!state.trustDomain().equals(current.trustDomain())) {
            throw new CaException(
                    CaException.Code.WRONG_TRUST_DOMAIN,
                    "the directory now holds an authority of " + state.trustDomain() + " instead of "
                            + current.trustDomain()
                            + "; put the former one back, or restart with a mesh of its trust domain");
        }
        boolean changed = !state.roots().equals(current.roots())
                || !state.signer().certificate().equals(current.signer().certificate());
        current = state;
        return changed;
    }

    /** Reads signer and roots until they belong together. */
    static State read(CaFiles files, SecureRandom random) throws CaException {
        files.requireSafeDirectory();
        for (int attempt = 0; attempt < READ_ATTEMPTS_MAX; attempt++) {
            String stamp = files.stamp();
            Signer signer = readSigner(files, CaFiles.SIGNER, random);
            List<X509Certificate> roots = readRoots(files);
            if (roots.contains(signer.certificate())) {
                TrustDomain trustDomain = RootCertificate.trustDomain(files.path(CaFiles.SIGNER), signer.certificate());
                return new State(stamp, signer, roots, trustDomain);
            }
        }
        throw new CaException(
                CaException.Code.CORRUPT,
                files.path(CaFiles.ROOTS) + " does not hold the certificate of " + files.path(CaFiles.SIGNER)
                        + "; add it, or peers will refuse every certificate");
    }

    static Signer readSigner(CaFiles files, String name, SecureRandom random) throws CaException {
        Path file = files.path(name);
        Signer signer = CaPem.signer(file, files.readSecret(name));
        RootCertificate.requireRoot(file, signer.certificate());
        if (!signer.keyMatches(random)) {
            throw new CaException(
                    CaException.Code.KEY_MISMATCH,
                    file + ": the private key does not belong to the certificate; restore the file from a backup");
        }
        return signer;
    }

    private static List<X509Certificate> readRoots(CaFiles files) throws CaException {
        Path file = files.path(CaFiles.ROOTS);
        List<X509Certificate> roots = new ArrayList<>();
        for (X509Certificate root : CaPem.certificates(file, files.readPublic(CaFiles.ROOTS))) {
            RootCertificate.requireRoot(file, root);
            if (!roots.contains(root)) {
                roots.add(root);
            }
        }
        return List.copyOf(roots);
    }

    State current() {
        return current;
    }

    /** The trust domain of every certificate it issues. */
    public TrustDomain trustDomain() {
        return current.trustDomain();
    }

    /** Every root to trust, the signing one among them. */
    public List<X509Certificate> roots() {
        return current.roots();
    }

    /** The certificate of the root that signs. */
    public X509Certificate signingRoot() {
        return current.signer().certificate();
    }
}
