package io.culvert.agent.relay;

import io.culvert.shim.KernelTls;
import io.culvert.shim.ShimException;
import java.nio.ByteBuffer;

/**
 * A socket whose TLS records the kernel makes and reads, once it was told the keys: what is read and written is plaintext then,
 * also by way of a pipe, and {@link #read} may also answer {@link #CONTROL} and {@link #FORGED}.
 *
 * <p>Runs on: its loop.
 *
 * <p>Source: the kernel's Documentation/networking/tls.rst.
 */
public interface TlsSocket extends RelaySocket {
    /** What comes next is no data, and {@link #readControl} reads it. */
    int CONTROL = -5;
    /** What comes next is no record, or does not decrypt. */
    int FORGED = -6;

    /** So many bytes can be written ahead of others. */
    int AHEAD_BYTES_MAX = 512;

    /** Hands the socket to the kernel's TLS; nothing changes until it has keys. */
    void attachTls() throws ShimException;

    /**
     * Has all that is written from now on protected.
     *
     * @param sequence how many records went before under these keys
     */
    void sendKeys(KernelTls.Keys keys, long sequence) throws ShimException;

    /** Has all that comes from now on, as far as it is unread, taken for records; as {@link #sendKeys}. */
    void receiveKeys(KernelTls.Keys keys, long sequence) throws ShimException;

    /**
     * Reads once, whatever type the record has.
     *
     * @return what {@link KernelTls#typeOf} and {@link KernelTls#lengthOf} read, or as {@link #read}: 0 for nothing now, {@link
     *     #END}, {@link #BROKEN} or {@link #FORGED}
     */
    long readControl(byte[] into);

    /**
     * Writes one record.
     *
     * @return its length, 0 when it is not taken now, or {@link #BROKEN}
     */
    int writeControl(int type, byte[] octets);

    /**
     * Writes the buffer's remaining bytes, at most {@link #AHEAD_BYTES_MAX}, into a record that what is written next completes.
     *
     * @return as {@link #write(ByteBuffer)}
     */
    int writeAhead(ByteBuffer from);

    /** Whether the peer has acknowledged all that TCP was given: the kernel's TLS has nothing left either, or will soon. */
    boolean isAcknowledged();
}
