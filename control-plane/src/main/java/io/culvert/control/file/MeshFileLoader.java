package io.culvert.control.file;

import io.culvert.protocol.identity.TrustDomain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a {@code mesh.yaml} and tells whether anything came of it that was not said before.
 *
 * <p>Runs on: one thread at a time.
 */
final class MeshFileLoader {
    private static final int VERSION_BYTES = 8;

    private final Path file;
    private final MeshFile.Settings byDefault;
    private final @Nullable TrustDomain certified;
    private final InstantSource clock;
    private String said = "";

    MeshFileLoader(Path file, MeshFile.Settings byDefault, @Nullable TrustDomain certified, InstantSource clock) {
        this.file = file;
        this.byDefault = byDefault;
        this.certified = certified;
        this.clock = clock;
    }

    /** An outcome unless it is the one told last; then null. */
    @Nullable
    MeshFileUpdate news(MeshFileUpdate update) {
        String outcome = switch (update) {
            case MeshFileUpdate.Loaded loaded -> loaded.version();
            case MeshFileUpdate.Rejected rejected -> rejected.errors().toString();
        };
        if (outcome.equals(said)) {
            return null;
        }
        said = outcome;
        return update;
    }

    /** Reads the file. */
    MeshFileUpdate read() {
        byte[] bytes;
        try {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                return rejected("it is not a regular file", "name a file");
            }
            try (var in = Files.newInputStream(file)) {
                bytes = in.readNBytes(MeshFileParser.BYTES_MAX + 1);
            }
        } catch (NoSuchFileException e) {
            return rejected("the file does not exist", "create it, or correct the path");
        } catch (IOException e) {
            return rejected("the file cannot be read: " + e.getClass().getSimpleName(), "check its permissions");
        }
        return switch (MeshFileParser.parse(file.toString(), bytes, byDefault, certified)) {
            case MeshFileParser.Result.Accepted accepted ->
                new MeshFileUpdate.Loaded(accepted.mesh(), version(bytes), clock.instant());
            case MeshFileParser.Result.Refused refused ->
                new MeshFileUpdate.Rejected(refused.errors(), clock.instant());
        };
    }

    MeshFileUpdate.Rejected rejected(String reason, String fix) {
        MeshFileError error = new MeshFileError(file.toString(), 0, 0, "", reason, fix);
        return new MeshFileUpdate.Rejected(List.of(error), clock.instant());
    }

    private static String version(byte[] bytes) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
            return HexFormat.of().formatHex(hash, 0, VERSION_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }
}
