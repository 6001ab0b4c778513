package io.culvert.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.culvert.testkit.FdCensus;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class SharedFdTest {
    private static final int THREADS = 4;

    @Test
    void isClosedByExactlyOne_andNeverUsedAfter() throws Exception {
        FdCensus before = FdCensus.ofSelf();
        try (ExecutorService pool = Executors.newFixedThreadPool(THREADS)) {
            for (int round = 0; round < 500; round++) {
                Splice.Pipe pipe = Splice.pipe(4096);
                Fds.close(pipe.writeFd());
                SharedFd shared = new SharedFd(pipe.readFd());
                CountDownLatch start = new CountDownLatch(1);
                Callable<Integer> user = () -> useThenClose(shared, start);
                List<Future<Integer>> users = List.of(pool.submit(user), pool.submit(user), pool.submit(user));
                start.countDown();
                int closers = 0;
                for (Future<Integer> each : users) {
                    closers += each.get();
                }
                assertEquals(1, closers);
            }
        }
        assertEquals(Map.of(), FdCensus.ofSelf().since(before));
    }

    /** The descriptor is a pipe throughout; a stranger under the same number would be no descriptor, or a socket. */
    private static int useThenClose(SharedFd shared, CountDownLatch start) throws Exception {
        start.await();
        for (int i = 0; i < 20; i++) {
            int fd;
            try {
                fd = shared.acquire("test");
            } catch (ShimException closed) {
                assertTrue(closed.is(Errno.EBADF));
                return 0;
            }
            try {
                ShimException notSocket = assertFails(fd);
                assertTrue(notSocket.is(Errno.ENOTSOCK), notSocket.getMessage());
            } finally {
                shared.release();
            }
        }
        if (!shared.beginClose()) {
            return 0;
        }
        shared.release();
        return 1;
    }

    private static ShimException assertFails(int fd) {
        try {
            SocketFactory.connectError(fd);
        } catch (ShimException e) {
            return e;
        }
        throw new AssertionError("a socket took the number");
    }
}
