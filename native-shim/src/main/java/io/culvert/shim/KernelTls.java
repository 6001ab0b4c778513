package io.culvert.shim;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;

/**
 * TLS 1.3 records made and read by the kernel, on a connected socket whose handshake was done elsewhere: what is written to the
 * descriptor, or spliced, leaves as records, and what is read from it has been decrypted.
 *
 * <p>Runs on: any, one thread at a time per descriptor. Owns: nothing; keys are wiped from native memory as soon as the kernel
 * has them. Bounds: a record of our own has at most {@value Scratch#RECORD_BYTES} octets.
 *
 * <p>Source: the kernel's Documentation/networking/tls.rst; RFC 8446, sections 5.1 and 7.3.
 */
public final class KernelTls {
    /** What {@link #receive} answers when nothing has come. */
    public static final long AGAIN = -1;
    /** What it answers at the end of the connection. */
    public static final long END = 0;

    private KernelTls() {}

    /** What a record is protected with. */
    public enum Cipher {
        AES_128_GCM(1, 16),
        AES_256_GCM(2, 32),
        CHACHA20_POLY1305(3, 32);

        private final int number;
        private final int keyBytes;

        Cipher(int number, int keyBytes) {
            this.number = number;
            this.keyBytes = keyBytes;
        }

        int number() {
            return number;
        }

        public int keyBytes() {
            return keyBytes;
        }
    }

    /** The keys of one direction. */
    public static final class Keys {
        /** The nonce's length in octets. */
        public static final int IV_BYTES = 12;

        private final Cipher cipher;
        private final byte[] key;
        private final byte[] iv;

        /**
         * Keys; the arrays are the result's from now on.
         *
         * @param key as long as the cipher's are
         * @param iv {@value #IV_BYTES} octets
         */
        public Keys(Cipher cipher, byte[] key, byte[] iv) {
            if (key.length != cipher.keyBytes() || iv.length != IV_BYTES) {
                throw new IllegalArgumentException("keys of the wrong length for " + cipher);
            }
            this.cipher = Objects.requireNonNull(cipher);
            this.key = key;
            this.iv = iv;
        }

        public Cipher cipher() {
            return cipher;
        }

        /** The key itself, no copy. */
        public byte[] key() {
            return key;
        }

        /** The nonce itself, no copy. */
        public byte[] iv() {
            return iv;
        }

        /** Overwrites the keys, which are of no use then. */
        public void wipe() {
            Arrays.fill(key, (byte) 0);
            Arrays.fill(iv, (byte) 0);
        }
    }

    /** Gives the socket to the kernel's TLS; it stays as it is until it has keys. Errors: ENOENT where the kernel has none. */
    public static void attach(int fd) throws ShimException {
        checked("setsockopt(TCP_ULP)", NativeLibrary.CALLS.culvert_tls_attach(fd));
    }

    /**
     * Has all that is written from now on protected.
     *
     * @param sequence how many records went before under these keys
     */
    public static void sendKeys(int fd, Keys keys, long sequence) throws ShimException {
        Scratch scratch = Scratch.current().keys(keys, sequence);
        checked("setsockopt(TLS_TX)", NativeLibrary.CALLS.culvert_tls_send_keys(fd, scratch.address()));
    }

    /** Has all that comes from now on taken for records; as {@link #sendKeys}. */
    public static void receiveKeys(int fd, Keys keys, long sequence) throws ShimException {
        Scratch scratch = Scratch.current().keys(keys, sequence);
        checked("setsockopt(TLS_RX)", NativeLibrary.CALLS.culvert_tls_receive_keys(fd, scratch.address()));
    }

    /** Sends one record of a type of its own; false when the socket takes nothing now. */
    public static boolean send(int fd, int type, byte[] octets) throws ShimException {
        Bounds.check("octets", octets.length, 1, Scratch.RECORD_BYTES);
        Scratch scratch = Scratch.current();
        scratch.record(octets);
        int sent = NativeLibrary.CALLS.culvert_tls_send(fd, type, scratch.recordAddress(), octets.length);
        if (sent == -Errno.EAGAIN.number()) {
            return false;
        }
        checked("sendmsg", sent);
        return true;
    }

    /**
     * Sends the buffer's remaining octets, at most {@value Scratch#RECORD_BYTES}, in a record that what is sent next completes.
     *
     * @return how many were taken
     */
    public static int sendAhead(int fd, ByteBuffer from) throws ShimException {
        int length = from.remaining();
        Bounds.check("octets", length, 1, Scratch.RECORD_BYTES);
        Scratch scratch = Scratch.current();
        scratch.record(from);
        int sent = NativeLibrary.CALLS.culvert_tls_send_ahead(fd, scratch.recordAddress(), length);
        if (sent == -Errno.EAGAIN.number()) {
            return 0;
        }
        from.position(from.position() + checked("sendmsg", sent));
        return sent;
    }

    /**
     * Receives the next octets, whatever type their record has.
     *
     * <p>Errors: EBADMSG for a record that does not decrypt, EKEYEXPIRED when new keys are to be told first.
     *
     * @param into up to {@value Scratch#RECORD_BYTES} octets of it are used
     * @return {@link #AGAIN}, {@link #END}, or what {@link #typeOf} and {@link #lengthOf} read
     */
    public static long receive(int fd, byte[] into) throws ShimException {
        Scratch scratch = Scratch.current();
        int capacity = Math.min(into.length, Scratch.RECORD_BYTES);
        long result = NativeLibrary.CALLS.culvert_tls_receive(fd, scratch.recordAddress(), capacity);
        if (result == -Errno.EAGAIN.number()) {
            return AGAIN;
        }
        if (result < 0) {
            throw new ShimException("recvmsg", (int) -result);
        }
        scratch.copyRecord(into, lengthOf(result));
        return result;
    }

    /** The record's content type: 21 for an alert, 22 for the handshake protocol, 23 for data. */
    public static int typeOf(long received) {
        return (int) (received >>> 32);
    }

    /** How many octets came. */
    public static int lengthOf(long received) {
        return (int) received;
    }

    /** How many octets are with TCP that the peer has not acknowledged. */
    public static int unsent(int fd) throws ShimException {
        return checked("ioctl(SIOCOUTQ)", NativeLibrary.CALLS.culvert_tls_unsent(fd));
    }

    /**
     * Tries a cipher on a connection of its own, by way of lo.
     *
     * @return whether keys can be changed while a connection lives
     */
    public static boolean probe(Cipher cipher) throws ShimException {
        return checked("kernel TLS", NativeLibrary.CALLS.culvert_tls_probe(cipher.number())) == 1;
    }

    private static int checked(String call, int result) throws ShimException {
        if (result < 0) {
            throw new ShimException(call, -result);
        }
        return result;
    }
}
