package io.culvert.control.file;

import java.time.Instant;
import java.util.List;

/** What became of a {@code mesh.yaml} when it was read. */
public sealed interface MeshFileUpdate {
    /** When it was read. */
    Instant at();

    /**
     * It holds from now on.
     *
     * @param mesh what it says
     * @param version hash of the file's bytes, 16 hex digits
     * @param at when it was read
     */
    record Loaded(MeshFile mesh, String version, Instant at) implements MeshFileUpdate {}

    /**
     * It is bad; what was loaded before, if anything, still holds.
     *
     * @param errors at least one, at most {@link MeshFileParser#ERRORS_MAX}
     * @param at when it was read
     */
    record Rejected(List<MeshFileError> errors, Instant at) implements MeshFileUpdate {
        public Rejected {
            errors = List.copyOf(errors);
        }
    }
}
