package io.culvert.agent.sim;

import io.culvert.agent.base.Pipe;

/** A pipe between simulated sockets. */
final class MemoryPipe extends Pipe {
    final ByteRing ring = new ByteRing();
    private boolean closed;

    @Override
    public int bytes() {
        return ring.size();
    }

    @Override
    protected void close() {
        if (closed) {
            throw new IllegalStateException("closed twice");
        }
        closed = true;
    }
}
