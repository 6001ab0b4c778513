package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.FdCensus;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PodNetnsTest {
    private static final Path OWN = Path.of("/proc/self/ns/net");

    @Test
    void knowsItsNamespaceAgain_byAnyHandle() throws ShimException {
        try (PodNetns current = PodNetns.current();
                PodNetns opened = PodNetns.open(OWN)) {
            assertTrue(current.sameNamespaceAs(opened));
            assertEquals(current.inode(), opened.inode());
            assertEquals(current.device(), opened.device());
            assertTrue(current.inode() > 0);
        }
    }

    @Test
    void refusesWhatIsNoNetworkNamespace() {
        FdCensus before = FdCensus.ofSelf();
        for (String path : new String[] {"/etc/passwd", "/proc/self/ns/mnt", "/tmp"}) {
            ShimException refused = assertThrows(ShimException.class, () -> PodNetns.open(Path.of(path)));
            assertTrue(refused.is(Errno.EINVAL), refused.getMessage());
        }
        assertTrue(assertThrows(ShimException.class, () -> PodNetns.open(Path.of("/run/netns/absent")))
                .is(Errno.ENOENT));
        assertEquals(Map.of(), FdCensus.ofSelf().since(before));
    }

    @Test
    void closesAnAdoptedDescriptor_thatItRefuses() throws ShimException {
        Splice.Pipe pipe = Splice.pipe(4096);
        ShimException refused = assertThrows(ShimException.class, () -> PodNetns.adopt(pipe.readFd()));
        assertTrue(refused.is(Errno.EINVAL), refused.getMessage());
        assertThrows(IllegalStateException.class, () -> Fds.close(pipe.readFd()));
        Fds.close(pipe.writeFd());
    }

    @Test
    void closesOnce() throws ShimException {
        FdCensus before = FdCensus.ofSelf();
        PodNetns handle = PodNetns.current();
        handle.close();
        handle.close();
        assertEquals(Map.of(), FdCensus.ofSelf().since(before));
        assertTrue(handle.toString().endsWith("closed"), handle.toString());
    }

    @Test
    void keepsItsDescriptor_untilTheLastUseEnds() throws ShimException {
        PodNetns handle = PodNetns.current();
        int fd = handle.acquire();
        handle.close();
        assertThrows(ShimException.class, handle::acquire);
        try (PodNetns reopened = PodNetns.current()) {
            assertFalse(reopened.fd() == fd, "the number was given away while in use");
        }
        handle.release();
        try (PodNetns reopened = PodNetns.current()) {
            assertEquals(fd, reopened.fd());
        }
    }
}
