package io.culvert.agent.hbone;

import io.culvert.agent.base.Loop;
import io.culvert.agent.relay.TlsSocket;
import io.culvert.shim.ShimException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Passes a connection's records from the library on to the kernel, once the handshake is over and both agree where it stands:
 * nothing of ours waits to be sent, and what was read ended with a record. Until then the library goes on, record by record.
 *
 * <p>When a record came meanwhile that had nothing to say to us, the library may have changed keys by it, and keeps the
 * connection.
 *
 * <p>Runs on: its transport's loop. Owns: the keys, until the records have them.
 *
 * <p>Source: RFC 8446, section 5.3.
 */
final class HandOver {
    private static final System.Logger LOG = System.getLogger(HandOver.class.getName());

    /** What became of it. */
    enum Outcome {
        /** The library has to go on for a while. */
        NOT_YET,
        /** It has to go on for good. */
        REFUSED,
        /** The kernel has the records of one direction only, so that nobody can go on. */
        BROKEN,
        /** The kernel goes on. */
        DONE
    }

    private final TlsSocket socket;
    private final LibraryRecords library;
    private final Supplier<@Nullable KernelKeys> source;
    private @Nullable KernelKeys keys;

    /** @param source the connection's keys, null when the kernel cannot have them; asked once, after the handshake */
    HandOver(TlsSocket socket, LibraryRecords library, Supplier<@Nullable KernelKeys> source) {
        this.socket = socket;
        this.library = library;
        this.source = source;
        library.recordByRecord(true);
    }

    /**
     * Does it, if it can be done now.
     *
     * @param sendingWaits whether something of ours waits to be sent
     */
    Outcome attempt(boolean sendingWaits) {
        if (library.sawSilentRecord()) {
            return refuse();
        }
        if (sendingWaits || !library.isBetweenRecords()) {
            return Outcome.NOT_YET;
        }
        keys = source.get();
        return keys == null ? refuse() : tell(keys);
    }

    private Outcome tell(KernelKeys told) {
        boolean begun = false;
        try {
            socket.attachTls();
            told.tellSending(socket, library.recordsWritten());
            begun = true;
            told.tellReceiving(socket, library.recordsRead());
            return Outcome.DONE;
        } catch (ShimException e) {
            LOG.log(
                    System.Logger.Level.DEBUG,
                    () -> "the kernel did not take over a tunnel's records: " + e.getMessage());
            told.wipe();
            return begun ? Outcome.BROKEN : refuse();
        }
    }

    private Outcome refuse() {
        library.recordByRecord(false);
        return Outcome.REFUSED;
    }

    /** The records that the kernel has, once it is done. */
    KernelRecords records(Loop loop, RecordLayer.Owner owner) {
        KernelKeys told = keys;
        if (told == null) {
            throw new IllegalStateException("the records have not been handed over");
        }
        library.release();
        return new KernelRecords(loop, socket, told, owner);
    }
}
