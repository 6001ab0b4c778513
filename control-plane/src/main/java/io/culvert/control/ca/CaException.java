package io.culvert.control.ca;

import org.jspecify.annotations.Nullable;

/** The certificate authority could not, or would not, do what was asked; the message names the cause and the fix. */
public final class CaException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Code code;
    private final String text;

    public CaException(Code code, String message) {
        this(code, message, null);
    }

    public CaException(Code code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
        this.text = message;
    }

    public Code code() {
        return code;
    }

    /** Cause and fix, in a sentence. */
    @Override
    public String getMessage() {
        return text;
    }

    /** What kind of failure it is. */
    public enum Code {
        /** A file could not be read or written. */
        IO(true),
        /** The directory holds no authority yet. */
        NOT_INITIALISED(true),
        /** The directory holds an authority already, or other people's files. */
        WOULD_OVERWRITE(false),
        /** A file or the directory belongs to another user. */
        WRONG_OWNER(false),
        /** Others than the owner may read or write what only the owner may. */
        UNSAFE_MODE(false),
        /** A file does not hold what it should. */
        CORRUPT(false),
        /** The private key does not belong to the root certificate. */
        KEY_MISMATCH(false),
        /** The root certificate has expired. */
        ROOT_EXPIRED(false),
        /** The root certificate is not valid yet: some clock is wrong. */
        ROOT_NOT_YET_VALID(true),
        /** A root rotation step came out of order. */
        ROTATION_ORDER(false),
        /** The signing request is malformed or asks for what is never granted. */
        BAD_REQUEST(false),
        /** The signing request's key is not an ECDSA P-256 key. */
        KEY_NOT_ALLOWED(false),
        /** The signing request is not signed by the key it names. */
        NO_PROOF_OF_POSSESSION(false),
        /** The signing request names another identity than the one to certify. */
        IDENTITY_MISMATCH(false),
        /** The identity is of another trust domain. */
        WRONG_TRUST_DOMAIN(false),
        /** The lifetime asked for is outside the bounds. */
        TTL_OUT_OF_BOUNDS(false);

        private final boolean retryable;

        Code(boolean retryable) {
            this.retryable = retryable;
        }

        /** True when the same request may succeed later without anybody changing it. */
        public boolean retryable() {
            return retryable;
        }
    }
}
